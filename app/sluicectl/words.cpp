#include "words.hpp"

#include <utility>

namespace sluice::sluicectl {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

} // namespace

Line split_line(std::string_view text) {
    Line line;
    line.stages.emplace_back();
    std::string word;
    bool in_word = false;
    char quote = '\0';
    const auto end_word = [&] {
        if (std::exchange(in_word, false)) line.stages.back().push_back(std::exchange(word, {}));
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
            in_word = true;
        } else if (quote != '\0') {
            if (c == quote) {
                quote = '\0';
            } else {
                word += c;
            }
        } else if (c == '"' || c == '\'') {
            quote = c;
            in_word = true;
        } else if (is_space(c)) {
            end_word();
        } else if (c == '|') {
            end_word();
            line.stages.emplace_back();
        } else if (c == '#' && !in_word) {
            break;
        } else {
            word += c;
            in_word = true;
        }
    }
    line.open_word = in_word;
    line.open_quote = quote != '\0';
    end_word();
    return line;
}

std::string quote_word(std::string_view word) {
    constexpr std::string_view kSpecial = " \t\"'\\|#?";
    if (!word.empty() && word.find_first_of(kSpecial) == std::string_view::npos) return std::string(word);
    std::string quoted = "'";
    for (const char c : word) {
        if (c == '\'') {
            quoted += "'\\''";
        } else {
            quoted += c;
        }
    }
    return quoted + "'";
}

} // namespace sluice::sluicectl
