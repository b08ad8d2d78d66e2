#include "classifier/ipv6_map.hpp"

#include "ask_map.hpp"

#include <random>

namespace sluice::classifier {
namespace {

using AllStarts = Starts<Uint128>;

Uint128 at(std::uint64_t upper, std::uint64_t lower = 0) {
    return Uint128{upper} << 64 | lower;
}

void rewrite(Ipv6Map& map, const AllStarts& starts, Uint128 first = 0, Uint128 last = Ipv6Map::kLast) {
    ASSERT_TRUE(map.rewrite(first, last, [&](Uint128 a, Uint128 b) { return within(starts, a, b); }));
}

void sort(AllStarts& starts) {
    std::sort(starts.begin(), starts.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    starts.erase(std::unique(starts.begin(), starts.end(), [](const auto& a, const auto& b) { return a.at == b.at; }),
                 starts.end());
}

/// So many starts of upper halves, spread over all of them.
AllStarts upper_starts(std::size_t count, std::mt19937_64& random) {
    AllStarts starts = {{0, 1}};
    for (std::size_t i = 1; i < count; ++i)
        starts.push_back({at(random()), static_cast<Class>(1 + i)});
    sort(starts);
    return starts;
}

TEST(Ipv6Map, EveryAddressIsOfClassNoneAtFirst) {
    const Ipv6Map map(0);
    ASSERT_TRUE(map.ok());
    EXPECT_EQ(wrong_in<Uint128>(map.view(), {{0, 0}}, {1, at(1), at(~std::uint64_t{0} >> 1)}), 0u);
}

TEST(Ipv6Map, EveryShape) {
    std::mt19937_64 random(1);
    // One block, two levels, and tops of one to four levels.
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 2, 15, 16, 17, 255, 256, 257, 2048, 2049,
                                                                      32'768, 32'769, 70'000, 530'000}) {
        SCOPED_TRACE(count);
        Ipv6Map map(count);
        const AllStarts starts = upper_starts(count, random);
        rewrite(map, starts);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    }
}

TEST(Ipv6Map, StartsAtTheEnds) {
    Ipv6Map map(10);
    const std::uint64_t middle = std::uint64_t{1} << 63;
    const AllStarts starts = {{0, 1},
                              {at(1), 2},
                              {at(2), 3},
                              {at(middle - 1), 4},
                              {at(middle), 5},
                              {at(middle + 1), 6},
                              {at(~std::uint64_t{0} - 1), 7},
                              {at(~std::uint64_t{0}), 8}};
    rewrite(map, starts);
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
}

TEST(Ipv6Map, LowerHalvesMatterWhereSomethingBeginsInThem) {
    Ipv6Map map(20);
    const std::uint64_t last = ~std::uint64_t{0};
    const AllStarts starts = {{0, 1},
                              {at(0, 5), 2},
                              {at(0, 6), 1}, // within the first upper half
                              {at(7, 1), 3}, // up to the next start
                              {at(9), 4},
                              {at(9, last), 5}, // the last address of an upper half
                              {at(10), 6},
                              {at(10, 1), 7},
                              {at(11), 8}, // the next begins at once
                              {at(20, 4), 9},
                              {at(21, 4), 10}, // two in a row
                              {at(last, 0), 11},
                              {at(last, last), 12}}; // the very last address
    rewrite(map, starts);
    EXPECT_EQ(
        wrong_in(map.view(), starts, {at(7, 0), at(7, last), at(8, 3), at(9, last - 1), at(20, last), at(last, 1)}),
        0u);
}

TEST(Ipv6Map, ManyStartsInOneUpperHalf) {
    std::mt19937_64 random(2);
    for (const std::size_t count : std::initializer_list<std::size_t>{2, 16, 17, 256, 257, 4096, 4097, 70'000}) {
        SCOPED_TRACE(count);
        Ipv6Map map(count);
        AllStarts starts = {{0, 1}, {at(42), 2}};
        for (std::size_t i = 0; i < count; ++i)
            starts.push_back({at(42, random()), static_cast<Class>(3 + i)});
        starts.push_back({at(43), 1});
        sort(starts);
        rewrite(map, starts);
        EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    }
}

TEST(Ipv6Map, GrowsAndShrinksPieceByPiece) {
    std::mt19937_64 random(3);
    Ipv6Map map(100);
    AllStarts starts = {{0, 0}};
    Class next = 1;
    for (unsigned step = 0; step < 3000; ++step) {
        Uint128 changed;
        if (starts.size() > 1 && random() % (step < 2000 ? 4 : 1) == 0) {
            const std::size_t gone = 1 + random() % (starts.size() - 1);
            changed = starts[gone].at;
            starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(gone));
        } else {
            // Few upper halves, so that many have starts within.
            changed = at(random() % 2 == 0 ? random() : random() % 50, random() % 3 == 0 ? random() : 0);
            starts.push_back({changed, next++});
            sort(starts);
        }
        // What changed reaches up to the next start.
        const auto behind = std::upper_bound(starts.begin(), starts.end(), changed,
                                             [](Uint128 key, const auto& start) { return key < start.at; });
        rewrite(map, starts, changed, behind == starts.end() ? Ipv6Map::kLast : behind->at - 1);
        if (step % 3 == 0) map.reclaim();
        if (step % 100 == 99) {
            ASSERT_EQ(wrong_in(map.view(), starts), 0u) << step;
        }
    }
}

TEST(Ipv6Map, AFreshChunkHasRoomToGrowInPlace) {
    std::mt19937_64 random(4);
    Ipv6Map map(2000);
    AllStarts starts = upper_starts(2000, random);
    rewrite(map, starts);
    const ruleset::Ref root = *map.view().roots;
    starts.push_back({starts[1000].at + at(1), 99'999});
    sort(starts);
    rewrite(map, starts, starts[1000].at + at(1), starts[1000].at + at(1));
    EXPECT_EQ(*map.view().roots, root) << "one word of the top, not a new top";
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
}

TEST(Ipv6Map, WhatReadersMayHoldStaysAsItWas) {
    std::mt19937_64 random(5);
    // One chunk, and a top with several.
    for (const std::size_t count : std::initializer_list<std::size_t>{100, 1000}) {
        Ipv6Map map(2000);
        const AllStarts a = upper_starts(count, random);
        rewrite(map, a);
        const std::uint32_t root = *map.view().roots;
        ruleset::AddressMap before = map.view();
        before.roots = &root;
        for (unsigned i = 0; i < 10; ++i)
            rewrite(map, upper_starts(count + i / 5 * 200, random));
        EXPECT_EQ(wrong_in(before, a), 0u);
    }
}

TEST(Ipv6Map, RewritingUsesAgainWhatWasReclaimed) {
    std::mt19937_64 random(6);
    Ipv6Map map(2000);
    AllStarts starts = upper_starts(1000, random);
    starts.push_back({at(500, 9), 5000});
    sort(starts);
    rewrite(map, starts);
    rewrite(map, starts);
    const std::size_t size = map.memory_size();
    for (unsigned i = 0; i < 20; ++i) {
        map.reclaim();
        rewrite(map, starts);
    }
    EXPECT_EQ(map.memory_size(), size);
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
}

TEST(Ipv6Map, WithoutRoomNothingChanges) {
    std::mt19937_64 random(7);
    Ipv6Map map(0);
    AllStarts last;
    bool written = true;
    for (unsigned rewrites = 0; written && rewrites < 1000; ++rewrites) {
        AllStarts starts = upper_starts(20'000, random);
        for (unsigned i = 0; i < 50; ++i)
            starts.push_back({at(100 + i % 5, 1 + i), 30'000 + i});
        sort(starts);
        written = map.rewrite(0, Ipv6Map::kLast, [&](Uint128 a, Uint128 b) { return within(starts, a, b); });
        if (written) last = std::move(starts);
    }
    EXPECT_FALSE(written);
    EXPECT_EQ(wrong_in(map.view(), last), 0u);
    // What the attempt took was given back: what there is room for still goes.
    const std::size_t size = map.memory_size();
    const Uint128 place = last[5000].at;
    for (unsigned i = 0; i < 50; ++i)
        EXPECT_FALSE(map.rewrite(0, Ipv6Map::kLast,
                                 [&](Uint128 a, Uint128 b) { return within(upper_starts(60'000, random), a, b); }));
    EXPECT_LE(map.memory_size(), size + (std::size_t{1} << 20));
    map.reclaim();
    rewrite(map, last, place, place);
    EXPECT_EQ(wrong_in(map.view(), last), 0u);
}

TEST(Ipv6Map, FlatOnlyWhereNoLowerHalfMatters) {
    Ipv6Map map(10);
    AllStarts starts = {{0, 1}, {at(5), 2}, {at(std::uint64_t{1} << 63), 3}};
    rewrite(map, starts);
    map.show_small(starts);
    EXPECT_NE(*map.view().small, 0u);
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
    starts.push_back({at(std::uint64_t{1} << 63, 1), 4});
    rewrite(map, starts);
    map.show_small(starts);
    EXPECT_EQ(*map.view().small, 0u);
    EXPECT_EQ(wrong_in(map.view(), starts), 0u);
}

} // namespace
} // namespace sluice::classifier
