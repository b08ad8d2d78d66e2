// `replay CAPTURE -p POLICY`: what the appliance would do with the packets of a capture, without an appliance.
//
// The replay runs in a child process, which reports over a pipe, one JSON text a line: a shell or a script can replay
// more than once although DPDK starts once in a process, and Ctrl-C ends the child alone.
#include "child.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "replay/replay.hpp"
#include "table.hpp"
#include "telemetry/drop_reason.hpp"

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

using base::Expected;
using base::Unexpected;

struct ReplayParams {
    std::string capture;
    std::string policy;
    std::string output;
    std::string interface;
    std::vector<std::string> sides;
    bool each_packet = false;
};

Expected<replay::Options, std::string> options_from(const ReplayParams& params) {
    replay::Options options;
    options.capture_path = params.capture;
    options.policy_path = params.policy;
    if (!params.output.empty()) options.output_path = params.output;
    if (!params.interface.empty()) options.interface = params.interface;
    for (const std::string& side : params.sides) {
        const std::size_t equals = side.find('=');
        if (equals == std::string::npos || equals == 0) {
            return Unexpected("--side wants INTERFACE=PREFIX, not '" + side + "'");
        }
        const auto prefix = net::Prefix::parse(side.substr(equals + 1));
        if (!prefix) return Unexpected("--side " + side + ": " + prefix.error());
        options.sides.emplace_back(side.substr(0, equals), *prefix);
    }
    return options;
}

// --- in the child --------------------------------------------------------------------------------------------------

const char* word_of(replay::Verdict::What what) {
    switch (what) {
    case replay::Verdict::What::forward: return "forward";
    case replay::Verdict::What::drop: return "drop";
    case replay::Verdict::What::held: break;
    }
    return "held";
}

Json to_json(const replay::Verdict& verdict) {
    const auto or_null = [](const std::string& text) { return text.empty() || text == "-" ? Json() : Json(text); };
    return {
        {"number", verdict.number},          {"seconds", verdict.seconds},       {"interface", verdict.interface},
        {"packet", verdict.packet},          {"verdict", word_of(verdict.what)}, {"reason", or_null(verdict.reason)},
        {"detail", or_null(verdict.detail)}, {"rule", or_null(verdict.rule)},    {"path", or_null(verdict.path)}};
}

Json to_json(const replay::Report& report) {
    Json reasons = Json::array();
    for (const replay::Count& count : report.reasons) {
        const auto reason = telemetry::drop_reason_from_name(count.name);
        reasons.push_back({{"reason", count.name},
                           {"text", reason ? Json(telemetry::text(*reason)) : Json()},
                           {"packets", count.packets}});
    }
    Json rules = Json::array();
    for (const replay::Count& count : report.rules) {
        rules.push_back({{"name", count.name}, {"packets", count.packets}, {"bytes", count.bytes}});
    }
    return {{"received", report.received},
            {"forwarded", report.forwarded},
            {"dropped", report.dropped},
            {"held", report.held},
            {"truncated", report.truncated},
            {"seconds", report.seconds},
            {"reasons", std::move(reasons)},
            {"rules", std::move(rules)},
            {"flows_created", report.flows_created},
            {"flows_left", report.flows_left},
            {"warnings", report.warnings}};
}

Json to_json(const replay::Failure& failure) {
    ExitCode exit = ExitCode::failed;
    if (failure.kind == replay::Failure::Kind::usage) exit = ExitCode::usage;
    if (failure.kind == replay::Failure::Kind::policy_invalid) exit = ExitCode::policy_invalid;
    return {{"exit", static_cast<int>(exit)}, {"message", failure.message}};
}

void replay_in_child(const replay::Options& options, bool each_packet, const TellParent& tell) {
    replay::EachPacket each;
    if (each_packet) each = [&tell](const replay::Verdict& verdict) { tell({{"verdict", to_json(verdict)}}); };
    const auto report = replay::run(options, each);
    tell(report ? Json{{"report", to_json(*report)}} : Json{{"failure", to_json(report.error())}});
}

// --- in the parent -------------------------------------------------------------------------------------------------

/// Takes what the child says and prints it.
class Printer {
  public:
    Printer(Context& context, bool each_packet)
        : context_(context)
        , each_packet_(each_packet)
        , list_(context, "replay_packets")
        , packets_({number_column("NUMBER"), number_column("SECONDS"), text_column("INTERFACE"), text_column("PACKET"),
                    text_column("VERDICT"), text_column("REASON"), text_column("RULE"), text_column("PATH")}) {}

    /// False when nobody wants more.
    bool take(const Json& message) {
        if (message.contains("verdict")) {
            add_packet(message["verdict"]);
        } else if (message.contains("report")) {
            print_report(message["report"]);
            exit_ = ExitCode::done;
        } else if (message.contains("failure")) {
            fail(message["failure"]);
        }
        return !context_.out.closed();
    }

    /// Nothing: the child ended without a last word.
    [[nodiscard]] std::optional<ExitCode> exit() const { return exit_; }

  private:
    void add_packet(const Json& verdict) {
        if (context_.settings.json) return list_.add(verdict);
        const auto text = [&](const char* key) { return text_of(member(verdict, key)); };
        const std::string detail = member(verdict, "detail").is_null() ? "" : ": " + text("detail");
        const auto seconds = number_of(member(verdict, "seconds"));
        packets_.add({text("number"), seconds ? std::to_string(*seconds) : "" /* six decimals */, text("interface"),
                      text("packet"), text("verdict"), text("reason") + detail, text("rule"), text("path")});
        constexpr unsigned kRowsAtOnce = 1000; // columns fit that many rows, and then only grow
        if (++waiting_ % kRowsAtOnce == 0) packets_.print(context_);
    }

    void print_report(const Json& report) {
        if (context_.settings.json) {
            if (each_packet_) return list_.end({{"report", report}});
            return print_json(context_, "replay", report);
        }
        StreamSink errors(context_.errors);
        const Json& warnings = member(report, "warnings");
        if (warnings.is_string()) put_text(errors, LineKind::row, warnings.get_ref<const std::string&>());
        if (each_packet_) {
            packets_.print(context_);
            context_.out.line(LineKind::note, "");
        }
        const bool human = context_.style.human;
        const auto count = [&](const char* key) { return show_count(count_of(member(report, key)), human); };
        const auto kind = each_packet_ ? LineKind::note : LineKind::row;
        const auto seconds = number_of(member(report, "seconds"));
        context_.out.line(kind,
                          "packets  " + count("received") + " received, " + count("forwarded") + " forwarded, " +
                              count("dropped") + " dropped, in " +
                              (human ? show_duration(seconds, true) : std::to_string(seconds.value_or(0)) + " s"));
        if (count_of(member(report, "held")).value_or(0) > 0) {
            context_.out.line(kind,
                              "         " + count("held") + " were fragments of datagrams that stayed incomplete");
        }
        if (count_of(member(report, "truncated")).value_or(0) > 0) {
            context_.out.line(kind, "         " + count("truncated") + " were captured shorter than they were");
        }
        context_.out.line(kind, "flows    " + count("flows_created") + " created, " + count("flows_left") +
                                    " left at the end");
        print_counts(report);
    }

    void print_counts(const Json& report) {
        const bool human = context_.style.human;
        Table reasons({text_column("REASON"), number_column("PACKETS"), text_column("MEANING")});
        for (const Json& reason : member(report, "reasons")) {
            reasons.add({text_of(member(reason, "reason")), show_count(count_of(member(reason, "packets")), human),
                         text_of(member(reason, "text"))});
        }
        Table rules({text_column("RULE"), number_column("PACKETS"), number_column("BYTES")});
        for (const Json& rule : member(report, "rules")) {
            rules.add({text_of(member(rule, "name")), show_count(count_of(member(rule, "packets")), human),
                       show_size(count_of(member(rule, "bytes")), human)});
        }
        if (!member(report, "reasons").empty()) {
            context_.out.line(LineKind::note, "");
            reasons.print(context_);
        }
        context_.out.line(LineKind::note, "");
        rules.print(context_);
    }

    void fail(const Json& failure) {
        exit_ = static_cast<ExitCode>(count_of(member(failure, "exit")).value_or(1));
        const Json& message = member(failure, "message");
        const std::string text = message.is_string() ? message.get<std::string>() : "the replay failed";
        if (*exit_ != ExitCode::policy_invalid) {
            complain(context_, *exit_, text);
            return;
        }
        StreamSink errors(context_.errors);
        put_text(errors, LineKind::row, text);
    }

    Context& context_;
    bool each_packet_;
    JsonList list_;
    Table packets_;
    unsigned waiting_ = 0;
    std::optional<ExitCode> exit_;
};

ExitCode run_replay(Context& context, const ReplayParams& params) {
    const auto options = options_from(params);
    if (!options) return complain(context, ExitCode::usage, options.error());
    Printer printer(context, params.each_packet);
    const std::string ended =
        run_in_child([&](const TellParent& tell) { replay_in_child(*options, params.each_packet, tell); },
                     [&](const Json& message) { return printer.take(message); }, context.interrupted);
    if (printer.exit()) return *printer.exit();
    if (context.out.closed() || (context.interrupted != nullptr && *context.interrupted)) return ExitCode::done;
    return complain(context, ExitCode::failed, "the replay " + ended);
}

} // namespace

void add_replay(CommandTree& tree) {
    CLI::App& command = add_command(tree.app, "replay", "what the appliance would do with the packets of a capture");
    const auto params = std::make_shared<ReplayParams>();
    command.add_option("capture", params->capture, "pcap or pcapng file")->type_name("CAPTURE")->required();
    command.add_option("-p,--policy", params->policy, "the policy file to judge by")->type_name("FILE")->required();
    command.add_option("-w,--write", params->output, "write a pcapng file: every packet, its verdict as comment")
        ->type_name("FILE");
    command.add_option("-i,--interface", params->interface, "where the first packet comes in; the policy's first")
        ->type_name("NAME");
    command.add_option("--side", params->sides, "addresses behind an interface, if the capture does not tell")
        ->type_name("INTERFACE=PREFIX")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_flag("-v,--each", params->each_packet, "show every packet's verdict");
    command.footer("It runs without an appliance, without privileges and without hugepages, through the same code.");
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_replay(context, *params); }; });
    tree.file_commands.insert(&command);
}

} // namespace sluice::sluicectl
