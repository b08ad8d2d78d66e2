// One client of the admin server: what it sent and is not yet a line, what it has not taken yet, and the list in
// production for it. Knows sockets and lines; knows nothing of methods.
//
// Owner and only user is Server, on one thread.
#pragma once

#include "admin/peer.hpp"
#include "admin/reply.hpp"
#include "admin/socket_file.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::admin {

class Connection {
  public:
    using Clock = std::chrono::steady_clock;

    Connection(Descriptor socket, Peer peer, Clock::time_point now);

    [[nodiscard]] int descriptor() const { return socket_.get(); }
    [[nodiscard]] const Peer& peer() const { return peer_; }

    /// Reads what is there, a bounded amount. False when the connection is of no more use.
    bool receive(Clock::time_point now);

    /// The next whole line, without its newline; it stays valid until drop_line().
    std::optional<std::string_view> line();
    void drop_line(Clock::time_point now);

    /// Bytes received and not yet dropped.
    [[nodiscard]] std::size_t input_size() const { return input_.size() - taken_; }
    [[nodiscard]] bool at_end() const { return at_end_; }

    void send(std::string_view text, Clock::time_point now);
    /// Writes what the socket takes, a bounded amount. False when the connection is of no more use.
    bool flush(Clock::time_point now);
    [[nodiscard]] std::size_t output_size() const { return output_.size() - written_; }

    /// No more requests: close once the output is gone.
    void close_when_sent() { closing_ = true; }
    [[nodiscard]] bool closing() const { return closing_; }

    /// The list in production, if any, and the id of its request.
    void begin_stream(Json id, Producer producer);
    void end_stream() { producer_.reset(); }
    [[nodiscard]] bool streaming() const { return producer_.has_value(); }
    [[nodiscard]] Producer& producer() { return *producer_; }
    [[nodiscard]] const Json& stream_id() const { return stream_id_; }

    /// No reply on its way: the next request may be looked at.
    [[nodiscard]] bool idle() const { return !streaming() && output_size() == 0; }

    /// When the line being received began, when output last moved, when the last request came.
    [[nodiscard]] std::optional<Clock::time_point> line_began() const { return line_began_; }
    [[nodiscard]] Clock::time_point last_progress() const { return last_progress_; }
    [[nodiscard]] Clock::time_point last_request() const { return last_request_; }

    unsigned watched_events = 0; ///< what epoll was told last

  private:
    Descriptor socket_;
    Peer peer_;
    std::string input_;
    std::size_t taken_ = 0;               ///< bytes of input_ whose lines are dropped
    std::size_t scanned_ = 0;             ///< no newline from taken_ to here
    std::optional<std::size_t> line_end_; ///< where in input_ the current line's newline is
    bool at_end_ = false;
    bool closing_ = false;
    std::string output_;
    std::size_t written_ = 0; ///< bytes of output_ that are gone
    std::optional<Producer> producer_;
    Json stream_id_;
    std::optional<Clock::time_point> line_began_;
    Clock::time_point last_progress_;
    Clock::time_point last_request_;
};

} // namespace sluice::admin
