#include "child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::sluicectl {

namespace {

using admin::Json;

[[noreturn]] void be_child(int pipe, const std::function<void(const TellParent&)>& work) {
    for (const int signal : {SIGINT, SIGPIPE, SIGTERM}) {
        struct sigaction action {};
        action.sa_handler = SIG_DFL;
        ::sigaction(signal, &action, nullptr);
    }
    std::FILE* stream = ::fdopen(pipe, "w");
    int exit = 0;
    try {
        work([stream](const Json& message) {
            const std::string line = message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
            std::fwrite(line.data(), 1, line.size(), stream);
        });
        if (std::fflush(stream) != 0) exit = 1;
    } catch (const std::exception& exception) {
        std::cerr << "sluicectl: internal error: " << exception.what() << std::endl;
        exit = 1;
    }
    ::_exit(exit); // what the parent had buffered is the parent's to write
}

/// Hands over each whole line; false when `take` has enough.
bool hand_over(std::string& input, const std::function<bool(const Json&)>& take) {
    std::size_t begin = 0;
    for (std::size_t end; (end = input.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const Json message = Json::parse(input.begin() + static_cast<std::ptrdiff_t>(begin),
                                         input.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
        if (message.is_object() && !take(message)) return false;
    }
    input.erase(0, begin);
    return true;
}

void listen_to(int pipe, const std::function<bool(const Json&)>& take, const std::atomic<bool>* interrupted) {
    std::string input;
    std::array<char, std::size_t{64} << 10> buffer{};
    for (;;) {
        if (interrupted != nullptr && *interrupted) return;
        pollfd entry{pipe, POLLIN, 0};
        if (::poll(&entry, 1, 200) <= 0) continue;
        const ssize_t got = ::read(pipe, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        input.append(buffer.data(), static_cast<std::size_t>(got));
        if (!hand_over(input, take)) return;
    }
}

} // namespace

std::string run_in_child(const std::function<void(const TellParent&)>& work,
                         const std::function<bool(const Json&)>& take, const std::atomic<bool>* interrupted) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "cannot start: no pipe";
    std::cout.flush();
    std::cerr.flush();
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        be_child(ends[1], work);
    }
    ::close(ends[1]);
    if (child < 0) {
        ::close(ends[0]);
        return "cannot start: no process";
    }
    listen_to(ends[0], take, interrupted);
    ::close(ends[0]);
    // It has ended by itself, or it is no longer wanted: a child that writes learns from the closed pipe, one that
    // works in silence does not.
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == 0) {
        ::kill(child, SIGTERM);
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
    return "ended without a report";
}

} // namespace sluice::sluicectl
