// CRC-32C (Castagnoli), as SCTP uses it (RFC 9260, appendix A).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::net {

constexpr std::uint32_t crc32c_begin() {
    return 0xffffffff;
}
/// Goes on over `bytes`.
std::uint32_t crc32c_add(std::span<const std::byte> bytes, std::uint32_t crc);
/// The value for the packet, as its bytes lie there.
constexpr std::uint32_t crc32c_finish(std::uint32_t crc) {
    return ~crc;
}

} // namespace sluice::net
