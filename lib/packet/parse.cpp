// One function a header, from the outside in. Each says by its return value what is wrong, `none` when nothing is, and
// fills its own fields of `out`. Where several things are wrong, the first one checked is the one reported.
#include "packet/parse.hpp"

#include "net/header_checksum.hpp"
#include "net/headers.hpp"
#include "packet/oddities.hpp"
#include "packet/reader.hpp"

#include <cstring>

namespace sluice::packet {
namespace {

using net::EtherType;
using net::Family;
namespace protocol = net::protocol;

constexpr std::size_t kMaxDatagram = 65535; // RFC 791, 3.1

std::uint16_t to_u16(std::size_t value) {
    return static_cast<std::uint16_t>(value);
}

std::size_t packet_end(const Parsed& out) {
    return std::size_t{out.l3_offset} + out.ip_length;
}

/// RFC 9293, 3.1.
Malformed read_tcp(Reader packet, Parsed& out) {
    const auto* tcp = packet.at<net::TcpHeader>(out.l4_offset);
    if (tcp == nullptr) [[unlikely]]
        return Malformed::truncated_l4;
    const std::size_t size = tcp->header_size();
    if (size < sizeof *tcp || size > packet.size() - out.l4_offset) [[unlikely]]
        return Malformed::tcp_header_length;
    out.source_port = tcp->source_port;
    out.destination_port = tcp->destination_port;
    out.tcp_flags = tcp->flags;
    return Malformed::none;
}

/// RFC 768. Length 0 means a jumbogram over IPv6 (RFC 2675, 4), which is refused like any other below 8.
Malformed read_udp(Reader packet, Parsed& out) {
    const auto* udp = packet.at<net::UdpHeader>(out.l4_offset);
    if (udp == nullptr) [[unlikely]]
        return Malformed::truncated_l4;
    const std::size_t length = udp->length.host();
    const std::size_t held = packet.size() - out.l4_offset;
    // The length is the whole datagram's, of which a first fragment holds only the beginning.
    const bool beyond = length > held && out.fragment == FragmentState::whole;
    if (length < sizeof *udp || beyond) [[unlikely]]
        return Malformed::udp_length;
    out.source_port = udp->source_port;
    out.destination_port = udp->destination_port;
    return Malformed::none;
}

/// RFC 792, RFC 4443.
Malformed read_icmp(Reader packet, Parsed& out) {
    const auto* icmp = packet.at<net::IcmpHeader>(out.l4_offset);
    if (icmp == nullptr) [[unlikely]]
        return Malformed::truncated_l4;
    out.icmp_type = icmp->type;
    out.icmp_code = icmp->code;
    if (is_icmp_query(out.family, icmp->type) || is_icmp_answer(out.family, icmp->type)) {
        out.source_port = icmp->identifier;
        out.destination_port = icmp->identifier;
    }
    return Malformed::none;
}

/// RFC 9260, 3.1.
Malformed read_sctp(Reader packet, Parsed& out) {
    const auto* sctp = packet.at<net::SctpHeader>(out.l4_offset);
    if (sctp == nullptr) [[unlikely]]
        return Malformed::truncated_l4;
    out.source_port = sctp->source_port;
    out.destination_port = sctp->destination_port;
    return Malformed::none;
}

/// The header at l4_offset, for the protocols that have one worth reading.
Malformed read_transport(Reader packet, Parsed& out) {
    switch (out.protocol) {
    case protocol::kTcp: return read_tcp(packet, out);
    case protocol::kUdp: return read_udp(packet, out);
    case protocol::kSctp: return read_sctp(packet, out);
    case protocol::kIcmp: return out.family == Family::ipv4 ? read_icmp(packet, out) : Malformed::none;
    case protocol::kIcmpv6: return out.family == Family::ipv6 ? read_icmp(packet, out) : Malformed::none;
    default: return Malformed::none;
    }
}

/// RFC 791, 3.2 and RFC 8200, 4.5. `data_offset` is where the fragment's data begins; `header_length` is how much of
/// the datagram's length stands before the data once it is whole again.
Malformed read_fragment(std::size_t fragment_offset, bool more, std::size_t data_offset, std::size_t header_length,
                        Parsed& out) {
    if (fragment_offset == 0 && !more) return Malformed::none; // an atomic fragment (RFC 6946)
    const std::size_t length = packet_end(out) - data_offset;
    if (length == 0 || (more && length % 8 != 0)) return Malformed::fragment_length;
    if (header_length + fragment_offset + length > kMaxDatagram) return Malformed::fragment_length;
    // RFC 3128, 3: offset 1 in units of 8 bytes; such a datagram's flags would come in its second fragment.
    if (out.protocol == protocol::kTcp && fragment_offset == 8) return Malformed::fragment_tiny;
    out.fragment = fragment_offset == 0 ? FragmentState::first : FragmentState::later;
    return Malformed::none;
}

/// RFC 791, 3.1 "Options": two kinds are one byte long, the others say how long they are.
Malformed read_ipv4_options(Reader packet, std::size_t offset, std::size_t end, Parsed& out) {
    constexpr std::uint8_t kEndOfOptions = 0;
    constexpr std::uint8_t kNoOperation = 1;
    constexpr std::uint8_t kLooseSourceRoute = 131;
    constexpr std::uint8_t kStrictSourceRoute = 137;
    const Reader options = packet.before(end);
    while (const auto* kind = options.at<std::uint8_t>(offset)) {
        if (*kind == kEndOfOptions) break;
        if (*kind == kNoOperation) {
            ++offset;
            continue;
        }
        const auto* size = options.at<std::uint8_t>(offset + 1);
        if (size == nullptr || *size < 2 || *size > end - offset) return Malformed::ipv4_options;
        const bool source_route = *kind == kLooseSourceRoute || *kind == kStrictSourceRoute;
        out.oddities |= source_route ? net::oddity::kSourceRoute : net::oddity::kIpv4Option;
        offset += *size;
    }
    return Malformed::none;
}

Malformed read_ipv4(Reader frame, Parsed& out) {
    const std::size_t offset = out.l3_offset;
    const auto* ip = frame.at<net::Ipv4Header>(offset);
    if (ip == nullptr) [[unlikely]]
        return Malformed::truncated_ip;
    if (ip->version() != 4) [[unlikely]]
        return Malformed::ip_version;
    const std::size_t header_size = ip->header_size();
    const std::size_t total_length = ip->total_length.host();
    if (header_size < sizeof *ip) [[unlikely]]
        return Malformed::ip_header_length;
    if (header_size > frame.size() - offset) [[unlikely]]
        return Malformed::truncated_ip;
    if (header_size > total_length) [[unlikely]]
        return Malformed::ip_header_length;
    if (total_length > frame.size() - offset) [[unlikely]]
        return Malformed::ip_total_length;

    out.family = Family::ipv4;
    out.protocol = ip->protocol;
    out.ttl = ip->ttl;
    out.ip_length = to_u16(total_length);
    out.l4_offset = to_u16(offset + header_size);
    std::memcpy(out.source, ip->source, sizeof ip->source);
    std::memcpy(out.destination, ip->destination, sizeof ip->destination);

    if (!net::header_checksum_is_right(ip, header_size)) [[unlikely]]
        out.oddities |= net::oddity::kHeaderChecksum;
    const Reader packet = frame.before(offset + total_length);
    if (header_size > sizeof *ip) [[unlikely]] {
        const Malformed reason = read_ipv4_options(packet, offset + sizeof *ip, out.l4_offset, out);
        if (reason != Malformed::none) return reason;
    }
    const unsigned fragment = ip->fragment.host();
    if ((fragment & (net::Ipv4Header::kMoreFragments | net::Ipv4Header::kOffsetMask)) != 0) [[unlikely]] {
        const Malformed reason =
            read_fragment((fragment & net::Ipv4Header::kOffsetMask) * std::size_t{8},
                          (fragment & net::Ipv4Header::kMoreFragments) != 0, out.l4_offset, header_size, out);
        if (reason != Malformed::none || out.fragment == FragmentState::later) return reason;
    }
    return read_transport(packet, out);
}

/// Those that are walked. Mobility (135), HIP (139) and Shim6 (140) have the shape of extension headers, but what
/// follows them is nothing that a host of today takes for its transport: they are protocols of their own here, so that
/// no rule for TCP or UDP is ever asked about what stands behind one.
bool is_extension_header(std::uint8_t number) {
    switch (number) {
    case protocol::kHopByHop:
    case protocol::kRouting:
    case protocol::kFragment:
    case protocol::kAuthentication:
    case protocol::kDestinationOptions: return true;
    default: return false;
    }
}

/// RFC 8200, 4.5. What came before the fragment header stays outside the fragmented part.
Malformed read_ipv6_fragment_header(Reader packet, Parsed& out) {
    const auto* header = packet.at<net::Ipv6FragmentHeader>(out.l4_offset);
    if (header == nullptr) return Malformed::extension_truncated;
    const std::size_t unfragmentable = out.l4_offset - out.l3_offset - sizeof(net::Ipv6Header);
    out.protocol = header->next_header;
    out.l4_offset = to_u16(out.l4_offset + sizeof *header);
    const unsigned offset_flags = header->offset_flags.host();
    return read_fragment(offset_flags & 0xfff8u, (offset_flags & 1) != 0, out.l4_offset, unfragmentable, out);
}

/// RFC 8200, 4.2. Pad1 is one byte long; the others say how long their data is.
Malformed check_ipv6_options(Reader packet, std::size_t offset, std::size_t end) {
    constexpr std::uint8_t kPad1 = 0;
    constexpr std::size_t kOptionHeader = 2;
    const Reader options = packet.before(end);
    for (unsigned count = 0; const auto* kind = options.at<std::uint8_t>(offset); ++count) {
        if (count == kMaxExtensionOptions) return Malformed::extension_options;
        if (*kind == kPad1) {
            ++offset;
            continue;
        }
        const auto* length = options.at<std::uint8_t>(offset + 1);
        if (length == nullptr || *length > end - offset - kOptionHeader) return Malformed::extension_options;
        offset += kOptionHeader + *length;
    }
    return Malformed::none;
}

/// RFC 5095: type 0 lets a sender send a packet to and fro between two hosts, and says the destination only at its end.
bool is_routing_header_0(Reader packet, std::size_t offset) {
    const auto* type = packet.at<std::uint8_t>(offset + 2);
    const auto* segments_left = packet.at<std::uint8_t>(offset + 3);
    return type != nullptr && *type == 0 && segments_left != nullptr && *segments_left > 0;
}

/// Any other extension header: they all begin with the next one's number and their own length.
Malformed read_extension_header(Reader packet, Parsed& out) {
    const auto* header = packet.at<net::Ipv6ExtensionHeader>(out.l4_offset);
    if (header == nullptr) return Malformed::extension_truncated;
    const std::size_t size = out.protocol == protocol::kAuthentication
                                 ? (header->length_units + std::size_t{2}) * 4  // RFC 4302, 2.2
                                 : (header->length_units + std::size_t{1}) * 8; // RFC 8200, 4.3 and its kin
    if (size > packet.size() - out.l4_offset) return Malformed::extension_truncated;
    if (out.protocol == protocol::kHopByHop || out.protocol == protocol::kDestinationOptions) {
        const Malformed reason =
            check_ipv6_options(packet, out.l4_offset + sizeof *header, std::size_t{out.l4_offset} + size);
        if (reason != Malformed::none) return reason;
    } else if (out.protocol == protocol::kRouting && is_routing_header_0(packet, out.l4_offset)) {
        out.oddities |= net::oddity::kRoutingHeader0;
    }
    out.protocol = header->next_header;
    out.l4_offset = to_u16(out.l4_offset + size);
    return Malformed::none;
}

/// Walks to the transport header, or to the data of a later fragment, whose protocol is the first of the fragmented
/// part and may itself be an extension header. A first fragment must hold the whole chain (RFC 7112).
Malformed walk_extension_headers(Reader packet, Parsed& out) {
    bool fragment_header_seen = false;
    while (is_extension_header(out.protocol)) {
        const bool is_fragment_header = out.protocol == protocol::kFragment;
        if (out.protocol == protocol::kHopByHop && out.extension_headers > 0) return Malformed::extension_order;
        if (is_fragment_header && fragment_header_seen) return Malformed::fragment_nested;
        if (out.fragment == FragmentState::later) return Malformed::none;
        if (out.extension_headers == kMaxExtensionHeaders) return Malformed::extension_chain_long;
        const Malformed reason =
            is_fragment_header ? read_ipv6_fragment_header(packet, out) : read_extension_header(packet, out);
        if (reason != Malformed::none) return reason;
        fragment_header_seen |= is_fragment_header;
        ++out.extension_headers;
    }
    return Malformed::none;
}

/// RFC 8200, 3.
Malformed read_ipv6(Reader frame, Parsed& out) {
    const std::size_t offset = out.l3_offset;
    const auto* ip = frame.at<net::Ipv6Header>(offset);
    if (ip == nullptr) [[unlikely]]
        return Malformed::truncated_ip;
    if (ip->version() != 6) [[unlikely]]
        return Malformed::ip_version;
    const std::size_t payload_length = ip->payload_length.host();
    const std::size_t ip_length = sizeof *ip + payload_length;
    // A jumbogram (RFC 2675, 3) has its length in a hop-by-hop option and zero here; no link here carries one.
    const bool jumbogram = payload_length == 0 && ip->next_header == protocol::kHopByHop;
    const bool beyond = ip_length > frame.size() - offset || ip_length > kMaxDatagram;
    if (jumbogram || beyond) [[unlikely]]
        return Malformed::ip_total_length;

    out.family = Family::ipv6;
    out.protocol = ip->next_header;
    out.ttl = ip->hop_limit;
    out.ip_length = to_u16(ip_length);
    out.l4_offset = to_u16(offset + sizeof *ip);
    std::memcpy(out.source, ip->source, sizeof ip->source);
    std::memcpy(out.destination, ip->destination, sizeof ip->destination);

    const Reader packet = frame.before(offset + ip_length);
    if (is_extension_header(out.protocol)) [[unlikely]] {
        const Malformed reason = walk_extension_headers(packet, out);
        if (reason != Malformed::none || out.fragment == FragmentState::later) return reason;
    }
    return read_transport(packet, out);
}

bool is_vlan(std::uint16_t ether_type) {
    return ether_type == static_cast<std::uint16_t>(EtherType::vlan) ||
           ether_type == static_cast<std::uint16_t>(EtherType::qinq);
}

/// IEEE 802.1Q, 802.1ad. Moves `offset` and `ether_type` behind the tags.
Malformed read_vlan_tags(Reader frame, std::size_t& offset, std::uint16_t& ether_type, Parsed& out) {
    const bool outer_is_customers = ether_type == static_cast<std::uint16_t>(EtherType::vlan);
    constexpr std::uint16_t kPresent = 0x1000;
    constexpr std::uint16_t kReserved = 0x0fff;
    std::uint16_t* const fields[kMaxVlanTags] = {&out.outer_vlan, &out.inner_vlan};
    for (std::uint16_t* field : fields) {
        const auto* tag = frame.at<net::VlanTag>(offset);
        if (tag == nullptr) return Malformed::truncated_ethernet;
        *field = tag->vlan_id() | kPresent;
        if (tag->vlan_id() == kReserved) return Malformed::vlan_id_reserved;
        ether_type = tag->ether_type.host();
        offset += sizeof *tag;
        if (!is_vlan(ether_type)) {
            if (field != fields[0] && outer_is_customers) out.oddities |= net::oddity::kStackedVlan;
            return Malformed::none;
        }
    }
    return Malformed::too_many_vlan_tags;
}

/// IEEE 802.3. A type below 0x600 is a length, and the frame none of ours.
Malformed read_ethernet(Reader frame, Parsed& out) {
    const auto* ethernet = frame.at<net::EthernetHeader>(0);
    if (ethernet == nullptr) [[unlikely]]
        return Malformed::truncated_ethernet;
    std::uint16_t ether_type = ethernet->ether_type.host();
    std::size_t offset = sizeof *ethernet;
    if (is_vlan(ether_type)) [[unlikely]] {
        const Malformed reason = read_vlan_tags(frame, offset, ether_type, out);
        if (reason != Malformed::none) return reason;
    }
    out.ether_type = ether_type;
    out.l3_offset = to_u16(offset);
    switch (static_cast<EtherType>(ether_type)) {
    case EtherType::ipv4: out.kind = Kind::ip; return read_ipv4(frame, out);
    case EtherType::ipv6: out.kind = Kind::ip; return read_ipv6(frame, out);
    case EtherType::arp: out.kind = Kind::arp; return Malformed::none;
    default: out.kind = Kind::other; return Malformed::none;
    }
}

/// Of a malformed frame nothing is kept but what the Ethernet header and its tags said: no later stage may take half a
/// packet for one.
void reject(Malformed reason, Parsed& out) {
    const Parsed read = out;
    out = Parsed{};
    out.kind = Kind::malformed;
    out.malformed = reason;
    out.outer_vlan = read.outer_vlan;
    out.inner_vlan = read.inner_vlan;
    out.ether_type = read.ether_type;
    out.l3_offset = read.l3_offset;
}

} // namespace

void parse(std::span<const std::byte> frame, Parsed& out) {
    out = Parsed{};
    const Malformed reason = read_ethernet(Reader(frame), out);
    if (reason != Malformed::none) [[unlikely]]
        reject(reason, out);
    else if (out.kind == Kind::ip) [[likely]]
        out.oddities |= oddities_of_header(out);
}

} // namespace sluice::packet
