#include "output.hpp"

#include "context.hpp"
#include "policy/diagnostic/text.hpp"

#include <array>
#include <ostream>

#include <regex.h>

namespace sluice::sluicectl {

namespace {

class GrepSink : public Sink {
  public:
    GrepSink(Sink& next, bool invert)
        : next_(next)
        , invert_(invert) {}
    ~GrepSink() override {
        if (compiled_) ::regfree(&expression_);
    }
    /// Empty when done, else what is wrong.
    std::string compile(const std::string& pattern, int flags) {
        const int error = ::regcomp(&expression_, pattern.c_str(), flags);
        compiled_ = error == 0;
        if (compiled_) return {};
        std::array<char, 256> text{};
        ::regerror(error, &expression_, text.data(), text.size());
        return text.data();
    }
    void line(LineKind kind, std::string_view text) override {
        if (kind == LineKind::head) next_.line(kind, text);
        if (kind != LineKind::row) return;
        const bool found = ::regexec(&expression_, std::string(text).c_str(), 0, nullptr, 0) == 0;
        if (found != invert_) next_.line(kind, text);
    }
    void finish() override { next_.finish(); }
    [[nodiscard]] bool closed() const override { return next_.closed(); }

  private:
    Sink& next_;
    bool invert_;
    regex_t expression_{};
    bool compiled_ = false;
};

class CountSink : public Sink {
  public:
    explicit CountSink(Sink& next)
        : next_(next) {}
    void line(LineKind kind, std::string_view) override {
        if (kind == LineKind::row) ++count_;
    }
    void finish() override {
        next_.line(LineKind::row, std::to_string(count_));
        next_.finish();
    }

  private:
    Sink& next_;
    std::size_t count_ = 0;
};

template <typename Take> void for_each_line(std::string_view text, Take take) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        take(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

} // namespace

void StreamSink::line(LineKind, std::string_view text) {
    stream_ << text << '\n';
}
void StreamSink::finish() {
    stream_.flush();
}
bool StreamSink::closed() const {
    return !stream_;
}

std::unique_ptr<Sink> make_grep(Sink& next, const std::string& pattern, bool ignore_case, bool invert,
                                std::string& error) {
    auto grep = std::make_unique<GrepSink>(next, invert);
    error = grep->compile(pattern, REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0));
    if (!error.empty()) return nullptr;
    return grep;
}

std::unique_ptr<Sink> make_count(Sink& next) {
    return std::make_unique<CountSink>(next);
}

bool is_utf8(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size();) {
        const std::size_t size = policy::decode(text, offset).size;
        if (size == 0) return false;
        offset += size;
    }
    return true;
}

void put_text(Sink& out, LineKind kind, std::string_view text) {
    for_each_line(text, [&](std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        out.line(kind, policy::printable(line));
    });
}

void put_exact_text(Sink& out, std::string_view text) {
    for_each_line(text, [&](std::string_view line) { out.line(LineKind::row, line); });
}

ExitCode complain(Context& context, ExitCode exit, const std::string& message) {
    context.errors << "sluicectl: " << policy::printable(message) << '\n';
    return exit;
}

} // namespace sluice::sluicectl
