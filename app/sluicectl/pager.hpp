// A pager for what does not fit the screen: $SLUICE_PAGER, else $PAGER, else less where it is installed.
#pragma once

#include "output.hpp"

#include <csignal>
#include <cstdio>
#include <iosfwd>
#include <memory>
#include <string>

namespace sluice::sluicectl {

/// What to page with; empty for no pager (also when the variable is set to nothing).
std::string pager_command();

/// Holds lines back until they fill the screen. If they do, they and all others go to the pager, else to the stream.
class PagerSink : public Sink {
  public:
    PagerSink(std::ostream& stream, std::string command, std::size_t columns, std::size_t rows);
    ~PagerSink() override;
    void line(LineKind kind, std::string_view text) override;
    void finish() override;
    [[nodiscard]] bool closed() const override;

  private:
    void write(std::string_view text);
    void open();
    void end();

    std::ostream& stream_;
    std::string command_;
    std::size_t columns_;
    std::size_t rows_;
    std::size_t filled_ = 0; ///< rows of the screen that the held lines take
    std::string held_;
    std::FILE* pager_ = nullptr;
    struct sigaction on_pipe_ {}; ///< what the signals did before the pager
    struct sigaction on_interrupt_ {};
};

/// A PagerSink if wanted, if the standard output is a terminal whose size is known, and if there is a pager; else a
/// StreamSink.
std::unique_ptr<Sink> make_terminal_sink(std::ostream& stream, bool wanted);

} // namespace sluice::sluicectl
