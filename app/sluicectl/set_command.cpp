// `set add|del|replace NAME VALUE…`: addresses come into a set of the running policy and leave it, with traffic
// passing.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy_file.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

/// The appliance takes so many as a list; more are sent as the text of a file.
constexpr std::size_t kMostListed = 1000;

struct SetParams {
    std::string name;
    std::vector<std::string> values;
    std::string file;
};

std::string verdict(const Json& result, bool human) {
    const std::string set = text_of(member(result, "name"));
    const std::string now = show_prefixes(count_of(member(result, "prefixes")).value_or(0), human);
    if (member(result, "changed") == Json(false)) return set + " is as it was: " + now;
    const std::string compiled = member(result, "recompiled") == Json(true) ? "; the rules were compiled anew" : "";
    return set + ": " + show_count(count_of(member(result, "added")), human) + " added, " +
           show_count(count_of(member(result, "removed")), human) + " removed, " + now + " now" + compiled;
}

ExitCode run_set(Context& context, std::string_view method, const SetParams& params) {
    if (params.values.empty() == params.file.empty()) {
        return complain(context, ExitCode::usage, "wants addresses or --from FILE, one of the two");
    }
    Json request = {{"name", params.name}};
    if (!params.file.empty()) {
        const auto text = read_policy_text(params.file);
        if (!text) return complain(context, ExitCode::failed, text.error());
        if (!is_utf8(*text)) return complain(context, ExitCode::usage, params.file + " is not UTF-8 text");
        request["text"] = *text;
    } else if (params.values.size() <= kMostListed) {
        request["addresses"] = params.values;
    } else {
        std::string text;
        for (const std::string& value : params.values) {
            text += value + "\n";
        }
        request["text"] = std::move(text);
    }
    const auto result = ask(context, method, request);
    if (!result) return result.error();
    if (context.settings.json)
        print_json(context, "set", *result);
    else
        put_text(context.out, LineKind::row, verdict(*result, context.style.human));
    return ExitCode::done;
}

void add_verb(CommandTree& tree, CLI::App& parent, const std::string& verb, const std::string& help) {
    CLI::App& command = add_command(parent, verb, help);
    const auto params = std::make_shared<SetParams>();
    command.add_option("name", params->name, "an address set of the running policy")->type_name("NAME")->required();
    command.add_option("value", params->values, "addresses and prefixes")->type_name("VALUE")->expected(-1);
    command.add_option("-F,--from", params->file, "a file of them, one a line; - for the standard input")
        ->type_name("FILE");
    command.footer(
        "Takes effect at once, on established flows too, and lasts until a policy is applied or reloaded:\n"
        "then the set is again as the policy and its files have it. There is no time to live: del takes out\n"
        "what add put in.");
    command.callback([&tree, params, method = "set." + verb] {
        tree.chosen = [params, method](Context& context) { return run_set(context, method, *params); };
    });
    tree.completers[&command] = [](Context& context, const std::vector<std::string>& before) {
        if (before.empty()) return names_from(context, "show.sets", "name", "prefixes");
        return std::vector<Candidate>{{"", "VALUE: an address or a prefix"}};
    };
}

} // namespace

void add_set(CommandTree& tree) {
    CLI::App& set = add_group(tree, "set", "change address sets while traffic passes");
    add_verb(tree, set, "add", "put addresses into a set");
    add_verb(tree, set, "del", "take addresses out of a set");
    add_verb(tree, set, "replace", "make these addresses all that is written in a set");
}

} // namespace sluice::sluicectl
