// The cache line of the processors Sluice is built for. std::hardware_destructive_interference_size is not used:
// its value may differ between compilers and options, and layouts here are asserted.
#pragma once

#include <cstddef>

namespace sluice::base {

inline constexpr std::size_t kCacheLine = 64;

// Inlined by force: where it is not, g++ 12 finds a prefetch without effect and leaves out the call.

/// Asks the processor to bring the line that holds `address` near, for a read or a write that follows soon.
/// For what will be read only: the line may stay in other caches, and in this one unchanged.
[[gnu::always_inline]] inline void prefetch_to_read(const void* address) {
    __builtin_prefetch(address, 0, 3);
}

/// For what will be written.
[[gnu::always_inline]] inline void prefetch(const void* address) {
    __builtin_prefetch(address, 1, 3);
}

} // namespace sluice::base
