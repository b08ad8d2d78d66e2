// `show drops [REASON] [--all]`.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "table.hpp"
#include "telemetry/drop_reason.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

struct DropsParams {
    std::string reason;
    bool all = false;
};

/// What Sluice said itself, when it did: without it the others do not add up.
std::string own(const Json& drops, bool human) {
    const auto answered = count_of(member(drops, "answered"));
    if (answered.value_or(0) == 0) return {};
    return ", " + show_count(answered, human) + " answered; " + show_count(count_of(member(drops, "made")), human) +
           " made";
}

void print_report(Context& context, const Json& drops, const DropsParams& params) {
    const bool human = context.style.human;
    const Json& reasons = member(drops, "reasons");
    const std::string since = show_duration(number_of(member(drops, "since_seconds")), human) + (human ? "" : " s");
    const auto count = [&](const char* key) { return show_count(count_of(member(drops, key)), human); };
    if (!reasons.is_array() || reasons.empty()) {
        context.out.line(LineKind::note, "No drops since start, " + since + " ago; " + count("received") +
                                             " packets received, " + count("forwarded") + " forwarded, " +
                                             count("held") + " held" + own(drops, human) + ".");
        return;
    }
    Table table({text_column("REASON"), number_column("PACKETS"), text_column("MEANING")});
    std::uint64_t dropped = 0;
    for (const Json& reason : reasons) {
        const auto packets = count_of(member(reason, "packets"));
        dropped += packets.value_or(0);
        table.add({text_of(member(reason, "reason")), show_count(packets, human), text_of(member(reason, "text"))});
    }
    table.print(context);
    if (!params.reason.empty()) return;
    context.out.line(LineKind::note, "");
    context.out.line(LineKind::note, "Since start, " + since + " ago: " + count("received") + " received, " +
                                         count("forwarded") + " forwarded, " + show_count(dropped, human) +
                                         " dropped, " + count("held") + " held" + own(drops, human) + ".");
}

ExitCode run_show_drops(Context& context, const DropsParams& params) {
    Json request = Json::object();
    if (!params.reason.empty()) request["reason"] = params.reason;
    if (params.all) request["all"] = true;
    const auto drops = ask(context, "show.drops", request);
    if (!drops) return drops.error();
    if (context.settings.json) {
        print_json(context, "drops", *drops);
    } else {
        print_report(context, *drops, params);
    }
    return ExitCode::done;
}

} // namespace

void add_show_drops(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "drops", "why packets were dropped, and how many");
    const auto params = std::make_shared<DropsParams>();
    command.add_option("reason", params->reason, "only this reason")->type_name("REASON");
    command.add_flag("-a,--all", params->all, "reasons without a packet, too");
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_show_drops(context, *params); }; });
    tree.completers[&command] = [](Context&, const std::vector<std::string>& before) {
        std::vector<Candidate> reasons;
        for (std::size_t i = 0; before.empty() && i < telemetry::kDropReasonCount; ++i) {
            reasons.push_back(
                {std::string(telemetry::kDropReasonNames[i]), std::string(telemetry::kDropReasonTexts[i])});
        }
        return reasons;
    };
}

} // namespace sluice::sluicectl
