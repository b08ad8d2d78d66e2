#include "policy/diagnostic/text.hpp"

#include <cstdint>

namespace sluice::policy {
namespace {

constexpr std::size_t kQuotedCharacters = 64;

std::uint8_t byte_at(std::string_view text, std::size_t offset) {
    return static_cast<std::uint8_t>(text[offset]);
}

/// What the first byte promises: how many follow, its own bits, and the bounds of the second byte, which rule out
/// overlong forms, surrogates and values above U+10FFFF.
struct Lead {
    std::size_t following = 0;
    char32_t bits = 0;
    std::uint8_t second_min = 0x80;
    std::uint8_t second_max = 0xbf;
};

Lead read_lead(std::uint8_t first) {
    if (first >= 0xc2 && first <= 0xdf) return {1, first & 0x1fu, 0x80, 0xbf};
    if (first == 0xe0) return {2, 0, 0xa0, 0xbf};
    if (first == 0xed) return {2, 0xd, 0x80, 0x9f};
    if (first >= 0xe1 && first <= 0xef) return {2, first & 0xfu, 0x80, 0xbf};
    if (first == 0xf0) return {3, 0, 0x90, 0xbf};
    if (first >= 0xf1 && first <= 0xf3) return {3, first & 0x7u, 0x80, 0xbf};
    if (first == 0xf4) return {3, 4, 0x80, 0x8f};
    return {};
}

/// `value` in hexadecimal with at least `width` digits.
std::string hexadecimal(char32_t value, std::size_t width) {
    std::string digits;
    for (; value != 0 || digits.size() < width; value >>= 4) {
        digits.insert(digits.begin(), "0123456789abcdef"[value & 0xf]);
    }
    return digits;
}

} // namespace

CodePoint decode(std::string_view text, std::size_t offset) {
    const std::uint8_t first = byte_at(text, offset);
    if (first < 0x80) return {first, 1};
    const Lead lead = read_lead(first);
    if (lead.following == 0 || text.size() - offset <= lead.following) return {};
    char32_t value = lead.bits;
    for (std::size_t i = 1; i <= lead.following; ++i) {
        const std::uint8_t next = byte_at(text, offset + i);
        const bool fits = i == 1 ? next >= lead.second_min && next <= lead.second_max : (next & 0xc0) == 0x80;
        if (!fits) return {};
        value = (value << 6) | (next & 0x3fu);
    }
    return {value, lead.following + 1};
}

std::size_t count_characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t offset = 0; offset < text.size(); ++count) {
        const CodePoint point = decode(text, offset);
        offset += point.size == 0 ? 1 : point.size;
    }
    return count;
}

bool is_forbidden(char32_t character) {
    if (character < 0x20) return character != '\n' && character != '\t';
    if (character >= 0x7f && character <= 0x9f) return true;
    const bool turns = (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069) ||
                       character == 0x200e || character == 0x200f || character == 0x061c;
    return turns || character == 0x2028 || character == 0x2029 || character == 0xfeff;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t offset = 0; offset < text.size();) {
        const CodePoint point = decode(text, offset);
        if (point.size == 0) {
            out += "\\x" + hexadecimal(byte_at(text, offset), 2);
            ++offset;
            continue;
        }
        if (point.value == '\n') {
            out += "\\n";
        } else if (point.value == '\t') {
            out += ' ';
        } else if (point.value < 0x80 && is_forbidden(point.value)) {
            out += "\\x" + hexadecimal(point.value, 2);
        } else if (is_forbidden(point.value)) {
            out += "\\u{" + hexadecimal(point.value, 4) + "}";
        } else {
            out += text.substr(offset, point.size);
        }
        offset += point.size;
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    std::size_t end = 0;
    for (std::size_t count = 0; end < text.size() && count < kQuotedCharacters; ++count) {
        const CodePoint point = decode(text, end);
        end += point.size == 0 ? 1 : point.size;
    }
    return "'" + printable(text.substr(0, end)) + (end < text.size() ? "…'" : "'");
}

} // namespace sluice::policy
