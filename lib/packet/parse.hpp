// Bytes to a parsed packet, or the reason why not.
#pragma once

#include "packet/parsed.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace sluice::packet {

/// Parses an Ethernet frame: up to two VLAN tags (802.1Q, 802.1ad), ARP, IPv4 with options (RFC 791), IPv6 with a
/// bounded chain of extension headers (RFC 8200: hop-by-hop and destination options, routing, fragment, AH), TCP, UDP,
/// ICMP, ICMPv6, SCTP; GRE, ESP and others by protocol number alone. Lengths come from the IP header: bytes behind the
/// IP packet (Ethernet padding) are ignored.
///
/// A malformed frame keeps what its Ethernet header and tags said; all its other fields are zero.
///
/// Never reads outside `frame`, never fails otherwise than by Kind::malformed, allocates nothing, does not throw.
/// Of checksums, only the IPv4 header's is looked at. What is well-formed but odd is told by Parsed::oddities.
void parse(std::span<const std::byte> frame, Parsed& out);

/// A clause for people, such as "the UDP length disagrees with the IP length".
std::string_view text(Malformed reason);
/// The enumerator's name, such as "udp_length".
std::string_view name(Malformed reason);

/// Whether an ICMP or ICMPv6 type is a query that an answer belongs to (echo, timestamp, …), or such an answer.
bool is_icmp_query(net::Family family, std::uint8_t type);
bool is_icmp_answer(net::Family family, std::uint8_t type);
/// The type that answers query `type`; the query that answer `type` belongs to. `type` itself when there is none.
std::uint8_t icmp_counterpart(net::Family family, std::uint8_t type);

} // namespace sluice::packet
