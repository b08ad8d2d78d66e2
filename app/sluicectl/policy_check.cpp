// `policy check FILE…`: in this process, without an appliance.
#include "commands.hpp"
#include "flow/table.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"
#include "policy_file.hpp"
#include "reassembly/table.hpp"
#include "table.hpp"

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
};

/// A sentence when there is no text to check.
base::Expected<std::unique_ptr<Checked>, std::string> check(const std::string& path) {
    auto text = read_policy_text(path);
    if (!text) return base::Unexpected(text.error());
    auto checked = std::make_unique<Checked>();
    checked->path = path;
    auto& diagnostics = checked->diagnostics;
    checked->policy = policy::read(path == "-" ? "<standard input>" : path, std::move(*text), diagnostics);
    if (checked->policy) policy::lint(*checked->policy, diagnostics);
    diagnostics.sort();
    if (diagnostics.has_errors()) checked->policy.reset();
    return checked;
}

std::uint64_t table_size(const policy::Policy& policy) {
    return flow::Table::memory_size(static_cast<std::uint32_t>(policy.flow_table.capacity));
}

std::uint64_t fragments_size(const policy::Policy& policy) {
    return reassembly::Table::memory_size(reassembly::share_of(
        policy.fragment_table.datagrams, policy.fragment_table.per_datagram, policy.fragment_table.timeout, 1));
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
    context.out.line(LineKind::row, "flow table: " + show_count(policy.flow_table.capacity, human) + " entries in " +
                                        show_size(table_size(policy), human) + (human ? "" : " bytes"));
    context.out.line(LineKind::row, "fragments: " + show_plural(policy.fragment_table.datagrams, "datagram", human) +
                                        " in " + show_size(fragments_size(policy), human) + (human ? "" : " bytes") +
                                        ", without the packets themselves");
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

Json to_json(const Checked& checked) {
    Json data = diagnostics_json(checked.diagnostics);
    data["file"] = checked.path;
    data["valid"] = checked.policy.has_value();
    if (!checked.policy) return data;
    const policy::Policy& policy = *checked.policy;
    data["name"] = policy.name;
    data["rules"] = policy.rules.size();
    data["flow_table"] = {{"entries", policy.flow_table.capacity}, {"bytes", table_size(policy)}};
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

ExitCode run_policy_check(Context& context, const std::vector<std::string>& paths) {
    ExitCode exit = ExitCode::done;
    JsonList list(context, "policy_check");
    bool first = true;
    for (const std::string& path : paths) {
        const auto checked = check(path);
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
    const auto paths = std::make_shared<std::vector<std::string>>();
    command.add_option("file", *paths, "policy files; - for the standard input")->type_name("FILE")->required();
    command.footer("The appliance is not asked and need not run. Ends with 5 when a policy is invalid.");
    command.callback(
        [&tree, paths] { tree.chosen = [paths](Context& context) { return run_policy_check(context, *paths); }; });
    tree.file_commands.insert(&command);
}

} // namespace sluice::sluicectl
