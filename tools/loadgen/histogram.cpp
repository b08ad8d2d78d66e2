#include "loadgen/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::loadgen {
namespace {

// Every power of two above 2^kSubBits is cut into 2^kSubBits equal buckets.
constexpr unsigned kSubBits = 6;
constexpr uint64_t kSubBuckets = uint64_t{1} << kSubBits;
constexpr size_t kBuckets = (64 - kSubBits + 1) * kSubBuckets;

} // namespace

Histogram::Histogram()
    : buckets_(kBuckets, 0) {}

size_t Histogram::bucket_of(uint64_t value) {
    if (value < kSubBuckets) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    // The leading bit of (value >> shift) is always set; it selects the group, the rest the bucket within.
    return (static_cast<size_t>(shift) << kSubBits) + (value >> shift);
}

uint64_t Histogram::bucket_end(size_t bucket) {
    if (bucket < 2 * kSubBuckets) return bucket;
    const unsigned shift = static_cast<unsigned>(bucket >> kSubBits) - 1;
    const uint64_t mantissa = (bucket & (kSubBuckets - 1)) | kSubBuckets;
    return (mantissa << shift) + ((uint64_t{1} << shift) - 1);
}

void Histogram::record(uint64_t value) {
    ++buckets_[bucket_of(value)];
    ++count_;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
    sum_ += static_cast<double>(value);
}

void Histogram::merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i)
        buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
}

double Histogram::mean() const {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

uint64_t Histogram::percentile(double percent) const {
    if (count_ == 0) return 0;
    const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
    const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
        seen += buckets_[i];
        if (seen >= wanted) return std::min(bucket_end(i), max_);
    }
    return max_;
}

} // namespace sluice::loadgen
