// The processor's cycle counter and the monotonic clock, in the units this project uses.
#pragma once

#include "base/ticks.hpp"

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace sluice::base {

/// Cycles of a counter that runs at a constant rate: the TSC on x86-64, nanoseconds elsewhere.
inline std::uint64_t cycles() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

/// The monotonic clock in ticks. Answered from the vDSO, without a system call.
inline Tick monotonic_ticks() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<Tick>(static_cast<std::uint64_t>(now.tv_sec) * kTicksPerSecond +
                             static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000u);
}

} // namespace sluice::base
