// The commands as one tree, which running, help, completion and "did you mean" all read.
//
// A tree is built for each command line and thrown away: CLI11 keeps what it parsed in it.
#pragma once

#include "context.hpp"

#include "base/expected.hpp"

#include <CLI/App.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::sluicectl {

/// One way in which a line may go on.
struct Candidate {
    std::string text;
    std::string help;
};

/// What may stand where a command's own words (not options) stand. `before`: the words it has already.
using Completer = std::function<std::vector<Candidate>(Context& context, const std::vector<std::string>& before)>;

struct CommandTree {
    CLI::App app{"Talks to the Sluice firewall appliance.", "sluicectl"};
    Settings settings;
    /// Set by parsing: the command to run, with its parameters.
    std::function<ExitCode(Context&)> chosen;
    /// Set by parsing `exit` or `quit`.
    bool leave = false;
    std::map<const CLI::App*, Completer> completers;
    std::set<const CLI::App*> file_commands; ///< whose own words are names of files
};

/// Where a line comes from: some options make no sense inside the shell or a script.
enum class Origin { arguments, line };

/// Only with Origin::arguments.
struct ScriptSettings {
    std::string file;
    bool stop_at_error = false;
};

/// `script` is where -f and -e go; it must outlive the tree. Null with Origin::line.
std::unique_ptr<CommandTree> make_tree(const Settings& defaults, ScriptSettings* script);

/// How far words lead into the tree.
struct Walk {
    CLI::App* command = nullptr;              ///< the deepest one reached
    std::vector<std::string> words;           ///< the words with prefixes of commands made whole
    std::vector<std::string> own_words;       ///< of `command`, options left out
    const CLI::Option* open_option = nullptr; ///< the last word is an option that wants a value
    std::string socket;                       ///< the value of --socket, if it was there
    bool options_over = false;                ///< a "--" was there
};

/// Follows the words, making whole each unique prefix of a command. A sentence for an unknown or ambiguous word.
base::Expected<Walk, std::string> walk(CommandTree& tree, const std::vector<std::string>& words);

/// All subcommands, in the order in which they were added.
std::vector<CLI::App*> subcommands_of(CLI::App& command);

/// "sluicectl show flows", or "show flows" without the program's name.
std::string full_name(const CLI::App& command);

/// Parses words into tree.chosen and tree.settings. Help is printed here. Nothing: go on with tree.chosen; otherwise
/// the line is done, with this code.
std::optional<ExitCode> parse(CommandTree& tree, const std::vector<std::string>& words, Context& context);

} // namespace sluice::sluicectl
