// One worker's flow table: find, create, refresh, age, evict.
//
// Overview. An index of buckets (flow/index.hpp) leads from a key to its entry; a timing wheel (flow/timer_wheel.hpp)
// to the entries whose time is over, and to those of each eviction class that have least time left; an array of free
// entries to the next one to use.
//
// Room. Flows are of four classes (flow/state.hpp), and who may take whose entry makes sure that a flood costs nobody
// his connection:
//
//   - a new flow takes, in this order, a free entry, that of an expired flow, of a closing one, of a half-open or
//     unanswered one: of whichever of these two are more. It never takes an answered one's.
//   - half-open flows have a limit of their own: at the limit, a new one takes the place of another half-open one.
//   - answered flows leave the last sixteenth of the table to new ones: beyond that, a flow that is answered
//     takes the place of the answered flow that is idle for longest.
//   - rules may have entries reserved: so many of a rule's flows nobody may take, and so many entries stay free until
//     it has them.
//
// Within a class the flow with least time left gives way, unless the flows that came latest belong to a source that has
// many times more of them than its source has: then one of those does.
//
// Memory. All of it is handed in at construction and none is ever asked for again; memory_size() says how much.
//
// Who writes: the one worker that owns the table. Who reads: the owner, and the control thread through entry() and
// snapshot(), stats() and evictions(). See flow/entry.hpp for what orders them.
#pragma once

#include "base/cache_line.hpp"
#include "base/cell.hpp"
#include "base/ticks.hpp"
#include "flow/entry.hpp"
#include "flow/eviction_log.hpp"
#include "flow/index.hpp"
#include "flow/key.hpp"
#include "flow/sequence_offsets.hpp"
#include "flow/share_sketch.hpp"
#include "flow/timer_wheel.hpp"
#include "telemetry/counters.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::flow {

/// When a table is short of room, and what it does about it.
struct Pressure {
    std::uint8_t enter_percent = 90; ///< of the entries taken, or of the half-open flows' limit
    std::uint8_t leave_percent = 70;
    std::uint16_t timeout_scale = 64; ///< 256ths of every timeout that are left meanwhile
};

/// Whether a TCP client has to prove that it is where it claims before it gets an entry (flow/syn_cookie.hpp).
enum class SynCookies : std::uint8_t {
    automatic, ///< under pressure, where the destination is under attack
    always,
    never,
};

struct Config {
    std::uint32_t capacity = 0;        ///< entries
    std::uint32_t half_open_limit = 0; ///< of them, for half-open flows; 0: a quarter
    Pressure pressure{};
    SynCookies syn_cookies = SynCookies::automatic;
    HashSeed seed{};
    /// By counter slot; every rule slot that a flow bears lies within both, which outlive the table. None: nothing is
    /// counted by rule.
    std::span<telemetry::RuleCounters> rules{};
    std::span<telemetry::RuleEvictions> evictions{};
};

/// Entries of one table that are kept for the flows of a rule.
struct Reserve {
    std::uint32_t rule_slot = 0;
    std::uint32_t entries = 0;
};

/// Why a flow ended.
enum class EndReason : std::uint8_t {
    expired,
    expired_early, ///< under pressure, which shortens timeouts
    evicted_expired,
    evicted_closing,
    evicted_half_open,
    evicted_unanswered,
    evicted_answered,
    policy_changed,
    replaced,
    refused, ///< TCP: the only answer to the SYN was an RST
    closed,  ///< both ends are done, and its rule says `track: brief`
    moved,   ///< there was no room for it in the table that took this one's place
    count
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(EndReason::count)> kEndReasonNames = {
    "expired",
    "expired_early",
    "evicted_expired",
    "evicted_closing",
    "evicted_half_open",
    "evicted_unanswered",
    "evicted_answered",
    "policy_changed",
    "replaced",
    "refused",
    "closed",
    "moved"};

/// Counters of one table. Written by the owner, read by anybody.
struct Stats {
    base::Cell<std::uint32_t> used;
    base::Cell<std::uint64_t> created;
    base::Cell<std::uint64_t> refused; ///< no room could be made
    std::array<base::Cell<std::uint64_t>, static_cast<std::size_t>(EndReason::count)> ended;
    std::array<base::Cell<std::uint32_t>, kStateCount> per_state;
    std::array<base::Cell<std::uint32_t>, kEvictionClassCount> per_class;
    base::Cell<std::uint8_t> under_pressure;
    base::Cell<std::uint64_t> pressure_entered; ///< times
};

/// A flow that is to begin.
struct NewFlow {
    OrientedKey key;
    std::uint64_t hash = 0;
    State state{};
    base::Tick timeout_ticks = 0;
    std::uint32_t rule_slot = 0;
    std::uint32_t epoch = 0;
    bool evicts = true;           ///< whether it may take the entry of a flow that is not expired
    std::uint8_t extra_flags = 0; ///< entry_flag, besides kOriginalIsSecond
};

class Table {
  public:
    static constexpr unsigned kMaxBatch = BucketIndex::kMaxBatch;
    static constexpr std::size_t kMaxReserves = 16;

    /// Bytes for a table of `capacity` entries, everything included. A flow's share: 128 for the entry, 9 for the
    /// index, 4 for the free list, 2 for its source's share and sequence offsets; the wheel's quarter of a megabyte
    /// besides.
    static std::size_t memory_size(std::uint32_t capacity);

    /// `memory` is zeroed, aligned to a cache line, at least memory_size(config.capacity) bytes, and outlives the
    /// table.
    Table(std::span<std::byte> memory, const Config& config, base::Tick now);
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    [[nodiscard]] std::uint64_t hash_of(const Key& key) const { return hash(key, config_.seed); }
    template <net::Family kFamily> [[nodiscard]] std::uint64_t hash_of(const KeyWords& key) const {
        return hash<kFamily>(key, config_.seed);
    }

    /// For find_batch() to come: says ahead what it will look at first.
    [[gnu::always_inline]] void prefetch(std::uint64_t hash) const { index_.prefetch_first(hash); }
    /// Finds up to kMaxBatch keys at once; kNone where there is no flow.
    void find_batch(const Key* keys, const std::uint64_t* hashes, unsigned count, Index* found) const {
        index_.find_batch(keys, hashes, count, found);
    }
    [[nodiscard]] Index find(const Key& key, std::uint64_t hash) const { return index_.find(key, hash); }

    /// Fetches what the next `count` calls of create() will write to.
    void prefetch_free(unsigned count) const;
    /// Makes a flow; the caller has looked that the key has none. kNone: no room, counted as refused.
    Index create(const NewFlow& flow, base::Tick now);

    void remove(Index index, EndReason reason);

    /// Moves a flow to `state`, whose timeout is `timeout_ticks`, and sets `flags`. May evict another one.
    void change_state(Index index, State state, std::uint8_t flags, base::Tick timeout_ticks, base::Tick now);

    /// Gives a flow another timeout for as long as it stays in its state. It is found out when the flow is looked at
    /// next, so a shorter one must not be below age()'s `look_interval_ticks`.
    void set_timeout(Index index, base::Tick timeout_ticks) { entries_[index].timeout_ticks.store(timeout_ticks); }

    /// The rule that a flow counts under from now on.
    void set_rule(Index index, std::uint32_t rule_slot, base::Tick now);

    /// Replaces the reserves; at most kMaxReserves.
    void set_reserves(std::span<const Reserve> reserves);

    /// Ends flows whose time is over, looking at no more than `budget` of them; each flow is looked at again within
    /// `look_interval_ticks`. Returns how many it looked at.
    unsigned age(base::Tick now, unsigned budget, base::Tick look_interval_ticks = TimerWheel::kHorizonTicks);

    /// Before any flow is moved here from a table that this one takes the place of: counters and reserves.
    void take_over(Table& from);
    /// Moves a flow here, as it is. kNone: there was no room, and it is gone.
    Index adopt(Table& from, Index index, base::Tick now);
    /// Looks at the next `budget` entries of `from` and moves the flows in them. True once all have been looked at:
    /// no flow is left there. Nothing else may be done with `from` but find() and adopt().
    bool move_some(Table& from, unsigned budget, base::Tick now);

    /// Whether a new TCP flow should prove that somebody stands behind it before it gets an entry: the half-open flows
    /// are near their limit, or the table is nearly full, and too many of them want the same service.
    /// Config::syn_cookies may say otherwise.
    [[nodiscard]] bool wants_proof(const OrientedKey& key) const;
    /// Those of flows with entry_flag::kProxied. A flow loses its own when it ends.
    [[nodiscard]] SequenceOffsets& sequence_offsets() { return offsets_; }
    [[nodiscard]] const SequenceOffsets& sequence_offsets() const { return offsets_; }
    /// The flow has a sequence offset from here on, zeroed; there is room for it.
    SequenceOffset& add_sequence_offset(Index index);

    [[nodiscard]] Entry& entry(Index index) { return entries_[index]; }
    [[nodiscard]] const Entry& entry(Index index) const { return entries_[index]; }
    [[nodiscard]] std::uint32_t capacity() const { return config_.capacity; }
    [[nodiscard]] std::uint32_t half_open_limit() const { return config_.half_open_limit; }
    [[nodiscard]] const Stats& stats() const { return stats_; }
    [[nodiscard]] const EvictionLog& evictions() const { return evictions_; }

    /// Whether index, entries, free list and timers agree with each other and with the counters. For tests: O(size).
    [[nodiscard]] bool consistent() const;

  private:
    struct Layout;
    /// On whose behalf room is made.
    struct Taker {
        const OrientedKey& key;
        std::uint32_t rule_slot;
        base::Tick now;
    };

    Table(const Layout& layout, const Config& config, base::Tick now);

    /// The usual case of make_room_for().
    [[nodiscard]] bool has_room_for(EvictionClass its_class) const {
        return free_count_ > kept_free_ &&
               (its_class != EvictionClass::half_open || count_of(its_class) < config_.half_open_limit);
    }

    // flow/eviction.cpp
    bool make_room_for(const NewFlow& flow, EvictionClass its_class, base::Tick now);
    bool take_expired(const Taker& taker);
    bool take_from(EvictionClass of, const Taker& taker, bool only_expired);
    bool take_idle(const Taker& taker, Index spared);
    [[nodiscard]] Index unless_greedy(Index otherwise, EvictionClass of, Index spared) const;
    [[nodiscard]] bool seen_since_armed(const Entry& entry, base::Tick due) const;
    void evict(Index victim, const Taker& taker);
    void record(const Entry& victim, telemetry::EvictionCause cause, const Taker& taker);

    // flow/move.cpp
    void move_offset(Index index, const SequenceOffset& offset);

    // flow/table.cpp
    static Layout lay_out(std::span<std::byte> memory, std::uint32_t capacity);
    void begin(Index index, const NewFlow& flow, EvictionClass its_class, base::Tick now);
    void end(Index index, EndReason reason, std::uint64_t hash);
    [[nodiscard]] std::uint32_t source_of(const Entry& entry) const;
    void count_in_class(const Entry& entry, EvictionClass of, std::uint32_t change, std::uint32_t source);
    void update_pressure();
    /// Has the flow looked at when its time is over, or after the look interval if that is sooner.
    void arm(Index index, base::Tick now);
    unsigned age_due(base::Tick now, unsigned budget);
    unsigned sweep(base::Tick now, unsigned budget);

    [[nodiscard]] EvictionClass class_of(const Entry& entry) const {
        return eviction_class(entry.state.load(), entry.flags.load() & entry_flag::kReplied);
    }
    [[nodiscard]] base::Tick deadline(const Entry& entry) const {
        const base::Tick timeout = entry.timeout_ticks.load();
        return entry.last_seen_tick.load() +
               (pressed_ ? static_cast<base::Tick>(std::uint64_t{timeout} * config_.pressure.timeout_scale >> 8)
                         : timeout);
    }
    [[nodiscard]] std::uint32_t count_of(EvictionClass of) const {
        return stats_.per_class[static_cast<std::size_t>(of)].load();
    }
    [[nodiscard]] bool is_over(const Entry& entry, base::Tick now) const {
        return base::tick_reached(now, deadline(entry));
    }
    [[nodiscard]] bool has_reserve_left(std::uint32_t rule_slot) const {
        return reserve_count_ != 0 && reserve_left(rule_slot) != 0;
    }
    [[nodiscard]] std::uint32_t reserve_left(std::uint32_t rule_slot) const;
    [[nodiscard]] TimerWheel::Wheel wheel_of(const Entry& entry) const {
        return entry.flags.load() & entry_flag::kKept ? TimerWheel::kReserved : TimerWheel::wheel_of(class_of(entry));
    }
    void keep(Entry& entry, std::uint32_t rule_slot);
    void stop_keeping(Entry& entry, std::uint32_t rule_slot);
    void count_flow_of_rule(std::uint32_t rule_slot, std::uint32_t change) {
        if (rule_slot < config_.rules.size()) config_.rules[rule_slot].flows.add(change);
    }

    Config config_;
    Entry* entries_;
    BucketIndex index_;
    TimerWheel timers_;
    Index* free_; ///< a stack: free_[0 .. free_count_)
    std::uint32_t free_count_;
    ShareSketch unanswered_by_source_; ///< half-open ones too
    ShareSketch answered_by_source_;
    ShareSketch half_open_by_service_;
    SequenceOffsets offsets_;
    base::Tick look_interval_ticks_ = TimerWheel::kHorizonTicks;

    // Limits, in flows.
    std::uint32_t enter_used_;
    std::uint32_t leave_used_;
    std::uint32_t answered_limit_;
    std::uint32_t enter_half_open_;
    std::uint32_t leave_half_open_;
    std::uint32_t service_limit_; ///< half-open flows towards one service, when it counts as under attack

    bool pressed_ = false; ///< the table is nearly full
    bool guarded_ = false; ///< half-open flows are near their limit
    Index sweep_hand_ = 0;
    std::array<Reserve, kMaxReserves> reserves_{};
    unsigned reserve_count_ = 0;
    std::uint32_t kept_free_ = 0; ///< entries that reserves still want
    Stats stats_;
    EvictionLog evictions_;
};

} // namespace sluice::flow
