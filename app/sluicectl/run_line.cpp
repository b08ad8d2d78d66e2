#include "run_line.hpp"

#include "complete.hpp"
#include "pager.hpp"
#include "table.hpp"
#include "words.hpp"

#include <istream>
#include <memory>
#include <ostream>
#include <utility>

namespace sluice::sluicectl {

namespace {

/// What follows the command on its line: the last filter writes to the terminal, each other one to the next.
struct Pipe {
    std::vector<std::unique_ptr<Sink>> filters; ///< last stage first
    bool json = false;
};

/// False, and a sentence in `error`, when a stage is none.
bool add_stage(Pipe& pipe, Sink& end, const std::vector<std::string>& words, std::string& error) {
    Sink& next = pipe.filters.empty() ? end : *pipe.filters.back();
    const std::string name = words.empty() ? "" : words.front();
    if (name == "json" && words.size() == 1) {
        pipe.json = true;
        return true;
    }
    if (name == "count" && words.size() == 1) {
        pipe.filters.push_back(make_count(next));
        return true;
    }
    if (name != "grep") {
        error = "a pipe leads to grep, count or json, not to '" + name + "'";
        return false;
    }
    bool ignore_case = false;
    bool invert = false;
    std::vector<std::string> patterns;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const bool option = patterns.empty() && words[i].size() > 1 && words[i].front() == '-';
        if (option && words[i].find_first_not_of("iv", 1) == std::string::npos) {
            ignore_case = ignore_case || words[i].find('i') != std::string::npos;
            invert = invert || words[i].find('v') != std::string::npos;
        } else {
            patterns.push_back(words[i]);
        }
    }
    if (patterns.size() != 1) {
        error = "grep wants one pattern: grep [-i] [-v] PATTERN";
        return false;
    }
    auto grep = make_grep(next, patterns.front(), ignore_case, invert, error);
    if (grep == nullptr) {
        error = "grep cannot use the pattern '" + patterns.front() + "': " + error;
        return false;
    }
    pipe.filters.push_back(std::move(grep));
    return true;
}

bool is_blank(const Line& line) {
    return line.stages.size() == 1 && line.stages.front().empty();
}

} // namespace

Style style_for(const Settings& settings, const Terminal& terminal) {
    const auto wanted = [&](bool is_terminal) {
        if (settings.colour != ColourWish::automatic) return settings.colour == ColourWish::always;
        return is_terminal && !terminal.no_colour;
    };
    return {terminal.out_is_terminal, wanted(terminal.out_is_terminal), terminal.out_is_terminal,
            wanted(terminal.errors_are_terminal)};
}

ExitCode run_chosen(const CommandTree& tree, Context& context) {
    try {
        const ExitCode exit = tree.chosen(context);
        context.out.finish();
        return exit;
    } catch (const std::exception& exception) {
        return complain(context, ExitCode::failed, std::string("internal error: ") + exception.what());
    }
}

void print_choices(const Settings& settings, Context& context, std::string_view line) {
    const Completion completion = complete_line(settings, context, line);
    if (completion.candidates.empty()) {
        context.out.line(LineKind::note, completion.files ? "  FILE" : "  (nothing more)");
        return;
    }
    std::size_t width = 0;
    for (const Candidate& candidate : completion.candidates)
        width = std::max(width, candidate.text.size());
    for (const Candidate& candidate : completion.candidates) {
        std::string text = "  " + candidate.text;
        if (!candidate.help.empty() && !candidate.text.empty()) text.resize(width + 4, ' ');
        put_text(context.out, LineKind::row, text + candidate.help);
    }
}

LineEnd run_line(const Settings& settings, const Terminal& terminal, std::string_view text) {
    const auto end = make_terminal_sink(terminal.out, terminal.paging && terminal.out_is_terminal);
    Context context{settings, style_for(settings, terminal), *end, terminal.errors, terminal.interrupted};
    const Line line = split_line(text);
    if (line.open_quote) return {complain(context, ExitCode::usage, "a quote is not closed"), false};
    if (is_blank(line)) return {};
    if (!line.stages.back().empty() && line.stages.back().back() == "?") {
        print_choices(settings, context, text.substr(0, text.rfind('?')));
        return {};
    }
    Pipe pipe;
    for (std::size_t stage = line.stages.size() - 1; stage > 0; --stage) {
        std::string error;
        if (!add_stage(pipe, *end, line.stages[stage], error))
            return {complain(context, ExitCode::usage, error), false};
    }
    const auto tree = make_tree(settings, nullptr);
    if (const auto done = parse(*tree, line.stages.front(), context)) return {*done, false};
    if (!tree->chosen) return {complain(context, ExitCode::usage, "a command is missing; try help"), false};
    tree->settings.json = tree->settings.json || pipe.json;
    const bool piped = !pipe.filters.empty();
    Sink& first = piped ? *pipe.filters.back() : *end;
    Context inner{tree->settings, style_for(tree->settings, terminal), first, terminal.errors, terminal.interrupted,
                  piped};
    const ExitCode exit = run_chosen(*tree, inner);
    return {exit, tree->leave};
}

ExitCode run_script(const Settings& settings, const Terminal& terminal, std::istream& input, const std::string& name,
                    bool stop_at_error) {
    ExitCode first_failure = ExitCode::done;
    std::string line;
    for (std::size_t number = 1; std::getline(input, line); ++number) {
        const LineEnd end = run_line(settings, terminal, line);
        if (end.exit != ExitCode::done) {
            terminal.errors << "sluicectl: " << name << ":" << number << ": failed\n";
            if (first_failure == ExitCode::done) first_failure = end.exit;
            if (stop_at_error) break;
        }
        if (end.leave) break;
    }
    return first_failure;
}

} // namespace sluice::sluicectl
