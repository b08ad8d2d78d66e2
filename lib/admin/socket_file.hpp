// The socket's name in the file system: who may bind it, and who removes it.
//
// A socket file outlives the process that made it. Whether it is stale is found by connecting to it; between that and
// binding a new one, two starting servers are kept apart by a lock on the folder, so no lock file stays behind.
#pragma once

#include "base/expected.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace sluice::admin {

/// A descriptor that is closed when this goes.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number)
        : number_(number) {}
    Descriptor(Descriptor&& other) noexcept
        : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { reset(); }

    [[nodiscard]] int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    int release();
    void reset();

  private:
    int number_ = -1;
};

/// A listening Unix stream socket, non-blocking, and its file.
class SocketFile {
  public:
    /// Binds and listens. The file gets `mode`, and `group` when there is one. See Server::listen for what else.
    static base::Expected<SocketFile, std::string> make(const std::string& path, mode_t mode,
                                                        std::optional<gid_t> group);

    SocketFile(SocketFile&& other) noexcept = default;
    SocketFile& operator=(SocketFile&& other) noexcept;
    /// Removes the file if it is still the one that make() made.
    ~SocketFile();

    [[nodiscard]] int descriptor() const { return descriptor_.get(); }

  private:
    SocketFile(Descriptor descriptor, std::string path, const struct stat& made);
    void remove();

    Descriptor descriptor_;
    std::string path_;
    dev_t device_;
    ino_t inode_;
};

} // namespace sluice::admin
