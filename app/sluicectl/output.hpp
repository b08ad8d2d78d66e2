// Where the lines of a command go: to the terminal, or through the shell's `| grep` and `| count` first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::sluicectl {

/// What a line is, so that `| grep` keeps a table's head and `| count` counts its rows only.
enum class LineKind : std::uint8_t {
    head,
    row,
    note, ///< explanations, totals, empty lines
};

class Sink {
  public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;
    /// `text` has no newline.
    virtual void line(LineKind kind, std::string_view text) = 0;
    /// After the last line.
    virtual void finish() {}
    /// Nobody will read what comes: a pager was left, the other end of a pipe is gone.
    [[nodiscard]] virtual bool closed() const { return false; }
};

/// To a stream, each with a newline.
class StreamSink : public Sink {
  public:
    explicit StreamSink(std::ostream& stream)
        : stream_(stream) {}
    void line(LineKind kind, std::string_view text) override;
    void finish() override;
    [[nodiscard]] bool closed() const override;

  private:
    std::ostream& stream_;
};

/// `| grep [-i] [-v] PATTERN`: rows that match (or do not) and heads; notes go. An extended regular expression.
/// Null, and a sentence in `error`, when the pattern is none.
std::unique_ptr<Sink> make_grep(Sink& next, const std::string& pattern, bool ignore_case, bool invert,
                                std::string& error);

/// `| count`: how many rows.
std::unique_ptr<Sink> make_count(Sink& next);

bool is_utf8(std::string_view text);

/// Writes text of several lines as one kind; a last newline makes no empty line. Control characters are made harmless.
void put_text(Sink& out, LineKind kind, std::string_view text);
/// The same as rows and byte for byte, except that the last line always gets its newline.
void put_exact_text(Sink& out, std::string_view text);

} // namespace sluice::sluicectl
