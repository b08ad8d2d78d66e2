// The Internet checksum (RFC 1071) and what TCP, UDP and ICMPv6 add to it.
#pragma once

#include "net/protocol.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::net {

/// One's-complement sum of `bytes` as 16-bit words in network order, added to `sum`, modulo 65,535. Pieces of even
/// length add up.
std::uint64_t checksum_add(std::span<const std::byte> bytes, std::uint64_t sum = 0);

/// Folds a sum into 16 bits and complements it: the value for a header field, in host order.
std::uint16_t checksum_finish(std::uint64_t sum);

/// The sum of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1). `source` and `destination` point to 4 or 16 bytes.
std::uint64_t pseudo_header_sum(Family family, const std::uint8_t* source, const std::uint8_t* destination,
                                std::uint8_t protocol, std::uint32_t length);

} // namespace sluice::net
