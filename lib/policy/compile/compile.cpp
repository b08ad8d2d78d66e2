#include "policy/compile/compile.hpp"

#include "policy/compile/rows.hpp"
#include "policy/diagnostic/text.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>

namespace sluice::policy {
namespace {

ruleset::Action action_of(Action action) {
    return action == Action::allow ? ruleset::Action::allow : ruleset::Action::drop;
}

using classifier::BuildError;
using classifier::BuildReport;
using classifier::Thrift;

constexpr std::size_t kMostNamed = 3;

/// The rules with the most entries: "'a' (1,234), 'b' (567)".
std::string largest_rules(const Policy& policy, const CompiledClassifier& compiled) {
    std::vector<RuleCost> costs = rule_costs(compiled, policy.rules.size());
    for (RuleCost& cost : costs) {
        cost.entries = std::max(cost.entries, cost.boxes); // where there is no tree any more
    }
    std::vector<std::size_t> order(costs.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(kMostNamed, order.size()));
    std::partial_sort(order.begin(), end, order.end(),
                      [&](std::size_t a, std::size_t b) { return costs[a].entries > costs[b].entries; });
    std::string text;
    for (auto it = order.begin(); it != end && costs[*it].entries != 0; ++it) {
        text += (text.empty() ? "" : ", ") + in_quotes(policy.rules[*it].name) + " (" +
                std::to_string(costs[*it].entries) + ")";
    }
    return text;
}

void warn_of_thrift(const Policy& policy, const char* kind, const CompiledClassifier& compiled,
                    Diagnostics& diagnostics) {
    const BuildReport& report = compiled.classifier->report();
    const Thrift thrift = std::max(report.ipv4.thrift, report.ipv6.thrift);
    if (thrift == Thrift::none) return;
    static constexpr std::array<const char*, 4> kHow = {"", "somewhat", "much", "very much"};
    auto& warning = diagnostics.warning(
        "W110", policy.rule_table.where,
        std::string("the ") + kind + " rules do not fit into " + std::to_string(policy.rule_table.memory_size >> 20) +
            " MiB as they should be, and are looked up " + kHow[static_cast<std::size_t>(thrift)] + " slower");
    warning.help = "the most table entries are those of " + largest_rules(policy, compiled) +
                   "; give them more with 'tables: { rules: { memory: … } }', or use fewer ranges and wider prefixes";
}

void report_failure(const Policy& policy, const char* kind, const ClassifierRows& rows, const BuildError& failed,
                    Diagnostics& diagnostics) {
    if (failed.kind == BuildError::Kind::too_many_boxes) {
        const Rule& rule = policy.rules[rows.row_rules[failed.row]];
        auto& problem =
            diagnostics.error("P090", rule.where,
                              "rule " + in_quotes(rule.name) + " has more combinations of classes than the " + kind +
                                  " classifier can hold");
        problem.help = "its addresses and ports cut across those of too many other rules: split it, use wider "
                       "prefixes, or put its addresses into one address set";
        return;
    }
    const bool given_up = failed.kind == BuildError::Kind::given_up;
    auto& problem =
        diagnostics.error("P091", {},
                          std::string("the ") + kind + " classifier of " + std::to_string(rows.rows.rows.size()) +
                              " rows " + (given_up ? "was given up" : "cannot be built: there is not enough memory"));
    if (!given_up) problem.help = "give the appliance more memory, or make rules and sets smaller";
}

std::optional<CompiledClassifier> build(const Policy& policy, ClassifierRows rows, const char* kind,
                                        const classifier::BuildOptions& options, Diagnostics& diagnostics) {
    auto built = classifier::Compiled::build(rows.rows, options);
    if (!built) {
        report_failure(policy, kind, rows, built.error(), diagnostics);
        return std::nullopt;
    }
    CompiledClassifier out{std::move(*built), std::move(rows.row_rules), std::move(rows.set_lists)};
    warn_of_thrift(policy, kind, out, diagnostics);
    return out;
}

void populate_rules(const Policy& policy, const CompileOptions& options, ruleset::Ruleset::Parts& parts) {
    parts.rule_count = static_cast<std::uint32_t>(policy.rules.size());
    parts.rules = std::make_shared<ruleset::Rule[]>(policy.rules.size() + 1);
    for (std::uint32_t i = 0; i <= parts.rule_count; ++i) {
        ruleset::Rule& rule = parts.rules[i];
        rule.counter_slot = options.counter_slots.empty() ? i : options.counter_slots[i];
        if (i == parts.rule_count) {
            rule.action = action_of(policy.default_action);
            rule.tracked = true;
            rule.evicts = policy.flow_table.on_full == OnFull::evict;
            continue;
        }
        rule.action = action_of(policy.rules[i].action);
        rule.tracked = policy.rules[i].tracked;
        rule.brief = policy.rules[i].brief;
        rule.evicts = policy.rules[i].on_full.value_or(policy.flow_table.on_full) == OnFull::evict;
        rule.profile = static_cast<std::uint16_t>(policy.rules[i].timeouts);
        if (policy.rules[i].reserve == 0 || parts.reserve_count == ruleset::kMaxReserves) continue;
        parts.reserves[parts.reserve_count++] = {rule.counter_slot,
                                                 static_cast<std::uint32_t>(policy.rules[i].reserve)};
    }
}

void populate_profiles(const Policy& policy, ruleset::Ruleset::Parts& parts) {
    static_assert(kTimeoutCount == ruleset::kTimeoutClasses);
    parts.profile_count = static_cast<std::uint16_t>(policy.timeouts.size());
    parts.profiles = std::make_shared<ruleset::Profile[]>(policy.timeouts.size());
    for (std::size_t i = 0; i < policy.timeouts.size(); ++i) {
        ruleset::Profile& profile = parts.profiles.get()[i];
        profile.ticks = policy.timeouts[i].ticks;
        profile.pickup_loose = policy.timeouts[i].pickup_loose;
    }
}

void populate_sanity(const Sanity& wanted, ruleset::Sanity& out) {
    static_assert(Sanity::kMaxEtherTypes == ruleset::Sanity::kMaxEtherTypes);
    namespace oddity = net::oddity;
    const auto if_dropped = [](Action action, std::uint16_t bit) { return action == Action::drop ? bit : 0; };
    out.refused = static_cast<std::uint16_t>(
        if_dropped(wanted.bad_checksum, oddity::kHeaderChecksum) |
        if_dropped(wanted.martian_source, oddity::kMartianSource) |
        if_dropped(wanted.source_route, oddity::kSourceRoute) | if_dropped(wanted.ipv4_options, oddity::kIpv4Option) |
        if_dropped(wanted.routing_header_0, oddity::kRoutingHeader0) | if_dropped(wanted.ttl_zero, oddity::kTtlZero) |
        if_dropped(wanted.stacked_vlans, oddity::kStackedVlan));
    out.verify_checksums = wanted.bad_checksum == Action::drop;
    out.ethertypes = {};
    out.ethertype_count = static_cast<std::uint8_t>(wanted.ethertypes.size());
    std::copy(wanted.ethertypes.begin(), wanted.ethertypes.end(), out.ethertypes.begin());
}

void populate_ports(const Policy& policy, ruleset::Ruleset::Parts& parts) {
    parts.port_count = static_cast<std::uint16_t>(policy.interfaces.size());
    parts.ports = std::make_shared<ruleset::Port[]>(policy.interfaces.size());
    for (std::size_t i = 0; i < policy.interfaces.size(); ++i) {
        const Interface& interface = policy.interfaces[i];
        ruleset::Port& port = parts.ports.get()[i];
        port.peer = static_cast<std::uint16_t>(interface.peer);
        port.zone = static_cast<std::uint16_t>(interface.zone);
        port.wire = static_cast<std::uint16_t>(std::min(i, interface.peer));
        port.peer_mtu = policy.interfaces[interface.peer].mtu;
    }
}

} // namespace

std::optional<Compilation> compile_with_report(const Policy& policy, const CompileOptions& options,
                                               Diagnostics& diagnostics) {
    const auto part = [&options](double from, double to) {
        return [&options, from, to](double done) {
            return !options.progress || options.progress(from + (to - from) * done);
        };
    };
    Compilation out;
    // Together they stay within the budget; the untracked one, which most policies hardly need, gets half at the most.
    classifier::BuildOptions budget;
    budget.memory_budget = policy.rule_table.memory_size / 2;
    budget.progress = part(0, 0.5);
    auto untracked = build(policy, untracked_rows(policy), "untracked", budget, diagnostics);
    if (!untracked) return std::nullopt;
    const std::size_t taken = untracked->classifier->report().memory_size;
    budget.memory_budget = policy.rule_table.memory_size - std::min(taken, budget.memory_budget);
    budget.progress = part(0.5, 1);
    auto tracked = build(policy, tracked_rows(policy), "tracked", budget, diagnostics);
    if (!tracked) return std::nullopt;
    out.untracked = std::move(*untracked);
    out.tracked = std::move(*tracked);

    ruleset::Ruleset::Parts parts;
    parts.epoch = options.epoch;
    parts.content_hash = policy.content_hash;
    populate_sanity(policy.sanity, parts.sanity);
    populate_rules(policy, options, parts);
    populate_profiles(policy, parts);
    ruleset::index_profiles_by_slot(parts);
    populate_ports(policy, parts);
    parts.untracked = out.untracked.classifier;
    parts.tracked = out.tracked.classifier;
    out.ruleset = std::make_unique<const ruleset::Ruleset>(std::move(parts));
    return out;
}

std::unique_ptr<const ruleset::Ruleset> compile(const Policy& policy, const CompileOptions& options,
                                                Diagnostics& diagnostics) {
    auto compilation = compile_with_report(policy, options, diagnostics);
    return compilation ? std::move(compilation->ruleset) : nullptr;
}

std::vector<RuleCost> rule_costs(const CompiledClassifier& compiled, std::size_t rule_count) {
    const BuildReport& report = compiled.classifier->report();
    std::vector<RuleCost> costs(rule_count);
    for (std::size_t row = 0; row < compiled.row_rules.size(); ++row) {
        RuleCost& cost = costs[compiled.row_rules[row]];
        cost.boxes += report.row_boxes[row];
        cost.entries += report.row_entries[row];
    }
    return costs;
}

} // namespace sluice::policy
