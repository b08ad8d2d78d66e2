#include "pipeline/ownership.hpp"

#include <bit>
#include <cstring>

namespace sluice::pipeline {
namespace {

// Bit `bit` (0 is the first on the wire) of a 16-bit word selects the 32 key bits that begin there.
std::uint32_t key_window(unsigned bit) {
    constexpr std::uint32_t kRepeated = static_cast<std::uint32_t>(kSymmetricKeyWord) << 16 | kSymmetricKeyWord;
    return std::rotl(kRepeated, static_cast<int>(bit));
}

std::uint16_t fold(const std::uint8_t* bytes, std::size_t size) {
    std::uint64_t words = 0;
    for (std::size_t at = 0; at < size; at += 4) {
        std::uint32_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        words ^= word;
    }
    return static_cast<std::uint16_t>(words ^ (words >> 16));
}

} // namespace

SymmetricToeplitz::SymmetricToeplitz() {
    for (unsigned upper = 0; upper < 2; ++upper) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            std::uint32_t hash = 0;
            for (unsigned bit = 0; bit < 8; ++bit) {
                if (byte & (0x80u >> bit)) hash ^= key_window(upper == 0 ? bit : bit + 8);
            }
            table_[upper][byte] = hash;
        }
    }
}

std::uint32_t SymmetricToeplitz::operator()(const flow::Key& key, bool with_ports) const {
    const std::size_t width = key.family == net::Family::ipv4 ? 4 : 16;
    std::uint16_t word = static_cast<std::uint16_t>(fold(key.address[0], width) ^ fold(key.address[1], width));
    if (with_ports) word = static_cast<std::uint16_t>(word ^ key.port[0] ^ key.port[1]);
    // `word` lies in memory as on the wire: its first byte is the low one here.
    return table_[0][word & 0xff] ^ table_[1][word >> 8];
}

} // namespace sluice::pipeline
