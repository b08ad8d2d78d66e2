// What a well-formed IP packet may have that a firewall looks at twice: a bit each, so that the data path compares them
// all with what the policy refuses at once.
#pragma once

#include <cstdint>

namespace sluice::net::oddity {

/// A source address that no host sends from: RFC 1122, 3.2.1.3; RFC 6890; RFC 4291, 2.5.3, 2.7; see packet/oddities.hpp
/// for the ones that may.
inline constexpr std::uint16_t kMartianSource = 0x01;
inline constexpr std::uint16_t kSourceRoute = 0x02;    ///< IPv4 options LSRR or SSRR (RFC 7126, 4.3 and 4.4)
inline constexpr std::uint16_t kIpv4Option = 0x04;     ///< any other IPv4 option but padding
inline constexpr std::uint16_t kRoutingHeader0 = 0x08; ///< IPv6 routing type 0 with segments left (RFC 5095)
inline constexpr std::uint16_t kTtlZero = 0x10;        ///< TTL or hop limit (RFC 1812, 5.3.1; RFC 8200, 3)
inline constexpr std::uint16_t kHeaderChecksum = 0x20; ///< the IPv4 header's is wrong (RFC 1122, 3.2.1.2)
inline constexpr std::uint16_t kStackedVlan = 0x40;    ///< a tag behind one of 802.1Q: 802.1ad stacks behind its own

} // namespace sluice::net::oddity
