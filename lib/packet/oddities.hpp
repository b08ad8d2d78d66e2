// What a well-formed IP packet has that no wire should carry, as bits of net/oddity.hpp. Options and routing headers
// are noticed where they are walked; this is what the fixed header says.
#pragma once

#include "net/oddity.hpp"
#include "packet/parsed.hpp"

namespace sluice::packet {

/// Whether a source address whose first byte is 0, 127 or of multicast really is one that no host sends from:
/// 0.0.0.0/8, 127.0.0.0/8, multicast, 240.0.0.0/4 and broadcast (RFC 1122, 3.2.1.3; RFC 6890), ::, ::1, multicast and
/// IPv4-mapped (RFC 4291, 2.5.2, 2.5.3, 2.5.5.2 and 2.7). A host that has no address yet may ask for one (DHCP, RFC
/// 2131, 4.1) and say which groups it listens to (IGMP: RFC 3376, 4.2.13; MLD: RFC 3590); so the unspecified address is
/// none when it sends that. Neighbour discovery (RFC 4862, 5.4) is ICMPv6 to a link's multicast addresses like MLD.
bool is_martian_source(const Parsed& parsed);

/// The bits that every packet is asked for; two compares for an ordinary one. Wants the transport header parsed.
inline std::uint16_t oddities_of_header(const Parsed& parsed) {
    const std::uint8_t first = parsed.source[0];
    const std::uint8_t lowest_multicast = parsed.family == net::Family::ipv4 ? 0xe0 : 0xff;
    std::uint16_t oddities = 0;
    if (parsed.ttl == 0) [[unlikely]]
        oddities |= net::oddity::kTtlZero;
    if (first == 0 || first == 127 || first >= lowest_multicast) [[unlikely]] {
        if (is_martian_source(parsed)) oddities |= net::oddity::kMartianSource;
    }
    return oddities;
}

} // namespace sluice::packet
