// The one source of chance: the same numbers on every machine, with every compiler and build type, which the standard's
// distributions do not promise.
#pragma once

#include <cstdint>

namespace sluice::simulation {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
class Random {
  public:
    explicit Random(std::uint64_t seed) {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15;
            std::uint64_t mixed = seed;
            mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
            word = mixed ^ (mixed >> 31);
        }
    }

    std::uint64_t next() {
        const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = rotated(state_[3], 45);
        return result;
    }

    /// 0 to `limit` - 1.
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(((next() >> 32) * limit) >> 32); }
    std::uint32_t between(std::uint32_t first, std::uint32_t last) { return first + below(last - first + 1); }
    bool percent(unsigned chance) { return below(100) < chance; }
    bool one_in(std::uint32_t times) { return below(times) == 0; }
    std::uint32_t word() { return static_cast<std::uint32_t>(next() >> 32); }
    std::uint16_t half() { return static_cast<std::uint16_t>(next() >> 48); }
    std::uint8_t byte() { return static_cast<std::uint8_t>(next() >> 56); }

  private:
    static std::uint64_t rotated(std::uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

    std::uint64_t state_[4];
};

} // namespace sluice::simulation
