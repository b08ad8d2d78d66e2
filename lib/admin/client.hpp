// sluicectl's end of the admin socket: connect, ask, wait.
//
// Blocking, for one thread. Time-outs bound each wait for the appliance, not the whole answer: a long list may take its
// time as long as it goes on.
#pragma once

#include "admin/protocol.hpp"
#include "base/expected.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::admin {

/// Why a call has no result: the appliance's error, or what kept it from answering.
struct Failure {
    ExitCode exit = ExitCode::failed;
    std::string message; ///< one sentence for people
    Json data = nullptr; ///< the error's data
};

/// Takes a part of a list, a non-empty array. False ends the call as a Failure with ExitCode::done, and the connection
/// with it.
using PartialHandler = std::function<bool(const Json& rows)>;

class Client {
  public:
    /// Connects and reads the hello. Failures: unreachable (with what to try), not_permitted, timeout, failed (another
    /// protocol version, or no appliance at the other end).
    static base::Expected<Client, Failure> connect(const std::string& path, std::chrono::milliseconds timeout);

    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// Asks and waits for the result. Rows of a list go to `on_partial` as they come; without one they are let go.
    base::Expected<Json, Failure> call(std::string_view method, const Json& params,
                                       const PartialHandler& on_partial = {});

    /// Waiting ends as a Failure with ExitCode::done soon after this becomes true. It must outlive the
    /// client.
    void set_interrupt(const std::atomic<bool>* interrupted);

    /// The appliance's version from the hello.
    [[nodiscard]] const std::string& version() const;

  private:
    struct State;
    explicit Client(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace sluice::admin
