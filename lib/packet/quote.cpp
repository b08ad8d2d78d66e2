#include "packet/quote.hpp"

#include "net/headers.hpp"
#include "packet/parse.hpp"
#include "packet/reader.hpp"

#include <cstring>

namespace sluice::packet {
namespace {

using net::Family;
namespace protocol = net::protocol;

constexpr std::size_t kQuotedTransport = 8; // RFC 792: "64 bits of data"
/// More than parse() walks: what is quoted here passed this wire, or will be found to belong to no flow.
constexpr unsigned kMostExtensionHeaders = 32;

std::uint16_t to_u16(std::size_t value) {
    return static_cast<std::uint16_t>(value);
}

bool read_ipv4(Reader quote, Parsed& out) {
    const auto* ip = quote.at<net::Ipv4Header>(out.l3_offset);
    if (ip == nullptr || ip->version() != 4 || ip->header_size() < sizeof *ip) return false;
    if ((ip->fragment.host() & net::Ipv4Header::kOffsetMask) != 0) return false;
    out.protocol = ip->protocol;
    out.ttl = ip->ttl;
    out.l4_offset = to_u16(out.l3_offset + ip->header_size());
    std::memcpy(out.source, ip->source, sizeof ip->source);
    std::memcpy(out.destination, ip->destination, sizeof ip->destination);
    return true;
}

/// The size of the extension header at l4_offset, 0 for a protocol that is none.
std::size_t extension_size(Reader quote, const Parsed& out, bool& later_fragment) {
    const auto* header = quote.at<net::Ipv6ExtensionHeader>(out.l4_offset);
    switch (out.protocol) {
    case protocol::kHopByHop:
    case protocol::kRouting:
    case protocol::kDestinationOptions:
        return header == nullptr ? 0 : (header->length_units + std::size_t{1}) * 8; // RFC 8200, 4.3
    case protocol::kAuthentication:
        return header == nullptr ? 0 : (header->length_units + std::size_t{2}) * 4; // RFC 4302, 2.2
    case protocol::kFragment: {
        const auto* fragment = quote.at<net::Ipv6FragmentHeader>(out.l4_offset);
        if (fragment == nullptr) return 0;
        later_fragment |= (fragment->offset_flags.host() & 0xfff8u) != 0;
        return sizeof *fragment;
    }
    default: return 0;
    }
}

bool read_ipv6(Reader quote, Parsed& out) {
    const auto* ip = quote.at<net::Ipv6Header>(out.l3_offset);
    if (ip == nullptr || ip->version() != 6) return false;
    out.protocol = ip->next_header;
    out.ttl = ip->hop_limit;
    out.l4_offset = to_u16(out.l3_offset + sizeof *ip);
    std::memcpy(out.source, ip->source, sizeof ip->source);
    std::memcpy(out.destination, ip->destination, sizeof ip->destination);
    for (unsigned walked = 0; walked <= kMostExtensionHeaders; ++walked) {
        bool later_fragment = false;
        const std::size_t size = extension_size(quote, out, later_fragment);
        if (later_fragment) return false;
        if (size == 0) return true;
        if (size > quote.size() - out.l4_offset) return false;
        out.protocol = quote.at<net::Ipv6ExtensionHeader>(out.l4_offset)->next_header;
        out.l4_offset = to_u16(out.l4_offset + size);
        ++out.extension_headers;
    }
    return false;
}

/// What the first eight bytes of a transport header say.
bool read_transport(Reader quote, Parsed& out) {
    if (quote.size() < kQuotedTransport + out.l4_offset) return false;
    switch (out.protocol) {
    case protocol::kTcp:
    case protocol::kUdp:
    case protocol::kSctp: {
        const auto* ports = quote.at<net::UdpHeader>(out.l4_offset);
        out.source_port = ports->source_port;
        out.destination_port = ports->destination_port;
        return true;
    }
    case protocol::kIcmp:
    case protocol::kIcmpv6: {
        if ((out.protocol == protocol::kIcmp) != (out.family == Family::ipv4)) return true;
        const auto* icmp = quote.at<net::IcmpHeader>(out.l4_offset);
        out.icmp_type = icmp->type;
        out.icmp_code = icmp->code;
        out.source_port = icmp->identifier;
        out.destination_port = icmp->identifier;
        return is_icmp_query(out.family, icmp->type) || is_icmp_answer(out.family, icmp->type);
    }
    default: return true;
    }
}

} // namespace

bool is_icmp_error(Family family, std::uint8_t type) {
    if (family == Family::ipv6)
        return type >= net::icmpv6::kDestinationUnreachable && type <= net::icmpv6::kParameterProblem;
    return type == net::icmp::kDestinationUnreachable || type == net::icmp::kTimeExceeded ||
           type == net::icmp::kParameterProblem;
}

bool read_quote(std::span<const std::byte> frame, const Parsed& error, Parsed& out) {
    out = Parsed{};
    const std::size_t end = std::size_t{error.l3_offset} + error.ip_length;
    const std::size_t start = error.l4_offset + sizeof(net::IcmpHeader);
    if (end > frame.size() || start > end) return false;
    const Reader quote = Reader(frame).before(end);
    out.kind = Kind::ip;
    out.family = error.family;
    out.l3_offset = to_u16(start);
    out.ip_length = to_u16(end - start);
    const bool read = out.family == Family::ipv4 ? read_ipv4(quote, out) : read_ipv6(quote, out);
    return read && out.l4_offset <= end && read_transport(quote, out);
}

} // namespace sluice::packet
