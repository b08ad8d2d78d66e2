#include "replay/replay.hpp"

#include "dpdk/eal.hpp"
#include "flow/sizing.hpp"
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
#include <iterator>
#include <map>
#include <memory>

namespace sluice::replay {
namespace {

constexpr std::size_t kLongestFrame = 65'535;
constexpr std::uint32_t kMostFlows = 1u << 20;

/// The capture as a port: one packet waits to be received; what is sent or freed is only counted by the worker.
class CapturePort final : public worker::PortIo {
  public:
    /// A packet that came in, until it is known what became of it. It is the handle that the worker has of it.
    struct Packet {
        Captured captured;
        std::uint16_t port = 0;
    };

    void offer(std::unique_ptr<Packet> packet) {
        waiting_ = packet.get();
        packets_[waiting_] = std::move(packet);
    }
    [[nodiscard]] const Packet& packet(const void* handle) const { return *packets_.at(handle); }
    void forget(const void* handle) { packets_.erase(handle); }

    void receive(std::uint16_t port, std::uint16_t, pipeline::Batch& batch) override {
        if (waiting_ == nullptr || port != waiting_->port) return;
        std::vector<std::byte>& frame = waiting_->captured.frame;
        batch.count = 1;
        batch.data[0] = frame.data();
        batch.length[0] = frame.size() > kLongestFrame ? std::uint16_t{0} : static_cast<std::uint16_t>(frame.size());
        batch.handle[0] = waiting_;
        batch.port[0] = port;
        batch.checksum[0] = pipeline::Checksum::unknown;
        waiting_ = nullptr;
    }
    unsigned transmit(std::uint16_t, std::uint16_t, void* const*, unsigned count) override { return count; }
    bool link_up(std::uint16_t) override { return true; }
    void release(void* const*, unsigned) override {}
    void* make(std::span<const std::byte>) override { return nullptr; }
    void shorten(void*, std::uint16_t) override {}

  private:
    std::map<const void*, std::unique_ptr<Packet>> packets_;
    Packet* waiting_ = nullptr;
};

struct Decision {
    packet::Parsed parsed{};
    pipeline::Disposition disposition = pipeline::Disposition::drop;
    telemetry::DropReason reason = telemetry::DropReason::frame_in_pieces;
    std::uint32_t rule_slot = pipeline::kNoRule;
    ruleset::Path path{};
    bool seen = false; ///< by the pipeline
};

/// What was decided since the last clear(): about the packet that came in, and about fragments that were held.
class Decisions final : public worker::Observer {
  public:
    void clear() {
        last = {};
        fates.clear();
    }
    void decided(const pipeline::Batch& batch) override {
        last = {batch.parsed[0], batch.disposition[0], batch.reason[0], batch.rule_slot[0], batch.path[0], true};
        const bool held = batch.disposition[0] == pipeline::Disposition::held;
        if (!held && !batch.is_datagram(0)) fates.emplace_back(batch.handle[0], last);
    }
    void shares(const pipeline::Batch&, unsigned, void* handle) override { fates.emplace_back(handle, last); }
    void discarded(const reassembly::Discarded& fragment) override {
        Decision decision;
        decision.reason = fragment.reason;
        fates.emplace_back(fragment.handle, decision);
    }

    Decision last;
    std::vector<std::pair<const void*, Decision>> fates; ///< what became of packets, in order
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
        const policy::FlowTable& wanted = policy.flow_table;
        flow::Config table = flow::share_of(
            {capacity, wanted.half_open_percent, wanted.pressure_enter, wanted.pressure_leave, wanted.timeout_scale},
            1);
        table.syn_cookies = flow::SynCookies::never; // the clients of a capture answer none
        table.seed = {{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d}};
        flows_ = std::make_unique<flow::Table>(std::span(memory_.get(), size), table, 0);
        reassembly::Config fragments = reassembly::share_of(
            policy.fragment_table.datagrams, policy.fragment_table.per_datagram, policy.fragment_table.timeout, 1);
        std::copy(std::begin(table.seed.words), std::end(table.seed.words), fragments.seed.words);
        const std::size_t fragment_size = reassembly::Table::memory_size(fragments);
        fragment_memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, fragment_size)));
        fragments_ = std::make_unique<reassembly::Table>(std::span(fragment_memory_.get(), fragment_size), fragments);
        rules_ = std::make_unique<telemetry::RuleCounters[]>(policy.rules.size() + 1);
        (void)published_.exchange(&ruleset);
        worker::Config config;
        for (std::uint16_t port = 0; port < policy.interfaces.size(); ++port) {
            config.queues.push_back({port, 0});
            config.transmit.push_back({0, 0});
        }
        loop_ =
            std::make_unique<worker::WorkerLoop>(std::move(config), port_, domain_, published_, *flows_, *fragments_,
                                                 counters_, std::span(rules_.get(), policy.rules.size() + 1), nullptr);
        loop_->set_observer(&decisions_);
    }

    const Decision& pass(std::unique_ptr<CapturePort::Packet> packet, base::Tick now) {
        decisions_.clear();
        // Time went by since the last packet: what is over ends before this one is looked at.
        while (flows_->age(now, 1024, published_.load()->look_interval_ticks()) == 1024) {
        }
        while (fragments_->expire(now, 1024) == 1024) {
        }
        const void* handle = packet.get();
        port_.offer(std::move(packet));
        (void)loop_->step(now);
        if (!decisions_.last.seen) decisions_.fates.emplace_back(handle, decisions_.last);
        return decisions_.last;
    }

    /// Calls `each(packet, decision)` for the packets whose fate the last pass() decided, and forgets them.
    template <typename Each> void for_each_fate(Each each) {
        for (const auto& [handle, decision] : decisions_.fates) {
            each(port_.packet(handle), decision);
            port_.forget(handle);
        }
        decisions_.fates.clear();
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
        report.held = counters_.held_fragments.load();
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
    std::unique_ptr<std::byte, FreeMemory> fragment_memory_;
    std::unique_ptr<reassembly::Table> fragments_;
    std::unique_ptr<telemetry::RuleCounters[]> rules_;
    telemetry::WorkerCounters counters_;
    rcu::Domain domain_;
    rcu::Published<ruleset::Ruleset> published_;
    CapturePort port_;
    Decisions decisions_;
    std::unique_ptr<worker::WorkerLoop> loop_;
};

const char* path_word(const Decision& decision) {
    switch (decision.path) {
    case ruleset::Path::direct: return "untracked";
    case ruleset::Path::mirror:
    case ruleset::Path::mirror_any: return "reply";
    case ruleset::Path::none:
    case ruleset::Path::tracked: break;
    }
    return decision.rule_slot == pipeline::kNoRule ? "-" : "tracked";
}

Verdict::What what_of(const Decision& decision) {
    switch (decision.disposition) {
    case pipeline::Disposition::forward: return Verdict::What::forward;
    case pipeline::Disposition::held: return Verdict::What::held;
    case pipeline::Disposition::pending:
    case pipeline::Disposition::drop:
    case pipeline::Disposition::answer: // no cookies are given here, see Appliance()
    case pipeline::Disposition::absorb:
    case pipeline::Disposition::hand_off: break;
    }
    return Verdict::What::drop;
}

Verdict verdict_of(const Decision& decision, const Appliance& appliance) {
    Verdict verdict;
    verdict.packet = decision.seen ? describe(decision.parsed) : "a frame that is empty or longer than 65,535 bytes";
    verdict.what = what_of(decision);
    if (verdict.what == Verdict::What::drop) verdict.reason = telemetry::name(decision.reason);
    if (decision.parsed.kind == packet::Kind::malformed && decision.seen) {
        verdict.detail = packet::name(decision.parsed.malformed);
    }
    verdict.rule = appliance.rule_name(decision.rule_slot);
    verdict.path = path_word(decision);
    return verdict;
}

std::string comment(const Verdict& verdict) {
    const std::string what = verdict.what == Verdict::What::forward ? "forward" : "drop " + verdict.reason;
    return fmt::format("{}, rule {}, {}", what, verdict.rule, verdict.path);
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
    std::uint64_t start = 0;
    std::uint64_t latest = 0;
    for (std::uint64_t number = 1;; ++number) {
        auto packet = std::make_unique<CapturePort::Packet>();
        Captured& captured = packet->captured;
        const auto more = reader.next(captured);
        if (!more)
            return base::Unexpected(Failure{Failure::Kind::failed, fmt::format("packet {}: {}", number, more.error())});
        if (!*more) break;
        if (number == 1) start = latest = captured.microseconds;
        // Time does not run backwards on a worker, captures sometimes do.
        latest = std::max(latest, captured.microseconds);
        if (captured.truncated) ++report.truncated;
        packet::Parsed parsed;
        packet::parse(captured.frame, parsed);
        const bool second = sides.from_second(parsed, captured.frame);
        const std::size_t port = second ? policy.interfaces[first].peer : first;
        packet->port = static_cast<std::uint16_t>(port);
        const Decision& decision = appliance.pass(std::move(packet), static_cast<base::Tick>((latest - start) / 1000));
        if (each) {
            Verdict verdict = verdict_of(decision, appliance);
            verdict.number = number;
            verdict.seconds = static_cast<double>(latest - start) / 1e6;
            verdict.interface = policy.interfaces[port].name;
            each(verdict);
        }
        // Fragments are written when it is known what becomes of them.
        appliance.for_each_fate([&](const CapturePort::Packet& over, const Decision& fate) {
            if (writer == nullptr) return;
            writer->write(over.captured, over.port, comment(verdict_of(fate, appliance)));
        });
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
