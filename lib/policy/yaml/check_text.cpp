#include "policy/diagnostic/text.hpp"
#include "policy/yaml/document.hpp"

namespace sluice::policy {
namespace {

constexpr std::size_t kMaxReported = 20;

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// Goes over one line; the first sin of a line is reported, the others would only repeat it.
class LineCheck {
  public:
    LineCheck(std::string_view line, Location where, Diagnostics& diagnostics)
        : line_(line)
        , where_(where)
        , diagnostics_(diagnostics) {}

    bool run() {
        if (line_.size() > kMaxLineSize) {
            diagnostics_.error("P005", where_, "a line longer than " + std::to_string(kMaxLineSize) + " bytes");
            return false;
        }
        bool in_comment = false;
        for (std::size_t offset = 0; offset < line_.size(); ++where_.column) {
            const CodePoint point = decode(line_, offset);
            if (point.size == 0) return refuse_byte(offset);
            if (point.value == '#' && (offset == 0 || is_blank(line_[offset - 1]))) in_comment = true;
            if (point.value == '\t' && !in_comment && !only_comment_follows(offset)) return refuse_tab();
            if (is_forbidden(point.value)) return refuse_character(offset, point.size);
            offset += point.size;
        }
        return true;
    }

  private:
    [[nodiscard]] bool only_comment_follows(std::size_t offset) const {
        while (offset < line_.size() && is_blank(line_[offset])) {
            ++offset;
        }
        return offset == line_.size() || line_[offset] == '#';
    }
    bool refuse_byte(std::size_t offset) {
        auto& error =
            diagnostics_.error("P002", where_, "byte " + printable(line_.substr(offset, 1)) + " is not UTF-8");
        error.help = "save the file as UTF-8";
        return false;
    }
    bool refuse_tab() {
        auto& error = diagnostics_.error("P002", where_, "a tab");
        error.help = "indent and separate with spaces; inside double quotes a tab is written \\t";
        return false;
    }
    bool refuse_character(std::size_t offset, std::size_t size) {
        auto& error = diagnostics_.error(
            "P002", where_, "the character " + printable(line_.substr(offset, size)) + " is not allowed in a policy");
        error.help =
            "control characters and invisible marks that change how a line reads are refused, also in comments";
        return false;
    }

    std::string_view line_;
    Location where_;
    Diagnostics& diagnostics_;
};

} // namespace

std::string normalised(std::string text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
        text[kept++] = text[i];
    }
    text.resize(kept);
    return text;
}

bool check_text(std::uint32_t file, Diagnostics& diagnostics, std::size_t maximum_size) {
    const std::string& text = diagnostics.files()[file].text;
    if (text.size() > maximum_size) {
        diagnostics.error("P005", {file, 0, 0, 0}, "larger than " + std::to_string(maximum_size >> 20) + " MiB");
        return false;
    }
    std::size_t reported = 0;
    std::uint32_t number = 1;
    for (std::size_t start = 0; start < text.size() && reported < kMaxReported; ++number) {
        std::size_t end = text.find('\n', start);
        if (end == std::string::npos) end = text.size();
        const std::string_view line = std::string_view(text).substr(start, end - start);
        if (!LineCheck(line, {file, number, 1, 1}, diagnostics).run()) ++reported;
        start = end + 1;
    }
    return reported == 0;
}

} // namespace sluice::policy
