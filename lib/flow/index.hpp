// From a key's hash to its entry: buckets of one cache line each, with eight 16-bit tags and eight entry indices.
//
// A key may be in one of two buckets. The second follows from the first and the tag alone (partial-key cuckoo hashing:
// Fan, Andersen, Kaminsky 2014), in a form that needs no power of two: the two numbers add up to a value that the tag
// gives, so each is the other's. So an entry can be moved to its other bucket without reading its key, and the index
// works at a load of 90 %.
//
// Look-ups go by batches: hash all, prefetch the buckets, match tags and prefetch the entries, compare keys.
#pragma once

#include "base/cache_line.hpp"
#include "flow/entry.hpp"
#include "flow/key.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::flow {

class BucketIndex {
  public:
    static constexpr unsigned kMaxBatch = 64;
    static constexpr unsigned kSlots = 8;

    struct alignas(base::kCacheLine) Bucket {
        std::uint16_t tag[kSlots]; ///< 0: the slot is empty
        Index index[kSlots];
        std::uint32_t spare[4];
    };
    static_assert(sizeof(Bucket) == base::kCacheLine);

    static std::uint32_t bucket_count(std::uint32_t capacity);

    /// `buckets` are zeroed, bucket_count(capacity) of them; they and the entries outlive the index.
    BucketIndex(Bucket* buckets, std::uint32_t bucket_count, const Entry* entries)
        : buckets_(buckets)
        , count_(bucket_count)
        , entries_(entries) {}

    /// Finds up to kMaxBatch keys at once; kNone where there is no flow.
    void find_batch(const Key* keys, const std::uint64_t* hashes, unsigned count, Index* found) const;
    [[nodiscard]] Index find(const Key& key, std::uint64_t hash) const;

    /// Whether there was room in the key's buckets. The key must not be in the index.
    bool insert(std::uint64_t hash, Index index);
    /// `index` is in the index under this hash.
    void remove(std::uint64_t hash, Index index);
    /// For look-ups to come: fetches the bucket that is looked at first. Inlined by force, as base::prefetch().
    [[gnu::always_inline]] void prefetch_first(std::uint64_t hash) const {
        base::prefetch_to_read(&buckets_[scale(static_cast<std::uint32_t>(hash), count_)]);
    }
    /// For remove() to come: fetches the buckets it will look at.
    void prefetch(std::uint64_t hash) const;

    /// Slots taken, by counting them: for tests.
    [[nodiscard]] std::uint32_t count_taken() const;

  private:
    /// Maps 32 random bits to [0, n) by multiplication (Lemire 2019): n need not be a power of two.
    static constexpr std::uint32_t scale(std::uint32_t bits, std::uint32_t n) {
        return static_cast<std::uint32_t>((std::uint64_t{bits} * n) >> 32);
    }

    /// Where a hash leads: two buckets and the tag to look for in either.
    struct Place {
        std::uint32_t first;
        std::uint32_t second;
        std::uint16_t tag;
    };

    [[nodiscard]] Place place_of(std::uint64_t hash) const;
    [[nodiscard]] std::uint32_t other_bucket(std::uint32_t bucket, std::uint16_t tag) const;
    /// `matches`: the slots whose tags match.
    [[nodiscard]] Index find_in(const Bucket& bucket, unsigned matches, const Key& key) const;
    bool make_space_in(std::uint32_t bucket, unsigned depth);

    Bucket* buckets_;
    std::uint32_t count_;
    const Entry* entries_;
};

} // namespace sluice::flow
