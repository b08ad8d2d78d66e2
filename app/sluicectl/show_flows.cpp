// `show flows [FILTER…] [--limit N | --all]`: rows are printed as they come; a table of millions is never held here.
#include "admin/flow_filter.hpp"
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "table.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

constexpr std::uint64_t kDefaultLimit = 100;

struct FlowsParams {
    std::vector<std::string> filter;
    std::optional<std::uint64_t> limit;
    bool all = false;
};

/// A screen or three for people; programs, files and filters want all of it.
std::optional<std::uint64_t> limit_for(const Context& context, const FlowsParams& params) {
    if (params.limit || params.all) return params.limit;
    if (context.style.terminal && !context.piped) return kDefaultLimit;
    return std::nullopt;
}

/// The one key that the word is, or begins. A sentence when there is none or more than one.
base::Expected<const admin::FlowFilterKey*, std::string> key_from(const std::string& word) {
    if (const auto* exact = admin::find_flow_filter_key(word)) return exact;
    const admin::FlowFilterKey* found = nullptr;
    std::vector<std::string_view> names;
    std::string matches;
    for (const auto& key : admin::kFlowFilterKeys) {
        names.push_back(key.name);
        if (word.empty() || !key.name.starts_with(word)) continue;
        matches += (found == nullptr ? "" : ", ") + std::string(key.name);
        found = &key;
    }
    if (found != nullptr && matches == found->name) return found;
    if (found != nullptr) return base::Unexpected("the filter '" + word + "' is not unique: " + matches);
    const std::string_view near = policy::nearest(word, names);
    return base::Unexpected("unknown filter '" + word + "'" +
                            (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
}

/// Pairs of a key and its value as the request's parameters.
base::Expected<Json, std::string> request_from(const FlowsParams& params) {
    Json request = Json::object();
    for (std::size_t i = 0; i < params.filter.size(); i += 2) {
        const auto key = key_from(params.filter[i]);
        if (!key) return base::Unexpected(key.error());
        const std::string name((*key)->name);
        if (i + 1 == params.filter.size()) {
            return base::Unexpected("the filter '" + name + "' wants a value: " + std::string((*key)->value));
        }
        if (request.contains(name)) return base::Unexpected("the filter '" + name + "' stands twice");
        request[name] = params.filter[i + 1];
    }
    // The appliance would say the same; without this a mistake would be reported as an appliance that is not reachable.
    if (const auto filter = admin::flow_filter_from(request, {}); !filter) return base::Unexpected(filter.error());
    return request;
}

/// Original and reply, "7/6".
std::string both_ways(const Json& pair, bool human, std::string (*show)(std::optional<std::uint64_t>, bool)) {
    if (!pair.is_array() || pair.size() != 2) return "";
    return show(count_of(pair[0]), human) + "/" + show(count_of(pair[1]), human);
}

Table make_table() {
    return Table({text_column("PROTOCOL"), text_column("SOURCE"), text_column("DESTINATION"), number_column("VLAN"),
                  text_column("STATE"), text_column("RULE"), text_column("INTERFACE"), number_column("WORKER"),
                  number_column("AGE"), number_column("IDLE"), number_column("TIMEOUT"), number_column("PACKETS"),
                  number_column("BYTES")});
}

void add_row(Table& table, const Json& flow, bool human) {
    const auto text = [&](const char* key) { return text_of(member(flow, key)); };
    const auto duration = [&](const char* key) { return show_duration(number_of(member(flow, key)), human); };
    table.add({text("protocol"), show_end(member(flow, "source"), member(flow, "source_port")),
               show_end(member(flow, "destination"), member(flow, "destination_port")), text("vlan"), text("state"),
               text("rule"), text("interface"), text("worker"), duration("age_seconds"), duration("idle_seconds"),
               duration("timeout_seconds"), both_ways(member(flow, "packets"), human, show_count),
               both_ways(member(flow, "bytes"), human, show_size)});
}

void print_end(Context& context, const FlowsParams& params, std::uint64_t shown, const Json& result) {
    const bool human = context.style.human;
    const std::uint64_t total = count_of(member(result, "total")).value_or(shown);
    const std::uint64_t matched = count_of(member(result, "matched")).value_or(shown);
    if (shown == 0 && matched == 0) {
        context.out.line(LineKind::note, total == 0 ? "No flows: the flow table is empty."
                                                    : "None of the " + show_plural(total, "flow", human) + " matches.");
    } else if (shown < matched && limit_for(context, params)) {
        context.out.line(LineKind::note, show_count(shown, human) + " of " + show_plural(matched, "flow", human) +
                                             (params.filter.empty() ? "" : " that match") +
                                             " shown; --limit N or --all shows more.");
    }
}

ExitCode run_show_flows(Context& context, const FlowsParams& params) {
    auto request = request_from(params);
    if (!request) return complain(context, ExitCode::usage, request.error());
    if (const auto limit = limit_for(context, params)) (*request)["limit"] = *limit;
    const bool json = context.settings.json;
    JsonList list(context, "flows");
    Table table = make_table();
    std::uint64_t shown = 0;
    const auto result = ask(context, "show.flows", *request, [&](const Json& rows) {
        for (const Json& flow : rows) {
            if (json) {
                list.add(flow);
            } else {
                add_row(table, flow, context.style.human);
            }
        }
        shown += rows.size();
        if (!json && !rows.empty()) table.print(context);
        return !context.out.closed();
    });
    if (!result) return result.error();
    if (json) {
        list.end({{"total", member(*result, "total")}, {"matched", member(*result, "matched")}});
    } else {
        print_end(context, params, shown, *result);
    }
    return ExitCode::done;
}

/// States that flows are in at the moment.
std::vector<Candidate> present_states(Context& context) {
    std::vector<Candidate> states;
    const auto status = try_ask(context, "status");
    if (!status) return states;
    for (const auto& [state, count] : member(*status, "flows", "per_state").items()) {
        states.push_back({text_of(state), text_of(count) + " flows"});
    }
    return states;
}

std::vector<Candidate> complete_filter(Context& context, const std::vector<std::string>& before) {
    std::vector<Candidate> candidates;
    if (before.size() % 2 == 0) {
        for (const auto& key : admin::kFlowFilterKeys) {
            candidates.push_back({std::string(key.name), std::string(key.value) + ": " + std::string(key.help)});
        }
        return candidates;
    }
    const auto key = key_from(before.back());
    if (!key) return candidates;
    const std::string_view name = (*key)->name;
    if (name == "rule") return names_from(context, "show.rules", "name", "action");
    if (name == "zone") return names_from(context, "show.interfaces", "zone", "");
    if (name == "interface") return names_from(context, "show.interfaces", "name", "device");
    if (name == "worker") return names_from(context, "show.workers", "worker", "");
    if (name == "state") return present_states(context);
    if (name == "protocol")
        return {{"tcp", ""},  {"udp", ""}, {"icmp", ""}, {"icmpv6", ""},
                {"sctp", ""}, {"gre", ""}, {"esp", ""},  {"ah", ""}};
    // Nothing to choose from, but `?` says what is wanted.
    return {{"", std::string((*key)->value) + ": " + std::string((*key)->help)}};
}

std::string filter_help() {
    std::string help = "Filters, all of which must hold:\n";
    for (const auto& key : admin::kFlowFilterKeys) {
        std::string words = "  " + std::string(key.name) + (key.alias.empty() ? "" : "|" + std::string(key.alias)) +
                            " " + std::string(key.value);
        words.resize(std::max<std::size_t>(words.size() + 2, 36), ' ');
        help += words + std::string(key.help) + "\n";
    }
    help.pop_back();
    return help;
}

} // namespace

void add_show_flows(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "flows", "the flow table, filtered in the appliance");
    const auto params = std::make_shared<FlowsParams>();
    command.add_option("filter", params->filter, "such as: dport 443 source 10.0.0.0/8")
        ->type_name("KEY VALUE")
        ->expected(-1);
    auto* limit =
        command
            .add_option("-l,--limit", params->limit, "rows at most; unless given, 100 on a terminal and all elsewhere")
            ->type_name("N")
            ->check(row_count());
    command.add_flag("-a,--all", params->all, "every row")->excludes(limit);
    command.footer(filter_help());
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_show_flows(context, *params); }; });
    tree.completers[&command] = complete_filter;
}

} // namespace sluice::sluicectl
