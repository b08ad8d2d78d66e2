// Who is at the other end of the socket, and what it may do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::admin {

/// What a method asks of its caller. Who may change may read.
enum class Permission : std::uint8_t { read, change };

/// The process that connected, as the kernel vouches for it (SO_PEERCRED, SO_PEERGROUPS): at the time of connecting.
struct Peer {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups; ///< supplementary ones
};

/// Whom the appliance obeys.
struct Owners {
    uid_t owner = 0;                    ///< the uid the appliance runs as
    std::optional<gid_t> reading_group; ///< absent: there is no such group on this system
    std::optional<gid_t> changing_group;
};

/// Root and the owner may do everything, members of the changing group too, members of the reading group read.
bool permitted(const Peer& peer, const Owners& owners, Permission wanted);

/// Of a connected Unix stream socket; absent when the kernel does not say.
std::optional<Peer> peer_of(int socket);

/// The gid of a group by name; absent when there is none.
std::optional<gid_t> group_id(const char* name);

} // namespace sluice::admin
