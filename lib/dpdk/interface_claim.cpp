#include "dpdk/interface_claim.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

namespace sluice::dpdk {
namespace {

/// Interface names are unique within a network namespace only.
std::string path_for(const std::string& interface) {
    struct stat space {};
    (void)stat("/proc/self/ns/net", &space);
    return fmt::format("{}/sluice-{}-{}.lock", runtime_root(), space.st_ino, interface);
}

/// Whether `path` still names the file that is open: its last owner may have removed it before we had the lock.
bool still_there(int descriptor, const std::string& path) {
    struct stat open_file {
    }, named{};
    return fstat(descriptor, &open_file) == 0 && stat(path.c_str(), &named) == 0 && open_file.st_ino == named.st_ino &&
           open_file.st_dev == named.st_dev;
}

} // namespace

base::Expected<InterfaceClaim, Error> InterfaceClaim::take(const std::string& interface) {
    std::error_code ignored;
    std::filesystem::create_directories(runtime_root(), ignored);
    const std::string path = path_for(interface);
    while (true) {
        const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor < 0) {
            return base::Unexpected(
                Error{errno == EACCES ? Error::Kind::not_permitted : Error::Kind::failed,
                      fmt::format("cannot claim '{}': {}: {}", interface, path, std::strerror(errno))});
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            close(descriptor);
            return base::Unexpected(Error{
                Error::Kind::in_use,
                fmt::format("'{}' is in use by another interface of the policy, or by another sluiced", interface)});
        }
        if (still_there(descriptor, path)) return InterfaceClaim(descriptor, path);
        close(descriptor);
    }
}

InterfaceClaim::InterfaceClaim(int descriptor, std::string path)
    : descriptor_(descriptor)
    , path_(std::move(path)) {}

InterfaceClaim::InterfaceClaim(InterfaceClaim&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1))
    , path_(std::move(other.path_)) {}

InterfaceClaim& InterfaceClaim::operator=(InterfaceClaim&& other) noexcept {
    if (this != &other) {
        release();
        descriptor_ = std::exchange(other.descriptor_, -1);
        path_ = std::move(other.path_);
    }
    return *this;
}

InterfaceClaim::~InterfaceClaim() {
    release();
}

void InterfaceClaim::release() {
    if (descriptor_ < 0) return;
    unlink(path_.c_str()); // while it is still locked
    close(std::exchange(descriptor_, -1));
}

} // namespace sluice::dpdk
