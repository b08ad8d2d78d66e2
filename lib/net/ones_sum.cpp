#include "net/ones_sum.hpp"

namespace sluice::net {

// Sums of their own, so that the compiler can add many words at once.
void OnesSum::add_blocks(const char* at, std::size_t count) {
    constexpr std::size_t kSums = kBlock / sizeof(std::uint32_t);
    std::uint64_t sums[kSums] = {};
    for (; count != 0; --count, at += kBlock) {
        for (std::size_t i = 0; i < kSums; ++i) {
            std::uint32_t word;
            std::memcpy(&word, at + i * sizeof word, sizeof word);
            sums[i] += word;
        }
    }
    for (const std::uint64_t sum : sums) {
        sum_ += sum;
    }
}

} // namespace sluice::net
