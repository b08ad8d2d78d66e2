#include "running_server.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace sluice::admin::test {

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-admin-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

RunningServer::RunningServer(ServerOptions options)
    : path_(folder_.path() + "/ctl.sock") {
    options.path = path_;
    options.version = "1.2.3";
    auto made = Server::listen(std::move(options));
    if (!made) throw std::runtime_error(made.error());
    server_.emplace(std::move(*made));
    register_methods(*server_);
    thread_ = std::thread([this] {
        while (!stopping_) {
            server_->poll(5);
            clients_ = server_->client_count();
        }
    });
}

void RunningServer::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    server_.reset();
}

bool RunningServer::wait_for_clients(std::size_t count) const {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (clients_ != count) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

void RunningServer::register_methods(Server& server) {
    server.handle("echo", Permission::read, [](const Json& params, const Peer&) { return Reply::result(params); });
    server.handle("change", Permission::change, [](const Json&, const Peer& peer) {
        return Reply::result({{"uid", peer.uid}, {"pid", peer.pid}});
    });
    server.handle("throw", Permission::read,
                  [](const Json&, const Peer&) -> Reply { throw std::runtime_error("on purpose"); });
    server.handle("large", Permission::read, [](const Json& params, const Peer&) {
        return Reply::result({{"text", std::string(params.at("size").get<std::size_t>(), 'x')}});
    });
    server.handle("list", Permission::read, [this](const Json& params, const Peer&) { return start_list(params); });
    server.handle("list_throw", Permission::read, [](const Json&, const Peer&) {
        return Reply::stream([calls = 0](Json& rows) mutable -> std::optional<Outcome> {
            if (++calls == 2) throw std::runtime_error("half way");
            rows.push_back("first");
            return std::nullopt;
        });
    });
}

Reply RunningServer::start_list(const Json& params) {
    const auto count = params.value("count", std::size_t{0});
    const auto per_call = params.value("per_call", std::size_t{100});
    const std::string padding(params.value("padding", std::size_t{0}), 'p');
    ++producers_;
    const std::shared_ptr<void> alive(nullptr, [this](void*) { --producers_; });
    return Reply::stream([=, this, next = std::size_t{0}](Json& rows) mutable -> std::optional<Outcome> {
        static_cast<void>(alive);
        for (std::size_t i = 0; i < per_call && next < count; ++i, ++next) {
            rows.push_back({{"row", next}, {"padding", padding}});
            ++rows_produced_;
        }
        if (next < count) return std::nullopt;
        return Result{{{"total", count}}};
    });
}

RawClient::RawClient(const std::string& path, bool read_hello)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    // Blocking: waits while the backlog is full.
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        socket_.reset();
        return;
    }
    if (read_hello) read_line();
}

bool RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::optional<std::string> RawClient::read_line() {
    std::array<char, 65536> buffer{};
    for (;;) {
        if (const auto end = input_.find('\n'); end != std::string::npos) {
            std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            return line;
        }
        pollfd entry{socket_.get(), POLLIN, 0};
        if (::poll(&entry, 1, static_cast<int>(kPatience.count())) <= 0) return std::nullopt;
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0) return std::nullopt;
        input_.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

Json RawClient::read_json() {
    const auto line = read_line();
    return line ? Json::parse(*line, nullptr, false) : Json(Json::value_t::discarded);
}

bool RawClient::closed_by_server() {
    std::array<char, 65536> buffer{};
    for (;;) {
        pollfd entry{socket_.get(), POLLIN, 0};
        if (::poll(&entry, 1, static_cast<int>(kPatience.count())) <= 0) return false;
        if (::recv(socket_.get(), buffer.data(), buffer.size(), 0) <= 0) return true;
    }
}

void RawClient::shut_writing() {
    ::shutdown(socket_.get(), SHUT_WR);
}

} // namespace sluice::admin::test
