// What a run counted, and how it is written down.
#pragma once

#include "loadgen/histogram.hpp"
#include "loadgen/schedule.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::loadgen {

/// How far an exchange had come; also what a timeout is booked under.
enum class Phase : uint8_t { kConnect, kAnswer, kClose };
constexpr std::array<const char*, 3> kPhaseNames = {"connect", "answer", "close"};

/// Counts of one interval of a run, booked at the time of the event.
struct Interval {
    uint32_t started = 0;
    uint32_t completed = 0;
    uint32_t failed = 0; ///< with the timed out ones
};

/// Every planned exchange ends in exactly one of: completed, failed, timed_out, not_started. An exchange is a whole
/// connection (open, request, checked answer, close), or one request when connections are kept.
struct Results {
    Results(Nanoseconds interval_length, uint64_t planned_count)
        : planned(planned_count)
        , interval(interval_length) {}

    uint64_t planned;
    uint64_t started = 0;
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t timed_out = 0;
    std::map<std::string, uint64_t> errors; ///< of the failed: errno name, wrong_answer, closed_early
    std::array<uint64_t, 3> timed_out_in{}; ///< by Phase
    uint64_t max_open = 0;                  ///< most exchanges under way at once
    Nanoseconds start = 0;                  ///< CLOCK_MONOTONIC
    Nanoseconds elapsed = 0;

    Histogram latency;  ///< ns from the intended start to the checked answer, of what was answered
    Histogram lateness; ///< ns from the intended to the actual start: how far the generator itself was behind

    Nanoseconds interval;
    std::vector<Interval> intervals;

    [[nodiscard]] uint64_t not_started() const { return planned - started; }
    [[nodiscard]] double completed_percent() const;
    /// The interval that `now` falls into; makes it and those before.
    Interval& at(Nanoseconds now);
};

/// What was asked for, to stand at the head of the outputs.
struct RunDescription {
    std::string target;
    std::string exchange; ///< "memcached set"
    double rate = 0;
    uint64_t sources = 0;
    uint64_t kept_connections = 0;
};

[[nodiscard]] std::string summary(const RunDescription& run, const Results& results);
/// One JSON object, schema sluice.loadgen/1.
[[nodiscard]] std::string to_json(const RunDescription& run, const Results& results);
/// "0.312 ms" for nanoseconds.
[[nodiscard]] std::string milliseconds(uint64_t nanoseconds);

} // namespace sluice::loadgen
