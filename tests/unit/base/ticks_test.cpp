#include "base/ticks.hpp"

#include <gtest/gtest.h>

namespace sluice::base {
namespace {

constexpr Tick kLast = 0xffffffff;

TEST(Ticks, difference_has_a_sign) {
    EXPECT_EQ(tick_difference(1500, 500), 1000);
    EXPECT_EQ(tick_difference(500, 1500), -1000);
    EXPECT_EQ(tick_difference(7, 7), 0);
}

TEST(Ticks, difference_holds_across_the_wrap) {
    EXPECT_EQ(tick_difference(0, kLast), 1);
    EXPECT_EQ(tick_difference(kLast, 0), -1);
    EXPECT_EQ(tick_difference(499, kLast - 500), 1000);
}

TEST(Ticks, a_time_is_reached_at_and_after_it) {
    EXPECT_FALSE(tick_reached(99, 100));
    EXPECT_TRUE(tick_reached(100, 100));
    EXPECT_TRUE(tick_reached(101, 100));
}

TEST(Ticks, a_timeout_set_before_the_wrap_is_reached_after_it) {
    const Tick due = kLast - 10 + 30 * kTicksPerSecond; // wraps
    EXPECT_LT(due, kLast - 10);
    EXPECT_FALSE(tick_reached(kLast, due));
    EXPECT_FALSE(tick_reached(due - 1, due));
    EXPECT_TRUE(tick_reached(due, due));
}

TEST(Ticks, the_longest_interval_can_be_told_from_the_past) {
    for (const Tick now : {Tick{0}, Tick{0x7fffffff}, Tick{0x80000000}, kLast}) {
        EXPECT_FALSE(tick_reached(now, now + kMaxInterval)) << now;
        EXPECT_TRUE(tick_reached(now + kMaxInterval, now)) << now;
        // A reader may come late to a timeout: four days are left for that.
        EXPECT_TRUE(tick_reached(now + kMaxInterval + 4u * 24 * 3600 * kTicksPerSecond, now)) << now;
    }
}

} // namespace
} // namespace sluice::base
