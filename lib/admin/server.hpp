// The appliance's end of the admin socket: many clients, one thread, nothing that a client does can block it.
//
// Life cycle: listen() makes the socket file, handle() registers the methods, the control thread calls poll() in its
// loop, the destructor closes every connection and removes the socket file if it is still its own. Everything happens
// on the thread that calls; nothing here is locked.
//
// A client gets one answer at a time: while a reply is on its way no further request of that client is read, so what
// is buffered for it stays below one reply plus one request. A list stops being produced while its client does not
// read. A client that sends no JSON or no request gets an error and is closed; one that does not finish its line, does
// not read, or has nothing to say for too long is closed.
#pragma once

#include "admin/reply.hpp"
#include "base/expected.hpp"

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::admin {

struct ServerOptions {
    std::string path{kDefaultSocketPath};
    std::string version;                  ///< of the appliance, told in the hello
    mode_t mode = 0660;                   ///< of the socket file
    std::string reading_group = "sluice"; ///< owns the socket file, when it exists
    std::string changing_group = "sluice-admin";
    std::size_t max_clients = 256;                          ///< one more is told so and closed
    std::size_t reserved_clients = 32;                      ///< of these, for those who may change the appliance
    std::size_t max_request_size = kMaxRequestSize;         ///< bytes of one line
    std::size_t max_input_size = 4 * kMaxRequestSize;       ///< bytes of unfinished lines of all clients together
    std::size_t pause_output_size = std::size_t{256} << 10; ///< bytes waiting for a client at which its list pauses
    std::chrono::milliseconds line_timeout{30'000};         ///< from a line's first byte to its end
    std::chrono::milliseconds stall_timeout{30'000};        ///< without a byte of a waiting reply taken
    std::chrono::milliseconds idle_timeout{300'000};        ///< without a request
};

class Server {
  public:
    /// Makes the socket file (and its folder, mode 0755, when only that last folder is missing) and listens on it.
    /// Fails with a sentence when another server answers there, when the path is something other than a socket, or
    /// when the system refuses. A socket file that nobody listens on is replaced.
    static base::Expected<Server, std::string> listen(ServerOptions options);

    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();

    /// Registers a method; registering it again replaces it. The server itself answers nothing but errors. A handler
    /// must not call poll().
    void handle(std::string_view method, Permission needed, Handler handler);

    /// Waits until there is something to do, `timeout_ms` at most (0: not at all, -1: until then), and does it. Comes
    /// back early when a signal arrives.
    void poll(int timeout_ms);

    /// Readable when poll() would have something to do, for a caller with an epoll of its own. Time-outs and lists in
    /// production want poll() to be called all the same: see due_in_ms().
    [[nodiscard]] int descriptor() const;
    /// How long, at most, the caller may stay away from poll(); -1: as long as it likes.
    [[nodiscard]] int due_in_ms() const;

    [[nodiscard]] std::size_t client_count() const;

  private:
    struct State;
    explicit Server(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace sluice::admin
