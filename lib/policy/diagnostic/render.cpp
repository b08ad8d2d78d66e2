#include "policy/diagnostic/diagnostic.hpp"
#include "policy/diagnostic/text.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

/// A line longer than this is shown as a window around the spot.
constexpr std::size_t kShownCharacters = 160;
constexpr std::size_t kShownBefore = 60;

struct Colours {
    const char* bold = "";
    const char* error = "";
    const char* warning = "";
    const char* note = "";
    const char* reset = "";
};
constexpr Colours kPlain{};
constexpr Colours kAnsi{"\x1b[1m", "\x1b[1;31m", "\x1b[1;35m", "\x1b[1;36m", "\x1b[0m"};

std::string plural(std::size_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

/// Where every line of a file begins; made once a file, as one file may have a thousand diagnostics.
class Lines {
  public:
    explicit Lines(std::string_view text)
        : text_(text) {
        starts_.push_back(0);
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\n') starts_.push_back(i + 1);
        }
    }
    [[nodiscard]] std::string_view line(std::size_t number) const {
        if (number == 0 || number > starts_.size()) return {};
        const std::size_t start = starts_[number - 1];
        std::string_view line = text_.substr(start, text_.find('\n', start) - start);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

  private:
    std::string_view text_;
    std::vector<std::size_t> starts_;
};

/// A line split into characters, each made printable on its own, so that the carets stand under the right ones.
std::vector<std::string> characters_of(std::string_view line) {
    std::vector<std::string> characters;
    for (std::size_t offset = 0; offset < line.size();) {
        const CodePoint point = decode(line, offset);
        const std::size_t size = point.size == 0 ? 1 : point.size;
        const bool shown = point.size != 0 && !is_forbidden(point.value);
        if (point.value == '\t') {
            characters.emplace_back(" ");
        } else {
            characters.emplace_back(shown ? line.substr(offset, size) : std::string_view("\xef\xbf\xbd")); // U+FFFD
        }
        offset += size;
    }
    return characters;
}

class Renderer {
  public:
    Renderer(const std::vector<SourceFile>& files, const Colours& colours)
        : files_(files)
        , colours_(colours) {
        for (const SourceFile& file : files) {
            lines_.emplace_back(file.text);
        }
    }

    void add(const Diagnostic& diagnostic) {
        const bool is_error = diagnostic.severity == Severity::error;
        out_ += colours_.bold + place(diagnostic.where) + ": " + colours_.reset;
        out_ += (is_error ? colours_.error : colours_.warning) + std::string(is_error ? "error[" : "warning[") +
                diagnostic.code + "]: " + colours_.reset + colours_.bold + printable(diagnostic.message) +
                colours_.reset + "\n";
        const bool one_line = !is_error && diagnostic.label.empty() && diagnostic.help.empty();
        if (!one_line && diagnostic.where.line != 0) add_source(diagnostic);
        if (!diagnostic.help.empty()) {
            const std::size_t width = diagnostic.where.line == 0 ? 2 : std::to_string(diagnostic.where.line).size();
            out_ += std::string(width + 1, ' ') + "= help: " + printable(diagnostic.help) + "\n";
        }
        for (const Note& note : diagnostic.notes) {
            out_ += colours_.bold + place(note.where) + ": " + colours_.note + "note: " + colours_.reset +
                    printable(note.message) + "\n";
        }
        out_ += "\n";
    }

    std::string take() { return std::move(out_); }

  private:
    [[nodiscard]] std::string place(const Location& where) const {
        std::string text = where.file < files_.size() ? printable(files_[where.file].name) : "policy";
        if (where.line == 0) return text;
        return text + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
    }

    void add_source(const Diagnostic& diagnostic) {
        if (diagnostic.where.file >= files_.size()) return;
        const auto characters = characters_of(lines_[diagnostic.where.file].line(diagnostic.where.line));
        const std::size_t column = std::min(std::max<std::size_t>(diagnostic.where.column, 1) - 1, characters.size());
        std::size_t first = 0;
        if (characters.size() > kShownCharacters && column > kShownBefore) first = column - kShownBefore;
        const std::size_t last = std::min(characters.size(), first + kShownCharacters);

        const std::string number = std::to_string(diagnostic.where.line);
        out_ += number + " | " + (first > 0 ? "…" : "");
        for (std::size_t i = first; i < last; ++i) {
            out_ += characters[i];
        }
        out_ += last < characters.size() ? "…\n" : "\n";

        const std::size_t wanted = std::max<std::size_t>(diagnostic.where.length, 1);
        const std::size_t room = last > column ? last - column : 1;
        out_ += std::string(number.size(), ' ') + " | " + std::string(column - first + (first > 0 ? 1 : 0), ' ') +
                (diagnostic.severity == Severity::error ? colours_.error : colours_.warning) +
                std::string(std::min(wanted, room), '^') + colours_.reset;
        if (!diagnostic.label.empty()) out_ += " " + printable(diagnostic.label);
        out_ += "\n";
    }

    const std::vector<SourceFile>& files_;
    const Colours& colours_;
    std::vector<Lines> lines_;
    std::string out_;
};

} // namespace

std::string Diagnostics::summary() const {
    std::string text;
    if (error_count_ != 0) text += plural(error_count_, "error");
    if (warning_count_ != 0) text += (text.empty() ? "" : ", ") + plural(warning_count_, "warning");
    return text.empty() ? text : text + ".";
}

std::string Diagnostics::render(bool colour) const {
    if (error_count_ + warning_count_ == 0) return {};
    Renderer renderer(files_, colour ? kAnsi : kPlain);
    for (const Diagnostic& diagnostic : all_) {
        renderer.add(diagnostic);
    }
    std::string out = renderer.take();
    const std::size_t found = error_count_ + warning_count_;
    if (found > all_.size()) out += "Only the first " + std::to_string(all_.size()) + " found are shown.\n";
    return out + summary();
}

} // namespace sluice::policy
