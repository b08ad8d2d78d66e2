// One run: DPDK's environment, the limit, the ports, the generator's core, and what is said meanwhile.
#include "base/clock.hpp"
#include "dpdk/device_name.hpp"
#include "dpdk/eal.hpp"
#include "loadgen/program.hpp"
#include "traffic_generator/dpdk_ports.hpp"
#include "traffic_generator/run_arguments.hpp"

#include <chrono>
#include <fmt/format.h>
#include <sched.h>
#include <thread>
#include <unistd.h>

namespace sluice::traffic {
namespace {

constexpr uint32_t kBuffers = 16'384;
constexpr uint16_t kBufferSize = 2048;
constexpr double kLimitWarmUp = 0.2;
constexpr uint64_t kMemoryWithoutHugepages = 128u << 20;
constexpr auto kProgressEvery = std::chrono::seconds(1);
constexpr auto kLookEvery = std::chrono::milliseconds(20);
constexpr double kJoinSeconds = 5;
/// An appliance may take so long to notice that a link has come up.
constexpr auto kAppliancesLookAtLinks = std::chrono::milliseconds(700);

int say(int code, const std::string& text) {
    fmt::print(stderr, "traffic: {}\n", text);
    return code;
}

/// The exit codes of sluiced.
int code_of(const dpdk::Error& error) {
    switch (error.kind) {
    case dpdk::Error::Kind::not_permitted: return 4;
    case dpdk::Error::Kind::no_device: return 6;
    case dpdk::Error::Kind::in_use: return 7;
    case dpdk::Error::Kind::no_memory: return 8;
    case dpdk::Error::Kind::failed: break;
    }
    return loadgen::kFailed;
}

unsigned first_allowed_cpu() {
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    unsigned cpu = 0;
    while (cpu + 1 < CPU_SETSIZE && !CPU_ISSET(cpu, &allowed)) {
        ++cpu;
    }
    return cpu;
}

dpdk::EalOptions eal_options(const RunArguments& arguments) {
    dpdk::EalOptions options;
    options.file_prefix = arguments.file_prefix;
    options.worker_cpus = {arguments.core < 0 ? first_allowed_cpu() : static_cast<unsigned>(arguments.core)};
    options.hugepages = !arguments.no_huge;
    if (arguments.no_huge) options.memory_size = kMemoryWithoutHugepages;
    for (const std::string& device : {arguments.client_device, arguments.server_device}) {
        if (dpdk::is_pci_address(device)) options.pci_devices.push_back(device);
        options.virtio_user |= dpdk::is_virtio_user(device);
    }
    return options;
}

std::string_view phase_words(Phase phase) {
    switch (phase) {
    case Phase::preparing: return "establishing flows";
    case Phase::warming_up: return "warming up";
    case Phase::measuring: return "measuring";
    case Phase::coming_to_rest: return "coming to rest";
    default: return "waiting";
    }
}

/// A line for each second, from one call to the next.
class ProgressLine {
  public:
    void print(const Progress& progress, const char* what) {
        const uint64_t sent = progress.sent.load();
        const uint64_t received = progress.received.load();
        const uint64_t completed = progress.completed.load();
        const auto now = std::chrono::steady_clock::now();
        const double seconds = std::chrono::duration<double>(now - last_).count();
        const auto rate = [seconds](uint64_t more, uint64_t less) {
            return seconds > 0 ? static_cast<double>(more - less) / seconds : 0;
        };
        fmt::print(stderr, "{}{}: {:.0f} sent/s, {:.0f} received/s, {} {} ({:.0f}/s), {} failed, {} wrong\n", what,
                   phase_words(progress.phase.load()), rate(sent, sent_), rate(received, received_), completed,
                   "completed", rate(completed, completed_), progress.failed.load(), progress.wrong.load());
        sent_ = sent;
        received_ = received;
        completed_ = completed;
        last_ = now;
    }

  private:
    uint64_t sent_ = 0;
    uint64_t received_ = 0;
    uint64_t completed_ = 0;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// What the generator's core is told to do.
struct Job {
    Engine& engine;
    PortCounts ports;
    std::atomic<bool> done{false};
};

int generate(void* argument) {
    Job& job = *static_cast<Job*>(argument);
    job.ports = job.engine.run(loadgen::stop_requested);
    job.done.store(true, std::memory_order_release);
    return 0;
}

/// Runs the plan's workload over these ports, on the generator's core.
Outcome measure(const RunPlan& plan, DpdkPorts& ports, bool limit, bool progress_wanted) {
    const uint64_t hz = dpdk::Eal::cycles_per_second();
    const auto workload = plan.make_workload(hz, limit);
    Floods::Options flood_options = plan.floods;
    flood_options.cycles_per_second = hz;
    Floods floods(plan.tuples, plan.flood_sources, flood_options);
    const FrameReader reader(plan.tuples, plan.flood_sources);
    Engine::Options options = plan.engine;
    options.cycles_per_second = hz;
    options.clock = base::cycles;
    if (limit) {
        options.warm_up_seconds = kLimitWarmUp;
        options.seconds = plan.limit_seconds;
    }
    Progress progress;
    Engine engine(ports, *workload, floods, reader, options, progress);
    Job job{engine, {}, {}};
    dpdk::Eal::launch(0, generate, &job);
    ProgressLine line;
    auto next = std::chrono::steady_clock::now() + kProgressEvery;
    while (!job.done.load(std::memory_order_acquire)) {
        std::this_thread::sleep_for(kLookEvery);
        if (!progress_wanted || std::chrono::steady_clock::now() < next) continue;
        line.print(progress, limit ? "limit, " : "");
        next += kProgressEvery;
    }
    dpdk::Eal::wait(0);
    return {workload->counts(), job.ports, floods.counts()};
}

base::Expected<std::optional<Outcome>, dpdk::Error> measure_limit(const RunPlan& plan, const dpdk::BufferPool& pool,
                                                                  bool progress_wanted) {
    if (plan.limit_seconds <= 0 || plan.description.joined) return std::optional<Outcome>();
    auto ports = DpdkPorts::joined(pool);
    if (!ports) return base::Unexpected(ports.error());
    if (!ports->wait_for_links(kJoinSeconds, loadgen::stop_requested))
        return base::Unexpected(dpdk::Error{dpdk::Error::Kind::failed, "the two joined ports found no link"});
    return std::optional(measure(plan, *ports, true, progress_wanted));
}

base::Expected<DpdkPorts, dpdk::Error> connected_ports(const RunPlan& plan, const RunArguments& arguments,
                                                       const dpdk::BufferPool& pool) {
    auto ports = arguments.joined ? DpdkPorts::joined(pool)
                                  : DpdkPorts::open({arguments.client_device, arguments.server_device}, pool);
    if (!ports) return ports;
    if (!ports->wait_for_links(plan.connect_seconds, loadgen::stop_requested)) {
        return base::Unexpected(dpdk::Error{
            dpdk::Error::Kind::no_device,
            fmt::format("no link within {}: {}; is the firewall running, and at the other end of the same socket or "
                        "cable?",
                        arguments.connect_timeout, ports->without_link())});
    }
    for (const std::string& warning : ports->warnings()) {
        say(0, warning);
    }
    if (!arguments.joined) std::this_thread::sleep_for(kAppliancesLookAtLinks);
    return ports;
}

/// Until both links have gone down or somebody asks for the end. Not at the first: an appliance closes one port after
/// the other, and memif ports that are closed from both ends at once free the same twice.
void hold(const DpdkPorts& ports) {
    std::fflush(stdout);
    while (ports.any_link() && !loadgen::stop_requested) {
        std::this_thread::sleep_for(kLookEvery);
    }
}

int report(const RunPlan& plan, const RunArguments& arguments, const Outcome& outcome,
           const std::optional<Outcome>& limit) {
    if (!arguments.quiet) fmt::print("{}", to_text(plan.description, outcome, limit));
    const std::string problem = loadgen::write_file(arguments.json, to_json(plan.description, outcome, limit));
    if (!problem.empty()) return say(loadgen::kFailed, problem);
    if (outcome.wrong() > 0) return loadgen::kFailed;
    return outcome.percent(plan.mode) >= arguments.require ? loadgen::kDone : loadgen::kFailed;
}

} // namespace

int run(const RunPlan& plan, const RunArguments& arguments) {
    auto eal = dpdk::Eal::start(eal_options(arguments));
    if (!eal) return say(code_of(eal.error()), eal.error().message);
    loadgen::stop_on_signals();
    const auto pool = dpdk::BufferPool::create("traffic", kBuffers, kBufferSize, -1);
    if (!pool) return say(code_of(pool.error()), pool.error().message);
    const bool progress = arguments.progress || ::isatty(STDERR_FILENO) == 1;
    const auto limit = measure_limit(plan, *pool, progress);
    if (!limit) return say(code_of(limit.error()), "the generator's own limit: " + limit.error().message);
    auto ports = connected_ports(plan, arguments, *pool);
    if (!ports) return say(code_of(ports.error()), ports.error().message);
    const int code = report(plan, arguments, measure(plan, *ports, false, progress), *limit);
    if (arguments.hold) hold(*ports);
    return code;
}

} // namespace sluice::traffic
