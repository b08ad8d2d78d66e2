#include "admin/client.hpp"

#include "admin/socket_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace sluice::admin {

namespace {

using base::Expected;
using base::Unexpected;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Unexpected<Failure> fail(ExitCode exit, std::string message) {
    return Unexpected(Failure{exit, std::move(message), nullptr});
}

std::string system_text(int error) {
    return std::generic_category().message(error);
}

Unexpected<Failure> unreachable(const std::string& path, int error) {
    if (error == EACCES || error == EPERM) {
        return fail(ExitCode::not_permitted,
                    "not permitted to reach sluiced at " + path + ": it is for root and members of the group sluice");
    }
    if (error == EAGAIN) return fail(ExitCode::timeout, "sluiced at " + path + " does not accept connections");
    return fail(ExitCode::unreachable,
                "cannot reach sluiced at " + path + ": is it running? try: systemctl status sluice");
}

/// poll() for one event until a time. 1 ready, 0 too late, negative errno; -EINTR only when `interrupted` is true.
int wait_for(int socket, short event, Clock::time_point until, const std::atomic<bool>* interrupted) {
    for (;;) {
        if (interrupted != nullptr && *interrupted) return -EINTR;
        const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
        if (left <= 0) return 0;
        pollfd entry{socket, event, 0};
        // A signal that comes between the look at `interrupted` and poll() would go unnoticed.
        const long longest = interrupted == nullptr ? 60'000 : 200;
        const int ready = ::poll(&entry, 1, static_cast<int>(std::min<long>(left, longest)));
        if (ready > 0) return 1;
        if (ready < 0 && errno != EINTR) return -errno;
    }
}

} // namespace

struct Client::State {
    Descriptor socket;
    milliseconds timeout;
    std::string version;
    std::string input;
    std::size_t taken = 0;
    std::int64_t next_id = 1;
    const std::atomic<bool>* interrupted = nullptr;

    Expected<std::string_view, Failure> read_line();
    Expected<void, Failure> send(std::string_view text);
    Expected<Message, Failure> receive();
    Expected<void, Failure> greet(const std::string& path);
};

/// The view stays valid until the next call.
Expected<std::string_view, Failure> Client::State::read_line() {
    input.erase(0, std::exchange(taken, 0));
    std::size_t scanned = 0;
    for (;;) {
        const std::size_t end = input.find('\n', scanned);
        if (end != std::string::npos) {
            taken = end + 1;
            return std::string_view(input).substr(0, end);
        }
        if (input.size() > kMaxReplySize) return fail(ExitCode::failed, "the appliance's reply is too long");
        scanned = input.size();
        // The first read is tried at once: a server that closed may have left an answer behind.
        static thread_local std::array<char, std::size_t{64} << 10> buffer;
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) {
            input.append(buffer.data(), static_cast<std::size_t>(got));
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return fail(ExitCode::failed, "the appliance closed the connection without an answer");
        }
        const int ready = wait_for(socket.get(), POLLIN, Clock::now() + timeout, interrupted);
        if (ready == 0) {
            return fail(ExitCode::timeout,
                        "no answer from the appliance within " + std::to_string(timeout.count()) + " ms");
        }
        if (ready == -EINTR) return fail(ExitCode::done, "interrupted");
        if (ready < 0) return fail(ExitCode::failed, "cannot wait for the appliance: " + system_text(-ready));
    }
}

Expected<void, Failure> Client::State::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            text.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        // The server may have closed because of what it got so far; its reason is still to be read.
        if (errno == EPIPE || errno == ECONNRESET) return {};
        if (errno != EAGAIN) return fail(ExitCode::failed, "cannot send to the appliance: " + system_text(errno));
        const int ready = wait_for(socket.get(), POLLOUT, Clock::now() + timeout, interrupted);
        if (ready == 0) return fail(ExitCode::timeout, "the appliance does not take the request");
        if (ready == -EINTR) return fail(ExitCode::done, "interrupted");
        if (ready < 0) return fail(ExitCode::failed, "cannot wait for the appliance: " + system_text(-ready));
    }
    return {};
}

Expected<Message, Failure> Client::State::receive() {
    auto line = read_line();
    if (!line) return Unexpected(std::move(line.error()));
    auto message = decode_message(*line);
    if (!message) return fail(ExitCode::failed, "the appliance sent " + message.error());
    return std::move(*message);
}

Expected<void, Failure> Client::State::greet(const std::string& path) {
    auto hello = receive();
    if (!hello) {
        if (hello.error().exit != ExitCode::failed) return Unexpected(std::move(hello.error()));
        return fail(ExitCode::failed, "no appliance answers at " + path + ": " + hello.error().message);
    }
    if (hello->kind == Message::Kind::error) {
        return Unexpected(Failure{exit_code(hello->error.code), hello->error.message, hello->error.data});
    }
    if (hello->kind != Message::Kind::hello) return fail(ExitCode::failed, "no appliance answers at " + path);
    const Json protocol = hello->body.value("protocol", Json());
    if (const auto told = hello->body.find("version"); told != hello->body.end() && told->is_string()) {
        version = told->get<std::string>();
    }
    if (protocol != kProtocolVersion) {
        return fail(ExitCode::failed, "the appliance (version " + version +
                                          ") speaks another version of the admin "
                                          "protocol than this sluicectl; use the one that came with it");
    }
    return {};
}

Expected<Client, Failure> Client::connect(const std::string& path, milliseconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return fail(ExitCode::usage, "the socket path is empty or longer than " +
                                         std::to_string(sizeof address.sun_path - 1) + " bytes");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return fail(ExitCode::failed, "cannot make a socket: " + system_text(errno));

    // A full backlog answers EAGAIN at once, and nothing wakes us when there is room again.
    const auto until = Clock::now() + timeout;
    while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if ((errno != EAGAIN && errno != EINTR) || Clock::now() >= until) return unreachable(path, errno);
        ::poll(nullptr, 0, 20);
    }
    auto state = std::make_unique<State>();
    state->socket = std::move(socket);
    state->timeout = timeout;
    if (auto greeted = state->greet(path); !greeted) return Unexpected(greeted.error());
    return Client(std::move(state));
}

Expected<Json, Failure> Client::call(std::string_view method, const Json& params, const PartialHandler& on_partial) {
    const std::int64_t id = state_->next_id++;
    if (auto sent = state_->send(encode_request(id, method, params)); !sent) return Unexpected(sent.error());
    for (;;) {
        auto message = state_->receive();
        if (!message) return Unexpected(std::move(message.error()));
        // An error that closes the connection may not know the id.
        if (message->kind == Message::Kind::error && (message->id.is_null() || message->id == id)) {
            Error& error = message->error;
            return Unexpected(Failure{exit_code(error.code), std::move(error.message), std::move(error.data)});
        }
        if (message->id != id) return fail(ExitCode::failed, "the appliance sent a reply to another request");
        if (message->kind == Message::Kind::result) return std::move(message->body);
        if (message->kind != Message::Kind::partial) return fail(ExitCode::failed, "the appliance sent no reply");
        if (on_partial && !on_partial(message->body)) return fail(ExitCode::done, "stopped");
    }
}

void Client::set_interrupt(const std::atomic<bool>* interrupted) {
    state_->interrupted = interrupted;
}

const std::string& Client::version() const {
    return state_->version;
}

Client::Client(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

} // namespace sluice::admin
