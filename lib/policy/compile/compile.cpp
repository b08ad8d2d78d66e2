#include "policy/compile/compile.hpp"

#include "policy/compile/rows.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace sluice::policy {
namespace {

ruleset::Action action_of(Action action) {
    return action == Action::allow ? ruleset::Action::allow : ruleset::Action::drop;
}

bool fits(const Policy& policy, Diagnostics& diagnostics) {
    std::size_t rows = 0;
    const Rule* largest = nullptr;
    std::size_t largest_rows = 0;
    for (const Rule& rule : policy.rules) {
        // In the tracked classifier once; in the untracked one, at the most, as written and as answered.
        const std::size_t count = std::min(3 * std::min(row_count(rule), kMaxRows + 1), kMaxRows + 1);
        rows += count;
        if (count >= largest_rows) {
            largest = &rule;
            largest_rows = count;
        }
    }
    if (rows <= kMaxRows) return true;
    auto& problem = diagnostics.error("P090", largest->where,
                                      "the rules may take more than " + std::to_string(kMaxRows) + " classifier rows");
    problem.help =
        "rule '" + largest->name +
        "' takes most of them: sources, destinations and port ranges multiply; split it or use larger prefixes";
    return false;
}

bool build(std::span<const ruleset::Row> rows, const char* kind, const CompileOptions& options,
           Diagnostics& diagnostics, ruleset::Classifier& out) {
    const std::string name = std::string(kind) + std::to_string(options.epoch);
    auto built = ruleset::Classifier::build(rows, name.c_str(), options.numa_socket);
    if (!built) {
        auto& problem = diagnostics.error("P091", {},
                                          std::string("the ") + kind + " classifier of " + std::to_string(rows.size()) +
                                              " rows cannot be built: " + built.error().step + ": " +
                                              std::strerror(built.error().error_number));
        problem.help = built.error().error_number == ENOMEM
                           ? "reserve more hugepages (tools/setup --hugepages), or make rules and sets smaller"
                           : "make rules and sets smaller";
        return false;
    }
    out = std::move(*built);
    return true;
}

void populate_rules(const Policy& policy, const CompileOptions& options, ruleset::Ruleset::Parts& parts) {
    parts.rule_count = static_cast<std::uint32_t>(policy.rules.size());
    parts.rules = std::make_unique<ruleset::Rule[]>(policy.rules.size() + 1);
    for (std::uint32_t i = 0; i <= parts.rule_count; ++i) {
        ruleset::Rule& rule = parts.rules[i];
        rule.counter_slot = options.counter_slots.empty() ? i : options.counter_slots[i];
        if (i == parts.rule_count) {
            rule.action = action_of(policy.default_action);
            rule.tracked = true;
            continue;
        }
        rule.action = action_of(policy.rules[i].action);
        rule.tracked = policy.rules[i].tracked;
        rule.profile = static_cast<std::uint16_t>(policy.rules[i].timeouts);
    }
}

void populate_profiles(const Policy& policy, ruleset::Ruleset::Parts& parts) {
    static_assert(kTimeoutCount == ruleset::kTimeoutClasses);
    parts.profile_count = static_cast<std::uint16_t>(policy.timeouts.size());
    parts.profiles = std::make_unique<ruleset::Profile[]>(policy.timeouts.size());
    for (std::size_t i = 0; i < policy.timeouts.size(); ++i) {
        parts.profiles[i].ticks = policy.timeouts[i].ticks;
        parts.profiles[i].pickup_loose = policy.timeouts[i].pickup_loose;
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
    parts.ports = std::make_unique<ruleset::Port[]>(policy.interfaces.size());
    for (std::size_t i = 0; i < policy.interfaces.size(); ++i) {
        const Interface& interface = policy.interfaces[i];
        ruleset::Port& port = parts.ports[i];
        port.peer = static_cast<std::uint16_t>(interface.peer);
        port.zone = static_cast<std::uint16_t>(interface.zone);
        port.wire = static_cast<std::uint16_t>(std::min(i, interface.peer));
        port.peer_mtu = policy.interfaces[interface.peer].mtu;
    }
}

} // namespace

std::unique_ptr<const ruleset::Ruleset> compile(const Policy& policy, const CompileOptions& options,
                                                Diagnostics& diagnostics) {
    if (!fits(policy, diagnostics)) return nullptr;
    ruleset::Ruleset::Parts parts;
    parts.epoch = options.epoch;
    parts.content_hash = policy.content_hash;
    populate_sanity(policy.sanity, parts.sanity);
    populate_rules(policy, options, parts);
    populate_profiles(policy, parts);
    ruleset::index_profiles_by_slot(parts);
    populate_ports(policy, parts);
    if (!build(untracked_rows(policy), "untracked", options, diagnostics, parts.untracked)) return nullptr;
    if (!build(tracked_rows(policy), "tracked", options, diagnostics, parts.tracked)) return nullptr;
    return std::make_unique<const ruleset::Ruleset>(std::move(parts));
}

} // namespace sluice::policy
