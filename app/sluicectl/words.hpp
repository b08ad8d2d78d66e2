// A line of the shell or of a script into words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sluicectl {

/// `a "b c" | d` is two stages, {a, b c} and {d}. 'Single' and "double" quotes, a backslash before any character
/// outside single quotes, `#` at a word's begin for the rest of the line.
struct Line {
    std::vector<std::vector<std::string>> stages; ///< at least one, possibly of no word
    bool open_word = false;                       ///< the line ends within its last word
    bool open_quote = false;                      ///< the line ends within quotes
};

Line split_line(std::string_view line);

/// A word as split_line reads it back.
std::string quote_word(std::string_view word);

} // namespace sluice::sluicectl
