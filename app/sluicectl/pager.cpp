#include "pager.hpp"

#include "policy/diagnostic/text.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::sluicectl {

namespace {

bool is_installed(std::string_view program) {
    const char* path = std::getenv("PATH");
    std::string_view folders = path == nullptr ? "/usr/bin:/bin" : path;
    while (!folders.empty()) {
        const std::size_t end = folders.find(':');
        const std::string file = std::string(folders.substr(0, end)) + "/" + std::string(program);
        if (::access(file.c_str(), X_OK) == 0) return true;
        folders.remove_prefix(end == std::string_view::npos ? folders.size() : end + 1);
    }
    return false;
}

} // namespace

std::string pager_command() {
    for (const char* variable : {"SLUICE_PAGER", "PAGER"}) {
        if (const char* command = std::getenv(variable)) return command;
    }
    return is_installed("less") ? "less -FRSX" : "";
}

PagerSink::PagerSink(std::ostream& stream, std::string command, std::size_t columns, std::size_t rows)
    : stream_(stream)
    , command_(std::move(command))
    , columns_(columns)
    , rows_(rows) {}

PagerSink::~PagerSink() {
    end();
}

void PagerSink::write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), pager_);
}

void PagerSink::open() {
    stream_.flush();
    pager_ = ::popen(command_.c_str(), "we");
    if (pager_ == nullptr) {
        stream_ << std::exchange(held_, {});
        rows_ = static_cast<std::size_t>(-1);
        return;
    }
    // Leaving the pager early is no reason to end; nor is Ctrl-C, which is the pager's while it runs. Only now, because
    // the pager would inherit what is ignored.
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &on_pipe_);
    ::sigaction(SIGINT, &ignore, &on_interrupt_);
    write(std::exchange(held_, {}));
}

void PagerSink::line(LineKind, std::string_view text) {
    if (pager_ != nullptr) {
        write(text);
        write("\n");
        return;
    }
    held_.append(text).append("\n");
    const std::size_t width = policy::count_characters(text);
    filled_ += width == 0 ? 1 : (width + columns_ - 1) / columns_;
    if (filled_ >= rows_) open();
}

void PagerSink::finish() {
    end();
}

void PagerSink::end() {
    if (pager_ != nullptr) {
        ::pclose(std::exchange(pager_, nullptr));
        ::sigaction(SIGPIPE, &on_pipe_, nullptr);
        ::sigaction(SIGINT, &on_interrupt_, nullptr);
    } else {
        stream_ << std::exchange(held_, {});
        stream_.flush();
    }
}

bool PagerSink::closed() const {
    return pager_ != nullptr && std::ferror(pager_) != 0;
}

std::unique_ptr<Sink> make_terminal_sink(std::ostream& stream, bool wanted) {
    winsize size{};
    std::string command = pager_command();
    if (!wanted || command.empty() || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 ||
        size.ws_col == 0) {
        return std::make_unique<StreamSink>(stream);
    }
    return std::make_unique<PagerSink>(stream, std::move(command), size.ws_col, size.ws_row - 1u);
}

} // namespace sluice::sluicectl
