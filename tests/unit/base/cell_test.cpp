#include "base/cell.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace sluice::base {
namespace {

TEST(Cell, begins_at_zero_or_as_told) {
    const Cell<std::uint64_t> zero;
    const Cell<std::uint64_t> seven(7);
    EXPECT_EQ(zero.load(), 0u);
    EXPECT_EQ(seven.load(), 7u);
}

TEST(Cell, stores_and_adds) {
    Cell<std::uint32_t> cell;
    cell.store(40);
    cell.add(2);
    EXPECT_EQ(cell.load(), 42u);
}

TEST(Cell, adds_modulo_its_width) {
    Cell<std::uint8_t> cell(250);
    cell.add(10);
    EXPECT_EQ(cell.load(), 4u);
}

TEST(Cell, costs_no_more_than_its_value) {
    EXPECT_EQ(sizeof(Cell<std::uint64_t>), sizeof(std::uint64_t));
    EXPECT_EQ(sizeof(Cell<std::uint8_t>), sizeof(std::uint8_t));
}

// The promise in cell.hpp: who takes cells in the opposite order of their writing sees them consistently. The second
// cell is written after the first, so a reader that takes the second first never finds the first one behind it.
TEST(Cell, shows_a_reader_the_writes_in_order) {
    constexpr std::uint64_t kRounds = 200'000;
    Cell<std::uint64_t> first;
    Cell<std::uint64_t> second;
    std::uint64_t wrong = 0;
    std::thread reader([&] {
        std::uint64_t seen = 0;
        while (seen < kRounds) {
            seen = second.load();
            if (first.load() < seen) ++wrong;
        }
    });
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
        first.store(round);
        second.store(round);
    }
    reader.join();
    EXPECT_EQ(wrong, 0u);
}

} // namespace
} // namespace sluice::base
