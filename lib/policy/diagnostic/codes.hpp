// The one table of diagnostic codes. A code keeps its meaning for ever; one that is no longer used is not given again.
#pragma once

#include <span>
#include <string_view>

namespace sluice::policy {

/// What `explain` shows about a code.
struct Code {
    std::string_view code;        ///< "P014", "W105"
    std::string_view title;       ///< one clause, lower case
    std::string_view explanation; ///< why it is refused or suspicious, and what to do; whole sentences
    std::string_view wrong;       ///< a piece of policy that earns it; may be empty
    std::string_view right;       ///< the same piece mended
};

/// All of them, in order of code.
std::span<const Code> codes();

/// Null when there is no such code.
const Code* find_code(std::string_view code);

} // namespace sluice::policy
