#include "running.hpp"

#include "control/running_policy.hpp"
#include "policy/compile/compile.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"

#include <algorithm>

namespace sluice::scenario {

using telemetry::DropReason;
using telemetry::WorkerCounters;
using test_support::MemoryAppliance;
using test_support::MemoryFrame;

Running::Running(const Files& files, std::uint16_t workers, Outcome& outcome)
    : files_(files)
    , workers_(workers)
    , outcome_(outcome) {}

void Running::fail_at(unsigned line, const std::string& message) {
    outcome_.failures.push_back({"steps.txt", line, message});
}

template <typename Got> void Running::expect(const std::string& what, Got wanted, Got got) {
    if (wanted != got) fail(what + ": " + std::to_string(wanted) + " expected, " + std::to_string(got) + " found");
}

std::optional<policy::Policy> Running::read_policy(const std::string& file) {
    const auto text = files_.find(file);
    if (text == files_.end()) {
        fail("the folder has no file '" + file + "'");
        return std::nullopt;
    }
    policy::Diagnostics diagnostics;
    auto policy = policy::read(file, text->second, diagnostics);
    if (policy) policy::lint(*policy, diagnostics);
    if (!policy || diagnostics.has_errors()) {
        fail("the policy is not valid:\n" + diagnostics.render(false));
        return std::nullopt;
    }
    return policy;
}

/// As control::RunningPolicy does it.
std::optional<Running::Compiled> Running::compile(const std::string& file) {
    auto policy = read_policy(file);
    if (!policy) return std::nullopt;
    if (appliance_ == nullptr) {
        test_support::MemoryApplianceOptions options;
        options.workers = workers_;
        options.ports = static_cast<std::uint16_t>(policy->interfaces.size());
        const std::uint64_t flows = std::min(policy->flow_table.capacity, kMostFlows);
        const policy::FlowTable& table = policy->flow_table;
        options.flows = flow::share_of(
            {flows, table.half_open_percent, table.pressure_enter, table.pressure_leave, table.timeout_scale},
            workers_);
        if (table.syn_cookies == policy::SynCookies::always) options.flows.syn_cookies = flow::SynCookies::always;
        const policy::FragmentTable& fragments = policy->fragment_table;
        options.fragments =
            reassembly::share_of(fragments.datagrams, fragments.per_datagram, fragments.timeout, workers_);
        options.rule_slots = kRuleSlots;
        options.start = kStart;
        appliance_ = std::make_unique<MemoryAppliance>(options);
        appliance_->set_observer(this);
        std::vector<control::SlotCounters> counters;
        for (std::uint16_t w = 0; w < workers_; ++w) {
            counters.push_back({appliance_->rule_counters(w), {}});
        }
        slots_ = std::make_unique<control::CounterSlots>(kRuleSlots, std::move(counters));
    }
    auto slots = slots_->assign(control::rule_names(*policy));
    if (!slots) {
        fail("more rules than a scenario can count");
        return std::nullopt;
    }
    policy::CompileOptions options;
    options.epoch = ++epoch_;
    options.counter_slots = *slots;
    policy::Diagnostics diagnostics;
    auto ruleset = policy::compile(*policy, options, diagnostics);
    if (ruleset == nullptr) {
        fail("the policy cannot be compiled:\n" + diagnostics.render(false));
        return std::nullopt;
    }
    return Compiled{std::move(*policy), std::move(*slots), std::move(ruleset)};
}

bool Running::begin() {
    running_ = compile("policy.yaml");
    if (!running_) return false;
    appliance_->publish(*running_->ruleset);
    return true;
}

void Running::take(const Reload& step) {
    auto next = compile(step.file);
    if (!next) return;
    const auto fixed = control::fixed_differences(running_->policy, next->policy);
    if (!fixed.empty()) return fail("the appliance would have to be restarted: '" + fixed.front() + "' differs");
    appliance_->publish(*next->ruleset);
    running_ = std::move(next);
    slots_->keep_only(control::rule_names(running_->policy));
}

void Running::take(const Wait& step) {
    constexpr base::Tick kRound = 50;
    while (passed_ < step.until) {
        passed_ += std::min(kRound, step.until - passed_);
        const Account before = account();
        appliance_->settle(now());
        if (held_.empty()) continue;
        const Account after = account();
        const auto over = take_no_longer_held();
        for (const Sent& sent : over) {
            check_packet(sent, {});
        }
        check_counters({}, over, before, after);
        verdicts_.clear();
    }
}

std::optional<std::uint16_t> Running::port_of(const std::string& interface) {
    const auto& interfaces = running_->policy.interfaces;
    const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                    [&interface](const policy::Interface& one) { return one.name == interface; });
    if (found != interfaces.end()) return static_cast<std::uint16_t>(found - interfaces.begin());
    fail("the policy has no interface '" + interface + "'");
    return std::nullopt;
}

void Running::decided(const pipeline::Batch& batch) {
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.disposition[i] == pipeline::Disposition::hand_off) continue;
        verdicts_[batch.handle[i]] = {batch.disposition[i], batch.reason[i], batch.rule_slot[i]};
    }
}

void Running::shares(const pipeline::Batch& batch, unsigned row, void* handle) {
    if (batch.disposition[row] == pipeline::Disposition::hand_off) return;
    verdicts_[handle] = {batch.disposition[row], batch.reason[row], batch.rule_slot[row]};
}

void Running::discarded(const reassembly::Discarded& fragment) {
    verdicts_[fragment.handle] = {pipeline::Disposition::drop, fragment.reason, pipeline::kNoRule};
}

void Running::take(const Burst& step) {
    test_support::MemoryPortIo& ports = appliance_->ports();
    const Account before = account();
    std::vector<Sent> burst;
    for (const Packet& packet : step.packets) {
        const auto port = port_of(packet.interface);
        if (!port) return;
        const auto queue = static_cast<std::uint16_t>(outcome_.packets++ % workers_);
        burst.push_back({&packet, &ports.put_in(*port, queue, packet.frame, packet.in_pieces)});
    }
    appliance_->settle(now());
    const Account after = account();
    const auto behind = drops_behind_the_pipeline(before, after);
    const auto over = take_no_longer_held();
    for (const Sent& sent : over) {
        check_packet(sent, behind);
    }
    for (const Sent& sent : burst) {
        check_packet(sent, behind);
        if (sent.frame->fate == MemoryFrame::Fate::taken) held_.push_back(sent);
    }
    check_counters(burst, over, before, after);
    verdicts_.clear();
    ports.forget();
}

std::vector<Running::Sent> Running::take_no_longer_held() {
    const auto over = std::stable_partition(
        held_.begin(), held_.end(), [](const Sent& sent) { return sent.frame->fate == MemoryFrame::Fate::taken; });
    std::vector<Sent> taken(over, held_.end());
    held_.erase(over, held_.end());
    for (Sent& sent : taken) {
        sent.was_held = true;
    }
    return taken;
}

void Running::take(const FlowCount& step) {
    std::uint64_t count = 0;
    for (std::uint16_t w = 0; w < workers_; ++w) {
        const flow::Stats& stats = appliance_->flows(w).stats();
        count += step.state ? stats.per_state[static_cast<std::size_t>(*step.state)].load() : stats.used.load();
    }
    expect(step.state ? "flows in " + std::string(flow::name(*step.state)) : "flows", step.count, count);
}

void Running::take(const EndedCount& step) {
    std::uint64_t count = 0;
    for (std::uint16_t w = 0; w < workers_; ++w) {
        count += appliance_->flows(w).stats().ended[static_cast<std::size_t>(step.reason)].load();
    }
    expect("flows ended as " + std::string(flow::kEndReasonNames[static_cast<std::size_t>(step.reason)]), step.count,
           count);
}

void Running::take(const RuleCount& step) {
    const auto names = control::rule_names(running_->policy);
    const auto found = std::find(names.begin(), names.end(), step.rule);
    if (found == names.end()) return fail("the policy has no rule '" + step.rule + "'");
    const auto totals = slots_->totals(running_->slots[static_cast<std::size_t>(found - names.begin())]);
    const bool packets = step.what == RuleCount::What::packets;
    expect("rule " + step.rule + (packets ? ": packets" : ": flows"), step.count,
           packets ? totals.packets : totals.flows_created);
}

void Running::take(const Link& step) {
    if (const auto port = port_of(step.interface)) appliance_->ports().set_link(*port, step.up);
}

void Running::take(const TransmitLimit& step) {
    if (const auto port = port_of(step.interface)) {
        appliance_->ports().set_transmit_limit(*port, step.frames.value_or(test_support::MemoryPortIo::kNoLimit));
    }
}

void Running::finish() {
    if (const std::string wrong = appliance_->broken_account(); !wrong.empty()) fail_at(0, wrong);
    if (appliance_->ports().count(MemoryFrame::Fate::waiting) != 0) fail_at(0, "frames were left in a queue");
    for (const Sent& sent : held_) {
        if (sent.packet->decided) fail_at(sent.packet->line, sent.packet->text + "\n    was held to the end");
    }
    outcome_.handed_off = appliance_->sum(&WorkerCounters::handed_off_packets);
}

} // namespace sluice::scenario
