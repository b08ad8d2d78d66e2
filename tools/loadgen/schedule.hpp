// The open-loop schedule: when each event was meant to happen, whatever the system under test does.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::loadgen {

/// Nanoseconds of CLOCK_MONOTONIC.
using Nanoseconds = int64_t;
constexpr Nanoseconds kNanosecondsPerSecond = 1'000'000'000;

/// Event n of `count` is meant for start + n / rate. The times are computed from n, so an error never adds up, and a
/// late caller finds all that it missed due at once: the rate is kept and the lateness shows in the latencies.
class Schedule {
  public:
    /// `rate` is in events a second and above zero.
    Schedule(Nanoseconds start, double rate, uint64_t count)
        : start_(start)
        , rate_(rate)
        , count_(count) {}

    /// How many events are due at `now`: those whose time is not after it, at most `count()`.
    [[nodiscard]] uint64_t due(Nanoseconds now) const {
        if (now < start_) return 0;
        auto events = static_cast<uint64_t>(static_cast<double>(now - start_) * rate_ / 1e9);
        // Rounding may put the quotient on either side; intended() decides.
        while (intended(events) <= now)
            ++events;
        while (events > 0 && intended(events - 1) > now)
            --events;
        return std::min(events, count_);
    }

    [[nodiscard]] Nanoseconds intended(uint64_t event) const {
        return start_ + static_cast<Nanoseconds>(static_cast<double>(event) * 1e9 / rate_);
    }

    [[nodiscard]] uint64_t count() const { return count_; }
    [[nodiscard]] Nanoseconds start() const { return start_; }

  private:
    Nanoseconds start_;
    double rate_;
    uint64_t count_;
};

/// How many packets a constant-rate sender may send now. Unlike Schedule it does not make up for everything that it
/// missed at once: a burst as long as the sender's absence would overrun rings that the steady rate never fills, and
/// the loss would be the sender's own. It sends at most `max_burst` at a time, and what it owes beyond
/// `max_debt` packets is forgiven by moving the schedule (`shifted()` says by how much).
class Pacer {
  public:
    Pacer(Nanoseconds start, double rate, uint64_t max_burst, uint64_t max_debt)
        : start_(start)
        , rate_(rate)
        , max_burst_(max_burst)
        , max_debt_(max_debt) {}

    [[nodiscard]] uint64_t allowed(Nanoseconds now, uint64_t sent) {
        const uint64_t due = Schedule(start_, rate_, UINT64_MAX).due(now);
        if (due <= sent) return 0;
        if (due - sent > max_debt_) {
            const auto forgiven = static_cast<double>(due - sent - max_debt_);
            const auto shift = static_cast<Nanoseconds>(forgiven * 1e9 / rate_);
            start_ += shift;
            shifted_ += shift;
        }
        return std::min(due - sent, max_burst_);
    }

    [[nodiscard]] Nanoseconds next(uint64_t sent) const {
        return start_ + static_cast<Nanoseconds>(static_cast<double>(sent) * 1e9 / rate_);
    }

    [[nodiscard]] Nanoseconds shifted() const { return shifted_; }

  private:
    Nanoseconds start_;
    double rate_;
    uint64_t max_burst_;
    uint64_t max_debt_;
    Nanoseconds shifted_ = 0;
};

/// CLOCK_MONOTONIC now.
[[nodiscard]] Nanoseconds monotonic_now();

} // namespace sluice::loadgen
