// An admin server on a thread of its own with a socket in a folder of its own, and a client that sends bytes rather
// than requests, so that tests can misbehave.
#pragma once

#include "admin/server.hpp"
#include "admin/socket_file.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::admin::test {

/// Longer than anything here takes, short enough that a hanging test ends.
inline constexpr std::chrono::milliseconds kPatience{20'000};

/// A new folder under the system's temporary one, removed with all it holds.
class TemporaryFolder {
  public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// Methods it knows: `echo` (the params), `sum` and `change` (needs Permission::change), `throw`, `list` {count,
/// per_call, padding} (rows {row, padding}, result {total}), `list_throw`, `large` {size}.
class RunningServer {
  public:
    explicit RunningServer(ServerOptions options = {});
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;
    ~RunningServer() { stop(); }

    void stop();
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Waits until the server has that many clients; false after kPatience.
    [[nodiscard]] bool wait_for_clients(std::size_t count) const;
    /// Rows that `list` has produced so far, over all calls.
    [[nodiscard]] std::size_t rows_produced() const { return rows_produced_; }
    /// Producers alive.
    [[nodiscard]] int producers() const { return producers_; }

  private:
    void register_methods(Server& server);
    Reply start_list(const Json& params);

    TemporaryFolder folder_;
    std::string path_;
    std::optional<Server> server_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::size_t> clients_ = 0;
    std::atomic<std::size_t> rows_produced_ = 0;
    std::atomic<int> producers_ = 0;
    std::thread thread_;
};

/// Bytes in, bytes out. Every wait ends after kPatience.
class RawClient {
  public:
    /// Connects and, if wanted, reads the hello.
    explicit RawClient(const std::string& path, bool read_hello = true);

    [[nodiscard]] bool connected() const { return static_cast<bool>(socket_); }
    /// False when the server has closed.
    bool send(std::string_view bytes);
    /// One line without its newline; nothing at the end of the stream.
    std::optional<std::string> read_line();
    /// read_line() as JSON; discarded at the end of the stream.
    Json read_json();
    /// Reads and drops everything until the server closes; false after kPatience.
    bool closed_by_server();
    void shut_writing();
    void close() { socket_.reset(); }

  private:
    Descriptor socket_;
    std::string input_;
};

} // namespace sluice::admin::test
