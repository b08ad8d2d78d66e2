// Runs commands: one from the program's arguments, or one line of the shell or of a script with its pipe.
#pragma once

#include "command_tree.hpp"
#include "context.hpp"

#include <atomic>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sluicectl {

/// Where a command's output goes, and how it looks when the user does not say.
struct Terminal {
    std::ostream& out;
    std::ostream& errors;
    bool out_is_terminal = false;
    bool errors_are_terminal = false;
    bool no_colour = false; ///< NO_COLOR is set
    bool paging = false;    ///< somebody is there to page: not with scripts
    const std::atomic<bool>* interrupted = nullptr;
};

/// What the settings and the terminal together make of it.
Style style_for(const Settings& settings, const Terminal& terminal);

/// What is to be done after a line.
struct LineEnd {
    ExitCode exit = ExitCode::done;
    bool leave = false; ///< `exit` or `quit`
};

/// Runs a line; an empty one and a comment do nothing.
LineEnd run_line(const Settings& settings, const Terminal& terminal, std::string_view line);

/// Prints what may stand at the end of the line, with help: what `?` does.
void print_choices(const Settings& settings, Context& context, std::string_view line);

/// Runs what a tree has chosen; an exception is an error, not an end.
ExitCode run_chosen(const CommandTree& tree, Context& context);

/// Runs every line of a stream. Errors are said with `name` and the line's number. Ends with the first failure's code,
/// at once if `stop_at_error`.
ExitCode run_script(const Settings& settings, const Terminal& terminal, std::istream& input, const std::string& name,
                    bool stop_at_error);

} // namespace sluice::sluicectl
