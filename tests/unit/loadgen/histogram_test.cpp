#include "loadgen/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace sluice::loadgen {
namespace {

TEST(HistogramTest, EmptyAnswersZero) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(histogram.min(), 0u);
    EXPECT_EQ(histogram.max(), 0u);
    EXPECT_EQ(histogram.percentile(99), 0u);
}

TEST(HistogramTest, SmallValuesAreExact) {
    for (uint64_t value = 0; value < 128; ++value)
        EXPECT_EQ(Histogram::bucket_end(Histogram::bucket_of(value)), value);
}

TEST(HistogramTest, BucketsAreContiguousAndNarrow) {
    std::vector<uint64_t> values;
    for (unsigned bit = 0; bit < 64; ++bit)
        for (const uint64_t around : {uint64_t{1} << bit, (uint64_t{1} << bit) * 3 / 2, (uint64_t{2} << bit) - 1})
            values.push_back(around);
    values.push_back(UINT64_MAX);
    for (const uint64_t value : values) {
        const size_t bucket = Histogram::bucket_of(value);
        const uint64_t end = Histogram::bucket_end(bucket);
        ASSERT_GE(end, value);
        EXPECT_LE(static_cast<double>(end - value), static_cast<double>(value) / 64) << value;
        if (bucket > 0) {
            EXPECT_LT(Histogram::bucket_end(bucket - 1), value) << value;
        }
        if (end != UINT64_MAX) {
            EXPECT_EQ(Histogram::bucket_of(end + 1), bucket + 1) << value;
        }
    }
}

TEST(HistogramTest, PercentilesOfKnownValues) {
    Histogram histogram;
    for (uint64_t value = 1; value <= 100; ++value)
        histogram.record(value);
    EXPECT_EQ(histogram.percentile(0), 1u);
    EXPECT_EQ(histogram.percentile(50), 50u);
    EXPECT_EQ(histogram.percentile(99), 99u);
    EXPECT_EQ(histogram.percentile(99.1), 100u);
    EXPECT_EQ(histogram.percentile(100), 100u);
    EXPECT_EQ(histogram.min(), 1u);
    EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(HistogramTest, PercentileAgreesWithSortingWithinTheError) {
    std::mt19937_64 random(20240607);
    Histogram histogram;
    std::vector<uint64_t> values;
    for (int i = 0; i < 20'000; ++i) {
        values.push_back(random() >> (random() % 60));
        histogram.record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
        const uint64_t exact = values[rank - 1];
        const uint64_t answer = histogram.percentile(percent);
        EXPECT_GE(answer, exact) << percent;
        EXPECT_LE(static_cast<double>(answer - exact), static_cast<double>(exact) / 64 + 1) << percent;
    }
}

TEST(HistogramTest, NeverAboveTheMaximum) {
    Histogram histogram;
    histogram.record(1'000'001);
    EXPECT_EQ(histogram.percentile(50), 1'000'001u);
}

TEST(HistogramTest, MergeEqualsRecordingBoth) {
    Histogram both;
    Histogram left;
    Histogram right;
    for (uint64_t value = 0; value < 5000; value += 7) {
        both.record(value);
        (value % 2 == 0 ? left : right).record(value);
    }
    left.merge(right);
    EXPECT_EQ(left.count(), both.count());
    EXPECT_EQ(left.min(), both.min());
    EXPECT_EQ(left.max(), both.max());
    for (const double percent : {10.0, 50.0, 99.0})
        EXPECT_EQ(left.percentile(percent), both.percentile(percent));
}

} // namespace
} // namespace sluice::loadgen
