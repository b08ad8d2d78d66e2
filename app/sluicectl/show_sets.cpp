// `show sets [NAME]`: the address sets as they are now, and whether they still are what the policy's files say.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "table.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

constexpr std::uint64_t kRowsOnTerminal = 100;

struct SetsParams {
    std::string name;
    std::optional<std::uint64_t> limit;
    bool all = false;
};

std::string joined(const Json& names) {
    std::string text;
    for (const Json& name : names) {
        text += (text.empty() ? "" : " ") + text_of(name);
    }
    return text;
}

void print_table(Context& context, const Json& sets) {
    const bool human = context.style.human;
    Table table({text_column("NAME"), number_column("PREFIXES"), text_column("SETS"), number_column("USES"),
                 number_column("ADDED"), number_column("REMOVED"), text_column("CHANGED"), text_column("FILE"),
                 number_column("LINE")});
    for (const Json& set : sets) {
        const auto text = [&](const char* key) { return text_of(member(set, key)); };
        const auto count = [&](const char* key) { return show_count(count_of(member(set, key)), human); };
        table.add({text("name"), count("prefixes"), joined(member(set, "sets")), count("uses"), count("added"),
                   count("removed"), text("changed_at"), text("file"), text("line")});
    }
    table.print(context);
}

ExitCode show_all(Context& context) {
    const auto sets = ask(context, "show.sets");
    if (!sets) return sets.error();
    if (context.settings.json)
        print_json(context, "sets", *sets);
    else if (sets->is_array() && !sets->empty())
        print_table(context, *sets);
    else
        context.out.line(LineKind::note, "The policy has no address sets.");
    return ExitCode::done;
}

std::optional<std::uint64_t> limit_for(const Context& context, const SetsParams& params) {
    if (params.limit || params.all) return params.limit;
    const bool short_list = context.style.terminal && !context.settings.json && !context.piped;
    return short_list ? std::optional(kRowsOnTerminal) : std::nullopt;
}

void print_end(Context& context, std::uint64_t shown, const Json& set) {
    const bool human = context.style.human;
    const std::uint64_t prefixes = count_of(member(set, "prefixes")).value_or(shown);
    const std::string name = text_of(member(set, "name"));
    if (shown < prefixes) {
        context.out.line(LineKind::note, show_count(shown, human) + " of " + show_prefixes(prefixes, human) +
                                             " shown; --limit N or --all shows more.");
    }
    const std::string inner = joined(member(set, "sets"));
    if (!inner.empty()) context.out.line(LineKind::note, name + " also holds what is in: " + inner);
    const std::uint64_t added = count_of(member(set, "added")).value_or(0);
    const std::uint64_t removed = count_of(member(set, "removed")).value_or(0);
    if (added + removed == 0) return;
    context.out.line(LineKind::note, name + " differs from the policy: " + show_count(added, human) + " added, " +
                                         show_count(removed, human) +
                                         " removed since it was applied; applying a policy undoes that.");
}

ExitCode show_one(Context& context, const SetsParams& params) {
    Json request = {{"name", params.name}};
    if (const auto limit = limit_for(context, params)) request["limit"] = *limit;
    const bool json = context.settings.json;
    JsonList list(context, "set_prefixes");
    Table table({text_column("PREFIX"), text_column("FROM")});
    std::uint64_t shown = 0;
    const auto result = ask(context, "show.sets", request, [&](const Json& rows) {
        for (const Json& row : rows) {
            if (json)
                list.add(row);
            else
                table.add({text_of(member(row, "prefix")), member(row, "live") == Json(true) ? "live" : "policy"});
        }
        shown += rows.size();
        if (!json && !rows.empty()) table.print(context);
        return !context.out.closed();
    });
    if (!result) return result.error();
    if (json)
        list.end({{"set", *result}});
    else
        print_end(context, shown, *result);
    return ExitCode::done;
}

} // namespace

void add_show_sets(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "sets", "the address sets, as they are now");
    const auto params = std::make_shared<SetsParams>();
    command.add_option("name", params->name, "what this one holds")->type_name("NAME");
    auto* limit = command
                      .add_option("-l,--limit", params->limit,
                                  "prefixes at most; unless given, 100 on a terminal and all elsewhere")
                      ->type_name("N")
                      ->check(row_count());
    command.add_flag("-a,--all", params->all, "every prefix")->excludes(limit);
    command.footer("FROM is 'live' for what came with 'set add' since the policy was applied.");
    command.callback([&tree, params] {
        tree.chosen = [params](Context& context) {
            return params->name.empty() ? show_all(context) : show_one(context, *params);
        };
    });
    tree.completers[&command] = [](Context& context, const std::vector<std::string>& before) {
        return before.empty() ? names_from(context, "show.sets", "name", "prefixes") : std::vector<Candidate>();
    };
}

} // namespace sluice::sluicectl
