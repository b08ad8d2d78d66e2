#include "classifier/flat_map.hpp"

#include "ask_map.hpp"

#include <random>

namespace sluice::classifier {
namespace {

using ruleset::Ipv4FlatMap;

std::int32_t key_of(std::uint32_t at) {
    return static_cast<std::int32_t>((at - 1) ^ ruleset::kFlip32);
}

struct Shown {
    LineArena arena{1000};
    std::uint32_t word = 0;

    Shown() { (void)arena.allocate(1); }
    void show(const Starts<std::uint32_t>& starts) { word = write_flat<std::int32_t>(arena, starts, key_of); }
    [[nodiscard]] ruleset::AddressMap view() const { return {arena.base(), nullptr, &word, false}; }
};

Starts<std::uint32_t> random_starts(std::mt19937_64& random, std::size_t count) {
    Starts<std::uint32_t> starts = {{0, 7}};
    while (starts.size() < count) {
        const auto at = static_cast<std::uint32_t>(random());
        starts.push_back({at, static_cast<Class>(random() % 1000)});
    }
    std::sort(starts.begin(), starts.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    return starts;
}

TEST(FlatMap, EveryCountOfStarts) {
    std::mt19937_64 random(1);
    for (std::size_t count = 1; count <= Ipv4FlatMap::kMostStarts + 1; ++count) {
        SCOPED_TRACE(count);
        Shown shown;
        const auto starts = random_starts(random, count);
        shown.show(starts);
        ASSERT_NE(shown.word, 0u);
        EXPECT_EQ(wrong_in(shown.view(), starts), 0u);
    }
}

TEST(FlatMap, StartsAtBothEndsOfTheAddresses) {
    Shown shown;
    const Starts<std::uint32_t> starts = {{0, 1},          {1, 2},          {2, 3},          {0x7fffffff, 4},
                                          {0x80000000, 5}, {0x80000001, 6}, {0xfffffffe, 7}, {0xffffffff, 8}};
    shown.show(starts);
    EXPECT_EQ(wrong_in(shown.view(), starts), 0u);
}

TEST(FlatMap, TooManyStartsHaveNone) {
    std::mt19937_64 random(2);
    Shown shown;
    shown.show(random_starts(random, Ipv4FlatMap::kMostStarts + 2));
    EXPECT_EQ(shown.word, 0u);
    shown.show(random_starts(random, 2));
    EXPECT_NE(shown.word, 0u);
    shown.show({});
    EXPECT_EQ(shown.word, 0u);
}

TEST(FlatMap, NoneWhenThereIsNoRoom) {
    Shown shown;
    while (shown.arena.allocate(1)) {
    }
    shown.show({{0, 1}, {100, 2}});
    EXPECT_EQ(shown.word, 0u);
}

} // namespace
} // namespace sluice::classifier
