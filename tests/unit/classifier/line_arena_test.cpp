#include "classifier/line_arena.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace sluice::classifier {
namespace {

TEST(LineArena, PiecesStandApartAndOnLines) {
    LineArena arena(100);
    ASSERT_TRUE(arena.ok());
    EXPECT_EQ(arena.allocate(3), 0u);
    EXPECT_EQ(arena.allocate(2), 3u);
    EXPECT_EQ(arena.memory_size(), 5 * ruleset::kLine);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.at(3)) % ruleset::kLine, 0u);
    EXPECT_EQ(arena.at(3) - arena.base(), 3 * 64);
}

TEST(LineArena, EndsWhereItWasSaidTo) {
    LineArena arena(10);
    EXPECT_TRUE(arena.allocate(7));
    EXPECT_FALSE(arena.allocate(4));
    EXPECT_TRUE(arena.allocate(3));
    EXPECT_FALSE(arena.allocate(1));
}

TEST(LineArena, WhatNobodySawIsUsedAgainAtOnce) {
    LineArena arena(10);
    const auto piece = arena.allocate(4);
    arena.release(*piece, 4);
    EXPECT_EQ(arena.allocate(4), piece);
    EXPECT_NE(arena.allocate(4), piece);
}

TEST(LineArena, WhatReadersMayHoldWaitsForTheirGracePeriod) {
    LineArena arena(8);
    const auto piece = arena.allocate(4);
    arena.retire(*piece, 4);
    EXPECT_NE(arena.allocate(4), piece);
    EXPECT_FALSE(arena.allocate(4));
    arena.reclaim();
    EXPECT_EQ(arena.allocate(4), piece);
    arena.reclaim(); // was given out since
    EXPECT_FALSE(arena.allocate(4));
}

TEST(LineArena, NoMoreThanTwentyEightBitsCanName) {
    LineArena arena(std::size_t{1} << 40);
    ASSERT_TRUE(arena.ok());
    EXPECT_FALSE(arena.allocate((std::size_t{1} << 28) + 1));
    EXPECT_TRUE(arena.allocate(std::size_t{1} << 28));
}

} // namespace
} // namespace sluice::classifier
