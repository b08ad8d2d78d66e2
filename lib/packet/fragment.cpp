#include "packet/fragment.hpp"

#include "net/headers.hpp"
#include "packet/reader.hpp"

namespace sluice::packet {
namespace {

std::uint16_t to_u16(std::size_t value) {
    return static_cast<std::uint16_t>(value);
}

Fragment read_ipv4(Reader frame, const Parsed& parsed) {
    Fragment out{};
    const auto* ip = frame.at<net::Ipv4Header>(parsed.l3_offset);
    if (ip == nullptr) return out;
    const unsigned fragment = ip->fragment.host();
    out.identification = ip->identification.raw();
    out.offset = to_u16((fragment & net::Ipv4Header::kOffsetMask) * 8u);
    out.data_offset = to_u16(parsed.l3_offset + ip->header_size());
    out.protocol = ip->protocol;
    out.more = (fragment & net::Ipv4Header::kMoreFragments) != 0;
    return out;
}

/// Walks to the fragment header: parse() has found that all before it is whole.
Fragment read_ipv6(Reader frame, const Parsed& parsed) {
    Fragment out{};
    std::size_t at = parsed.l3_offset;
    const auto* ip = frame.at<net::Ipv6Header>(at);
    if (ip == nullptr) return out;
    std::uint8_t next = ip->next_header;
    at += sizeof *ip;
    for (unsigned walked = 0; next != net::protocol::kFragment && walked < kMaxExtensionHeaders; ++walked) {
        const auto* extension = frame.at<net::Ipv6ExtensionHeader>(at);
        if (extension == nullptr) return out;
        at += next == net::protocol::kAuthentication ? (extension->length_units + std::size_t{2}) * 4
                                                     : (extension->length_units + std::size_t{1}) * 8;
        next = extension->next_header;
    }
    const auto* header = frame.at<net::Ipv6FragmentHeader>(at);
    if (header == nullptr) return out;
    const unsigned offset_flags = header->offset_flags.host();
    out.identification = header->identification.raw();
    out.offset = to_u16(offset_flags & 0xfff8u);
    out.data_offset = to_u16(at + sizeof *header);
    out.protocol = header->next_header;
    out.more = (offset_flags & 1) != 0;
    return out;
}

} // namespace

Fragment read_fragment(std::span<const std::byte> frame, const Parsed& parsed) {
    const Reader reader(frame);
    Fragment out = parsed.family == net::Family::ipv4 ? read_ipv4(reader, parsed) : read_ipv6(reader, parsed);
    const std::size_t end = std::size_t{parsed.l3_offset} + parsed.ip_length;
    out.length = end > out.data_offset ? to_u16(end - out.data_offset) : std::uint16_t{0};
    return out;
}

} // namespace sluice::packet
