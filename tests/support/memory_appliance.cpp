#include "support/memory_appliance.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace sluice::test_support {

MemoryAppliance::MemoryAppliance(const MemoryApplianceOptions& options)
    : rule_slots_(options.rule_slots)
    , table_(options.flows)
    , ports_(options.ports, options.workers) {
    if (options.workers > 1) {
        handoff_ = std::make_unique<worker::HandoffMatrix>(options.workers, options.ring_capacity);
    }
    for (std::uint16_t self = 0; self < options.workers; ++self) {
        add_worker(options, self);
    }
}

std::unique_ptr<flow::Table> MemoryAppliance::make_table(Worker& worker, std::uint32_t capacity, base::Tick now) {
    const std::size_t size = (flow::Table::memory_size(capacity) + 63) / 64 * 64;
    worker.table_memory.reset(static_cast<std::byte*>(std::aligned_alloc(base::kCacheLine, size)));
    std::memset(worker.table_memory.get(), 0, size);
    flow::Config table = table_;
    table.half_open_limit =
        static_cast<std::uint32_t>(std::uint64_t{table_.half_open_limit} * capacity / table_.capacity);
    table.capacity = capacity;
    table.rules = {worker.rule_counters.get(), rule_slots_};
    table.evictions = {worker.rule_evictions.get(), rule_slots_};
    table.seed = {{0x0123456789abcdef, 0x1122334455667788, 0x99aabbccddeeff00, 0x5a5a5a5aa5a5a5a5}};
    return std::make_unique<flow::Table>(std::span(worker.table_memory.get(), size), table, now);
}

bool MemoryAppliance::is_moving() const {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->loop->is_moving(); });
}

bool MemoryAppliance::resize(std::uint32_t capacity, base::Tick now) {
    if (is_moving()) return false;
    for (const auto& worker : workers_) {
        worker->leaving = std::move(worker->flows);
        worker->leaving_memory = std::move(worker->table_memory);
        worker->flows = make_table(*worker, capacity, now);
        worker->loop->move_flows_to(*worker->flows);
    }
    return true;
}

void MemoryAppliance::add_worker(const MemoryApplianceOptions& options, std::uint16_t self) {
    auto worker = std::make_unique<Worker>();
    worker->rule_counters = std::make_unique<telemetry::RuleCounters[]>(options.rule_slots);
    worker->rule_evictions = std::make_unique<telemetry::RuleEvictions[]>(options.rule_slots);
    worker->flows = make_table(*worker, options.flows.capacity, options.start);

    reassembly::Config fragments = options.fragments;
    fragments.seed = {{0x0f1e2d3c4b5a6978, 0x8877665544332211, 0xa5a5a5a55a5a5a5a, 0x13579bdf02468ace}};
    const std::size_t fragment_size = reassembly::Table::memory_size(fragments);
    worker->fragment_memory.reset(static_cast<std::byte*>(std::aligned_alloc(base::kCacheLine, fragment_size)));
    worker->fragments =
        std::make_unique<reassembly::Table>(std::span(worker->fragment_memory.get(), fragment_size), fragments);

    worker::Config config;
    const std::uint16_t transmit_queues = options.transmit_queues == 0 ? options.workers : options.transmit_queues;
    const auto transmitter = static_cast<std::uint16_t>(self % transmit_queues);
    for (std::uint16_t port = 0; port < options.ports; ++port) {
        config.queues.push_back({port, self});
        config.transmit.push_back({transmitter, transmitter});
    }
    config.ownership.self = self;
    config.ownership.workers = options.workers;
    config.ownership.by = options.ownership;
    config.cycles_per_tick = 1'000'000;
    config.sleep_when_idle = options.sleep_when_idle;
    config.cookie_key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    worker->loop = std::make_unique<worker::WorkerLoop>(
        std::move(config), options.io != nullptr ? *options.io : ports_, domain_, published_, *worker->flows,
        *worker->fragments, worker->counters, std::span(worker->rule_counters.get(), options.rule_slots),
        handoff_.get());
    workers_.push_back(std::move(worker));
}

unsigned MemoryAppliance::step(base::Tick now) {
    unsigned met = 0;
    for (const auto& worker : workers_) {
        met += worker->loop->step(now);
    }
    return met;
}

void MemoryAppliance::settle(base::Tick now) {
    while (step(now) != 0) {
    }
}

void MemoryAppliance::drain() {
    for (const auto& worker : workers_) {
        worker->loop->drain();
    }
}

void MemoryAppliance::set_observer(worker::Observer* observer) {
    for (const auto& worker : workers_) {
        worker->loop->set_observer(observer);
    }
}

std::uint64_t MemoryAppliance::sum(Counter counter) const {
    std::uint64_t total = 0;
    for (const auto& worker : workers_) {
        total += (worker->counters.*counter).load();
    }
    return total;
}

std::uint64_t MemoryAppliance::drops(telemetry::DropReason reason) const {
    std::uint64_t total = 0;
    for (const auto& worker : workers_) {
        total += worker->counters.drops[static_cast<std::size_t>(reason)].load();
    }
    return total;
}

std::uint64_t MemoryAppliance::drops() const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < telemetry::kDropReasonCount; ++i) {
        total += drops(static_cast<telemetry::DropReason>(i));
    }
    return total;
}

std::uint64_t MemoryAppliance::flow_count() const {
    std::uint64_t total = 0;
    for (const auto& worker : workers_) {
        total += worker->flows->stats().used.load();
    }
    return total;
}

std::string MemoryAppliance::broken_account() const {
    using Fate = MemoryFrame::Fate;
    using telemetry::WorkerCounters;
    std::string wrong;
    const auto expect = [&wrong](const std::string& what, std::uint64_t one, std::uint64_t other) {
        if (one != other) wrong += what + ": " + std::to_string(one) + " and " + std::to_string(other) + "\n";
    };
    const std::uint64_t received = sum(&WorkerCounters::received_packets);
    const std::uint64_t forwarded = sum(&WorkerCounters::forwarded_packets);
    const std::uint64_t held = sum(&WorkerCounters::handed_off_packets) - sum(&WorkerCounters::handed_in_packets) +
                               sum(&WorkerCounters::held_fragments);
    expect("received + made = forwarded + answered + drops + held", received + sum(&WorkerCounters::made_packets),
           forwarded + sum(&WorkerCounters::answered_packets) + drops() + held);
    expect("held = frames taken and not returned", held, ports_.count(Fate::taken));
    expect("handles sent or released without being held", ports_.misuses(), 0);
    for (std::size_t w = 0; w < workers_.size(); ++w) {
        if (!workers_[w]->flows->consistent())
            wrong += "the flow table of worker " + std::to_string(w) + " disagrees with itself\n";
        if (!workers_[w]->fragments->consistent())
            wrong += "the fragment table of worker " + std::to_string(w) + " disagrees with itself\n";
        expect("fragments counted as held", workers_[w]->counters.held_fragments.load(),
               workers_[w]->fragments->stats().fragments.load());
    }
    return wrong;
}

} // namespace sluice::test_support
