#include "control/appliance.hpp"

#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace sluice::control {
namespace {

volatile std::sig_atomic_t stop_wanted = 0;
volatile std::sig_atomic_t reload_wanted = 0;

void note_signal(int signal) {
    if (signal == SIGHUP)
        reload_wanted = 1;
    else
        stop_wanted = 1;
}

sigset_t our_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&set, signal);
    }
    return set;
}

base::Expected<std::string, std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    // Nothing to read is no error here; what is missing in an empty policy others can tell better.
    const bool empty = file && file.peek() == std::ifstream::traits_type::eof() && !file.bad();
    if (!empty && (!file || !(text << file.rdbuf()))) {
        return base::Unexpected(fmt::format("cannot read the policy '{}': {}", path, std::strerror(errno)));
    }
    return std::move(text).str();
}

std::string absolute(const std::string& path) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(path, error);
    return error ? path : whole.lexically_normal().string();
}

std::string first_line_of(const policy::Diagnostics& diagnostics) {
    const std::string text = diagnostics.render(false);
    return text.substr(0, text.find('\n'));
}

} // namespace

void block_signals() {
    struct sigaction action {};
    action.sa_handler = note_signal;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        sigaction(signal, &action, nullptr);
    }
    std::signal(SIGPIPE, SIG_IGN);
    const sigset_t set = our_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

base::Expected<std::unique_ptr<Appliance>, StartError> Appliance::start(const Options& options) {
    std::unique_ptr<Appliance> appliance(new Appliance(options));
    if (auto up = appliance->bring_up(); !up) return base::Unexpected(up.error());
    return appliance;
}

base::Expected<policy::Policy, StartError> Appliance::read_policy(std::string& text) const {
    auto read = read_file(options_.policy_path);
    if (!read) return base::Unexpected(StartError{Exit::policy_invalid, read.error()});
    text = std::move(*read);
    policy::Diagnostics diagnostics;
    auto policy = policy::read(options_.policy_path, text, diagnostics);
    if (policy) policy::lint(*policy, diagnostics);
    diagnostics.sort();
    if (!policy || diagnostics.has_errors()) {
        return base::Unexpected(StartError{Exit::policy_invalid, diagnostics.render(false)});
    }
    if (diagnostics.warning_count() != 0) spdlog::warn("{}", diagnostics.render(false));
    return std::move(*policy);
}

base::Expected<void, StartError> Appliance::bring_up() {
    std::string text;
    auto policy = read_policy(text);
    if (!policy) return base::Unexpected(policy.error());

    admin::ServerOptions socket;
    socket.path = options_.socket_path;
    socket.version = SLUICE_VERSION;
    auto server = admin::Server::listen(std::move(socket));
    if (!server) return base::Unexpected(StartError{Exit::in_use, server.error()});
    server_.emplace(std::move(*server));

    auto plane = DataPlane::prepare(options_, *policy);
    if (!plane) return base::Unexpected(plane.error());
    plane_ = std::move(*plane);

    std::vector<SlotCounters> counters;
    for (const Worker& worker : plane_->workers()) {
        counters.push_back({worker.rule_counters, worker.rule_evictions});
    }
    slots_ = std::make_unique<CounterSlots>(kRuleSlots, std::move(counters));
    policy_ = std::make_unique<RunningPolicy>(*plane_, *slots_);
    const PolicyOutcome begun = policy_->begin(std::move(*policy), absolute(options_.policy_path), std::move(text));
    if (begun.kind != PolicyOutcome::Kind::applied) {
        const std::string why = begun.message.empty() ? begun.diagnostics.render(false) : begun.message;
        return base::Unexpected(StartError{Exit::policy_invalid, why});
    }
    if (begun.diagnostics.warning_count() != 0) spdlog::warn("{}", begun.diagnostics.render(false));
    if (auto started = plane_->start(generation().ruleset.get()); !started) return base::Unexpected(started.error());
    register_methods(*server_, *this);
    rates_.sample(plane_->workers());
    log_ports();
    return {};
}

void Appliance::log_ports() const {
    for (std::size_t i = 0; i < plane_->ports().size(); ++i) {
        const dpdk::Port& port = plane_->ports()[i];
        const dpdk::PortInfo& info = port.info();
        spdlog::info("interface {}: {} ({}), mac {}, link {}, mtu {}, {} receive and {} transmit queues, rss {}",
                     port.options().name, port.options().device, info.driver, info.mac,
                     plane_->links()[i].up ? "up" : "down", info.mtu, info.receive_queues, info.transmit_queues,
                     info.symmetric_rss ? "symmetric" : "none");
        for (const std::string& warning : info.warnings) {
            spdlog::warn("{}", warning);
        }
    }
}

void Appliance::serve() {
    constexpr int kRound_ms = 100;
    const sigset_t set = our_signals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    while (!stop_wanted) {
        const int due = server_->due_in_ms();
        server_->poll(due >= 0 && due < kRound_ms ? due : kRound_ms);
        if (reload_wanted) {
            reload_wanted = 0;
            reload();
        }
        housekeeping();
    }
}

void Appliance::housekeeping() {
    rates_.sample(plane_->workers());
    plane_->finish_resizing();
    policy_->reclaim();
    const auto now = std::chrono::steady_clock::now();
    if (workers_under_pressure() == 0)
        pressure_since_.reset();
    else if (!pressure_since_)
        pressure_since_ = now;
    if (now - links_looked_at_ < std::chrono::milliseconds(500)) return;
    links_looked_at_ = now;
    for (const std::size_t i : plane_->refresh_links()) {
        spdlog::warn("interface {}: link is {}", plane_->ports()[i].options().name,
                     plane_->links()[i].up ? "up" : "down");
    }
}

std::vector<std::string> Appliance::warnings() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < plane_->ports().size(); ++i) {
        const dpdk::Port& port = plane_->ports()[i];
        if (!plane_->links()[i].up) out.push_back(fmt::format("interface '{}': link is down", port.options().name));
        out.insert(out.end(), port.info().warnings.begin(), port.info().warnings.end());
    }
    if (const unsigned pressed = workers_under_pressure(); pressed != 0) {
        const policy::FlowTable& table = generation().policy.flow_table;
        const std::size_t workers = plane_->workers().size();
        out.push_back(fmt::format("the flow table is under pressure with {} of {} workers: timeouts are {} % of what "
                                  "the policy says until less than {} % of it is in use",
                                  pressed, workers, table.timeout_scale, table.pressure_leave));
    }
    return out;
}

unsigned Appliance::workers_under_pressure() const {
    const auto& workers = plane_->workers();
    return static_cast<unsigned>(std::count_if(workers.begin(), workers.end(), [](const Worker& worker) {
        return worker.flows->stats().under_pressure.load() != 0;
    }));
}

std::optional<double> Appliance::pressure_seconds() const {
    if (workers_under_pressure() == 0) return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - pressure_since_.value_or(now)).count();
}

void Appliance::reload() {
    const auto text = read_file(options_.policy_path);
    if (!text) {
        spdlog::error("reload: {}; generation {} goes on", text.error(), generation().number);
        return;
    }
    (void)apply(options_.policy_path, absolute(options_.policy_path), *text, "SIGHUP");
}

PolicyOutcome Appliance::apply(const std::string& name, const std::string& file, const std::string& text,
                               const std::string& who, policy::SetFiles set_files) {
    using Kind = PolicyOutcome::Kind;
    PolicyOutcome outcome = policy_->apply(name, file, text, set_files);
    const std::uint32_t number = generation().number;
    switch (outcome.kind) {
    case Kind::applied: spdlog::info("policy '{}' applied as generation {} ({})", name, number, who); break;
    case Kind::unchanged: spdlog::info("policy '{}' is the running one, generation {} ({})", name, number, who); break;
    case Kind::invalid:
        spdlog::error("policy '{}' refused, generation {} goes on ({}): {} errors, first: {}", name, number, who,
                      outcome.diagnostics.error_count(), first_line_of(outcome.diagnostics));
        break;
    default: spdlog::error("policy '{}' refused, generation {} goes on ({}): {}", name, number, who, outcome.message);
    }
    if (outcome.kind == Kind::applied && !outcome.message.empty()) spdlog::error("{}", outcome.message);
    return outcome;
}

SetOutcome Appliance::change_set(const SetChange& change, const std::string& who) {
    SetOutcome outcome = policy_->change_set(change);
    switch (outcome.kind) {
    case SetOutcome::Kind::changed:
        spdlog::info("set '{}': {} added, {} removed, {} now{} ({})", change.name, outcome.added, outcome.removed,
                     outcome.prefixes, outcome.recompiled ? ", compiled anew" : "", who);
        break;
    case SetOutcome::Kind::unchanged: break;
    default: spdlog::warn("set change refused ({}): {}", who, outcome.message);
    }
    return outcome;
}

bool Appliance::stop() {
    const BufferAccount buffers = plane_->stop();
    const Totals totals = totals_of(plane_->workers());
    spdlog::info(
        "stopped: received {}, made {}, forwarded {}, dropped {}, answered {}, held {}; buffers: {} kept by drivers, "
        "{} missing",
        totals.received, totals.made, totals.forwarded, totals.dropped, totals.answered, totals.held,
        buffers.kept_by_drivers, buffers.missing);
    if (buffers.missing != 0) spdlog::error("{} packet buffers did not come back", buffers.missing);
    return buffers.missing == 0;
}

Appliance::~Appliance() {
    if (plane_) (void)plane_->stop();
    // What workers read outlives them.
    policy_.reset();
    slots_.reset();
    plane_.reset();
}

} // namespace sluice::control
