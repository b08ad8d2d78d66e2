#include "loadgen/schedule.hpp"

#include <gtest/gtest.h>

namespace sluice::loadgen {
namespace {

constexpr Nanoseconds kStart = 5'000'000'000'123;

TEST(ScheduleTest, FirstEventIsDueAtTheStart) {
    const Schedule schedule(kStart, 2000, 100);
    EXPECT_EQ(schedule.due(kStart - 1), 0u);
    EXPECT_EQ(schedule.due(kStart), 1u);
    EXPECT_EQ(schedule.due(kStart + 499'999), 1u);
    EXPECT_EQ(schedule.due(kStart + 500'000), 2u);
}

TEST(ScheduleTest, KeepsTheRateWithoutDrift) {
    // 3 a second does not divide a second: after an hour the sum of rounded pauses would be off.
    const Schedule schedule(kStart, 3, 1'000'000);
    EXPECT_EQ(schedule.intended(3 * 3600), kStart + 3600 * kNanosecondsPerSecond);
    EXPECT_EQ(schedule.due(kStart + 3600 * kNanosecondsPerSecond), 3u * 3600 + 1);
}

TEST(ScheduleTest, ALateCallerFindsAllThatItMissed) {
    const Schedule schedule(kStart, 1000, 100'000);
    EXPECT_EQ(schedule.due(kStart + 2 * kNanosecondsPerSecond), 2001u);
}

TEST(ScheduleTest, EndsAtTheCount) {
    const Schedule schedule(kStart, 1000, 10);
    EXPECT_EQ(schedule.due(kStart + kNanosecondsPerSecond), 10u);
}

TEST(ScheduleTest, DueAndIntendedAgree) {
    for (const double rate : {0.7, 3.0, 1999.0, 2000.0, 33333.3, 100000.0}) {
        const Schedule schedule(kStart, rate, UINT64_MAX);
        for (uint64_t event = 0; event < 5000; event += 7) {
            EXPECT_EQ(schedule.due(schedule.intended(event)), event + 1) << rate;
            EXPECT_EQ(schedule.due(schedule.intended(event) - 1), event) << rate;
        }
    }
}

TEST(PacerTest, FollowsTheSchedule) {
    Pacer pacer(kStart, 100'000, 20, 1000);
    EXPECT_EQ(pacer.allowed(kStart, 0), 1u);
    EXPECT_EQ(pacer.allowed(kStart, 1), 0u);
    EXPECT_EQ(pacer.next(1), kStart + 10'000);
    EXPECT_EQ(pacer.allowed(kStart + 90'000, 1), 9u);
    EXPECT_EQ(pacer.shifted(), 0);
}

TEST(PacerTest, CatchesUpInBoundedBursts) {
    Pacer pacer(kStart, 100'000, 20, 1000);
    const Nanoseconds late = kStart + 5'000'000; // 501 due
    uint64_t sent = 0;
    for (int call = 0; call < 25; ++call) {
        EXPECT_EQ(pacer.allowed(late, sent), 20u);
        sent += 20;
    }
    EXPECT_EQ(pacer.allowed(late, sent), 1u);
    EXPECT_EQ(pacer.shifted(), 0);
}

TEST(PacerTest, ForgivesALongAbsenceAndSaysSo) {
    Pacer pacer(kStart, 100'000, 20, 1000);
    const Nanoseconds late = kStart + kNanosecondsPerSecond; // 100,001 due
    EXPECT_EQ(pacer.allowed(late, 0), 20u);
    EXPECT_EQ(pacer.shifted(), 990'010'000);
    // 1,000 are still owed, and no more.
    EXPECT_EQ(pacer.allowed(late, 990), 10u);
    EXPECT_EQ(pacer.allowed(late, 1000), 0u);
}

} // namespace
} // namespace sluice::loadgen
