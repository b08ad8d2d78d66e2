// Per-second figures from counters that only grow: a window of samples, a second apart.
#pragma once

#include "control/data_plane.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

namespace sluice::control {

struct Totals {
    std::uint64_t received = 0;
    std::uint64_t forwarded = 0;
    std::uint64_t dropped = 0;
    std::uint64_t answered = 0; ///< by Sluice, in the other end's place
    std::uint64_t made = 0;     ///< by Sluice; they count as forwarded or dropped as well
    std::uint64_t held = 0;     ///< in rings between workers, and fragments of incomplete datagrams
};

/// Sums over workers. Read so that a packet on its way is never counted as forwarded before it is as received.
Totals totals_of(const std::vector<Worker>& workers);
/// Of one worker: what it took from queues and rings, and what became of that.
Totals totals_of(const Worker& worker);
std::uint64_t drops_of(const std::vector<Worker>& workers, telemetry::DropReason reason);

class Rates {
  public:
    using Clock = std::chrono::steady_clock;

    /// Takes a sample if the last one is a second old.
    void sample(const std::vector<Worker>& workers, Clock::time_point now = Clock::now());

    [[nodiscard]] double received_per_second() const { return per_second(&Totals::received); }
    [[nodiscard]] double forwarded_per_second() const { return per_second(&Totals::forwarded); }
    [[nodiscard]] double dropped_per_second() const { return per_second(&Totals::dropped); }
    /// Share of its time that a worker spent in loops with something to do, 0 to 1.
    [[nodiscard]] double busy_ratio(std::size_t worker) const;

  private:
    struct Sample {
        Clock::time_point at;
        Totals totals;
        std::vector<std::uint64_t> busy_cycles;
        std::vector<std::uint64_t> all_cycles;
    };
    [[nodiscard]] double per_second(std::uint64_t Totals::*what) const;

    static constexpr std::size_t kWindow = 5;
    std::deque<Sample> samples_;
};

} // namespace sluice::control
