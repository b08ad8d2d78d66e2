#include "admin/server.hpp"

#include "admin/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::admin {

namespace {

using Clock = Connection::Clock;

/// Requests answered for one client before the others have their turn.
constexpr int kRequestsPerTurn = 16;
/// Clients accepted before those that are connected have their turn.
constexpr int kAcceptsPerTurn = 32;
/// The listening socket among the events; connections count from 1.
constexpr std::uint64_t kListener = 0;

struct Method {
    Permission needed = Permission::change;
    Handler handler;
};

} // namespace

struct Server::State {
    ServerOptions options;
    SocketFile socket;
    Owners owners;
    Descriptor epoll;
    /// Given up for a moment to accept and turn away a client when the process has no descriptor left.
    Descriptor spare;
    std::map<std::string, Method, std::less<>> methods;
    std::map<std::uint64_t, Connection> connections;
    std::uint64_t next_connection = kListener + 1;

    void accept_clients();
    void turn_away();
    void add_client(Descriptor socket);
    /// Whoever may only read cannot take the last places, and so cannot lock out those who may change.
    [[nodiscard]] bool has_room_for(const Peer& peer) const;

    /// What a connection can do without waiting. False: close it.
    bool advance(Connection& connection);
    bool produce(Connection& connection);
    void answer(Connection& connection, std::string_view line);
    Reply call(const Request& request, const Peer& peer) const;
    void refuse_and_close(Connection& connection, const Json& id, const Error& error);
    /// After receiving: refuses what can no longer become a request, or would take too much memory on the way.
    void check_input(Connection& connection);

    [[nodiscard]] bool runnable(Connection& connection) const;
    [[nodiscard]] Clock::time_point deadline(Connection& connection) const;
    void watch(std::uint64_t number, Connection& connection) const;
    void serve_all();
};

namespace {

Error denial(std::string_view method, Permission needed, const ServerOptions& options) {
    std::string message = "'" + std::string(method) + "' ";
    if (needed == Permission::change) {
        message += "changes the appliance: it is for root and members of the group " + options.changing_group;
    } else {
        message += "is for root and members of the groups " + options.reading_group + " and " + options.changing_group;
    }
    return {ErrorCode::not_permitted, std::move(message), nullptr};
}

Error internal(std::string_view what) {
    return {ErrorCode::internal_error, "internal error in the appliance: " + std::string(what), nullptr};
}

/// A reply line for an outcome, or an error line when it would be longer than clients take.
std::string outcome_line(const Json& id, const Outcome& outcome) {
    const auto* error = std::get_if<Error>(&outcome);
    std::string line = error != nullptr ? encode_error(id, *error) : encode_result(id, std::get<Result>(outcome).value);
    if (line.size() > kMaxReplySize) return encode_error(id, internal("the reply is too long"));
    return line;
}

} // namespace

// --- accepting ---------------------------------------------------------------------------------------------------

void Server::State::accept_clients() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        Descriptor client(::accept4(socket.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (client) {
            add_client(std::move(client));
        } else if (errno == EMFILE || errno == ENFILE) {
            turn_away();
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void Server::State::turn_away() {
    spare.reset();
    const Descriptor client(::accept4(socket.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    // The client sees the end of the stream instead of a hello; without this it would wait and poll() would spin.
    spare = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Server::State::add_client(Descriptor client) {
    auto peer = peer_of(client.get());
    if (!peer) return;
    const auto now = Clock::now();
    const bool room = has_room_for(*peer);
    const std::uint64_t number = next_connection++;
    const int descriptor = client.get();
    Connection connection(std::move(client), std::move(*peer), now);
    if (!room) {
        connection.send(
            encode_error(nullptr, {ErrorCode::failed, "the appliance has too many clients; try again", nullptr}), now);
        connection.flush(now);
        return;
    }
    epoll_event event{};
    event.data.u64 = number;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) return;
    connection.send(encode_hello(options.version), now);
    connections.emplace(number, std::move(connection));
}

bool Server::State::has_room_for(const Peer& peer) const {
    if (connections.size() >= options.max_clients) return false;
    const std::size_t left = options.max_clients - connections.size();
    return left > options.reserved_clients || permitted(peer, owners, Permission::change);
}

// --- one client ----------------------------------------------------------------------------------------------------

Reply Server::State::call(const Request& request, const Peer& peer) const {
    const auto method = methods.find(request.method);
    if (method == methods.end()) {
        return Reply::error(ErrorCode::method_not_found,
                            "this appliance does not know the method '" + request.method + "'");
    }
    if (!permitted(peer, owners, method->second.needed)) {
        Error error = denial(request.method, method->second.needed, options);
        return Reply::error(error.code, std::move(error.message));
    }
    try {
        return method->second.handler(request.params, peer);
    } catch (const std::exception& exception) {
        Error error = internal(exception.what());
        return Reply::error(error.code, std::move(error.message));
    } catch (...) {
        Error error = internal("unknown exception");
        return Reply::error(error.code, std::move(error.message));
    }
}

void Server::State::refuse_and_close(Connection& connection, const Json& id, const Error& error) {
    connection.send(encode_error(id, error), Clock::now());
    connection.close_when_sent();
}

void Server::State::answer(Connection& connection, std::string_view line) {
    if (line.size() > options.max_request_size) {
        refuse_and_close(connection, nullptr, {ErrorCode::parse_error, "the request is too long", nullptr});
        return;
    }
    auto request = decode_request(line);
    if (!request) {
        refuse_and_close(connection, request.error().id, request.error().error);
        return;
    }
    Reply reply = call(*request, connection.peer());
    auto& content = reply.content();
    if (auto* producer = std::get_if<Producer>(&content)) {
        connection.begin_stream(std::move(request->id), std::move(*producer));
        return;
    }
    const Outcome outcome = std::holds_alternative<Error>(content) ? Outcome(std::get<Error>(std::move(content)))
                                                                   : Outcome(std::get<Result>(std::move(content)));
    connection.send(outcome_line(request->id, outcome), Clock::now());
}

bool Server::State::produce(Connection& connection) {
    Json rows = Json::array();
    std::optional<Outcome> end;
    try {
        end = connection.producer()(rows);
    } catch (const std::exception& exception) {
        end = internal(exception.what());
    } catch (...) {
        end = internal("unknown exception");
    }
    const auto now = Clock::now();
    if (rows.is_array() && !rows.empty()) connection.send(encode_partial(connection.stream_id(), rows), now);
    if (end) {
        connection.send(outcome_line(connection.stream_id(), *end), now);
        connection.end_stream();
    }
    return connection.flush(now);
}

void Server::State::check_input(Connection& connection) {
    if (connection.closing() || connection.line()) return;
    std::size_t total = 0;
    for (const auto& [number, other] : connections)
        total += other.input_size();
    if (connection.input_size() > options.max_request_size) {
        refuse_and_close(connection, nullptr, {ErrorCode::parse_error, "the request is too long", nullptr});
    } else if (total > options.max_input_size) {
        refuse_and_close(connection, nullptr,
                         {ErrorCode::failed, "the appliance is busy with other clients' requests; try again", nullptr});
    }
}

bool Server::State::runnable(Connection& connection) const {
    if (connection.streaming()) return connection.output_size() < options.pause_output_size;
    return connection.idle() && !connection.closing() && connection.line().has_value();
}

bool Server::State::advance(Connection& connection) {
    if (!connection.flush(Clock::now())) return false;
    for (int i = 0; i < kRequestsPerTurn && runnable(connection); ++i) {
        if (connection.streaming()) {
            // Once a turn: producing looks at tables, and the caller has other things to do.
            if (!produce(connection)) return false;
            break;
        }
        answer(connection, *connection.line());
        connection.drop_line(Clock::now());
        if (!connection.flush(Clock::now())) return false;
    }
    if (connection.streaming() || connection.output_size() > 0) return true;
    return !connection.closing() && !(connection.at_end() && !connection.line());
}

// --- all clients ---------------------------------------------------------------------------------------------------

Clock::time_point Server::State::deadline(Connection& connection) const {
    if (connection.output_size() > 0) return connection.last_progress() + options.stall_timeout;
    // A list may search a long table before it finds the next row.
    if (connection.streaming()) return Clock::time_point::max();
    if (connection.line_began() && !connection.line()) return *connection.line_began() + options.line_timeout;
    return connection.last_request() + options.idle_timeout;
}

void Server::State::watch(std::uint64_t number, Connection& connection) const {
    unsigned wanted = 0;
    if (connection.output_size() > 0) wanted |= EPOLLOUT;
    if (connection.idle() && !connection.closing() && !connection.at_end() && !connection.line()) wanted |= EPOLLIN;
    if (wanted == connection.watched_events) return;
    epoll_event event{};
    event.events = wanted;
    event.data.u64 = number;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, connection.descriptor(), &event);
    connection.watched_events = wanted;
}

void Server::State::serve_all() {
    for (auto entry = connections.begin(); entry != connections.end();) {
        auto& [number, connection] = *entry;
        if (advance(connection) && Clock::now() < deadline(connection)) {
            watch(number, connection);
            ++entry;
        } else {
            entry = connections.erase(entry);
        }
    }
}

void Server::poll(int timeout_ms) {
    State& state = *state_;
    const int due = due_in_ms();
    if (due >= 0 && (timeout_ms < 0 || due < timeout_ms)) timeout_ms = due;
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(state.epoll.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const std::uint64_t number = event.data.u64; // a copy: the kernel's struct is packed
        if (number == kListener) {
            state.accept_clients();
            continue;
        }
        const auto entry = state.connections.find(number);
        if (entry == state.connections.end()) continue;
        const bool gone = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
        const bool readable = (event.events & EPOLLIN) != 0;
        if (gone || (readable && !entry->second.receive(Clock::now()))) {
            state.connections.erase(entry);
        } else if (readable) {
            state.check_input(entry->second);
        }
    }
    state.serve_all();
}

int Server::due_in_ms() const {
    if (state_->connections.empty()) return -1;
    auto nearest = Clock::time_point::max();
    for (auto& [number, connection] : state_->connections) {
        if (state_->runnable(connection)) return 0;
        nearest = std::min(nearest, state_->deadline(connection));
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(nearest - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// --- life ----------------------------------------------------------------------------------------------------------

base::Expected<Server, std::string> Server::listen(ServerOptions options) {
    Owners owners;
    owners.owner = ::geteuid();
    owners.reading_group = group_id(options.reading_group.c_str());
    owners.changing_group = group_id(options.changing_group.c_str());
    const auto file_group = owners.reading_group ? owners.reading_group : owners.changing_group;
    auto socket = SocketFile::make(options.path, options.mode, file_group);
    if (!socket) return base::Unexpected(socket.error());

    Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kListener;
    if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket->descriptor(), &event) != 0) {
        return base::Unexpected(std::string("cannot watch the admin socket: no epoll descriptor"));
    }
    auto state = std::make_unique<State>(State{std::move(options),
                                               std::move(*socket),
                                               owners,
                                               std::move(epoll),
                                               Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                                               {},
                                               {}});
    return Server(std::move(state));
}

Server::Server(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

void Server::handle(std::string_view method, Permission needed, Handler handler) {
    state_->methods.insert_or_assign(std::string(method), Method{needed, std::move(handler)});
}

int Server::descriptor() const {
    return state_->epoll.get();
}

std::size_t Server::client_count() const {
    return state_->connections.size();
}

} // namespace sluice::admin
