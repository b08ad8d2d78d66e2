// sluicectl: the appliance's command line. Decides where commands come from; everything else is in the files beside.
#include "complete.hpp"
#include "pager.hpp"
#include "policy/diagnostic/text.hpp"
#include "run_line.hpp"
#include "shell.hpp"

#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

namespace sluice::sluicectl {

namespace {

/// `sluicectl __complete WORD… PARTIAL`: one candidate a line, a tabulator and its help behind it.
ExitCode print_completions(const std::vector<std::string>& words, const Terminal& terminal) {
    ScriptSettings script;
    const auto tree = make_tree(Settings(), &script);
    std::vector<std::string> before(words.begin(), words.end() - (words.empty() ? 0 : 1));
    const std::string partial = words.empty() ? "" : words.back();
    StreamSink sink(terminal.out);
    Context context{tree->settings, Style(), sink, terminal.errors, nullptr};
    for (const Candidate& candidate : complete(*tree, context, before, partial).candidates) {
        if (candidate.text.empty()) continue;
        sink.line(LineKind::row, policy::printable(candidate.text) + "\t" + policy::printable(candidate.help));
    }
    return ExitCode::done;
}

ExitCode run_file(const Settings& settings, const Terminal& terminal, const ScriptSettings& script) {
    if (script.file == "-") return run_script(settings, terminal, std::cin, "<standard input>", script.stop_at_error);
    std::ifstream file(script.file);
    if (!file) {
        terminal.errors << "sluicectl: cannot read " << script.file << '\n';
        return ExitCode::failed;
    }
    return run_script(settings, terminal, file, script.file, script.stop_at_error);
}

ExitCode run(const std::vector<std::string>& words, const Terminal& terminal) {
    if (!words.empty() && words.front() == "__complete") {
        return print_completions({words.begin() + 1, words.end()}, terminal);
    }
    ScriptSettings script;
    const auto tree = make_tree(Settings(), &script);
    const auto sink = make_terminal_sink(terminal.out, terminal.out_is_terminal);
    Context early{tree->settings, style_for(tree->settings, terminal), *sink, terminal.errors, nullptr};
    if (const auto done = parse(*tree, words, early)) return *done;
    const Settings& settings = tree->settings;
    Context context{settings, style_for(settings, terminal), *sink, terminal.errors, nullptr};
    if (tree->chosen) {
        if (script.file.empty() && !script.stop_at_error) return run_chosen(*tree, context);
        return complain(context, ExitCode::usage, "-f and -e go with a script, not with a command");
    }
    if (!script.file.empty()) return run_file(settings, terminal, script);
    if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0) return run_shell(settings, terminal);
    script.file = "-";
    return run_file(settings, terminal, script);
}

} // namespace

} // namespace sluice::sluicectl

int main(int argc, char** argv) {
    using namespace sluice::sluicectl;
    try {
        const char* no_colour = std::getenv("NO_COLOR");
        const Terminal terminal{std::cout,
                                std::cerr,
                                ::isatty(STDOUT_FILENO) != 0,
                                ::isatty(STDERR_FILENO) != 0,
                                no_colour != nullptr && *no_colour != '\0',
                                false,
                                nullptr};
        std::ios::sync_with_stdio(false);
        const ExitCode exit = run(std::vector<std::string>(argv + 1, argv + argc), terminal);
        std::cout.flush();
        if (!std::cout && exit == ExitCode::done) {
            std::cerr << "sluicectl: cannot write the output\n";
            return static_cast<int>(ExitCode::failed);
        }
        return static_cast<int>(exit);
    } catch (const std::exception& exception) {
        std::cerr << "sluicectl: internal error: " << exception.what() << '\n';
        return static_cast<int>(ExitCode::failed);
    }
}
