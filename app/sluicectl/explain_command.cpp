// `explain CODE|DROP_REASON`: what a word from a diagnostic or a counter means.
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy/diagnostic/codes.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "telemetry/drop_reason.hpp"

#include <cctype>
#include <memory>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

std::string upper(std::string text) {
    for (char& c : text)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

void print_code(Context& context, const policy::Code& code) {
    if (context.settings.json) {
        print_json(context, "explanation",
                   {{"kind", "diagnostic"},
                    {"name", code.code},
                    {"text", code.title},
                    {"explanation", code.explanation},
                    {"wrong", code.wrong},
                    {"right", code.right}});
        return;
    }
    const auto put = [&](std::string_view text) { put_text(context.out, LineKind::row, text); };
    put(std::string(code.code) + ": " + std::string(code.title));
    const auto put_part = [&](std::string_view head, std::string_view text) {
        if (text.empty()) return;
        context.out.line(LineKind::row, "");
        if (!head.empty()) put(head);
        put(text);
    };
    put_part("", code.explanation);
    put_part("Wrong:", code.wrong);
    put_part("Right:", code.right);
}

void print_reason(Context& context, telemetry::DropReason reason) {
    if (context.settings.json) {
        print_json(context, "explanation",
                   {{"kind", "drop_reason"}, {"name", telemetry::name(reason)}, {"text", telemetry::text(reason)}});
        return;
    }
    context.out.line(LineKind::row, std::string(telemetry::name(reason)) + ": " + std::string(telemetry::text(reason)));
}

std::vector<Candidate> all_words() {
    std::vector<Candidate> words;
    for (std::size_t i = 0; i < telemetry::kDropReasonCount; ++i) {
        words.push_back({std::string(telemetry::kDropReasonNames[i]), std::string(telemetry::kDropReasonTexts[i])});
    }
    for (const policy::Code& code : policy::codes())
        words.push_back({std::string(code.code), std::string(code.title)});
    return words;
}

ExitCode run_explain(Context& context, const std::string& word) {
    if (const policy::Code* code = policy::find_code(upper(word))) {
        print_code(context, *code);
        return ExitCode::done;
    }
    if (const auto reason = telemetry::drop_reason_from_name(word)) {
        print_reason(context, *reason);
        return ExitCode::done;
    }
    const auto known = all_words();
    std::vector<std::string_view> names;
    for (const Candidate& candidate : known)
        names.push_back(candidate.text);
    const std::string_view near = policy::nearest(word, names);
    return complain(context, ExitCode::not_found,
                    "'" + word + "' is neither a drop reason nor a diagnostic's code" +
                        (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
}

} // namespace

void add_explain(CommandTree& tree) {
    CLI::App& command = add_command(tree.app, "explain", "what a drop reason or a diagnostic's code means");
    const auto word = std::make_shared<std::string>();
    command.add_option("word", *word, "such as no_rule or P014")->type_name("CODE|DROP_REASON")->required();
    command.callback([&tree, word] { tree.chosen = [word](Context& context) { return run_explain(context, *word); }; });
    tree.completers[&command] = [](Context&, const std::vector<std::string>& before) {
        return before.empty() ? all_words() : std::vector<Candidate>();
    };
}

} // namespace sluice::sluicectl
