#include "loadgen/sequence_tracker.hpp"

#include <algorithm>

namespace sluice::loadgen {

bool SequenceTracker::has(uint64_t sequence) const {
    const uint64_t word = sequence / 64;
    return word < bits_.size() && ((bits_[word] >> (sequence % 64)) & 1) != 0;
}

bool SequenceTracker::record(uint64_t sequence) {
    if (sequence >= kMaxSequence) return false;
    if (has(sequence)) {
        ++duplicated_;
        return true;
    }
    const uint64_t word = sequence / 64;
    if (word >= bits_.size()) bits_.resize(std::max<uint64_t>(word + 1, bits_.size() * 2));
    bits_[word] |= uint64_t{1} << (sequence % 64);
    ++received_;
    if (sequence < next_) ++reordered_;
    next_ = std::max(next_, sequence + 1);
    return true;
}

uint64_t SequenceTracker::missing() const {
    return expected() > received_ ? expected() - received_ : 0;
}

std::optional<SequenceTracker::Gap> SequenceTracker::longest_gap() const {
    std::optional<Gap> longest;
    uint64_t start = 0;
    const uint64_t end = expected();
    for (uint64_t i = 0; i <= end; ++i) {
        if (i < end && !has(i)) continue;
        if (i > start && (!longest || i - start > longest->last - longest->first + 1)) longest = Gap{start, i - 1};
        start = i + 1;
    }
    return longest;
}

} // namespace sluice::loadgen
