// The cache line of the processors Sluice is built for. std::hardware_destructive_interference_size is not used:
// its value may differ between compilers and options, and layouts here are asserted.
#pragma once

#include <cstddef>

namespace sluice::base {

inline constexpr std::size_t kCacheLine = 64;

/// Asks the processor to bring the line that holds `address` near, for a read or a write that follows soon.
inline void prefetch(const void* address) {
    __builtin_prefetch(address, 1, 3);
}

} // namespace sluice::base
