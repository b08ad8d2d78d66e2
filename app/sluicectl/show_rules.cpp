// `show rules [NAME] [--unused]`.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "table.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::sluicectl {

namespace {

struct RulesParams {
    std::string name;
    bool unused = false;
};

/// What a table short of room does by rule: columns that stand only where one of the rules has something to say.
struct RoomColumns {
    explicit RoomColumns(const Json& rules) {
        for (const Json& rule : rules) {
            reserve = reserve || count_of(member(rule, "reserve"));
            const auto counted = [&](const char* key) { return count_of(member(rule, key)).value_or(0) != 0; };
            evictions =
                evictions || sum_of(member(rule, "evicted")) != 0 || counted("evicted_for") || counted("refused");
        }
    }
    void add_heads(std::vector<Column>& columns) const {
        if (reserve) columns.insert(columns.end(), {number_column("RESERVE"), number_column("KEPT")});
        if (evictions)
            columns.insert(columns.end(), {number_column("EVICTED"), number_column("TOOK"), number_column("REFUSED")});
    }
    void add_cells(std::vector<std::string>& cells, const Json& rule, bool human) const {
        const auto count = [&](const char* key) { return show_count(count_of(member(rule, key)), human); };
        if (reserve) {
            const bool has_one = count_of(member(rule, "reserve")).has_value();
            cells.insert(cells.end(), {count("reserve"), has_one ? count("kept") : std::string()});
        }
        if (evictions)
            cells.insert(cells.end(),
                         {show_count(sum_of(member(rule, "evicted")), human), count("evicted_for"), count("refused")});
    }

    bool reserve = false;
    bool evictions = false;
};

void print_table(Context& context, const Json& rules) {
    const bool human = context.style.human;
    const RoomColumns room(rules);
    std::vector<Column> columns = {number_column("POSITION"), text_column("NAME"),    text_column("ACTION"),
                                   text_column("TRACK"),      text_column("REPLY"),   number_column("PACKETS"),
                                   number_column("BYTES"),    number_column("FLOWS"), number_column("CREATED")};
    room.add_heads(columns);
    columns.insert(columns.end(), {number_column("LAST-HIT"), number_column("LINE")});
    Table table(std::move(columns));
    for (const Json& rule : rules) {
        const auto text = [&](const char* key) { return text_of(member(rule, key)); };
        const auto count = [&](const char* key) { return show_count(count_of(member(rule, key)), human); };
        std::vector<std::string> cells = {text("position"),
                                          text("name"),
                                          text("action"),
                                          text("track"),
                                          text("reply"),
                                          count("packets"),
                                          show_size(count_of(member(rule, "bytes")), human),
                                          count("flows"),
                                          count("flows_created")};
        room.add_cells(cells, rule, human);
        cells.push_back(show_duration(number_of(member(rule, "last_hit_seconds")), human));
        cells.push_back(text("line"));
        table.add(std::move(cells));
    }
    table.print(context);
}

ExitCode run_show_rules(Context& context, const RulesParams& params) {
    Json request = Json::object();
    if (!params.name.empty()) request["name"] = params.name;
    if (params.unused) request["unused"] = true;
    const auto rules = ask(context, "show.rules", request);
    if (!rules) return rules.error();
    if (context.settings.json) {
        print_json(context, "rules", *rules);
    } else if (rules->is_array() && !rules->empty()) {
        print_table(context, *rules);
    } else {
        context.out.line(LineKind::note, params.unused ? "Every rule has had packets." : "The policy has no rules.");
    }
    return ExitCode::done;
}

} // namespace

void add_show_rules(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "rules", "the rules in order, with what each has matched");
    const auto params = std::make_shared<RulesParams>();
    command.add_option("name", params->name, "only this rule")->type_name("NAME");
    command.add_flag("-u,--unused", params->unused, "only rules that no packet has matched");
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_show_rules(context, *params); }; });
    tree.completers[&command] = [](Context& context, const std::vector<std::string>& before) {
        return before.empty() ? names_from(context, "show.rules", "name", "action") : std::vector<Candidate>();
    };
}

} // namespace sluice::sluicectl
