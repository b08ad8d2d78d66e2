// Random numbers in a few instructions, the same on every machine for the same seed.
#pragma once

#include <cstdint>

namespace sluice::traffic {

/// SplitMix64's mixing: every bit of the result depends on every bit of `value` (Steele, Lea and Flood 2014).
constexpr uint64_t mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

class Random {
  public:
    explicit Random(uint64_t seed)
        : state_(seed) {}

    uint64_t next() { return mix(state_++ * 0x9e3779b97f4a7c15u); }
    /// 0 to `count` - 1, `count` below 2^32.
    uint32_t below(uint32_t count) { return static_cast<uint32_t>((next() >> 32) * count >> 32); }

  private:
    uint64_t state_;
};

} // namespace sluice::traffic
