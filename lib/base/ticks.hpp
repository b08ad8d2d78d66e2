// Time as the data path knows it: a 32-bit count of milliseconds since start, which wraps after 49.7 days.
//
// Comparisons are by signed difference (RFC 1982's serial numbers), so they stay right across the wrap as long as the
// two times are less than 24.8 days apart; kMaxInterval keeps every timeout below that.
#pragma once

#include <cstdint>

namespace sluice::base {

/// Milliseconds, modulo 2^32.
using Tick = std::uint32_t;

inline constexpr Tick kTicksPerSecond = 1000;

/// The longest interval that may be added to a Tick: 20 days.
inline constexpr Tick kMaxInterval = 20u * 24 * 3600 * kTicksPerSecond;

/// `a` - `b` in milliseconds; negative when `a` is earlier.
constexpr std::int32_t tick_difference(Tick a, Tick b) {
    return static_cast<std::int32_t>(a - b);
}

/// Whether `a` is at or after `b`.
constexpr bool tick_reached(Tick a, Tick b) {
    return tick_difference(a, b) >= 0;
}

} // namespace sluice::base
