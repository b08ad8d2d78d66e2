// What may follow on a line: for TAB and `?` in the shell, and for the completion of bash, zsh and fish.
#pragma once

#include "command_tree.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sluicectl {

struct Completion {
    /// Words that begin with what is typed. One with an empty text only says what is wanted.
    std::vector<Candidate> candidates;
    bool files = false; ///< names of files may stand here
};

/// `before`: the words before the one that is being typed, of which `partial` stands there already.
Completion complete(CommandTree& tree, Context& context, const std::vector<std::string>& before,
                    const std::string& partial);

/// The same for the begin of a line of the shell, with its pipe.
Completion complete_line(const Settings& settings, Context& context, std::string_view line);

/// Names of files that begin with `partial`; folders end with a slash.
std::vector<Candidate> complete_file(const std::string& partial);

/// What all candidates begin with.
std::string common_prefix(const std::vector<Candidate>& candidates);

} // namespace sluice::sluicectl
