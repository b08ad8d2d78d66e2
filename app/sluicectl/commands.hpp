// Each command adds itself to the tree: its name, help, parameters, what may follow, and what it does.
#pragma once

#include "command_tree.hpp"

namespace sluice::sluicectl {

/// A word that only holds other commands.
CLI::App& add_group(CommandTree& tree, const std::string& name, const std::string& help);
/// A command, on which global options may stand, too.
CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& help);

/// What an option takes that limits rows.
CLI::Validator row_count();

void add_status(CommandTree& tree);
void add_show_interfaces(CommandTree& tree, CLI::App& parent);
void add_show_workers(CommandTree& tree, CLI::App& parent);
void add_show_stages(CommandTree& tree, CLI::App& parent);
void add_show_rules(CommandTree& tree, CLI::App& parent);
void add_show_sets(CommandTree& tree, CLI::App& parent);
void add_show_flows(CommandTree& tree, CLI::App& parent);
void add_show_evictions(CommandTree& tree, CLI::App& parent);
void add_show_drops(CommandTree& tree, CLI::App& parent);
/// `show policy`, and `policy show`, which is the same.
void add_show_policy(CommandTree& tree, CLI::App& parent);
void add_show_version(CommandTree& tree, CLI::App& parent);
void add_policy_check(CommandTree& tree, CLI::App& parent);
void add_policy_apply(CommandTree& tree, CLI::App& parent);
/// `set add`, `set del` and `set replace`.
void add_set(CommandTree& tree);
void add_replay(CommandTree& tree);
void add_explain(CommandTree& tree);
void add_completion(CommandTree& tree);
void add_help(CommandTree& tree);
/// `exit` and `quit`, for the shell and scripts. They do nothing: whoever reads lines looks for them.
void add_exit(CommandTree& tree);

} // namespace sluice::sluicectl
