// The help of a command, read from the tree.
#pragma once

#include "command_tree.hpp"

#include <string>

namespace sluice::sluicectl {

/// Usage, options with those of the commands above it, subcommands or own words.
std::string help_text(CLI::App& command);

} // namespace sluice::sluicectl
