// All workers of an appliance over ports made of memory: tables, counters and rings as the appliance has them, driven
// by the test, one round at a time or on threads of its own.
#pragma once

#include "base/ticks.hpp"
#include "flow/sizing.hpp"
#include "flow/table.hpp"
#include "rcu/domain.hpp"
#include "ruleset/ruleset.hpp"
#include "support/memory_port_io.hpp"
#include "telemetry/counters.hpp"
#include "worker/handoff.hpp"
#include "worker/worker_loop.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace sluice::test_support {

struct MemoryApplianceOptions {
    std::uint16_t workers = 1;
    std::uint16_t ports = 2;
    std::uint16_t transmit_queues = 0;                         ///< of each port; 0: one a worker
    flow::Config flows = flow::share_of({.entries = 1024}, 1); ///< of each worker; seed and counters are not read
    reassembly::Config fragments = reassembly::share_of(1024, 64, 30'000, 1); ///< of each worker; the seed is not read
    std::uint32_t rule_slots = 64;
    std::uint32_t ring_capacity = 64; ///< a power of two
    pipeline::Ownership::By ownership = pipeline::Ownership::By::seeded_hash;
    base::Tick start = 0;
    bool sleep_when_idle = false;
    worker::PortIo* io = nullptr; ///< the test's own, instead of ports()
};

/// Worker w polls queue w of every port. The ruleset is the test's and must outlive its use.
class MemoryAppliance {
  public:
    explicit MemoryAppliance(const MemoryApplianceOptions& options);

    /// What is published before is no longer used once this returns, as long as no worker runs on a thread.
    void publish(const ruleset::Ruleset& ruleset) { (void)published_.exchange(&ruleset); }

    /// Every worker's flows move to a table of this capacity, as packets pass. False while they still do from the last
    /// time.
    bool resize(std::uint32_t capacity, base::Tick now);
    [[nodiscard]] bool is_moving() const;
    /// The table that worker's flows come from, while they move.
    [[nodiscard]] const flow::Table* leaving(std::size_t worker) const {
        return workers_[worker]->loop->is_moving() ? workers_[worker]->leaving.get() : nullptr;
    }

    /// One round of every worker, in order. Returns what they met.
    unsigned step(base::Tick now);
    /// Rounds until no worker meets anything.
    void settle(base::Tick now);
    /// What the appliance does once every worker has stopped.
    void drain();

    [[nodiscard]] MemoryPortIo& ports() { return ports_; }
    [[nodiscard]] std::uint16_t worker_count() const { return static_cast<std::uint16_t>(workers_.size()); }
    [[nodiscard]] worker::WorkerLoop& loop(std::size_t worker) { return *workers_[worker]->loop; }
    [[nodiscard]] flow::Table& flows(std::size_t worker) { return *workers_[worker]->flows; }
    [[nodiscard]] reassembly::Table& fragments(std::size_t worker) { return *workers_[worker]->fragments; }
    [[nodiscard]] const telemetry::WorkerCounters& counters(std::size_t worker) const {
        return workers_[worker]->counters;
    }
    [[nodiscard]] std::span<const telemetry::RuleEvictions> rule_evictions(std::size_t worker) const {
        return {workers_[worker]->rule_evictions.get(), rule_slots_};
    }
    [[nodiscard]] std::span<const telemetry::RuleCounters> rule_counters(std::size_t worker) const {
        return {workers_[worker]->rule_counters.get(), rule_slots_};
    }
    [[nodiscard]] rcu::Domain& domain() { return domain_; }
    void set_observer(worker::Observer* observer);

    // Over all workers.
    using Counter = base::Cell<std::uint64_t> telemetry::WorkerCounters::*;
    [[nodiscard]] std::uint64_t sum(Counter counter) const;
    [[nodiscard]] std::uint64_t drops(telemetry::DropReason reason) const;
    [[nodiscard]] std::uint64_t drops() const;
    [[nodiscard]] std::uint64_t flow_count() const;

    /// What is wrong with the accounts, empty when nothing is: received + made = forwarded + answered + drops + held,
    /// held is what the rings and the reassembly hold, and every table agrees with itself. For when no worker runs.
    [[nodiscard]] std::string broken_account() const;

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    struct Worker {
        std::unique_ptr<std::byte, Free> table_memory;
        std::unique_ptr<std::byte, Free> fragment_memory;
        std::unique_ptr<telemetry::RuleCounters[]> rule_counters;
        std::unique_ptr<telemetry::RuleEvictions[]> rule_evictions;
        telemetry::WorkerCounters counters;
        std::unique_ptr<flow::Table> flows;
        std::unique_ptr<reassembly::Table> fragments;
        std::unique_ptr<worker::WorkerLoop> loop;
        std::unique_ptr<std::byte, Free> leaving_memory;
        std::unique_ptr<flow::Table> leaving;
    };
    std::unique_ptr<flow::Table> make_table(Worker& worker, std::uint32_t capacity, base::Tick now);
    void add_worker(const MemoryApplianceOptions& options, std::uint16_t self);

    std::uint32_t rule_slots_;
    flow::Config table_;
    MemoryPortIo ports_;
    rcu::Domain domain_;
    rcu::Published<ruleset::Ruleset> published_;
    std::unique_ptr<worker::HandoffMatrix> handoff_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

} // namespace sluice::test_support
