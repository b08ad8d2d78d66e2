#include "admin/peer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <grp.h>
#include <sys/socket.h>

namespace sluice::admin {

namespace {

/// SO_PEERGROUPS (Linux 4.13); without it, or when it fails, there are no supplementary groups.
std::vector<gid_t> peer_groups(int socket) {
    std::vector<gid_t> groups(32);
    for (;;) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
            groups.resize(size / sizeof(gid_t));
            return groups;
        }
        // Too small: the kernel says how much it wants (at most 65536 groups).
        if (errno != ERANGE || size / sizeof(gid_t) <= groups.size()) return {};
        groups.resize(size / sizeof(gid_t));
    }
}

bool is_member(const Peer& peer, std::optional<gid_t> group) {
    if (!group) return false;
    return peer.gid == *group || std::find(peer.groups.begin(), peer.groups.end(), *group) != peer.groups.end();
}

} // namespace

bool permitted(const Peer& peer, const Owners& owners, Permission wanted) {
    if (peer.uid == 0 || peer.uid == owners.owner) return true;
    if (is_member(peer, owners.changing_group)) return true;
    return wanted == Permission::read && is_member(peer, owners.reading_group);
}

std::optional<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return Peer{credentials.uid, credentials.gid, credentials.pid, peer_groups(socket)};
}

std::optional<gid_t> group_id(const char* name) {
    // A group's line holds its members: some directories have very long ones.
    std::vector<char> text(4096);
    for (;;) {
        group entry{};
        group* found = nullptr;
        const int error = ::getgrnam_r(name, &entry, text.data(), text.size(), &found);
        if (error == ERANGE && text.size() < (std::size_t{1} << 24)) {
            text.resize(text.size() * 4);
            continue;
        }
        if (error != 0 || found == nullptr) return std::nullopt;
        return found->gr_gid;
    }
}

} // namespace sluice::admin
