#include "classifier/signatures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace sluice::classifier {
namespace {

using Lists = std::vector<ListId>;

TEST(ActiveLists, AreThoseEnteredMoreOftenThanLeft) {
    std::mt19937_64 random(1);
    ActiveLists active(20);
    std::multiset<ListId> entered;
    std::map<Lists, std::uint64_t> hashes;
    std::set<std::uint64_t> different;
    for (unsigned step = 0; step < 20'000; ++step) {
        const auto list = static_cast<ListId>(random() % 20);
        const auto known = entered.find(list);
        if (known != entered.end() && random() % 8 != 0) {
            active.leave(list);
            entered.erase(known);
        } else {
            active.enter(list);
            entered.insert(list);
        }
        const std::set<ListId> once(entered.begin(), entered.end());
        const Lists wanted(once.begin(), once.end());
        ASSERT_EQ(active.sorted(), wanted);
        // The same for the same set, however it came about; another for another.
        const auto [at, fresh] = hashes.emplace(wanted, active.hash());
        ASSERT_EQ(at->second, active.hash());
        if (fresh) {
            ASSERT_TRUE(different.insert(active.hash()).second);
        }
    }
}

TEST(Signatures, AddressesInNoListAreOfClassNone) {
    const Signatures signatures;
    EXPECT_EQ(signatures.size(), 1u);
    EXPECT_TRUE(signatures.lists(0).empty());
    EXPECT_EQ(signatures.find(ActiveLists(1).hash(), {}), Class{0});
}

TEST(Signatures, OneClassForEachSetInTheOrderMet) {
    Signatures signatures;
    ActiveLists active(10);
    active.enter(7);
    EXPECT_EQ(signatures.intern(active), 1u);
    active.enter(3);
    EXPECT_EQ(signatures.intern(active), 2u);
    active.leave(7);
    EXPECT_EQ(signatures.intern(active), 3u);
    active.leave(3);
    EXPECT_EQ(signatures.intern(active), 0u);
    active.enter(3);
    active.enter(7);
    EXPECT_EQ(signatures.intern(active), 2u) << "entered in another order";
    EXPECT_EQ(signatures.lists(2), (Lists{3, 7}));
    EXPECT_EQ(signatures.size(), 4u);
    EXPECT_EQ(signatures.find(active.hash(), {3, 7}), Class{2});
}

TEST(Signatures, OneNumberForTwoSetsIsNoOneClass) {
    Signatures signatures;
    ActiveLists active(10);
    active.enter(7);
    (void)signatures.intern(active);
    // Lists of another set under the same number, as a collision would have it.
    EXPECT_EQ(signatures.find(active.hash(), {8}), std::nullopt);
    EXPECT_EQ(signatures.find(active.hash() + 1, {7}), std::nullopt);
}

} // namespace
} // namespace sluice::classifier
