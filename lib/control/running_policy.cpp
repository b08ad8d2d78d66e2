#include "control/running_policy.hpp"

#include "policy/compile/compile.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"

#include <fmt/format.h>

#include <utility>

namespace sluice::control {
namespace {

bool same_system(const policy::System& a, const policy::System& b) {
    return a.workers_auto == b.workers_auto && a.worker_cpus == b.worker_cpus && a.memory_size == b.memory_size &&
           a.buffers == b.buffers && a.buffer_size == b.buffer_size && a.sleep_when_idle == b.sleep_when_idle;
}

bool same_interfaces(const std::vector<policy::Interface>& a, const std::vector<policy::Interface>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i].name != b[i].name || a[i].device != b[i].device || a[i].peer != b[i].peer || a[i].mtu != b[i].mtu ||
            a[i].promiscuous != b[i].promiscuous || a[i].queues != b[i].queues) {
            return false;
        }
    }
    return true;
}

bool same_table(const policy::FlowTable& a, const policy::FlowTable& b) {
    return a.capacity == b.capacity && a.half_open_percent == b.half_open_percent &&
           a.pressure_enter == b.pressure_enter && a.pressure_leave == b.pressure_leave &&
           a.timeout_scale == b.timeout_scale && a.syn_cookies == b.syn_cookies;
}

} // namespace

std::vector<std::string> fixed_differences(const policy::Policy& running, const policy::Policy& wanted) {
    std::vector<std::string> sections;
    if (!same_system(running.system, wanted.system)) sections.emplace_back("system");
    if (!same_interfaces(running.interfaces, wanted.interfaces)) sections.emplace_back("interfaces");
    const policy::FragmentTable& one = running.fragment_table;
    const policy::FragmentTable& other = wanted.fragment_table;
    const bool same_fragments =
        one.datagrams == other.datagrams && one.per_datagram == other.per_datagram && one.timeout == other.timeout;
    if (!same_fragments) sections.emplace_back("tables.fragments");
    return sections;
}

std::vector<std::string> rule_names(const policy::Policy& policy) {
    std::vector<std::string> names;
    for (const policy::Rule& rule : policy.rules) {
        names.push_back(rule.name);
    }
    names.emplace_back("default");
    return names;
}

std::optional<policy::Policy> RunningPolicy::read(const std::string& name, const std::string& text,
                                                  policy::SetFiles set_files, PolicyOutcome& outcome) const {
    auto policy = policy::read(name, text, outcome.diagnostics, set_files);
    if (policy) policy::lint(*policy, outcome.diagnostics);
    outcome.diagnostics.sort();
    if (!policy || outcome.diagnostics.has_errors()) {
        outcome.kind = PolicyOutcome::Kind::invalid;
        return std::nullopt;
    }
    const auto sections = fixed_differences(running_->policy, *policy);
    if (!sections.empty()) {
        outcome.kind = PolicyOutcome::Kind::needs_restart;
        outcome.message = fmt::format("the policy changes {}, which {} fixed at start: restart sluiced with it",
                                      fmt::join(sections, " and "), sections.size() == 1 ? "is" : "are");
        return std::nullopt;
    }
    return policy;
}

std::optional<policy::Compilation> RunningPolicy::compile(const policy::Policy& policy, PolicyOutcome& outcome) {
    const auto names = rule_names(policy);
    const auto slots = slots_.assign(names);
    if (!slots) {
        outcome.kind = PolicyOutcome::Kind::failed;
        outcome.message = fmt::format("{} rules are more than can be counted", names.size());
        return std::nullopt;
    }
    policy::CompileOptions options;
    options.epoch = last_epoch_ + 1;
    options.counter_slots = *slots;
    auto compilation = policy::compile_with_report(policy, options, outcome.diagnostics);
    if (!compilation) outcome.kind = PolicyOutcome::Kind::invalid;
    return compilation;
}

std::unique_ptr<Generation> RunningPolicy::make_generation(policy::Policy policy, policy::Compilation compilation,
                                                           std::string file, std::string text) {
    last_epoch_ = compilation.ruleset->epoch();
    auto next = std::make_unique<Generation>();
    next->number = ++last_number_;
    next->sets = LiveSets(policy.address_sets);
    next->policy = std::move(policy);
    next->ruleset = std::move(compilation.ruleset);
    next->untracked = std::move(compilation.untracked);
    next->tracked = std::move(compilation.tracked);
    next->file = std::move(file);
    next->text = std::move(text);
    next->applied_at = std::chrono::system_clock::now();
    return next;
}

PolicyOutcome RunningPolicy::begin(policy::Policy policy, std::string file, std::string text) {
    PolicyOutcome outcome;
    auto compilation = compile(policy, outcome);
    if (!compilation) return outcome;
    running_ = make_generation(std::move(policy), std::move(*compilation), std::move(file), std::move(text));
    outcome.kind = PolicyOutcome::Kind::applied;
    return outcome;
}

PolicyOutcome RunningPolicy::check(const std::string& name, const std::string& text, policy::SetFiles set_files) {
    PolicyOutcome outcome;
    const auto policy = read(name, text, set_files, outcome);
    if (!policy) return outcome;
    const auto compilation = compile(*policy, outcome);
    slots_.keep_only(rule_names(running_->policy));
    if (!compilation) return outcome;
    const bool same = policy->content_hash == running_->policy.content_hash;
    outcome.kind = same ? PolicyOutcome::Kind::unchanged : PolicyOutcome::Kind::valid;
    return outcome;
}

PolicyOutcome RunningPolicy::apply(const std::string& name, const std::string& file, const std::string& text,
                                   policy::SetFiles set_files) {
    PolicyOutcome outcome;
    auto policy = read(name, text, set_files, outcome);
    if (!policy) return outcome;
    // The files say how sets are to be: what came and went since goes with every policy that is applied.
    if (policy->content_hash == running_->policy.content_hash && !running_->sets.differ()) {
        outcome.kind = PolicyOutcome::Kind::unchanged;
        running_->file = file;
        return outcome;
    }
    auto compilation = compile(*policy, outcome);
    if (!compilation) {
        slots_.keep_only(rule_names(running_->policy));
        return outcome;
    }
    if (!same_table(running_->policy.flow_table, policy->flow_table)) {
        if (auto resized = plane_.resize_tables(*policy); !resized) {
            slots_.keep_only(rule_names(running_->policy));
            outcome.kind = PolicyOutcome::Kind::failed;
            outcome.message = "the flow table cannot be changed now: " + resized.error();
            return outcome;
        }
    }
    auto next = make_generation(std::move(*policy), std::move(*compilation), file, text);
    const bool safe = plane_.publish(next->ruleset.get());
    retire(std::exchange(running_, std::move(next)), safe);
    slots_.keep_only(rule_names(running_->policy));
    outcome.kind = PolicyOutcome::Kind::applied;
    if (!safe) outcome.message = "a worker has not taken up the new policy within 5 s";
    return outcome;
}

void RunningPolicy::retire(std::unique_ptr<Generation> previous, bool safe_to_free) {
    if (safe_to_free) {
        unfreed_.clear();
        left_.clear();
    } else {
        unfreed_.push_back(std::move(previous));
    }
}

} // namespace sluice::control
