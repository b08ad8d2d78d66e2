#include "flow/index.hpp"

#include <cassert>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::flow {
namespace {

/// Bit i is set when tags[i] == tag.
unsigned match_tags(const std::uint16_t* tags, std::uint16_t tag) {
#if defined(__SSE2__)
    const __m128i row = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
    const __m128i equal = _mm_cmpeq_epi16(row, _mm_set1_epi16(static_cast<short>(tag)));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())));
#else
    unsigned mask = 0;
    for (unsigned i = 0; i < 8; ++i) {
        mask |= static_cast<unsigned>(tags[i] == tag) << i;
    }
    return mask;
#endif
}

/// How many moves in a row may make space for a key. Two are enough for 95 % of all slots taken.
constexpr unsigned kMoves = 2;

} // namespace

std::uint32_t BucketIndex::bucket_count(std::uint32_t capacity) {
    // Load 90 %: eight slots hold 7.2 entries on average.
    return static_cast<std::uint32_t>((std::uint64_t{capacity} * 10 + 71) / 72) + 1;
}

[[gnu::always_inline]] inline std::uint32_t BucketIndex::other_bucket(std::uint32_t bucket, std::uint16_t tag) const {
    const std::uint32_t sum = scale(tag * 0x9e3779b1u, count_);
    return sum >= bucket ? sum - bucket : sum + count_ - bucket;
}

// Inlined: its three parts would come back in two registers, by way of memory.
[[gnu::always_inline]] inline BucketIndex::Place BucketIndex::place_of(std::uint64_t hash) const {
    const auto bits = static_cast<std::uint16_t>((hash * 0x9e3779b97f4a7c15u) >> 48);
    const std::uint16_t tag = bits == 0 ? std::uint16_t{1} : bits;
    const std::uint32_t first = scale(static_cast<std::uint32_t>(hash), count_);
    return {first, other_bucket(first, tag), tag};
}

[[gnu::always_inline]] inline Index BucketIndex::find_in(const Bucket& bucket, unsigned matches, const Key& key) const {
    for (; matches != 0; matches &= matches - 1) {
        const Index index = bucket.index[__builtin_ctz(matches)];
        if (same_key(entries_[index].key, key)) return index;
    }
    return kNone;
}

Index BucketIndex::find(const Key& key, std::uint64_t hash) const {
    const Place place = place_of(hash);
    const Bucket& first = buckets_[place.first];
    const Index index = find_in(first, match_tags(first.tag, place.tag), key);
    if (index != kNone) return index;
    const Bucket& second = buckets_[place.second];
    return find_in(second, match_tags(second.tag, place.tag), key);
}

// Rounds over the batch, so that the memory of all its keys is on its way at once.
void BucketIndex::find_batch(const Key* keys, const std::uint64_t* hashes, unsigned count, Index* found) const {
    assert(count <= kMaxBatch);
    Place places[kMaxBatch];
    std::uint8_t matches[kMaxBatch]; // in the first bucket
    for (unsigned i = 0; i < count; ++i) {
        places[i] = place_of(hashes[i]);
        base::prefetch_to_read(&buckets_[places[i].first]);
    }
    for (unsigned i = 0; i < count; ++i) {
        const Bucket& bucket = buckets_[places[i].first];
        matches[i] = static_cast<std::uint8_t>(match_tags(bucket.tag, places[i].tag));
        // A tag that matches in the first bucket is right but for one time in 8,000.
        if (matches[i] != 0) [[likely]] {
            const Entry& entry = entries_[bucket.index[__builtin_ctz(matches[i])]];
            base::prefetch(&entry);
        } else {
            base::prefetch_to_read(&buckets_[places[i].second]);
        }
    }
    unsigned elsewhere = 0; // keys that are not in their first bucket
    std::uint8_t rest[kMaxBatch];
    for (unsigned i = 0; i < count; ++i) {
        found[i] = find_in(buckets_[places[i].first], matches[i], keys[i]);
        rest[elsewhere] = static_cast<std::uint8_t>(i);
        elsewhere += found[i] == kNone ? 1u : 0u;
    }
    if (elsewhere == 0) return;
    for (unsigned n = 0; n < elsewhere; ++n) {
        const unsigned i = rest[n];
        const Bucket& bucket = buckets_[places[i].second];
        matches[i] = static_cast<std::uint8_t>(match_tags(bucket.tag, places[i].tag));
        if (matches[i] == 0) continue;
        const Entry& entry = entries_[bucket.index[__builtin_ctz(matches[i])]];
        base::prefetch(&entry);
    }
    for (unsigned n = 0; n < elsewhere; ++n) {
        const unsigned i = rest[n];
        if (matches[i] != 0) found[i] = find_in(buckets_[places[i].second], matches[i], keys[i]);
    }
}

/// Moves an entry of a full bucket to its other one, making space there first if it must.
bool BucketIndex::make_space_in(std::uint32_t number, unsigned depth) {
    Bucket& bucket = buckets_[number];
    std::uint32_t others[kSlots];
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        others[slot] = other_bucket(number, bucket.tag[slot]);
        base::prefetch(&buckets_[others[slot]]);
    }
    const auto move = [&](unsigned slot) {
        Bucket& target = buckets_[others[slot]];
        const auto empty = static_cast<unsigned>(__builtin_ctz(match_tags(target.tag, 0)));
        target.index[empty] = bucket.index[slot];
        target.tag[empty] = bucket.tag[slot];
        bucket.tag[slot] = 0;
    };
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        if (match_tags(buckets_[others[slot]].tag, 0) == 0) continue;
        move(slot);
        return true;
    }
    if (depth <= 1) return false;
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        if (others[slot] == number || !make_space_in(others[slot], depth - 1)) continue;
        move(slot);
        return true;
    }
    return false;
}

bool BucketIndex::insert(std::uint64_t hash, Index index) {
    const Place place = place_of(hash);
    const unsigned in_first = match_tags(buckets_[place.first].tag, 0);
    const unsigned in_second = match_tags(buckets_[place.second].tag, 0);
    std::uint32_t chosen = place.first;
    if (in_first == 0 && in_second == 0) {
        if (make_space_in(place.first, kMoves))
            chosen = place.first;
        else if (make_space_in(place.second, kMoves))
            chosen = place.second;
        else
            return false;
    } else if (in_first == 0) {
        chosen = place.second;
    } else if (__builtin_popcount(in_first) <= 2 && __builtin_popcount(in_second) > __builtin_popcount(in_first)) {
        // Prefer the first bucket, which look-ups read first, until it is nearly full.
        chosen = place.second;
    }
    Bucket& bucket = buckets_[chosen];
    const auto slot = static_cast<unsigned>(__builtin_ctz(match_tags(bucket.tag, 0)));
    bucket.tag[slot] = place.tag;
    bucket.index[slot] = index;
    return true;
}

void BucketIndex::remove(std::uint64_t hash, Index index) {
    const Place place = place_of(hash);
    for (const std::uint32_t number : {place.first, place.second}) {
        Bucket& bucket = buckets_[number];
        for (unsigned matches = match_tags(bucket.tag, place.tag); matches != 0; matches &= matches - 1) {
            const auto slot = static_cast<unsigned>(__builtin_ctz(matches));
            if (bucket.index[slot] != index) continue;
            bucket.tag[slot] = 0;
            return;
        }
    }
    assert(false && "a live entry is in the index");
}

void BucketIndex::prefetch(std::uint64_t hash) const {
    const Place place = place_of(hash);
    base::prefetch(&buckets_[place.first]);
    base::prefetch(&buckets_[place.second]);
}

std::uint32_t BucketIndex::count_taken() const {
    std::uint32_t taken = 0;
    for (std::uint32_t b = 0; b < count_; ++b) {
        taken += kSlots - static_cast<unsigned>(__builtin_popcount(match_tags(buckets_[b].tag, 0)));
    }
    return taken;
}

} // namespace sluice::flow
