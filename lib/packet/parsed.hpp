// What parsing found in one frame: all that policy and tracking need, so that no later stage touches the headers
// again unless it rewrites them.
#pragma once

#include "net/byte_order.hpp"
#include "net/protocol.hpp"

#include <cstdint>

namespace sluice::packet {

/// What kind of frame it is, as far as the pipeline cares.
enum class Kind : std::uint8_t {
    malformed, ///< see Parsed::malformed
    ip,        ///< IPv4 or IPv6: family, addresses, protocol and the rest are filled
    arp,
    other, ///< another EtherType: ether_type tells which
};

/// RFC 791, 3.2 and RFC 8200, 4.5.
enum class FragmentState : std::uint8_t {
    whole, ///< not a fragment; an atomic fragment (RFC 6946) counts as whole
    first, ///< offset 0, more follow: carries the transport header
    later, ///< offset > 0: no transport header, ports are zero
};

/// Why a frame could not be parsed. Exclusive; the first one found wins.
enum class Malformed : std::uint8_t {
    none,
    truncated_ethernet,   ///< fewer than 14 bytes, or cut inside a VLAN tag
    too_many_vlan_tags,   ///< more than two
    vlan_id_reserved,     ///< 4095, which no frame may carry (IEEE 802.1Q, 9.6)
    truncated_ip,         ///< the frame ends before the IP header does
    ip_version,           ///< the version field disagrees with the EtherType
    ip_header_length,     ///< IHL below 5, or beyond the total length
    ip_total_length,      ///< the IP length says more than the frame holds, or less than its headers; jumbograms
    ipv4_options,         ///< an option runs over the end of the header
    extension_truncated,  ///< an extension header runs over the end of the packet
    extension_chain_long, ///< more than kMaxExtensionHeaders
    extension_order,      ///< hop-by-hop options anywhere but first (RFC 8200, 4.1)
    extension_options,    ///< an option runs over the end of its header, or one has more than kMaxExtensionOptions
    fragment_length,      ///< empty; not last, and its length is not a multiple of 8; or its end is beyond 65,535
    fragment_tiny,        ///< TCP at offset 8: the first one cannot hold the flags (RFC 1858, RFC 3128)
    fragment_nested,      ///< more than one fragment header (CVE-2023-4809)
    truncated_l4,         ///< the packet ends inside its transport header
    tcp_header_length,    ///< data offset below 5, or beyond the segment
    udp_length,           ///< UDP length below 8 or beyond the IP payload
};

inline constexpr unsigned kMaxExtensionHeaders = 8;
/// Padding counts. No packet needs so many (RFC 8504, 5.3, speaks of 8), and looking through a header full of one-byte
/// padding takes as long as many packets do.
inline constexpr unsigned kMaxExtensionOptions = 64;
inline constexpr unsigned kMaxVlanTags = 2;

/// One parsed frame. Plain data, 64 bytes, filled by packet::parse(). Offsets count from the first byte of the frame.
/// Fields that do not apply to the kind are zero.
struct Parsed {
    std::uint8_t source[16]; ///< IPv4: the first four bytes, the others zero
    std::uint8_t destination[16];
    net::Be16 source_port; ///< TCP, UDP, SCTP; ICMP queries: the identifier in both ports; others zero
    net::Be16 destination_port;
    std::uint16_t outer_vlan; ///< VLAN id + 0x1000 when a tag is present, so that priority tag 0 differs from none
    std::uint16_t inner_vlan;
    std::uint8_t protocol; ///< of the transport header, behind extension headers
    net::Family family;
    Kind kind;
    Malformed malformed;
    FragmentState fragment;
    std::uint8_t tcp_flags;
    std::uint8_t icmp_type;
    std::uint8_t icmp_code;
    std::uint16_t ether_type; ///< behind all tags, host order
    std::uint16_t l3_offset;
    std::uint16_t l4_offset;
    std::uint16_t ip_length; ///< bytes from l3_offset to the end of the IP packet: from the IP header, not the frame
    std::uint8_t ttl;        ///< IPv4 TTL or IPv6 hop limit
    std::uint8_t extension_headers; ///< how many IPv6 extension headers were walked
    std::uint16_t oddities;         ///< net::oddity bits
    std::uint16_t reserved[2];
};
static_assert(sizeof(Parsed) == 64);

} // namespace sluice::packet
