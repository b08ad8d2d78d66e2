#include "admin/connection.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace sluice::admin {

namespace {

constexpr std::size_t kReadSize = std::size_t{64} << 10;
/// What is read or written in one go, so that one client with a large policy does not keep the others waiting.
constexpr std::size_t kTurnSize = 8 * kReadSize;

} // namespace

Connection::Connection(Descriptor socket, Peer peer, Clock::time_point now)
    : socket_(std::move(socket))
    , peer_(std::move(peer))
    , last_progress_(now)
    , last_request_(now) {}

bool Connection::receive(Clock::time_point now) {
    static thread_local std::array<char, kReadSize> buffer;
    for (std::size_t size = 0; size < kTurnSize; size += kReadSize) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) {
            if (!line_began_) line_began_ = now;
            input_.append(buffer.data(), static_cast<std::size_t>(got));
            if (static_cast<std::size_t>(got) < buffer.size()) return true;
            continue;
        }
        if (got == 0) {
            at_end_ = true;
            return true;
        }
        if (errno == EINTR) continue;
        return errno == EAGAIN;
    }
    return true;
}

std::optional<std::string_view> Connection::line() {
    if (!line_end_) {
        const std::size_t found = input_.find('\n', scanned_);
        if (found == std::string::npos) {
            scanned_ = input_.size();
            return std::nullopt;
        }
        line_end_ = found;
    }
    return std::string_view(input_).substr(taken_, *line_end_ - taken_);
}

void Connection::drop_line(Clock::time_point now) {
    if (!line_end_) return;
    taken_ = *line_end_ + 1;
    scanned_ = taken_;
    line_end_.reset();
    last_request_ = now;
    line_began_.reset();
    if (input_size() > 0) line_began_ = now;
    if (line()) return;
    // Only once no whole line is left, or many short lines would be moved many times.
    input_.erase(0, taken_);
    scanned_ -= taken_;
    taken_ = 0;
    // A policy text leaves a large buffer behind, which an idle client should not keep.
    if (input_.capacity() > kTurnSize) input_.shrink_to_fit();
}

void Connection::send(std::string_view text, Clock::time_point now) {
    if (output_size() == 0) last_progress_ = now; // the time of waiting begins here
    if (written_ > output_.size() / 2) {
        output_.erase(0, written_);
        written_ = 0;
    }
    output_ += text;
}

bool Connection::flush(Clock::time_point now) {
    if (output_size() == 0) return true;
    const std::size_t enough = written_ + kTurnSize;
    while (output_size() > 0 && written_ < enough) {
        const ssize_t sent = ::send(socket_.get(), output_.data() + written_, output_size(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            return errno == EAGAIN;
        }
        written_ += static_cast<std::size_t>(sent);
        last_progress_ = now;
    }
    if (output_size() > 0) return true;
    output_.clear();
    if (output_.capacity() > kTurnSize) output_.shrink_to_fit();
    written_ = 0;
    last_request_ = now; // an answer taken counts against the idle time like a request
    return true;
}

void Connection::begin_stream(Json id, Producer producer) {
    stream_id_ = std::move(id);
    producer_ = std::move(producer);
}

} // namespace sluice::admin
