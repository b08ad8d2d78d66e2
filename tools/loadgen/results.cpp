#include "loadgen/results.hpp"

#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace sluice::loadgen {
namespace {

struct NamedPercentile {
    const char* name;
    double percent;
};
constexpr std::array<NamedPercentile, 4> kPercentiles = {{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}}};

nlohmann::ordered_json histogram_json(const Histogram& histogram) {
    nlohmann::ordered_json object;
    for (const auto& [name, percent] : kPercentiles)
        object[name] = static_cast<double>(histogram.percentile(percent)) / 1e3;
    object["max"] = static_cast<double>(histogram.max()) / 1e3;
    object["mean"] = histogram.mean() / 1e3;
    object["count"] = histogram.count();
    return object;
}

void add_line(std::string& text, const char* head, const std::string& body) {
    fmt::format_to(std::back_inserter(text), "{:<13}{}\n", head, body);
}

} // namespace

double Results::completed_percent() const {
    return planned == 0 ? 0 : 100.0 * static_cast<double>(completed) / static_cast<double>(planned);
}

Interval& Results::at(Nanoseconds now) {
    const auto index = static_cast<size_t>(now <= start ? 0 : (now - start) / interval);
    if (index >= intervals.size()) intervals.resize(index + 1);
    return intervals[index];
}

std::string milliseconds(uint64_t nanoseconds) {
    return fmt::format("{:.3f} ms", static_cast<double>(nanoseconds) / 1e6);
}

std::string summary(const RunDescription& run, const Results& results) {
    std::string text;
    add_line(text, "target", run.target + ", " + run.exchange);
    const char* what = run.kept_connections == 0 ? "connections" : "requests";
    const double seconds = static_cast<double>(results.elapsed) / 1e9;
    add_line(text, "started",
             fmt::format("{} of {} {} planned, {:.0f}/s, {:.1f} s, at most {} open", results.started, results.planned,
                         what, run.rate, seconds, results.max_open));
    add_line(text, "completed", fmt::format("{} ({:.3f} %)", results.completed, results.completed_percent()));
    std::string causes;
    for (const auto& [name, count] : results.errors)
        causes += fmt::format("{}{} {}", causes.empty() ? "  (" : ", ", name, count);
    add_line(text, "failed", fmt::format("{}{}", results.failed, causes.empty() ? "" : causes + ")"));
    std::string phases;
    for (size_t i = 0; i < kPhaseNames.size(); ++i)
        if (results.timed_out_in[i] != 0)
            phases += fmt::format("{}{} {}", phases.empty() ? "  (in " : ", ", kPhaseNames[i], results.timed_out_in[i]);
    add_line(text, "timed out", fmt::format("{}{}", results.timed_out, phases.empty() ? "" : phases + ")"));
    if (results.not_started() != 0) add_line(text, "not started", std::to_string(results.not_started()));
    std::string latency;
    for (const auto& [name, percent] : kPercentiles)
        latency += fmt::format("{} {}  ", name, milliseconds(results.latency.percentile(percent)));
    add_line(text, "latency", latency + "max " + milliseconds(results.latency.max()));
    add_line(text, "lateness",
             fmt::format("p99 {}  max {} (the generator's own)", milliseconds(results.lateness.percentile(99)),
                         milliseconds(results.lateness.max())));
    return text;
}

std::string to_json(const RunDescription& run, const Results& results) {
    nlohmann::ordered_json object;
    object["schema"] = "sluice.loadgen/1";
    object["target"] = run.target;
    object["exchange"] = run.exchange;
    object["rate"] = run.rate;
    object["sources"] = run.sources;
    object["kept_connections"] = run.kept_connections;
    object["planned"] = results.planned;
    object["started"] = results.started;
    object["not_started"] = results.not_started();
    object["completed"] = results.completed;
    object["failed"] = results.failed;
    object["timed_out"] = results.timed_out;
    object["completed_percent"] = results.completed_percent();
    object["errors"] = results.errors;
    for (size_t i = 0; i < kPhaseNames.size(); ++i)
        object["timed_out_in"][kPhaseNames[i]] = results.timed_out_in[i];
    object["max_open"] = results.max_open;
    object["elapsed_s"] = static_cast<double>(results.elapsed) / 1e9;
    object["latency_us"] = histogram_json(results.latency);
    object["lateness_us"] = histogram_json(results.lateness);
    object["interval_ms"] = static_cast<double>(results.interval) / 1e6;
    nlohmann::ordered_json started = nlohmann::ordered_json::array();
    nlohmann::ordered_json completed = started;
    nlohmann::ordered_json failed = started;
    for (const Interval& interval : results.intervals) {
        started.push_back(interval.started);
        completed.push_back(interval.completed);
        failed.push_back(interval.failed);
    }
    object["intervals"] = {{"started", started}, {"completed", completed}, {"failed", failed}};
    return object.dump() + "\n";
}

} // namespace sluice::loadgen
