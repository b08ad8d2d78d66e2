// An open-loop schedule: how many things are due, whatever became of those before them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::traffic {

class Pacer {
  public:
    static constexpr double kMostBehindSeconds = 0.01;

    /// `rate` a second; zero: nothing is ever due. What is late by more than `most_behind_seconds` is forgone.
    Pacer(double rate, uint64_t cycles_per_second, double most_behind_seconds = kMostBehindSeconds)
        : per_cycle_(rate / static_cast<double>(cycles_per_second))
        , most_behind_(std::max(1.0, rate * most_behind_seconds)) {}

    void start(uint64_t now) {
        start_ = now;
        taken_ = forgone_ = 0;
    }

    /// How many are to be done now, at most `room`.
    uint32_t take(uint64_t now, uint32_t room) {
        const double due = offered(now);
        const double behind = due - static_cast<double>(taken_ + forgone_);
        if (behind > most_behind_ + room) forgone_ += static_cast<uint64_t>(behind - most_behind_ - room);
        const double left = due - static_cast<double>(taken_ + forgone_);
        const uint32_t count = left < 1 ? 0 : std::min(room, static_cast<uint32_t>(left));
        taken_ += count;
        return count;
    }

    /// How many the schedule had until `now`.
    [[nodiscard]] double offered(uint64_t now) const {
        return now <= start_ ? 0 : static_cast<double>(now - start_) * per_cycle_;
    }

  private:
    double per_cycle_;
    double most_behind_;
    uint64_t start_ = UINT64_MAX; ///< until start() nothing is offered
    uint64_t taken_ = 0;
    uint64_t forgone_ = 0;
};

} // namespace sluice::traffic
