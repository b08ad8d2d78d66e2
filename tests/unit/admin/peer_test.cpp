#include "admin/peer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <sys/socket.h>
#include <unistd.h>

namespace sluice::admin {
namespace {

constexpr Owners kOwners{990, 100, 200};

Peer somebody(gid_t gid, std::vector<gid_t> groups = {}) {
    return Peer{1000, gid, 1, std::move(groups)};
}

TEST(AdminPeer, RootAndTheOwnerMayDoEverything) {
    for (const uid_t uid : {0u, 990u}) {
        EXPECT_TRUE(permitted(Peer{uid, 5, 1, {}}, kOwners, Permission::read));
        EXPECT_TRUE(permitted(Peer{uid, 5, 1, {}}, kOwners, Permission::change));
    }
}

TEST(AdminPeer, StrangersMayDoNothing) {
    EXPECT_FALSE(permitted(somebody(5, {6, 7}), kOwners, Permission::read));
    EXPECT_FALSE(permitted(somebody(5, {6, 7}), kOwners, Permission::change));
}

TEST(AdminPeer, TheReadingGroupReadsOnly) {
    for (const Peer& peer : {somebody(100), somebody(5, {6, 100})}) {
        EXPECT_TRUE(permitted(peer, kOwners, Permission::read));
        EXPECT_FALSE(permitted(peer, kOwners, Permission::change));
    }
}

TEST(AdminPeer, TheChangingGroupReadsAndChanges) {
    for (const Peer& peer : {somebody(200), somebody(5, {200})}) {
        EXPECT_TRUE(permitted(peer, kOwners, Permission::read));
        EXPECT_TRUE(permitted(peer, kOwners, Permission::change));
    }
}

TEST(AdminPeer, WithoutGroupsOnlyRootAndTheOwnerRemain) {
    const Owners none{990, std::nullopt, std::nullopt};
    EXPECT_FALSE(permitted(somebody(100, {200}), none, Permission::read));
    EXPECT_TRUE(permitted(Peer{990, 5, 1, {}}, none, Permission::change));
}

TEST(AdminPeer, TheKernelTellsWhoConnected) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    const auto peer = peer_of(pair[0]);
    ::close(pair[0]);
    ::close(pair[1]);
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->uid, ::geteuid());
    EXPECT_EQ(peer->gid, ::getegid());
    EXPECT_EQ(peer->pid, ::getpid());
    std::vector<gid_t> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
    own.resize(static_cast<std::size_t>(::getgroups(static_cast<int>(own.size()), own.data())));
    std::vector<gid_t> told = peer->groups;
    std::sort(own.begin(), own.end());
    std::sort(told.begin(), told.end());
    EXPECT_EQ(told, own);
}

TEST(AdminPeer, NoPeerOfWhatIsNoSocket) {
    EXPECT_FALSE(peer_of(STDIN_FILENO));
}

TEST(AdminPeer, FindsGroupsByName) {
    EXPECT_EQ(group_id("root"), 0u);
    EXPECT_FALSE(group_id("no-such-group-here"));
}

} // namespace
} // namespace sluice::admin
