#include "control/data_plane.hpp"

#include "base/clock.hpp"
#include "dpdk/device_name.hpp"

#include "flow/sizing.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace sluice::control {
namespace {

constexpr std::uint32_t kHandoffRingSize = 4096;
constexpr std::size_t kSmallestBuffer = 2048;

Exit exit_for(dpdk::Error::Kind kind) {
    using Kind = dpdk::Error::Kind;
    switch (kind) {
    case Kind::not_permitted: return Exit::not_permitted;
    case Kind::no_memory: return Exit::no_memory;
    case Kind::no_device: return Exit::no_device;
    case Kind::in_use: return Exit::in_use;
    case Kind::failed: break;
    }
    return Exit::failed;
}

base::Unexpected<StartError> failed(const dpdk::Error& error) {
    return base::Unexpected(StartError{exit_for(error.kind), error.message});
}

/// A HashSeed or a CookieKey.
template <typename Secret> Secret random_secret() {
    Secret secret{};
    // 32 bytes come at once or, before the kernel's generator is ready, not until it is (getrandom(2)).
    static_assert(sizeof secret <= 32);
    while (getrandom(&secret, sizeof secret, 0) != static_cast<ssize_t>(sizeof secret)) {
    }
    return secret;
}

std::uint16_t buffer_data_size(const policy::Policy& policy) {
    if (policy.system.buffer_size != 0) return policy.system.buffer_size;
    std::size_t size = kSmallestBuffer;
    for (const policy::Interface& interface : policy.interfaces) {
        size = std::max(size, interface.mtu + policy::kFrameOverhead);
    }
    return static_cast<std::uint16_t>(size);
}

flow::Config flow_table(const policy::Policy& policy, std::size_t workers) {
    const policy::FlowTable& table = policy.flow_table;
    return flow::share_of(
        {table.capacity, table.half_open_percent, table.pressure_enter, table.pressure_leave, table.timeout_scale},
        static_cast<std::uint32_t>(workers));
}

base::Expected<std::unique_ptr<dpdk::Region>, dpdk::Error> reserve_table(std::uint32_t capacity, int numa_socket) {
    auto memory = dpdk::Region::reserve(flow::Table::memory_size(capacity), numa_socket, "the flow table");
    if (!memory) return base::Unexpected(memory.error());
    return std::make_unique<dpdk::Region>(std::move(*memory));
}

flow::SynCookies syn_cookies_of(const policy::Policy& policy) {
    switch (policy.flow_table.syn_cookies) {
    case policy::SynCookies::always: return flow::SynCookies::always;
    case policy::SynCookies::never: return flow::SynCookies::never;
    case policy::SynCookies::automatic: break;
    }
    return flow::SynCookies::automatic;
}

/// Counters by rule, each worker its own.
constexpr std::size_t kRuleMemorySize =
    kRuleSlots * (sizeof(telemetry::RuleCounters) + sizeof(telemetry::RuleEvictions));

reassembly::Config fragment_table(const policy::Policy& policy, std::size_t workers) {
    const policy::FragmentTable& table = policy.fragment_table;
    return reassembly::share_of(table.datagrams, table.per_datagram, table.timeout,
                                static_cast<std::uint32_t>(workers));
}

/// The CPUs that no worker has: compiling a policy there costs no worker its time. All of them when workers have every
/// one.
std::vector<unsigned> control_cpus(const std::vector<unsigned>& workers, std::vector<unsigned> allowed) {
    const auto is_worker = [&](unsigned cpu) {
        return std::find(workers.begin(), workers.end(), cpu) != workers.end();
    };
    if (std::all_of(allowed.begin(), allowed.end(), is_worker)) return allowed;
    std::erase_if(allowed, is_worker);
    return allowed;
}

/// What an appliance without hugepages asks the EAL for at start: nothing can be added later.
std::uint64_t memory_without_hugepages(const policy::Policy& policy, std::size_t workers) {
    constexpr std::uint64_t kClassifiersAndRest = 256u << 20;
    const std::uint32_t queues = static_cast<std::uint32_t>(policy.interfaces.size() * workers * 2);
    const reassembly::Config fragments = fragment_table(policy, workers);
    const std::uint64_t in_motion = policy.system.buffers != 0
                                        ? policy.system.buffers
                                        : queues * 2048u + workers * (1024u + (workers - 1) * kHandoffRingSize);
    const std::uint64_t buffers = in_motion + workers * fragments.fragments;
    return buffers * (buffer_data_size(policy) + 384u) +
           workers * flow::Table::memory_size(flow_table(policy, workers).capacity) +
           workers * reassembly::Table::memory_size(fragments) + workers * kRuleMemorySize + kClassifiersAndRest;
}

/// Ordinary memory is promised freely and missed later, when the kernel ends processes for it; so it is looked at
/// before.
base::Expected<void, StartError> check_ordinary_memory(const Options& options, std::uint64_t wanted_size) {
    if (options.hugepages) return {};
    constexpr std::uint64_t kMiB = 1u << 20;
    const std::uint64_t available_size = dpdk::available_memory_size();
    if (wanted_size <= available_size) return {};
    return base::Unexpected(StartError{
        Exit::no_memory, fmt::format("not enough memory: {} MiB wanted, {} MiB available; make tables smaller",
                                     wanted_size / kMiB, available_size / kMiB)});
}

int run_worker(void* loop) {
    static_cast<worker::WorkerLoop*>(loop)->run();
    return 0;
}

} // namespace

std::vector<unsigned> allowed_cpus() {
    std::vector<unsigned> cpus;
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
}

base::Expected<std::vector<unsigned>, std::string> worker_cpus(const policy::System& system,
                                                               const std::vector<unsigned>& allowed) {
    if (system.workers_auto) {
        if (allowed.size() == 1) return allowed;
        return std::vector<unsigned>(allowed.begin() + 1, allowed.end());
    }
    for (const unsigned cpu : system.worker_cpus) {
        if (std::find(allowed.begin(), allowed.end(), cpu) != allowed.end()) continue;
        return base::Unexpected(fmt::format("system.workers: CPU {} is not one that this process may use ({})", cpu,
                                            fmt::join(allowed, ", ")));
    }
    return system.worker_cpus;
}

base::Expected<std::unique_ptr<DataPlane>, StartError> DataPlane::prepare(const Options& options,
                                                                          const policy::Policy& policy) {
    auto cpus = worker_cpus(policy.system, allowed_cpus());
    if (!cpus) return base::Unexpected(StartError{Exit::policy_invalid, cpus.error()});
    std::unique_ptr<DataPlane> plane(new DataPlane);
    plane->cpus_ = *cpus;
    plane->seed_ = random_secret<flow::HashSeed>();
    plane->cookie_key_ = random_secret<flow::CookieKey>();

    dpdk::EalOptions eal;
    eal.file_prefix = options.file_prefix;
    eal.worker_cpus = *cpus;
    eal.control_cpus = control_cpus(*cpus, allowed_cpus());
    eal.hugepages = options.hugepages;
    for (const policy::Interface& interface : policy.interfaces) {
        if (dpdk::is_pci_address(interface.device)) eal.pci_devices.push_back(interface.device);
        eal.virtio_user |= dpdk::is_virtio_user(interface.device);
    }
    eal.memory_size = options.hugepages ? policy.system.memory_size : memory_without_hugepages(policy, cpus->size());
    if (auto enough = check_ordinary_memory(options, eal.memory_size); !enough) return base::Unexpected(enough.error());
    auto started = dpdk::Eal::start(eal);
    if (!started) return failed(started.error());
    plane->eal_.emplace(std::move(*started));

    if (auto opened = plane->open_ports(policy); !opened) return base::Unexpected(opened.error());
    if (auto made = plane->make_buffers(policy); !made) return base::Unexpected(made.error());
    if (auto made = plane->make_workers(policy, policy.system.sleep_when_idle); !made)
        return base::Unexpected(made.error());
    return plane;
}

base::Expected<void, StartError> DataPlane::open_ports(const policy::Policy& policy) {
    std::vector<std::uint16_t> ids;
    for (const policy::Interface& interface : policy.interfaces) {
        dpdk::PortOptions options;
        options.name = interface.name;
        options.device = interface.device;
        options.mtu = interface.mtu;
        options.promiscuous = interface.promiscuous;
        options.queues = interface.queues;
        options.workers = static_cast<std::uint16_t>(cpus_.size());
        auto port = dpdk::Port::probe(options);
        if (!port) return failed(port.error());
        ids.push_back(port->id());
        ports_.push_back(std::move(*port));
    }
    io_ = std::make_unique<dpdk::EthPortIo>(std::move(ids));
    links_.resize(ports_.size());
    return {};
}

int DataPlane::numa_socket() const {
    return ports_.empty() ? -1 : std::max(-1, ports_.front().numa_socket());
}

base::Expected<void, StartError> DataPlane::make_buffers(const policy::Policy& policy) {
    constexpr std::uint32_t kInFlight = 1024; // per worker: batches and the pool's own cache
    std::uint32_t buffers = 0;
    for (const dpdk::Port& port : ports_) {
        buffers += port.buffers_wanted();
    }
    const auto workers = static_cast<std::uint32_t>(cpus_.size());
    buffers += workers * kInFlight;
    buffers += workers * (workers - 1) * kHandoffRingSize; // a ring for each ordered pair
    if (policy.system.buffers != 0) buffers = static_cast<std::uint32_t>(policy.system.buffers);
    // On top of all that, so that held fragments never take the buffers that packets are received into.
    buffers += workers * fragment_table(policy, workers).fragments;
    auto pool = dpdk::BufferPool::create("sluice_buffers", buffers, buffer_data_size(policy), numa_socket());
    if (!pool) return failed(pool.error());
    pool_.emplace(std::move(*pool));
    io_->set_pool(pool_->get());
    for (dpdk::Port& port : ports_) {
        if (auto configured = port.configure(*pool_); !configured) return failed(configured.error());
    }
    return {};
}

void DataPlane::choose_ownership() {
    const bool rss = cpus_.size() > 1 && std::all_of(ports_.begin(), ports_.end(), [this](const dpdk::Port& port) {
                         return port.info().symmetric_rss && port.info().receive_queues == cpus_.size();
                     });
    if (!rss) return;
    ownership_by_ = pipeline::Ownership::By::rss;
    for (const dpdk::Port& port : ports_) {
        indirection_size_ = std::min(indirection_size_, port.info().indirection_size);
    }
}

worker::Config DataPlane::worker_config(std::uint16_t self, bool sleep_when_idle) const {
    const auto workers = static_cast<std::uint16_t>(cpus_.size());
    worker::Config config;
    for (std::uint16_t p = 0; p < ports_.size(); ++p) {
        const dpdk::PortInfo& info = ports_[p].info();
        // With fewer queues than workers, ports begin with different workers, so that each has something to receive.
        const unsigned shift = info.receive_queues < workers ? p : 0;
        for (std::uint16_t q = 0; q < info.receive_queues; ++q) {
            if ((q + shift) % workers == self) config.queues.push_back({p, q});
        }
        // Worker q has transmit queue q; the others go by way of it.
        const std::uint16_t queue = self % info.transmit_queues;
        config.transmit.push_back({queue, queue});
    }
    config.ownership.self = self;
    config.ownership.workers = workers;
    config.ownership.by = ownership_by_;
    config.ownership.indirection_size = indirection_size_;
    config.cycles_per_tick = dpdk::Eal::cycles_per_second() / base::kTicksPerSecond;
    config.sleep_when_idle = sleep_when_idle;
    config.cookie_key = cookie_key_;
    return config;
}

base::Expected<void, StartError> DataPlane::make_workers(const policy::Policy& policy, bool sleep_when_idle) {
    sleep_when_idle_ = sleep_when_idle;
    const auto count = static_cast<std::uint16_t>(cpus_.size());
    if (count > 1) handoff_ = std::make_unique<worker::HandoffMatrix>(count, kHandoffRingSize);
    flow::Config table = flow_table(policy, count);
    table.syn_cookies = syn_cookies_of(policy);
    table.seed = seed_;
    reassembly::Config fragments = fragment_table(policy, count);
    std::copy(std::begin(seed_.words), std::end(seed_.words), fragments.seed.words);
    for (std::uint16_t w = 0; w < count; ++w) {
        auto memory = reserve_table(table.capacity, numa_socket());
        if (!memory) return failed(memory.error());
        auto held = dpdk::Region::reserve(reassembly::Table::memory_size(fragments), numa_socket(), "fragments");
        if (!held) return failed(held.error());
        auto rules = dpdk::Region::reserve(kRuleMemorySize, numa_socket(), "rule counters");
        if (!rules) return failed(rules.error());
        Worker worker{
            cpus_[w], std::move(*memory), std::move(*held), std::move(*rules), nullptr, nullptr, nullptr, {}, {},
            nullptr};
        worker.fragments = std::make_unique<reassembly::Table>(worker.fragment_memory.bytes(), fragments);
        worker.counters = std::make_unique<telemetry::WorkerCounters>();
        auto* first = reinterpret_cast<telemetry::RuleCounters*>(worker.rule_counter_memory.bytes().data());
        std::uninitialized_value_construct_n(first, kRuleSlots);
        worker.rule_counters = {first, kRuleSlots};
        auto* evictions = reinterpret_cast<telemetry::RuleEvictions*>(first + kRuleSlots);
        std::uninitialized_value_construct_n(evictions, kRuleSlots);
        worker.rule_evictions = {evictions, kRuleSlots};
        table.rules = worker.rule_counters;
        table.evictions = worker.rule_evictions;
        worker.flows = std::make_unique<flow::Table>(worker.table_memory->bytes(), table, base::monotonic_ticks());
        workers_.push_back(std::move(worker));
    }
    return {};
}

base::Expected<void, StartError> DataPlane::start(const ruleset::Ruleset* ruleset) {
    (void)published_.exchange(ruleset);
    for (dpdk::Port& port : ports_) {
        if (auto started = port.start(); !started) return failed(started.error());
    }
    choose_ownership();
    (void)refresh_links();
    for (std::uint16_t w = 0; w < workers_.size(); ++w) {
        Worker& worker = workers_[w];
        worker.loop = std::make_unique<worker::WorkerLoop>(worker_config(w, sleep_when_idle_), *io_, domain_,
                                                           published_, *worker.flows, *worker.fragments,
                                                           *worker.counters, worker.rule_counters, handoff_.get());
    }
    running_ = true;
    for (unsigned w = 0; w < workers_.size(); ++w) {
        if (!dpdk::Eal::launch(w, run_worker, workers_[w].loop.get())) {
            return base::Unexpected(StartError{Exit::failed, fmt::format("worker {} could not be launched", w)});
        }
    }
    return {};
}

bool DataPlane::publish(const ruleset::Ruleset* ruleset) {
    (void)published_.exchange(ruleset);
    return synchronize();
}

rcu::Domain::Grace DataPlane::publish_soon(const ruleset::Ruleset* ruleset) {
    (void)published_.exchange(ruleset);
    return domain_.begin_grace();
}

bool DataPlane::synchronize() {
    constexpr std::chrono::seconds kPatience{5};
    return domain_.synchronize(kPatience);
}

base::Expected<void, std::string> DataPlane::resize_tables(const policy::Policy& policy) {
    if (is_resizing()) return base::Unexpected(std::string("flows are still moving to the table of the last change"));
    flow::Config table = flow_table(policy, workers_.size());
    table.seed = seed_;
    struct Next {
        std::unique_ptr<dpdk::Region> memory;
        std::unique_ptr<flow::Table> flows;
    };
    std::vector<Next> all;
    for (const Worker& worker : workers_) {
        // The rest is for what comes while the flows move.
        const std::uint64_t room = std::uint64_t{table.capacity} * 9 / 10;
        if (worker.flows_used() > room) {
            return base::Unexpected(fmt::format("a worker has {} flows, and a table of the new size has room for {}",
                                                worker.flows_used(), room));
        }
        auto memory = reserve_table(table.capacity, numa_socket());
        if (!memory) return base::Unexpected(memory.error().message);
        table.rules = worker.rule_counters;
        table.evictions = worker.rule_evictions;
        auto flows = std::make_unique<flow::Table>((*memory)->bytes(), table, base::monotonic_ticks());
        all.push_back({std::move(*memory), std::move(flows)});
    }
    for (std::size_t w = 0; w < workers_.size(); ++w) {
        Worker& worker = workers_[w];
        worker.leaving_memory = std::exchange(worker.table_memory, std::move(all[w].memory));
        worker.leaving = std::exchange(worker.flows, std::move(all[w].flows));
        worker.loop->move_flows_to(*worker.flows);
    }
    return {};
}

void DataPlane::finish_resizing() {
    for (Worker& worker : workers_) {
        if (!worker.leaving || worker.loop->is_moving()) continue;
        worker.leaving.reset();
        worker.leaving_memory.reset();
    }
}

bool DataPlane::is_resizing() const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const Worker& worker) { return worker.leaving != nullptr; });
}

std::vector<std::size_t> DataPlane::refresh_links() {
    std::vector<std::size_t> changed;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        const dpdk::LinkState link = ports_[i].link();
        if (link.up != links_[i].up) changed.push_back(i);
        links_[i] = link;
        io_->set_link_up(static_cast<std::uint16_t>(i), link.up);
    }
    return changed;
}

std::size_t DataPlane::table_memory_size() const {
    return std::accumulate(workers_.begin(), workers_.end(), std::size_t{0}, [](std::size_t sum, const Worker& worker) {
        return sum + worker.table_memory->bytes().size();
    });
}

BufferAccount DataPlane::stop() {
    if (!running_) return {};
    running_ = false;
    for (Worker& worker : workers_) {
        if (worker.loop) worker.loop->request_stop();
    }
    for (unsigned w = 0; w < workers_.size(); ++w) {
        dpdk::Eal::wait(w);
    }
    for (Worker& worker : workers_) {
        worker.loop->drain();
    }
    std::uint32_t may_keep = 0;
    for (const dpdk::Port& port : ports_) {
        may_keep += port.buffers_kept_at_close();
    }
    ports_.clear(); // gives back what the queues held
    const std::uint32_t away = pool_->in_use();
    BufferAccount account;
    account.kept_by_drivers = std::min(away, may_keep);
    account.missing = away - account.kept_by_drivers;
    return account;
}

DataPlane::~DataPlane() {
    (void)stop();
}

} // namespace sluice::control
