// Runs the sluicectl that was built, as a user would, and says what came of it.
#pragma once

#include "admin/server.hpp"
#include "fake_appliance.hpp"
#include "running_server.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace sluice::sluicectl::test {

struct Ran {
    int exit = -1; ///< -1: it was killed, or did not end in time
    std::string out;
    std::string errors;
};

struct Run {
    std::vector<std::string> arguments;
    std::string input;                    ///< for its standard input, which is a pipe
    std::vector<std::string> environment; ///< NAME=value, added to an environment of PATH and HOME
    std::optional<uid_t> uid;             ///< with a gid of the same number; only root can
};

Ran run_program(const Run& run);

std::vector<std::string> lines_of(const std::string& text);
std::vector<std::string> words_of(const std::string& line);

/// A fake appliance on a thread and a socket of its own.
class RunningFake {
  public:
    explicit RunningFake(const FakeData& data = {}, admin::ServerOptions options = {});
    RunningFake(const RunningFake&) = delete;
    RunningFake& operator=(const RunningFake&) = delete;
    ~RunningFake();
    [[nodiscard]] const std::string& socket() const { return socket_; }
    [[nodiscard]] const std::string& folder() const { return folder_.path(); }

    /// From now on it accepts and answers nothing.
    void fall_silent() { silent_ = true; }

    /// sluicectl with its socket and these arguments.
    [[nodiscard]] Ran ctl(std::vector<std::string> arguments, std::string input = {}) const;

  private:
    admin::test::TemporaryFolder folder_;
    std::string socket_;
    std::optional<admin::Server> server_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> silent_ = false;
    std::thread thread_;
};

} // namespace sluice::sluicectl::test
