// A sink that keeps what it is given, and a context around it.
#pragma once

#include "context.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace sluice::sluicectl::test {

class RecordingSink : public Sink {
  public:
    void line(LineKind kind, std::string_view text) override { lines.emplace_back(kind, text); }
    void finish() override { finished = true; }

    [[nodiscard]] std::vector<std::string> texts() const {
        std::vector<std::string> all;
        for (const auto& [kind, text] : lines)
            all.push_back(text);
        return all;
    }

    std::vector<std::pair<LineKind, std::string>> lines;
    bool finished = false;
};

/// Printable ASCII only, and line ends.
inline bool is_plain_ascii(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

struct Recording {
    RecordingSink sink;
    std::ostringstream errors;
    Context context{Settings(), Style(), sink, errors};
};

} // namespace sluice::sluicectl::test
