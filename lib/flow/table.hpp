// One worker's flow table: find, create, refresh, age, evict.
//
// Overview. An index of buckets, each one cache line with eight 16-bit tags and eight entry indices, and an array of
// entries. A key has two buckets it may be in (two-choice hashing with displacement by one step), so the index works
// at a load of 80 %. Look-ups go by batches: hash all, prefetch the buckets, match tags and prefetch the entries,
// compare keys.
//
// Memory. All of it is handed in at construction and none is ever asked for again; memory_size() says how much.
//
// Who writes: the one worker that owns the table. Who reads: the owner, and the control thread through entry() and
// snapshot() and stats(). See flow/entry.hpp for what orders them.
#pragma once

#include "base/cache_line.hpp"
#include "base/cell.hpp"
#include "base/ticks.hpp"
#include "flow/entry.hpp"
#include "flow/key.hpp"
#include "flow/timer_wheel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::flow {

/// What a new flow does when every entry is taken.
enum class OnFull : std::uint8_t {
    evict,    ///< expired, closing, unanswered, then the longest idle of a sample makes room
    drop_new, ///< only an expired flow makes room
};

struct Config {
    std::uint32_t capacity = 0; ///< entries
    OnFull on_full = OnFull::evict;
    HashSeed seed{};
};

/// Why a flow ended.
enum class EndReason : std::uint8_t {
    expired,
    evicted_expired,
    evicted_closing,
    evicted_unanswered,
    evicted_idle,
    policy_changed,
    replaced,
    refused, ///< TCP: the only answer to the SYN was an RST
    count
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(EndReason::count)> kEndReasonNames = {
    "expired",      "evicted_expired", "evicted_closing", "evicted_unanswered",
    "evicted_idle", "policy_changed",  "replaced",        "refused"};

/// Counters of one table. Written by the owner, read by anybody.
struct Stats {
    base::Cell<std::uint32_t> used;
    base::Cell<std::uint64_t> created;
    base::Cell<std::uint64_t> refused; ///< no room could be made
    std::array<base::Cell<std::uint64_t>, static_cast<std::size_t>(EndReason::count)> ended;
    std::array<base::Cell<std::uint32_t>, kStateCount> per_state;
};

class Table {
  public:
    static constexpr unsigned kMaxBatch = 64;

    /// Bytes for a table of `capacity` entries, everything included: 128 for the entry, about 10 for the index,
    /// 4 for the free list.
    static std::size_t memory_size(std::uint32_t capacity);

    /// `memory` is zeroed, aligned to a cache line, at least memory_size(config.capacity) bytes, and outlives the
    /// table.
    Table(std::span<std::byte> memory, const Config& config, base::Tick now);
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    [[nodiscard]] std::uint64_t hash_of(const Key& key) const { return hash(key, config_.seed); }

    /// Finds up to kMaxBatch keys at once; kNone where there is no flow.
    void find_batch(const Key* keys, const std::uint64_t* hashes, unsigned count, Index* found) const;
    [[nodiscard]] Index find(const Key& key, std::uint64_t hash) const;

    /// Makes a flow in `state`; the caller has looked that the key has none. kNone: no room, counted as refused.
    Index create(const OrientedKey& key, std::uint64_t hash, State state, base::Tick timeout_ticks, base::Tick now);

    void remove(Index index, EndReason reason);

    /// Moves a flow to `state`, whose timeout is `timeout_ticks`.
    void change_state(Index index, State state, base::Tick timeout_ticks, base::Tick now);

    /// Gives a flow another timeout for as long as it stays in its state. It is found out when the flow is looked at
    /// next, so a shorter one must not be below age()'s `look_interval_ticks`.
    void set_timeout(Index index, base::Tick timeout_ticks) { entries_[index].timeout_ticks.store(timeout_ticks); }

    /// Ends flows whose time is over, looking at no more than `budget` of them; each flow is looked at again within
    /// `look_interval_ticks`. Returns how many it looked at.
    unsigned age(base::Tick now, unsigned budget, base::Tick look_interval_ticks = TimerWheel::kHorizonTicks);

    [[nodiscard]] Entry& entry(Index index) { return entries_[index]; }
    [[nodiscard]] const Entry& entry(Index index) const { return entries_[index]; }
    [[nodiscard]] std::uint32_t capacity() const { return config_.capacity; }
    [[nodiscard]] const Stats& stats() const { return stats_; }

    /// Whether index, entries, free list and timers agree with each other and with the counters. For tests: O(size).
    [[nodiscard]] bool consistent() const;

  private:
    static constexpr unsigned kSlots = 8;
    struct alignas(base::kCacheLine) Bucket {
        std::uint16_t tag[kSlots]; ///< 0: the slot is empty
        Index index[kSlots];
        std::uint32_t spare[4];
    };
    static_assert(sizeof(Bucket) == base::kCacheLine);

    /// Where a hash leads: two buckets and the tag to look for in either.
    struct Place {
        std::uint32_t first;
        std::uint32_t second;
        std::uint16_t tag;
    };

    static std::uint32_t bucket_count(std::uint32_t capacity);
    [[nodiscard]] Place place_of(std::uint64_t hash) const;
    [[nodiscard]] Index find_in(const Bucket& bucket, std::uint16_t tag, const Key& key) const;
    bool insert_into_index(const Place& place, Index index);
    bool displace_from(std::uint32_t bucket);
    void remove_from_index(Index index);
    bool make_room(base::Tick now);
    /// Has the flow looked at when its time is over, or after the look interval if that is sooner.
    void arm(Index index, base::Tick now);
    [[nodiscard]] base::Tick deadline(const Entry& entry) const {
        return entry.last_seen_tick.load() + entry.timeout_ticks.load();
    }

    Config config_;
    std::uint32_t buckets_count_;
    Bucket* buckets_;
    Entry* entries_;
    Index* free_; ///< a stack: free_[0 .. free_count_)
    std::uint32_t free_count_;
    Index eviction_hand_ = 0;
    base::Tick look_interval_ticks_ = TimerWheel::kHorizonTicks;
    TimerWheel timers_;
    Stats stats_;
};

} // namespace sluice::flow
