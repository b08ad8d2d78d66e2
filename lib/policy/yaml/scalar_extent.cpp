#include "policy/yaml/scalar_extent.hpp"

namespace sluice::policy {
namespace {

/// YAML 1.2, 7.3.1: a backslash takes the next character with it.
ScalarExtent double_quoted(std::string_view rest) {
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '\\') {
            ++i;
        } else if (rest[i] == '"') {
            return {i + 1, true, false};
        }
    }
    return {rest.size(), true, true};
}

/// YAML 1.2, 7.3.2: a quote is written twice.
ScalarExtent single_quoted(std::string_view rest) {
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] != '\'') continue;
        if (i + 1 < rest.size() && rest[i + 1] == '\'') {
            ++i;
        } else {
            return {i + 1, true, false};
        }
    }
    return {rest.size(), true, true};
}

/// A plain scalar over several lines is folded, so its value is not what stands there: its first line then.
std::size_t first_line_size(std::string_view rest) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    if (const std::size_t comment = line.find(" #"); comment != std::string_view::npos) line = line.substr(0, comment);
    const std::size_t last = line.find_last_not_of(' ');
    return last == std::string_view::npos ? 1 : last + 1;
}

} // namespace

ScalarExtent scalar_extent(std::string_view text, std::size_t offset, std::string_view value) {
    if (offset >= text.size()) return {};
    const std::string_view rest = text.substr(offset);
    switch (rest.front()) {
    case '"': return double_quoted(rest);
    case '\'': return single_quoted(rest);
    case '|':
    case '>': return {1, true, false};
    default: break;
    }
    return {rest.starts_with(value) ? value.size() : first_line_size(rest), false, false};
}

} // namespace sluice::policy
