#include "control/rates.hpp"

namespace sluice::control {

Totals totals_of(const Worker& worker) {
    Totals totals;
    const telemetry::WorkerCounters& counters = *worker.counters;
    totals.forwarded = counters.forwarded_packets.load();
    for (const auto& drops : counters.drops) {
        totals.dropped += drops.load();
    }
    totals.answered = counters.answered_packets.load();
    totals.made = counters.made_packets.load();
    totals.received = counters.received_packets.load();
    return totals;
}

Totals totals_of(const std::vector<Worker>& workers) {
    Totals sum;
    // Every worker's outcome before any worker's intake: a packet may be received by one and forwarded by another.
    for (const Worker& worker : workers) {
        const Totals one = totals_of(worker);
        sum.forwarded += one.forwarded;
        sum.dropped += one.dropped;
        sum.answered += one.answered;
    }
    // Counted apart from the others, so that received + made = forwarded + answered + dropped + held can be seen to
    // hold.
    for (const Worker& worker : workers) {
        sum.held -= worker.counters->handed_in_packets.load();
    }
    for (const Worker& worker : workers) {
        sum.held += worker.counters->handed_off_packets.load();
        sum.held += worker.counters->held_fragments.load();
        sum.made += worker.counters->made_packets.load();
        sum.received += worker.counters->received_packets.load();
    }
    return sum;
}

std::uint64_t drops_of(const std::vector<Worker>& workers, telemetry::DropReason reason) {
    std::uint64_t sum = 0;
    for (const Worker& worker : workers) {
        sum += worker.counters->drops[static_cast<std::size_t>(reason)].load();
    }
    return sum;
}

void Rates::sample(const std::vector<Worker>& workers, Clock::time_point now) {
    if (!samples_.empty() && now - samples_.back().at < std::chrono::seconds(1)) return;
    Sample sample{now, totals_of(workers), {}, {}};
    for (const Worker& worker : workers) {
        sample.busy_cycles.push_back(worker.counters->busy_cycles.load());
        sample.all_cycles.push_back(worker.counters->all_cycles.load());
    }
    samples_.push_back(std::move(sample));
    if (samples_.size() > kWindow) samples_.pop_front();
}

double Rates::per_second(std::uint64_t Totals::*what) const {
    if (samples_.size() < 2) return 0;
    const Sample& first = samples_.front();
    const Sample& last = samples_.back();
    const double seconds = std::chrono::duration<double>(last.at - first.at).count();
    return static_cast<double>(last.totals.*what - first.totals.*what) / seconds;
}

double Rates::busy_ratio(std::size_t worker) const {
    if (samples_.size() < 2) return 0;
    const Sample& first = samples_.front();
    const Sample& last = samples_.back();
    const std::uint64_t all = last.all_cycles[worker] - first.all_cycles[worker];
    if (all == 0) return 0;
    return static_cast<double>(last.busy_cycles[worker] - first.busy_cycles[worker]) / static_cast<double>(all);
}

} // namespace sluice::control
