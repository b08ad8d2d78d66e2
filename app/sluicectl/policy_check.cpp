// `policy check FILE…`: in this process, without an appliance.
#include "commands.hpp"
#include "flow/sizing.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy/diagnostic/text.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"
#include "policy_costs.hpp"
#include "policy_file.hpp"
#include "reassembly/table.hpp"
#include "table.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace sluice::sluicectl {

namespace {

constexpr double kTicksPerSecond = 1000;

struct Checked {
    std::string path;
    policy::Diagnostics diagnostics;
    std::optional<policy::Policy> policy; ///< only of a valid one
    std::optional<PolicyCosts> costs;     ///< of one that compiles, if asked for
};

/// A sentence when there is no text to check.
base::Expected<std::unique_ptr<Checked>, std::string> check(const std::string& path, bool verbose) {
    auto text = read_policy_text(path);
    if (!text) return base::Unexpected(text.error());
    auto checked = std::make_unique<Checked>();
    checked->path = path;
    auto& diagnostics = checked->diagnostics;
    checked->policy = policy::read(path == "-" ? "<standard input>" : path, std::move(*text), diagnostics);
    if (checked->policy) policy::lint(*checked->policy, diagnostics);
    if (checked->policy && !diagnostics.has_errors()) {
        checked->costs.emplace(*checked->policy, diagnostics);
        if (!verbose || !checked->costs->ok()) checked->costs.reset();
    }
    diagnostics.sort();
    if (diagnostics.has_errors()) checked->policy.reset();
    return checked;
}

/// What the appliance makes of `tables: { flows: … }` on this machine.
struct TablePlan {
    std::uint32_t workers = 1;
    flow::Config each; ///< one worker's
    std::uint64_t size = 0;
    double entry_size = 0; ///< all of it, over the policy's entries
};

/// With `workers: auto`, every CPU that a process may use here but one gets a worker.
std::uint32_t workers_of(const policy::Policy& policy) {
    if (!policy.system.workers_auto) return static_cast<std::uint32_t>(policy.system.worker_cpus.size());
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    const int count = CPU_COUNT(&set);
    return count > 1 ? static_cast<std::uint32_t>(count - 1) : 1;
}

TablePlan table_plan(const policy::Policy& policy) {
    const policy::FlowTable& table = policy.flow_table;
    TablePlan plan;
    plan.workers = workers_of(policy);
    plan.each = flow::share_of(
        {table.capacity, table.half_open_percent, table.pressure_enter, table.pressure_leave, table.timeout_scale},
        plan.workers);
    plan.size = plan.workers * flow::Table::memory_size(plan.each.capacity);
    plan.entry_size = static_cast<double>(plan.size) / static_cast<double>(table.capacity);
    return plan;
}

/// What each worker keeps of a rule's reserve.
std::uint32_t reserve_share(const policy::Rule& rule, const TablePlan& plan) {
    return flow::share_of_reserve(static_cast<std::uint32_t>(rule.reserve), plan.workers);
}

void print_table_plan(Context& context, const policy::Policy& policy) {
    const bool human = context.style.human;
    const TablePlan plan = table_plan(policy);
    const std::uint64_t even = (policy.flow_table.capacity + plan.workers - 1) / plan.workers;
    const auto row = [&](const std::string& text) { context.out.line(LineKind::row, text); };
    const auto entries = [&](std::uint64_t count) { return show_count(count, human); };
    row("flow table: " + entries(policy.flow_table.capacity) + " entries in " + show_size(plan.size, human) +
        (human ? "" : " bytes") + fmt::format(", {:.1f} bytes for each", plan.entry_size));
    if (plan.workers > 1) {
        row("  each of " + entries(plan.workers) + " workers: " + entries(plan.each.capacity) + " entries, " +
            entries(plan.each.capacity - even) + " of them for uneven shares");
    }
    row("  half-open flows: at most " + entries(plan.each.half_open_limit) +
        (plan.workers > 1 ? " with each worker" : ""));
    for (const policy::Rule& rule : policy.rules) {
        if (rule.reserve == 0) continue;
        row("  reserved for " + policy::printable(rule.name) + ": " + entries(rule.reserve) +
            (plan.workers > 1 ? ", " + entries(reserve_share(rule, plan)) + " with each worker" : ""));
    }
}

Json table_json(const policy::Policy& policy) {
    const TablePlan plan = table_plan(policy);
    Json reserves = Json::array();
    for (const policy::Rule& rule : policy.rules) {
        if (rule.reserve == 0) continue;
        reserves.push_back(
            {{"rule", rule.name}, {"entries", rule.reserve}, {"worker_entries", reserve_share(rule, plan)}});
    }
    return {{"entries", policy.flow_table.capacity}, {"bytes", plan.size},
            {"bytes_per_entry", plan.entry_size},    {"workers", plan.workers},
            {"worker_entries", plan.each.capacity},  {"worker_half_open", plan.each.half_open_limit},
            {"reserves", std::move(reserves)}};
}

std::uint64_t fragments_size(const policy::Policy& policy) {
    return reassembly::Table::memory_size(reassembly::share_of(
        policy.fragment_table.datagrams, policy.fragment_table.per_datagram, policy.fragment_table.timeout, 1));
}

void print_capacities(Context& context, const policy::Policy& policy) {
    const bool human = context.style.human;
    const auto capacities = policy::capacity(policy);
    if (capacities.empty()) return;
    context.out.line(LineKind::note, "");
    context.out.line(LineKind::note, "New flows a second that the table holds, if each stays for its time only:");
    Table table({text_column("PROFILE"), text_column("TIMEOUT"), number_column("STAYS"), number_column("FLOWS/S")});
    for (const policy::Capacity& capacity : capacities) {
        table.add({capacity.profile, capacity.what, show_duration(capacity.dwell_ticks / kTicksPerSecond, human),
                   show_count(capacity.flows_per_second, human)});
    }
    table.print(context);
}

void print_text(Context& context, const Checked& checked) {
    const std::string rendered = checked.diagnostics.render(context.style.colour_errors);
    if (!rendered.empty()) context.errors << rendered << '\n';
    if (!checked.policy) return;
    const bool human = context.style.human;
    const policy::Policy& policy = *checked.policy;
    put_text(context.out, LineKind::row,
             checked.path + ": valid, " + show_plural(policy.rules.size(), "rule", human) + ", " +
                 show_plural(policy.interfaces.size(), "interface", human) + ", " +
                 show_plural(policy.zones.size(), "zone", human));
    print_table_plan(context, policy);
    context.out.line(LineKind::row, "fragments: " + show_plural(policy.fragment_table.datagrams, "datagram", human) +
                                        " in " + show_size(fragments_size(policy), human) + (human ? "" : " bytes") +
                                        ", without the packets themselves");
    print_capacities(context, policy);
    if (checked.costs) checked.costs->print(context);
}

Json to_json(const Checked& checked) {
    Json data = diagnostics_json(checked.diagnostics);
    data["file"] = checked.path;
    data["valid"] = checked.policy.has_value();
    if (!checked.policy) return data;
    if (checked.costs) data["compiled"] = checked.costs->to_json();
    const policy::Policy& policy = *checked.policy;
    data["name"] = policy.name;
    data["rules"] = policy.rules.size();
    data["flow_table"] = table_json(policy);
    data["fragments"] = {{"datagrams", policy.fragment_table.datagrams}, {"bytes", fragments_size(policy)}};
    data["capacity"] = Json::array();
    for (const policy::Capacity& capacity : policy::capacity(policy)) {
        data["capacity"].push_back({{"profile", capacity.profile},
                                    {"timeout", capacity.what},
                                    {"stays_seconds", capacity.dwell_ticks / kTicksPerSecond},
                                    {"flows_per_second", capacity.flows_per_second}});
    }
    return data;
}

struct CheckParams {
    std::vector<std::string> paths;
    bool verbose = false;
};

ExitCode run_policy_check(Context& context, const CheckParams& params) {
    ExitCode exit = ExitCode::done;
    JsonList list(context, "policy_check");
    bool first = true;
    for (const std::string& path : params.paths) {
        const auto checked = check(path, params.verbose);
        if (!checked) {
            exit = complain(context, ExitCode::failed, checked.error());
            continue;
        }
        if (!(*checked)->policy && exit == ExitCode::done) exit = ExitCode::policy_invalid;
        if (context.settings.json) {
            list.add(to_json(**checked));
        } else {
            if (!std::exchange(first, false)) context.out.line(LineKind::note, "");
            print_text(context, **checked);
        }
    }
    if (context.settings.json) list.end();
    return exit;
}

} // namespace

void add_policy_check(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "check", "say what is wrong with a policy file, and what it needs");
    const auto params = std::make_shared<CheckParams>();
    command.add_option("file", params->paths, "policy files; - for the standard input")->type_name("FILE")->required();
    command.add_flag("-v,--verbose", params->verbose, "say what the compiled rules take, too");
    command.footer("The appliance is not asked and need not run. Ends with 5 when a policy is invalid.");
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_policy_check(context, *params); }; });
    tree.file_commands.insert(&command);
}

} // namespace sluice::sluicectl
