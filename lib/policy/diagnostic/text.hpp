// Text from outside, byte by byte: is it UTF-8, how many characters is it, may it be shown on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::policy {

/// One decoded character; `size` is its bytes, 0 where the text is not well-formed UTF-8 (Unicode 15, table 3-7).
struct CodePoint {
    char32_t value = 0;
    std::size_t size = 0;
};

/// The character that begins at `offset`, which must lie inside the text.
CodePoint decode(std::string_view text, std::size_t offset);

/// Characters in the text; a byte that is not UTF-8 counts as one.
std::size_t count_characters(std::string_view text);

/// Whether a character has no business in a policy: control characters other than line feed and tab, line separators
/// that editors count differently, byte order marks, and the ones that turn the direction of writing (Trojan Source,
/// CVE-2021-42574).
bool is_forbidden(char32_t character);

/// The text with everything that could move a terminal's cursor written as an escape: `\x1b`, `\u{202e}`.
std::string printable(std::string_view text);

/// 'text' in quotes for a message, printable, and cut when long.
std::string in_quotes(std::string_view text);

} // namespace sluice::policy
