#include "net/crc32c.hpp"

#include <array>
#include <cstring>

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace sluice::net {

#ifdef __SSE4_2__

std::uint32_t crc32c_add(std::span<const std::byte> bytes, std::uint32_t crc) {
    std::uint64_t wide = crc;
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    for (; i < bytes.size(); ++i) {
        narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(bytes[i]));
    }
    return narrow;
}

#else

namespace {

constexpr std::array<std::uint32_t, 256> kTable = [] {
    constexpr std::uint32_t kReflectedPolynomial = 0x82f63b78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (unsigned bit = 0; bit < 8; ++bit)
            crc = (crc & 1) ? crc >> 1 ^ kReflectedPolynomial : crc >> 1;
        table[byte] = crc;
    }
    return table;
}();

} // namespace

std::uint32_t crc32c_add(std::span<const std::byte> bytes, std::uint32_t crc) {
    for (const std::byte byte : bytes) {
        crc = kTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xff] ^ crc >> 8;
    }
    return crc;
}

#endif

} // namespace sluice::net
