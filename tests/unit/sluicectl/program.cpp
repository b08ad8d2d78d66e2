#include "program.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::sluicectl::test {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() {
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    }
    ~Pipe() {
        close(0);
        close(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close(int end) {
        if (ends[end] >= 0) ::close(std::exchange(ends[end], -1));
    }
};

[[noreturn]] void become(const Run& run, const Pipe& in, const Pipe& out, const Pipe& errors) {
    ::dup2(in.ends[0], STDIN_FILENO);
    ::dup2(out.ends[1], STDOUT_FILENO);
    ::dup2(errors.ends[1], STDERR_FILENO);
    // Opened as whoever runs the tests: the build folder may be closed to others, the program need not be.
    const int program = ::open(SLUICECTL_PATH, O_RDONLY | O_CLOEXEC);
    if (run.uid && (::setgroups(0, nullptr) != 0 || ::setgid(*run.uid) != 0 || ::setuid(*run.uid) != 0)) ::_exit(126);
    std::vector<char*> arguments = {const_cast<char*>("sluicectl")};
    for (const auto& argument : run.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> environment = {const_cast<char*>("PATH=/usr/bin:/bin"), const_cast<char*>("HOME=/nonexistent")};
    for (const auto& variable : run.environment)
        environment.push_back(const_cast<char*>(variable.c_str()));
    environment.push_back(nullptr);
    ::fexecve(program, arguments.data(), environment.data());
    ::_exit(127);
}

/// Feeds and drains the pipes until both outputs end; false when it takes too long.
bool communicate(const Run& run, Pipe& in, Pipe& out, Pipe& errors, Ran& ran) {
    const auto until = Clock::now() + admin::test::kPatience;
    std::size_t written = 0;
    std::array<char, 65536> buffer{};
    const auto drain = [&](Pipe& pipe, std::string& text) {
        const ssize_t got = ::read(pipe.ends[0], buffer.data(), buffer.size());
        if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
        if (got == 0) pipe.close(0);
    };
    while (out.ends[0] >= 0 || errors.ends[0] >= 0) {
        if (Clock::now() > until) return false;
        if (written == run.input.size()) in.close(1);
        std::array<pollfd, 3> entries{
            {{in.ends[1], POLLOUT, 0}, {out.ends[0], POLLIN, 0}, {errors.ends[0], POLLIN, 0}}};
        if (::poll(entries.data(), entries.size(), 100) <= 0) continue;
        if (entries[0].revents != 0) {
            const ssize_t sent = ::write(in.ends[1], run.input.data() + written, run.input.size() - written);
            if (sent < 0) in.close(1);
            if (sent > 0) written += static_cast<std::size_t>(sent);
        }
        if (entries[1].revents != 0) drain(out, ran.out);
        if (entries[2].revents != 0) drain(errors, ran.errors);
    }
    return true;
}

} // namespace

Ran run_program(const Run& run) {
    std::signal(SIGPIPE, SIG_IGN);
    Pipe in;
    Pipe out;
    Pipe errors;
    Ran ran;
    const pid_t child = ::fork();
    if (child == 0) become(run, in, out, errors);
    if (child < 0) return ran;
    in.close(0);
    out.close(1);
    errors.close(1);
    const bool in_time = communicate(run, in, out, errors, ran);
    if (!in_time) ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (in_time && WIFEXITED(status)) ran.exit = WEXITSTATUS(status);
    return ran;
}

RunningFake::RunningFake(const FakeData& data, admin::ServerOptions options)
    : socket_(folder_.path() + "/ctl.sock") {
    options.path = socket_;
    options.version = "0.1.0";
    auto server = admin::Server::listen(std::move(options));
    if (!server) throw std::runtime_error(server.error());
    server_.emplace(std::move(*server));
    answer_like_an_appliance(*server_, data);
    thread_ = std::thread([this] {
        while (!stopping_) {
            if (silent_) {
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            } else {
                server_->poll(5);
            }
        }
    });
}

RunningFake::~RunningFake() {
    stopping_ = true;
    thread_.join();
}

Ran RunningFake::ctl(std::vector<std::string> arguments, std::string input) const {
    arguments.insert(arguments.begin(), {"-s", socket_});
    return run_program({std::move(arguments), std::move(input), {}, std::nullopt});
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    return {std::istream_iterator<std::string>(stream), {}};
}

} // namespace sluice::sluicectl::test
