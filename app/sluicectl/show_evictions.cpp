// `show evictions [RULE] [-n N]`: who lost an entry of the flow table, why, and for whom.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "table.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

struct EvictionsParams {
    std::string rule;
    std::optional<std::uint64_t> limit;
};

/// "tcp 10.0.0.2:40001 > 192.0.2.80:443", with " vlan 12" behind a tagged one.
std::string tuple_text(const Json& flow) {
    const Json& vlan = member(flow, "vlan");
    return text_of(member(flow, "protocol")) + " " + show_end(member(flow, "source"), member(flow, "source_port")) +
           " > " + show_end(member(flow, "destination"), member(flow, "destination_port")) +
           (vlan.is_null() ? "" : " vlan " + text_of(vlan));
}

void print_rules(Context& context, const Json& rules) {
    const bool human = context.style.human;
    Table table({text_column("RULE"), number_column("LOST"), number_column("TOOK"), text_column("LOST-AS")});
    for (const Json& rule : rules) {
        const Json& causes = member(rule, "lost");
        table.add({text_of(member(rule, "rule")), show_count(sum_of(causes), human),
                   show_count(count_of(member(rule, "taken")), human), show_counts(causes, human)});
    }
    table.print(context);
}

void print_latest(Context& context, const Json& latest) {
    const bool human = context.style.human;
    Table table({number_column("AGO"), text_column("CAUSE"), number_column("WORKER"), text_column("LOST"),
                 text_column("ITS-RULE"), number_column("IDLE"), number_column("AGE"), text_column("TAKER"),
                 text_column("ITS-RULE")});
    for (const Json& one : latest) {
        const auto duration = [&](const char* key) { return show_duration(number_of(member(one, key)), human); };
        const Json& lost = member(one, "lost");
        const Json& taker = member(one, "taker");
        table.add({duration("at_seconds_ago"), text_of(member(one, "cause")), text_of(member(one, "worker")),
                   tuple_text(lost), text_of(member(lost, "rule")), duration("idle_seconds"), duration("age_seconds"),
                   tuple_text(taker), text_of(member(taker, "rule"))});
    }
    table.print(context);
}

void print_report(Context& context, const Json& report, const EvictionsParams& params) {
    const bool human = context.style.human;
    const Json& rules = member(report, "by_rule");
    const Json& latest = member(report, "latest");
    const std::uint64_t total = count_of(member(report, "total")).value_or(0);
    if (total == 0) {
        context.out.line(LineKind::note, "No evictions since start: no flow has had to make room for another one.");
        return;
    }
    const bool any_rule = rules.is_array() && !rules.empty();
    const bool any_latest = latest.is_array() && !latest.empty();
    if (!params.rule.empty() && !any_rule && !any_latest) {
        context.out.line(LineKind::note, "No flow of this rule has made room, and none was made for one; " +
                                             show_plural(total, "eviction", human) + " in all since start.");
        return;
    }
    if (any_rule) print_rules(context, rules);
    if (any_rule && any_latest) context.out.line(LineKind::note, "");
    if (any_latest) print_latest(context, latest);
    context.out.line(LineKind::note, "");
    std::string text =
        show_plural(total, "eviction", human) + " since start: " + show_counts(member(report, "by_cause"), human) + ".";
    if (any_latest && latest.size() < total) text += " Shown are the latest " + show_count(latest.size(), human) + ".";
    context.out.line(LineKind::note, text);
}

ExitCode run_show_evictions(Context& context, const EvictionsParams& params) {
    Json request = Json::object();
    if (!params.rule.empty()) request["rule"] = params.rule;
    if (params.limit) request["limit"] = *params.limit;
    const auto report = ask(context, "show.evictions", request);
    if (!report) return report.error();
    if (context.settings.json) {
        print_json(context, "evictions", *report);
    } else {
        print_report(context, *report, params);
    }
    return ExitCode::done;
}

} // namespace

void add_show_evictions(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "evictions", "whose flows made room in the flow table, why, and for whom");
    const auto params = std::make_shared<EvictionsParams>();
    command.add_option("rule", params->rule, "only what flows of this rule lost or took")->type_name("RULE");
    command.add_option("-n,--limit", params->limit, "how many of the latest evictions; 20 unless given")
        ->type_name("N")
        ->check(row_count());
    command.footer("A flow makes room as: expired (its time was over), closing, half_open (no complete handshake),\n"
                   "unanswered, or answered (only for another answered one). Each worker remembers its latest 256.");
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_show_evictions(context, *params); }; });
    tree.completers[&command] = [](Context& context, const std::vector<std::string>& before) {
        return before.empty() ? names_from(context, "show.rules", "name", "action") : std::vector<Candidate>();
    };
}

} // namespace sluice::sluicectl
