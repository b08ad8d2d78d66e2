#include "replay/replay.hpp"

#include "dpdk/eal.hpp"
#include "packet/parse.hpp"
#include "policy/compile/compile.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"
#include "replay/capture.hpp"
#include "replay/describe.hpp"
#include "replay/side.hpp"
#include "worker/worker_loop.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace sluice::replay {
namespace {

constexpr std::size_t kLongestFrame = 65'535;
constexpr std::uint32_t kMostFlows = 1u << 20;

/// The capture as a port: one packet waits to be received; what is sent or freed is only counted by the worker.
class CapturePort final : public worker::PortIo {
  public:
    void offer(Captured& packet, std::uint16_t port) {
        waiting_ = &packet;
        port_ = port;
    }
    void receive(std::uint16_t port, std::uint16_t, pipeline::Batch& batch) override {
        if (waiting_ == nullptr || port != port_) return;
        batch.count = 1;
        batch.data[0] = waiting_->frame.data();
        const std::size_t size = waiting_->frame.size();
        batch.length[0] = size > kLongestFrame ? std::uint16_t{0} : static_cast<std::uint16_t>(size);
        batch.handle[0] = waiting_;
        batch.port[0] = port_;
        waiting_ = nullptr;
    }
    unsigned transmit(std::uint16_t, std::uint16_t, void* const*, unsigned count) override { return count; }
    bool link_up(std::uint16_t) override { return true; }
    void release(void* const*, unsigned) override {}

  private:
    Captured* waiting_ = nullptr;
    std::uint16_t port_ = 0;
};

/// Keeps what the pipeline decided about the one packet of a batch.
class LastDecision final : public worker::Observer {
  public:
    void decided(const pipeline::Batch& batch) override {
        parsed = batch.parsed[0];
        forwarded = batch.disposition[0] == pipeline::Disposition::forward;
        reason = batch.reason[0];
        rule_slot = batch.rule_slot[0];
        path = batch.path[0];
        seen = true;
    }
    packet::Parsed parsed{};
    bool forwarded = false;
    telemetry::DropReason reason{};
    std::uint32_t rule_slot = pipeline::kNoRule;
    ruleset::Path path{};
    bool seen = false;
};

struct FreeMemory {
    void operator()(std::byte* memory) const { std::free(memory); }
};

/// One worker with all it needs, at the mercy of the capture's clock.
class Appliance {
  public:
    Appliance(const policy::Policy& policy, const ruleset::Ruleset& ruleset)
        : policy_(policy) {
        const auto capacity =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(policy.flow_table.capacity, kMostFlows));
        const std::size_t size = (flow::Table::memory_size(capacity) + 63) / 64 * 64;
        memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, size)));
        std::memset(memory_.get(), 0, size);
        flow::Config table;
        table.capacity = capacity;
        table.on_full =
            policy.flow_table.on_full == policy::OnFull::evict ? flow::OnFull::evict : flow::OnFull::drop_new;
        table.seed = {{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d}};
        flows_ = std::make_unique<flow::Table>(std::span(memory_.get(), size), table, 0);
        rules_ = std::make_unique<telemetry::RuleCounters[]>(policy.rules.size() + 1);
        (void)published_.exchange(&ruleset);
        worker::Config config;
        for (std::uint16_t port = 0; port < policy.interfaces.size(); ++port) {
            config.queues.push_back({port, 0});
            config.transmit.push_back({0, 0});
        }
        loop_ = std::make_unique<worker::WorkerLoop>(std::move(config), port_, domain_, published_, *flows_, counters_,
                                                     std::span(rules_.get(), policy.rules.size() + 1), nullptr);
        loop_->set_observer(&last_);
    }

    const LastDecision& pass(Captured& packet, std::uint16_t port, base::Tick now) {
        // Time went by since the last packet: what is over ends before this one is looked at.
        while (flows_->age(now, 1024) == 1024) {
        }
        last_.seen = false;
        port_.offer(packet, port);
        (void)loop_->step(now);
        return last_;
    }

    void fill(Report& report) const {
        report.received = counters_.received_packets.load();
        report.forwarded = counters_.forwarded_packets.load();
        for (std::size_t i = 0; i < telemetry::kDropReasonCount; ++i) {
            const std::uint64_t packets = counters_.drops[i].load();
            report.dropped += packets;
            if (packets != 0) report.reasons.push_back({std::string(telemetry::kDropReasonNames[i]), packets, 0});
        }
        for (std::size_t i = 0; i <= policy_.rules.size(); ++i) {
            report.rules.push_back(
                {rule_name(static_cast<std::uint32_t>(i)), rules_[i].packets.load(), rules_[i].bytes.load()});
        }
        report.flows_created = flows_->stats().created.load();
        report.flows_left = flows_->stats().used.load();
    }

    [[nodiscard]] std::string rule_name(std::uint32_t slot) const {
        if (slot == pipeline::kNoRule) return "-";
        return slot < policy_.rules.size() ? policy_.rules[slot].name : "default";
    }

  private:
    const policy::Policy& policy_;
    std::unique_ptr<std::byte, FreeMemory> memory_;
    std::unique_ptr<flow::Table> flows_;
    std::unique_ptr<telemetry::RuleCounters[]> rules_;
    telemetry::WorkerCounters counters_;
    rcu::Domain domain_;
    rcu::Published<ruleset::Ruleset> published_;
    CapturePort port_;
    LastDecision last_;
    std::unique_ptr<worker::WorkerLoop> loop_;
};

const char* path_word(const LastDecision& decision) {
    switch (decision.path) {
    case ruleset::Path::direct: return "untracked";
    case ruleset::Path::mirror:
    case ruleset::Path::mirror_any: return "reply";
    case ruleset::Path::none:
    case ruleset::Path::tracked: break;
    }
    return decision.rule_slot == pipeline::kNoRule ? "-" : "tracked";
}

Verdict verdict_of(const LastDecision& decision, const Appliance& appliance) {
    Verdict verdict;
    verdict.packet = decision.seen ? describe(decision.parsed) : "a frame that is empty or longer than 65,535 bytes";
    verdict.forwarded = decision.seen && decision.forwarded;
    if (!verdict.forwarded) {
        const auto reason = decision.seen ? decision.reason : telemetry::DropReason::frame_in_pieces;
        verdict.reason = telemetry::name(reason);
    }
    if (decision.seen && decision.parsed.kind == packet::Kind::malformed) {
        verdict.detail = packet::name(decision.parsed.malformed);
    }
    verdict.rule = decision.seen ? appliance.rule_name(decision.rule_slot) : "-";
    verdict.path = decision.seen ? path_word(decision) : "-";
    return verdict;
}

/// Index of the interface by which the first packet comes in.
base::Expected<std::size_t, Failure> interface_named(const policy::Policy& policy, const std::string& name) {
    for (std::size_t i = 0; i < policy.interfaces.size(); ++i) {
        if (policy.interfaces[i].name == name) return i;
    }
    return base::Unexpected(Failure{Failure::Kind::usage, fmt::format("the policy has no interface '{}'", name)});
}

base::Expected<Sides, Failure> sides_for(const Options& options, const policy::Policy& policy, std::size_t first) {
    std::vector<std::pair<net::Prefix, bool>> fixed;
    for (const auto& [name, prefix] : options.sides) {
        const auto index = interface_named(policy, name);
        if (!index) return base::Unexpected(index.error());
        if (*index != first && *index != policy.interfaces[first].peer) {
            return base::Unexpected(
                Failure{Failure::Kind::usage, fmt::format("'{}' is not an end of the wire that begins at '{}'", name,
                                                          policy.interfaces[first].name)});
        }
        fixed.emplace_back(prefix, *index != first);
    }
    return Sides(std::move(fixed));
}

base::Expected<dpdk::Eal, Failure> start_eal() {
    dpdk::EalOptions options;
    options.file_prefix = fmt::format("sluice-replay-{}", getpid());
    options.hugepages = false;
    options.shared_files = false;
    options.memory_size = std::uint64_t{1} << 30; // address space; only what classifiers take is touched
    auto eal = dpdk::Eal::start(options);
    if (!eal) return base::Unexpected(Failure{Failure::Kind::failed, eal.error().message});
    return std::move(*eal);
}

Failure invalid(policy::Diagnostics& diagnostics) {
    diagnostics.sort();
    return {Failure::Kind::policy_invalid, diagnostics.render(false)};
}

base::Expected<void, Failure> pass_all(CaptureReader& reader, CaptureWriter* writer, Appliance& appliance, Sides& sides,
                                       const policy::Policy& policy, std::size_t first, const EachPacket& each,
                                       Report& report) {
    Captured packet;
    std::uint64_t start = 0;
    std::uint64_t latest = 0;
    for (std::uint64_t number = 1;; ++number) {
        const auto more = reader.next(packet);
        if (!more)
            return base::Unexpected(Failure{Failure::Kind::failed, fmt::format("packet {}: {}", number, more.error())});
        if (!*more) break;
        if (number == 1) start = latest = packet.microseconds;
        // Time does not run backwards on a worker, captures sometimes do.
        latest = std::max(latest, packet.microseconds);
        if (packet.truncated) ++report.truncated;
        packet::Parsed parsed;
        packet::parse(packet.frame, parsed);
        const bool second = sides.from_second(parsed, packet.frame);
        const std::size_t port = second ? policy.interfaces[first].peer : first;
        const auto& decision =
            appliance.pass(packet, static_cast<std::uint16_t>(port), static_cast<base::Tick>((latest - start) / 1000));
        if (!each && writer == nullptr) continue;
        Verdict verdict = verdict_of(decision, appliance);
        verdict.number = number;
        verdict.seconds = static_cast<double>(latest - start) / 1e6;
        verdict.interface = policy.interfaces[port].name;
        if (each) each(verdict);
        if (writer != nullptr) {
            const std::string what = verdict.forwarded ? "forward" : "drop " + verdict.reason;
            writer->write(packet, static_cast<std::uint32_t>(port),
                          fmt::format("{}, rule {}, {}", what, verdict.rule, verdict.path));
        }
    }
    report.seconds = static_cast<double>(latest - start) / 1e6;
    return {};
}

} // namespace

base::Expected<Report, Failure> run(const Options& options, const EachPacket& each) {
    policy::Diagnostics diagnostics;
    const auto policy = policy::read_file(options.policy_path, diagnostics);
    if (policy) policy::lint(*policy, diagnostics);
    if (!policy || diagnostics.has_errors()) return base::Unexpected(invalid(diagnostics));

    auto reader = CaptureReader::open(options.capture_path);
    if (!reader) return base::Unexpected(Failure{Failure::Kind::failed, reader.error()});
    const auto first = interface_named(*policy, options.interface.value_or(policy->interfaces.front().name));
    if (!first) return base::Unexpected(first.error());
    auto sides = sides_for(options, *policy, *first);
    if (!sides) return base::Unexpected(sides.error());
    std::optional<CaptureWriter> writer;
    if (options.output_path) {
        std::vector<std::string> names;
        for (const policy::Interface& interface : policy->interfaces) {
            names.push_back(interface.name);
        }
        auto created = CaptureWriter::create(*options.output_path, names);
        if (!created) return base::Unexpected(Failure{Failure::Kind::failed, created.error()});
        writer.emplace(std::move(*created));
    }

    const auto eal = start_eal();
    if (!eal) return base::Unexpected(eal.error());
    const auto ruleset = policy::compile(*policy, {}, diagnostics);
    if (!ruleset) return base::Unexpected(invalid(diagnostics));
    Report report;
    Appliance appliance(*policy, *ruleset);
    auto passed = pass_all(*reader, writer ? &*writer : nullptr, appliance, *sides, *policy, *first, each, report);
    if (!passed) return base::Unexpected(passed.error());
    if (writer && !writer->finish()) {
        return base::Unexpected(Failure{Failure::Kind::failed, fmt::format("cannot write '{}'", *options.output_path)});
    }
    appliance.fill(report);
    diagnostics.sort();
    report.warnings = diagnostics.render(false);
    return report;
}

} // namespace sluice::replay
