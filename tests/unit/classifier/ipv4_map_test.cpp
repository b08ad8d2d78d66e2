#include "classifier/ipv4_map.hpp"

#include "ask_map.hpp"

#include <random>

namespace sluice::classifier {
namespace {

using AllStarts = Starts<std::uint32_t>;

void rewrite(Ipv4Map& map, const AllStarts& starts, std::uint32_t first, std::uint32_t last) {
    ASSERT_TRUE(map.rewrite(first, last, [&](std::uint32_t a, std::uint32_t b) { return within(starts, a, b); }));
}

/// So many starts in one chunk, and what lies beside it: class 1 before, class 2 behind.
AllStarts one_chunk(std::uint32_t root, std::size_t count, std::mt19937_64& random) {
    AllStarts starts = {{0, 1}};
    std::vector<std::uint32_t> places = {0};
    // Every place has its start if there are as many as places; otherwise any, but the last one always.
    std::vector<std::uint32_t> others(0xfffe);
    for (std::uint32_t i = 0; i < others.size(); ++i)
        others[i] = i + 1;
    std::shuffle(others.begin(), others.end(), random);
    if (count > 1) places.push_back(0xffff);
    for (std::size_t i = 0; places.size() < count; ++i)
        places.push_back(others[i]);
    std::sort(places.begin(), places.end());
    for (std::size_t i = 0; i < places.size(); ++i)
        starts.push_back({root << 16 | places[i], static_cast<Class>(10 + i)});
    if (root != 0xffff) starts.push_back({(root + 1) << 16, 2});
    return starts;
}

/// The chunk 10.1.0.0/16 of these, in a map where nothing else was written.
AllStarts alone(const AllStarts& starts) {
    AllStarts part = within(starts, 0x0a01'0000u, 0x0a01'ffffu);
    part.insert(part.begin(), {0, 0});
    part.push_back({0x0a02'0000, 0});
    return part;
}

TEST(Ipv4Map, EveryAddressIsOfClassNoneAtFirst) {
    const Ipv4Map map(0);
    ASSERT_TRUE(map.ok());
    EXPECT_EQ(wrong_in<std::uint32_t>(map.view(), {{0, 0}}, {1, 0xffff, 0x10000, 0x7fffffff, 0x80000000}), 0u);
}

TEST(Ipv4Map, EveryShapeOfAChunk) {
    std::mt19937_64 random(1);
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 2, 31, 32, 33, 64, 65, 1023, 1024, 1025, 1056,
                                                                      1057, 32'767, 32'768, 32'769, 65'536}) {
        SCOPED_TRACE(count);
        Ipv4Map map(count);
        const AllStarts starts = one_chunk(0x0a01, count, random);
        rewrite(map, starts, 0, Ipv4Map::kLast);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    }
}

TEST(Ipv4Map, ChunksAtTheEndsOfTheAddresses) {
    std::mt19937_64 random(2);
    for (const std::uint32_t root : {0x0001u, 0x7fffu, 0x8000u, 0xffffu}) {
        Ipv4Map map(100);
        const AllStarts starts = one_chunk(root, 40, random);
        rewrite(map, starts, 0, Ipv4Map::kLast);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u) << root;
    }
}

TEST(Ipv4Map, OnlyWhatIsTouchedIsAskedForAndWritten) {
    std::mt19937_64 random(3);
    Ipv4Map map(5000);
    rewrite(map, one_chunk(0x0a01, 2000, random), 0, Ipv4Map::kLast);
    const AllStarts after = one_chunk(0x0a01, 3000, random);
    std::vector<std::uint32_t> asked;
    ASSERT_TRUE(map.rewrite(0x0a01'1234, 0x0a01'1234, [&](std::uint32_t a, std::uint32_t b) {
        asked.insert(asked.end(), {a, b});
        return within(after, a, b);
    }));
    EXPECT_EQ(asked, (std::vector<std::uint32_t>{0x0a01'0000, 0x0a01'ffff}));
    EXPECT_EQ(wrong_in(map.view(), after), 0u);
}

TEST(Ipv4Map, RewritingUsesAgainWhatWasReclaimed) {
    std::mt19937_64 random(4);
    Ipv4Map map(5000);
    const AllStarts a = one_chunk(0x0a01, 2000, random);
    const AllStarts b = one_chunk(0x0a01, 2000, random);
    rewrite(map, a, 0, Ipv4Map::kLast);
    rewrite(map, b, 0x0a01'0000, 0x0a01'ffff);
    const std::size_t size = map.memory_size();
    for (unsigned i = 0; i < 20; ++i) {
        map.reclaim();
        rewrite(map, i % 2 == 0 ? a : b, 0x0a01'0000, 0x0a01'ffff);
        ASSERT_EQ(wrong_in(map.view(), i % 2 == 0 ? a : b), 0u);
    }
    EXPECT_EQ(map.memory_size(), size);
}

TEST(Ipv4Map, WhatReadersMayHoldStaysAsItWas) {
    std::mt19937_64 random(5);
    Ipv4Map map(5000);
    const AllStarts a = one_chunk(0x0a01, 40, random);
    rewrite(map, a, 0, Ipv4Map::kLast);
    // A reader that loaded the root before: its own copy of all roots.
    const ruleset::AddressMap now = map.view();
    const std::vector<std::uint32_t> roots(now.roots, now.roots + ruleset::ipv4::kRoots);
    ruleset::AddressMap before = now;
    before.roots = roots.data();
    for (unsigned i = 0; i < 10; ++i)
        rewrite(map, one_chunk(0x0a01, 40, random), 0x0a01'0000, 0x0a01'ffff);
    EXPECT_EQ(wrong_in(before, a), 0u);
}

TEST(Ipv4Map, WithoutRoomNothingChanges) {
    std::mt19937_64 random(6);
    Ipv4Map map(0);
    const AllStarts large = one_chunk(0x0a01, 65'536, random);
    bool written = true;
    unsigned rewrites = 0;
    for (; written && rewrites < 1000; ++rewrites)
        written = map.rewrite(0x0a01'0000, 0x0a01'ffff,
                              [&](std::uint32_t a, std::uint32_t b) { return within(large, a, b); });
    EXPECT_FALSE(written);
    // The first piece still has room, a later one has not: neither may show.
    AllStarts other = one_chunk(0x0a01, 65'536, random);
    const auto without_room = [&] {
        return !map.rewrite(0x0a00'0000, 0x0a01'ffff, [&](std::uint32_t a, std::uint32_t b) {
            AllStarts starts{{a, 5}, {a + 9, 6}};
            const AllStarts large_ones = within(other, 0x0a01'0000u, b);
            starts.insert(starts.end(), large_ones.begin(), large_ones.end());
            return starts;
        });
    };
    EXPECT_TRUE(without_room());
    EXPECT_EQ(wrong_in(map.view(), alone(large)), 0u);
    const std::size_t size = map.memory_size();
    for (unsigned i = 0; i < 10; ++i)
        EXPECT_TRUE(without_room());
    EXPECT_EQ(map.memory_size(), size) << "what was written in vain is used again";
    map.reclaim();
    rewrite(map, other, 0x0a01'0000, 0x0a01'ffff);
    EXPECT_EQ(wrong_in(map.view(), alone(other)), 0u);
}

TEST(Ipv4Map, GivenUpByTheSweepNothingChanges) {
    std::mt19937_64 random(7);
    Ipv4Map map(0);
    const AllStarts starts = one_chunk(0x0a01, 100, random);
    rewrite(map, starts, 0, Ipv4Map::kLast);
    EXPECT_FALSE(map.rewrite(0x0a01'0000, 0x0a02'ffff, [](std::uint32_t, std::uint32_t) { return AllStarts{}; }));
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
}

/// A change may reach over many pieces: those that stay one class, those that begin in the middle of one, and so on.
TEST(Ipv4Map, PiecesOfALongChangeBeginWithTheClassThatReachesIntoThem) {
    std::mt19937_64 random(8);
    for (unsigned round = 0; round < 20; ++round) {
        Ipv4Map map(0);
        AllStarts starts{{0, 0}};
        std::uint32_t at = 0x0a00'0000;
        for (unsigned i = 0; i < 40; ++i) {
            at += 1 + static_cast<std::uint32_t>(random() % (i % 2 == 0 ? 0x3'0000 : 0x1000));
            if (i % 7 == 0) at = (at | 0xffffu) + 1; // as prefixes begin
            starts.push_back({at, starts.back().class_ + 1});
        }
        rewrite(map, starts, 0x0a00'0000, Ipv4Map::kLast);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    }
}

/// So many starts anywhere.
AllStarts anywhere(std::size_t count, std::mt19937_64& random) {
    std::vector<std::uint32_t> places;
    while (places.size() < count) {
        places.push_back(places.empty() ? 0 : static_cast<std::uint32_t>(random()));
        if (places.size() < count) continue;
        std::sort(places.begin(), places.end());
        places.erase(std::unique(places.begin(), places.end()), places.end());
    }
    AllStarts starts;
    for (std::size_t i = 0; i < count; ++i)
        starts.push_back({places[i], static_cast<Class>(1 + i)});
    return starts;
}

TEST(Ipv4Map, TheSmallerMapSaysTheSame) {
    std::mt19937_64 random(8);
    constexpr std::size_t kMost = ruleset::shallow::kMostStarts;
    for (const std::size_t count :
         std::initializer_list<std::size_t>{1, 2, 25, 26, 256, 257, 4095, 4096, 4097, 9000, kMost - 1, kMost}) {
        SCOPED_TRACE(count);
        Ipv4Map map(count);
        const AllStarts starts = anywhere(count, random);
        // Only the smaller map knows them: were it not asked, every class would be wrong.
        map.show_small(starts);
        ASSERT_NE(*map.view().small, 0u);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    }
}

TEST(Ipv4Map, StartsAtTheEndsOfASmallerMap) {
    AllStarts starts = {{0, 1},          {1, 2},          {2, 3},          {0x7fffffff, 4},
                        {0x80000000, 5}, {0x80000001, 6}, {0xfffffffe, 7}, {0xffffffff, 8}};
    for (std::uint32_t i = 0; i < 40; ++i)
        starts.insert(starts.end() - 5, {100 + i, 20 + i});
    std::sort(starts.begin(), starts.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    Ipv4Map map(100);
    map.show_small(starts);
    ASSERT_NE(*map.view().small, 0u);
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
}

TEST(Ipv4Map, WithoutASmallerMapTheRootsAreAsked) {
    std::mt19937_64 random(9);
    Ipv4Map map(100);
    const AllStarts starts = one_chunk(0x0a01, 10, random);
    rewrite(map, starts, 0, Ipv4Map::kLast);
    for (const AllStarts& none : {AllStarts{}, anywhere(ruleset::shallow::kMostStarts + 1, random)}) {
        map.show_small(starts);
        EXPECT_NE(*map.view().small, 0u);
        map.show_small(none);
        EXPECT_EQ(*map.view().small, 0u);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    }
}

TEST(Ipv4Map, TheSmallerMapBeforeStaysUntilReclaimed) {
    std::mt19937_64 random(10);
    for (const std::size_t count : std::initializer_list<std::size_t>{20, 500}) {
        Ipv4Map map(100);
        const AllStarts starts = anywhere(count, random);
        map.show_small(starts);
        const std::uint32_t word = *map.view().small;
        ruleset::AddressMap before = map.view();
        before.small = &word;
        for (unsigned i = 0; i < 5; ++i)
            map.show_small(anywhere(count, random));
        EXPECT_EQ(wrong_in(before, starts), 0u);
        // From then on the pieces go round.
        map.reclaim();
        const std::size_t size = map.memory_size();
        for (unsigned i = 0; i < 20; ++i) {
            map.show_small(anywhere(count, random));
            map.reclaim();
        }
        EXPECT_EQ(map.memory_size(), size);
    }
}

} // namespace
} // namespace sluice::classifier
