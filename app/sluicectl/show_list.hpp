// `show WHAT` for what is one list and takes no parameters.
#pragma once

#include "command_tree.hpp"

#include <string>

namespace sluice::sluicectl {

/// Adds a command that asks the appliance for "show.<what>" and prints it: as JSON, as `print` does it, or that the
/// appliance has none.
void add_show_list(CommandTree& tree, CLI::App& parent, const std::string& what, const std::string& help,
                   const std::string& none, void (*print)(Context&, const Json&));

} // namespace sluice::sluicectl
