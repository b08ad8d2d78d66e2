// Everything that workers run on: the EAL, ports, buffers, flow tables, counters and the workers themselves.
//
// Life cycle: built by start() from a policy and its first ruleset, in the order EAL → ports → memory → ports started →
// workers; taken down by stop() in the reverse order, with every buffer accounted for. Half-built ones take down what
// they have. The control thread alone calls; what it reads of the workers are cells (telemetry, flow).
#pragma once

#include "control/options.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/eth_port_io.hpp"
#include "dpdk/memory.hpp"
#include "dpdk/port.hpp"
#include "policy/model/policy.hpp"
#include "rcu/domain.hpp"
#include "worker/handoff.hpp"
#include "worker/worker_loop.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {

/// One worker with all that is its own.
struct Worker {
    unsigned cpu = 0;
    std::unique_ptr<dpdk::Region> table_memory;
    dpdk::Region fragment_memory;
    dpdk::Region rule_counter_memory;
    std::unique_ptr<flow::Table> flows;
    std::unique_ptr<reassembly::Table> fragments;
    std::unique_ptr<telemetry::WorkerCounters> counters;
    std::span<telemetry::RuleCounters> rule_counters;
    std::span<telemetry::RuleEvictions> rule_evictions;
    std::unique_ptr<worker::WorkerLoop> loop;
    /// The table so far, while its flows move to `flows`; with its memory.
    std::unique_ptr<dpdk::Region> leaving_memory{};
    std::unique_ptr<flow::Table> leaving{};

    [[nodiscard]] std::uint32_t flows_used() const {
        return flows->stats().used.load() + (leaving ? leaving->stats().used.load() : 0);
    }
};

/// Packet buffers that are not in the pool once everything is closed.
struct BufferAccount {
    std::uint32_t kept_by_drivers = 0; ///< left in rings by drivers that do not give everything back
    std::uint32_t missing = 0;         ///< 0, or a bug
};

/// Rules of all policies that are alive at once can be counted up to here: twice the most that one may have, so that a
/// policy may be replaced by one of entirely other rules. Memory is taken for slots that are in use.
inline constexpr std::uint32_t kRuleSlots = 2 * (policy::kMaxRules + 1);

class DataPlane {
  public:
    /// Everything but the workers' threads. Nothing is forwarded yet.
    static base::Expected<std::unique_ptr<DataPlane>, StartError> prepare(const Options& options,
                                                                          const policy::Policy& policy);
    ~DataPlane();

    /// Starts ports and workers with `ruleset`.
    base::Expected<void, StartError> start(const ruleset::Ruleset* ruleset);

    /// Stops workers and ports and says where the packet buffers are.
    BufferAccount stop();

    /// Publishes a ruleset and waits until no worker uses the one before. False: some worker did not get there in time,
    /// and nothing that was published before may be freed.
    bool publish(const ruleset::Ruleset* ruleset);

    /// Publishes a ruleset without waiting; what was published before may be freed when the grace period is over.
    rcu::Domain::Grace publish_soon(const ruleset::Ruleset* ruleset);
    [[nodiscard]] bool is_over(rcu::Domain::Grace grace) const { return domain_.is_over(grace); }
    /// Waits for a grace period that begins now; false when it did not end in time.
    [[nodiscard]] bool synchronize();

    /// Gives every worker a flow table as `policy` wants it, to which the flows move while packets pass. An error
    /// leaves everything as it was.
    base::Expected<void, std::string> resize_tables(const policy::Policy& policy);
    /// Frees the tables that have become empty since.
    void finish_resizing();
    [[nodiscard]] bool is_resizing() const;

    /// Looks at the ports' links; returns the interfaces whose link changed since the last call.
    std::vector<std::size_t> refresh_links();

    [[nodiscard]] const std::vector<Worker>& workers() const { return workers_; }
    [[nodiscard]] const std::vector<dpdk::Port>& ports() const { return ports_; }
    [[nodiscard]] const std::vector<dpdk::LinkState>& links() const { return links_; }
    [[nodiscard]] std::size_t table_memory_size() const;
    [[nodiscard]] int numa_socket() const;
    [[nodiscard]] bool symmetric_rss() const { return ownership_by_ == pipeline::Ownership::By::rss; }

  private:
    DataPlane() = default;
    base::Expected<void, StartError> open_ports(const policy::Policy& policy);
    base::Expected<void, StartError> make_buffers(const policy::Policy& policy);
    base::Expected<void, StartError> make_workers(const policy::Policy& policy, bool sleep_when_idle);
    void choose_ownership();
    [[nodiscard]] worker::Config worker_config(std::uint16_t self, bool sleep_when_idle) const;

    // Destroyed from the last to the first.
    std::optional<dpdk::Eal> eal_;
    std::optional<dpdk::BufferPool> pool_;
    std::vector<dpdk::Port> ports_;
    std::vector<unsigned> cpus_;
    std::unique_ptr<dpdk::EthPortIo> io_;
    std::vector<dpdk::LinkState> links_;
    pipeline::Ownership::By ownership_by_ = pipeline::Ownership::By::seeded_hash;
    std::uint16_t indirection_size_ = pipeline::kIndirectionSize;
    bool sleep_when_idle_ = false;
    flow::HashSeed seed_{};
    flow::CookieKey cookie_key_{};
    std::unique_ptr<worker::HandoffMatrix> handoff_;
    rcu::Domain domain_;
    rcu::Published<ruleset::Ruleset> published_;
    std::vector<Worker> workers_;
    bool running_ = false;
};

/// The CPUs that workers get for `system: workers:`, from those this process may use: with `auto` all but the first,
/// which the control thread and the kernel keep; all of them if there is only one. An error names what is not there.
base::Expected<std::vector<unsigned>, std::string> worker_cpus(const policy::System& system,
                                                               const std::vector<unsigned>& allowed);
std::vector<unsigned> allowed_cpus();

} // namespace sluice::control
