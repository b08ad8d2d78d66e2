#include "loadgen/sequence_tracker.hpp"

#include <gtest/gtest.h>

namespace sluice::loadgen {
namespace {

TEST(SequenceTrackerTest, CompleteStream) {
    SequenceTracker tracker;
    for (uint64_t i = 0; i < 1000; ++i)
        EXPECT_TRUE(tracker.record(i));
    tracker.set_total(1000);
    EXPECT_EQ(tracker.received(), 1000u);
    EXPECT_EQ(tracker.missing(), 0u);
    EXPECT_EQ(tracker.duplicated(), 0u);
    EXPECT_EQ(tracker.reordered(), 0u);
    EXPECT_FALSE(tracker.longest_gap());
}

TEST(SequenceTrackerTest, LossInTheMiddleAndAtTheEnd) {
    SequenceTracker tracker;
    for (const uint64_t i : {0u, 1u, 4u, 5u, 6u, 8u})
        tracker.record(i);
    EXPECT_EQ(tracker.missing(), 3u);
    EXPECT_EQ(tracker.longest_gap()->first, 2u);
    EXPECT_EQ(tracker.longest_gap()->last, 3u);
    // Only the sender knows of what comes behind the last arrival.
    tracker.set_total(20);
    EXPECT_EQ(tracker.missing(), 14u);
    EXPECT_EQ(tracker.longest_gap()->first, 9u);
    EXPECT_EQ(tracker.longest_gap()->last, 19u);
}

TEST(SequenceTrackerTest, DuplicatesAreNoReplacementForMissingOnes) {
    SequenceTracker tracker;
    for (const uint64_t i : {0u, 1u, 1u, 1u, 3u})
        tracker.record(i);
    tracker.set_total(4);
    EXPECT_EQ(tracker.received(), 3u);
    EXPECT_EQ(tracker.duplicated(), 2u);
    EXPECT_EQ(tracker.missing(), 1u);
}

TEST(SequenceTrackerTest, LateArrivalsAreReorderedNotMissing) {
    SequenceTracker tracker;
    for (const uint64_t i : {2u, 0u, 1u, 3u, 100u, 99u})
        tracker.record(i);
    EXPECT_EQ(tracker.reordered(), 3u);
    EXPECT_EQ(tracker.missing(), 95u);
}

TEST(SequenceTrackerTest, AllLost) {
    SequenceTracker tracker;
    tracker.set_total(7);
    EXPECT_EQ(tracker.missing(), 7u);
    EXPECT_EQ(tracker.longest_gap()->last, 6u);
}

TEST(SequenceTrackerTest, DoesNotBelieveAbsurdNumbers) {
    SequenceTracker tracker;
    EXPECT_FALSE(tracker.record(UINT64_MAX));
    EXPECT_FALSE(tracker.record(SequenceTracker::kMaxSequence));
    EXPECT_EQ(tracker.received(), 0u);
    EXPECT_EQ(tracker.missing(), 0u);
}

} // namespace
} // namespace sluice::loadgen
