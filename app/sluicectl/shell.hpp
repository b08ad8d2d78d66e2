// The interactive shell: line editing, history, TAB and `?`.
#pragma once

#include "run_line.hpp"

namespace sluice::sluicectl {

/// Reads and runs lines from the terminal until `exit`, `quit` or the end of input. Ctrl-C ends a command, not the
/// shell. The history is kept in $XDG_STATE_HOME/sluice/history (~/.local/state).
ExitCode run_shell(const Settings& settings, Terminal terminal);

} // namespace sluice::sluicectl
