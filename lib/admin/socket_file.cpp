#include "admin/socket_file.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::admin {

namespace {

using base::Unexpected;
using Nothing = base::Expected<void, std::string>;

constexpr int kBacklog = 128;

std::string system_text() {
    return std::generic_category().message(errno);
}

base::Expected<sockaddr_un, std::string> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.find('\0') != std::string::npos)
        return Unexpected(std::string("the socket path is empty"));
    if (path.size() >= sizeof address.sun_path) {
        return Unexpected("the socket path " + path + " is longer than " + std::to_string(sizeof address.sun_path - 1) +
                          " bytes");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

/// Makes the folder if only it is missing, and locks it. Another starting server holds the lock for a moment only.
base::Expected<Descriptor, std::string> lock_folder(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
        return Unexpected("cannot make the folder " + folder + " for the admin socket: " + system_text());
    }
    Descriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock) return Unexpected("cannot open the folder " + folder + ": " + system_text());
    constexpr int kAttempts = 40;
    for (int attempt = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return Unexpected("cannot lock the folder " + folder + ": " + system_text());
        if (attempt == kAttempts) return Unexpected("another program holds a lock on the folder " + folder);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return lock;
}

/// Leaves no file at `path`, or says why one must stay.
Nothing clear_path(const std::string& path, const sockaddr_un& address) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) {
        if (errno == ENOENT) return {};
        return Unexpected("cannot look at " + path + ": " + system_text());
    }
    if (!S_ISSOCK(found.st_mode))
        return Unexpected(path + " exists and is not a socket; remove it or choose another path");
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe) return Unexpected("cannot make a socket: " + system_text());
    const bool answered = ::connect(probe.get(), generic(address), sizeof address) == 0;
    // A full backlog (EAGAIN) is somebody who listens; only a refusal proves that nobody does.
    if (answered || errno != ECONNREFUSED) {
        return Unexpected("another server answers on " + path + "; stop it or choose another path");
    }
    if (::unlink(path.c_str()) != 0) return Unexpected("cannot remove the stale socket " + path + ": " + system_text());
    return {};
}

/// Gives a bound socket's file its group and mode.
Nothing grant(const std::string& path, mode_t mode, std::optional<gid_t> group) {
    constexpr auto kUnchanged = static_cast<uid_t>(-1);
    if (group && ::lchown(path.c_str(), kUnchanged, *group) != 0) {
        return Unexpected("cannot give " + path + " to its group: " + system_text());
    }
    if (::chmod(path.c_str(), mode) != 0) return Unexpected("cannot set the mode of " + path + ": " + system_text());
    return {};
}

} // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        number_ = other.release();
    }
    return *this;
}

int Descriptor::release() {
    return std::exchange(number_, -1);
}

void Descriptor::reset() {
    if (number_ >= 0) ::close(release());
}

SocketFile::SocketFile(Descriptor descriptor, std::string path, const struct stat& made)
    : descriptor_(std::move(descriptor))
    , path_(std::move(path))
    , device_(made.st_dev)
    , inode_(made.st_ino) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    if (this != &other) {
        remove();
        descriptor_ = std::move(other.descriptor_);
        path_ = std::move(other.path_);
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

SocketFile::~SocketFile() {
    remove();
}

void SocketFile::remove() {
    if (!descriptor_) return;
    struct stat found {};
    if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
}

base::Expected<SocketFile, std::string> SocketFile::make(const std::string& path, mode_t mode,
                                                         std::optional<gid_t> group) {
    const auto address = address_of(path);
    if (!address) return Unexpected(address.error());
    const std::string folder = std::filesystem::path(path).parent_path().string();
    const auto lock = lock_folder(folder.empty() ? "." : folder);
    if (!lock) return Unexpected(lock.error());
    if (const auto cleared = clear_path(path, *address); !cleared) return Unexpected(cleared.error());

    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!listener) return Unexpected("cannot make a socket: " + system_text());
    if (::bind(listener.get(), generic(*address), sizeof *address) != 0) {
        return Unexpected("cannot bind " + path + ": " + system_text());
    }
    struct stat made {};
    if (::lstat(path.c_str(), &made) != 0) return Unexpected("cannot look at " + path + ": " + system_text());
    SocketFile file(std::move(listener), path, made);
    // Nobody can connect before listen(), so the file has its final mode when it starts to matter.
    if (const auto granted = grant(path, mode, group); !granted) return Unexpected(granted.error());
    if (::listen(file.descriptor(), kBacklog) != 0)
        return Unexpected("cannot listen on " + path + ": " + system_text());
    return file;
}

} // namespace sluice::admin
