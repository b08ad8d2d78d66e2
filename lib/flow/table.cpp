#include "flow/table.hpp"

#include <bit>
#include <cassert>
#include <cstring>
#include <memory>

namespace sluice::flow {
namespace {

constexpr std::size_t round_to_line(std::size_t size) {
    return (size + base::kCacheLine - 1) & ~(base::kCacheLine - 1);
}

/// One counter for every sixteen entries, as long as that is not many. In a large table many sources share one, but a
/// source that matters has a large part of the flows, and of its counter.
constexpr std::uint32_t source_counters(std::uint32_t capacity) {
    constexpr std::uint32_t kMost = 1u << 14; // in the second-level cache: every new flow counts
    return std::bit_ceil(capacity / 16 + 64 < kMost ? capacity / 16 + 64 : kMost);
}
constexpr std::uint32_t kServiceCounters = 4096;
/// A change to a counter that wraps.
constexpr std::uint32_t kOneLess = ~std::uint32_t{0};

/// Hands out a table's memory piece by piece, each beginning a cache line.
class Carver {
  public:
    explicit Carver(std::byte* at)
        : at_(at) {}
    template <typename T> T* take(std::size_t count) {
        T* start = reinterpret_cast<T*>(at_);
        std::uninitialized_value_construct_n(start, count);
        at_ += round_to_line(count * sizeof(T));
        return start;
    }

  private:
    std::byte* at_;
};

constexpr std::uint32_t percent_of(std::uint32_t whole, unsigned percent) {
    return static_cast<std::uint32_t>((std::uint64_t{whole} * percent + 99) / 100);
}

} // namespace

struct Table::Layout {
    BucketIndex::Bucket* buckets;
    Entry* entries;
    Index* free;
    TimerWheel::List* lists;
    ShareSketch::Counter* unanswered;
    ShareSketch::Counter* answered;
    ShareSketch::Counter* services;
    std::span<std::byte> offsets;
};

std::size_t Table::memory_size(std::uint32_t capacity) {
    return sizeof(BucketIndex::Bucket) * BucketIndex::bucket_count(capacity) + sizeof(Entry) * capacity +
           round_to_line(sizeof(Index) * capacity) + sizeof(TimerWheel::List) * TimerWheel::kLists +
           2 * sizeof(ShareSketch::Counter) * source_counters(capacity) +
           sizeof(ShareSketch::Counter) * kServiceCounters + SequenceOffsets::memory_size(capacity);
}

Table::Layout Table::lay_out(std::span<std::byte> memory, std::uint32_t capacity) {
    assert(memory.size() >= memory_size(capacity));
    assert(capacity > 0 && capacity < 0x80000000u);
    Carver carver(memory.data());
    Layout layout{};
    layout.buckets = carver.take<BucketIndex::Bucket>(BucketIndex::bucket_count(capacity));
    layout.entries = carver.take<Entry>(capacity);
    layout.free = carver.take<Index>(capacity);
    layout.lists = carver.take<TimerWheel::List>(TimerWheel::kLists);
    layout.unanswered = carver.take<ShareSketch::Counter>(source_counters(capacity));
    layout.answered = carver.take<ShareSketch::Counter>(source_counters(capacity));
    layout.services = carver.take<ShareSketch::Counter>(kServiceCounters);
    layout.offsets = {carver.take<std::byte>(SequenceOffsets::memory_size(capacity)),
                      SequenceOffsets::memory_size(capacity)};
    return layout;
}

Table::Table(std::span<std::byte> memory, const Config& config, base::Tick now)
    : Table(lay_out(memory, config.capacity), config, now) {}

Table::Table(const Layout& layout, const Config& config, base::Tick now)
    : config_(config)
    , entries_(layout.entries)
    , index_(layout.buckets, BucketIndex::bucket_count(config.capacity), layout.entries)
    , timers_(layout.entries, layout.lists, now)
    , free_(layout.free)
    , free_count_(config.capacity)
    , unanswered_by_source_(layout.unanswered, source_counters(config.capacity), config.seed)
    , answered_by_source_(layout.answered, source_counters(config.capacity), config.seed)
    , half_open_by_service_(layout.services, kServiceCounters, config.seed)
    , offsets_(layout.offsets, config.capacity) {
    const std::uint32_t capacity = config.capacity;
    if (config_.half_open_limit == 0) config_.half_open_limit = percent_of(capacity, 25);
    enter_used_ = percent_of(capacity, config.pressure.enter_percent);
    leave_used_ = percent_of(capacity, config.pressure.leave_percent);
    if (leave_used_ >= enter_used_) leave_used_ = enter_used_ - 1;
    enter_half_open_ = percent_of(config_.half_open_limit, config.pressure.enter_percent);
    leave_half_open_ = percent_of(config_.half_open_limit, config.pressure.leave_percent);
    if (leave_half_open_ >= enter_half_open_) leave_half_open_ = enter_half_open_ - 1;
    answered_limit_ = capacity - (capacity >= 16 ? capacity / 16 : 1);
    service_limit_ = config_.half_open_limit / 16;
    // Lowest indices on top, so that a table that is mostly empty stays in few pages.
    for (std::uint32_t i = 0; i < capacity; ++i) {
        free_[i] = capacity - 1 - i;
    }
}

void Table::prefetch_free(unsigned count) const {
    for (std::uint32_t at = free_count_; at != 0 && count != 0; --count) {
        const Entry& entry = entries_[free_[--at]];
        base::prefetch(&entry);
    }
}

Index Table::create(const NewFlow& flow, base::Tick now) {
    const EvictionClass its_class = eviction_class(flow.state, flow.extra_flags & entry_flag::kReplied);
    // A bucket that is full after all moves leaves the key no place: at 90 % of all slots this was never seen.
    const bool has_room = has_room_for(its_class) || make_room_for(flow, its_class, now);
    if (!has_room || !index_.insert(flow.hash, free_[free_count_ - 1])) [[unlikely]] {
        stats_.refused.add(1);
        if (flow.rule_slot < config_.evictions.size()) config_.evictions[flow.rule_slot].refused.add(1);
        return kNone;
    }
    const Index index = free_[--free_count_];
    begin(index, flow, its_class, now);
    return index;
}

void Table::begin(Index index, const NewFlow& flow, EvictionClass its_class, base::Tick now) {
    using namespace entry_flag;
    Entry& entry = entries_[index];
    store_key(entry, flow.key.key);
    entry.state.store(flow.state);
    entry.flags.store(static_cast<std::uint8_t>((flow.key.sender_is_second ? kOriginalIsSecond : 0) |
                                                (flow.evicts ? 0 : kYields) | flow.extra_flags));
    entry.last_seen_tick.store(now);
    entry.timeout_ticks.store(flow.timeout_ticks);
    entry.epoch.store(flow.epoch);
    entry.rule_slot.store(flow.rule_slot);
    for (unsigned d = 0; d < 2; ++d) {
        entry.packets[d].store(0);
        entry.bytes_low[d].store(0);
        entry.bytes_high[d].store(0);
    }
    std::memset(&entry.tracker, 0, sizeof entry.tracker);
    entry.created_tick.store(now);
    entry.generation.add(1); // odd: live from here on

    if (has_reserve_left(flow.rule_slot)) [[unlikely]]
        keep(entry, flow.rule_slot);
    arm(index, now);
    count_in_class(entry, its_class, 1, source_of(entry));
    count_flow_of_rule(flow.rule_slot, 1);
    stats_.used.add(1);
    stats_.created.add(1);
    stats_.per_state[static_cast<std::size_t>(flow.state)].add(1);
    update_pressure();
}

void Table::remove(Index index, EndReason reason) {
    timers_.remove(index);
    end(index, reason, hash_of(entries_[index].key));
}

/// The flow is out of the wheel already.
void Table::end(Index index, EndReason reason, std::uint64_t hash) {
    Entry& entry = entries_[index];
    assert(entry.live());
    index_.remove(hash, index);
    count_in_class(entry, class_of(entry), kOneLess, source_of(entry));
    count_flow_of_rule(entry.rule_slot.load(), kOneLess);
    if (entry.flags.load() & entry_flag::kKept) [[unlikely]]
        stop_keeping(entry, entry.rule_slot.load());
    if (entry.flags.load() & entry_flag::kProxied) [[unlikely]]
        offsets_.remove(index);
    entry.generation.add(1); // even: free, before anything of it changes
    free_[free_count_++] = index;
    stats_.used.add(kOneLess);
    stats_.per_state[static_cast<std::size_t>(entry.state.load())].add(kOneLess);
    stats_.ended[static_cast<std::size_t>(reason)].add(1);
    update_pressure();
}

void Table::change_state(Index index, State state, std::uint8_t flags, base::Tick timeout_ticks, base::Tick now) {
    Entry& entry = entries_[index];
    const State before = entry.state.load();
    const EvictionClass class_before = class_of(entry);
    // Whose entry it is, is not the caller's to say.
    flags = static_cast<std::uint8_t>((flags & ~entry_flag::kKept) | (entry.flags.load() & entry_flag::kKept));
    entry.flags.store(flags);
    if (before != state) {
        stats_.per_state[static_cast<std::size_t>(before)].add(kOneLess);
        stats_.per_state[static_cast<std::size_t>(state)].add(1);
        entry.state.store(state);
    }
    const base::Tick previous_timeout = entry.timeout_ticks.load();
    entry.timeout_ticks.store(timeout_ticks);
    const EvictionClass class_now = class_of(entry);
    // A longer timeout is found out when the old slot comes due; a shorter one must not wait for that. It counts from
    // the last packet that was forwarded: the one at hand may yet be refused.
    if (timeout_ticks < previous_timeout || class_now != class_before) {
        timers_.remove(index);
        arm(index, now);
    }
    if (class_now == class_before) return;
    const std::uint32_t source = source_of(entry);
    count_in_class(entry, class_before, kOneLess, source);
    count_in_class(entry, class_now, 1, source);
    update_pressure();
    if (class_now == EvictionClass::answered && count_of(class_now) > answered_limit_ && !(flags & entry_flag::kYields))
        [[unlikely]] {
        const OrientedKey key{entry.key, entry.original_is_second()};
        take_idle({key, entry.rule_slot.load(), now}, index);
    }
}

std::uint32_t Table::source_of(const Entry& entry) const {
    // Both sketches are of one size and seed.
    return answered_by_source_.cell_of_address(entry.key, entry.original_is_second() ? 1 : 0);
}

/// Counts a flow into a class, or out of it by a change of -1. `source` is source_of() it.
void Table::count_in_class(const Entry& entry, EvictionClass of, std::uint32_t change, std::uint32_t source) {
    stats_.per_class[static_cast<std::size_t>(of)].add(change);
    if (of == EvictionClass::closing) return;
    if (of == EvictionClass::answered) {
        answered_by_source_.add(source, change);
        return;
    }
    unanswered_by_source_.add(source, change);
    if (of != EvictionClass::half_open) return;
    const unsigned service = entry.original_is_second() ? 0 : 1;
    half_open_by_service_.add(half_open_by_service_.cell_of_service(entry.key, service), change);
}

void Table::update_pressure() {
    const std::uint32_t used = stats_.used.load();
    if (!pressed_ && used >= enter_used_) {
        pressed_ = true;
        stats_.under_pressure.store(1);
        stats_.pressure_entered.add(1);
    } else if (pressed_ && used <= leave_used_) {
        pressed_ = false;
        stats_.under_pressure.store(0);
    }
    const std::uint32_t half_open = count_of(EvictionClass::half_open);
    if (!guarded_)
        guarded_ = half_open >= enter_half_open_;
    else
        guarded_ = half_open > leave_half_open_;
}

SequenceOffset& Table::add_sequence_offset(Index index) {
    Entry& entry = entries_[index];
    entry.flags.store(entry.flags.load() | entry_flag::kProxied);
    return offsets_.add(index);
}

bool Table::wants_proof(const OrientedKey& key) const {
    if (config_.syn_cookies != SynCookies::automatic) [[unlikely]]
        return config_.syn_cookies == SynCookies::always;
    if (!guarded_ && !pressed_) return false;
    if (count_of(EvictionClass::half_open) >= config_.half_open_limit) return true;
    const unsigned service = key.sender_is_second ? 0 : 1;
    return half_open_by_service_.count(half_open_by_service_.cell_of_service(key.key, service)) >= service_limit_;
}

void Table::arm(Index index, base::Tick now) {
    const Entry& entry = entries_[index];
    const base::Tick due = deadline(entry);
    const bool soon = base::tick_reached(now, due) || due - now <= look_interval_ticks_;
    timers_.add(index, wheel_of(entry), soon ? due : now + look_interval_ticks_, now);
}

unsigned Table::age(base::Tick now, unsigned budget, base::Tick look_interval_ticks) {
    look_interval_ticks_ = look_interval_ticks;
    const unsigned looked_at = age_due(now, budget);
    return pressed_ ? looked_at + sweep(now, budget) : looked_at;
}

/// Flows that are due, many at a time: while one's buckets are fetched, the next ones' keys are hashed.
unsigned Table::age_due(base::Tick now, unsigned budget) {
    constexpr unsigned kBatch = 16;
    unsigned looked_at = 0;
    while (looked_at < budget) {
        Index due[kBatch];
        std::uint64_t hashes[kBatch];
        const unsigned room = budget - looked_at < kBatch ? budget - looked_at : kBatch;
        const unsigned count = timers_.take_due(now, due, room);
        unsigned over = 0;
        for (unsigned i = 0; i < count; ++i) {
            const Entry& entry = entries_[due[i]];
            if (!is_over(entry, now)) {
                arm(due[i], now);
                continue;
            }
            hashes[over] = hash_of(entry.key);
            index_.prefetch(hashes[over]);
            due[over++] = due[i];
        }
        for (unsigned i = 0; i < over; ++i) {
            const Entry& entry = entries_[due[i]];
            const bool early = !base::tick_reached(now, entry.last_seen_tick.load() + entry.timeout_ticks.load());
            end(due[i], early ? EndReason::expired_early : EndReason::expired, hashes[i]);
        }
        looked_at += count;
        if (count < room) break;
    }
    return looked_at;
}

/// Under pressure timeouts are shorter than the wheel knows: looks for flows that are over, entry by entry.
unsigned Table::sweep(base::Tick now, unsigned budget) {
    constexpr unsigned kAhead = 8;
    unsigned ended = 0;
    for (unsigned i = 0; i < budget; ++i) {
        const Index index = sweep_hand_;
        sweep_hand_ = sweep_hand_ + 1 == config_.capacity ? 0 : sweep_hand_ + 1;
        if (sweep_hand_ + kAhead < config_.capacity) base::prefetch(&entries_[sweep_hand_ + kAhead]);
        const Entry& entry = entries_[index];
        if (!entry.live() || !is_over(entry, now)) continue;
        remove(index, EndReason::expired_early);
        ++ended;
    }
    return ended;
}

void Table::set_rule(Index index, std::uint32_t rule_slot, base::Tick now) {
    Entry& entry = entries_[index];
    const std::uint32_t before = entry.rule_slot.load();
    if (before == rule_slot) return;
    count_flow_of_rule(before, kOneLess);
    count_flow_of_rule(rule_slot, 1);
    entry.rule_slot.store(rule_slot);
    const bool was_kept = entry.flags.load() & entry_flag::kKept;
    if (was_kept) stop_keeping(entry, before);
    if (has_reserve_left(rule_slot)) keep(entry, rule_slot);
    if (was_kept == ((entry.flags.load() & entry_flag::kKept) != 0)) return;
    timers_.remove(index);
    arm(index, now);
}

void Table::set_reserves(std::span<const Reserve> reserves) {
    reserve_count_ = 0;
    kept_free_ = 0;
    for (const Reserve& reserve : reserves) {
        if (reserve_count_ == kMaxReserves || reserve.rule_slot >= config_.evictions.size()) continue;
        reserves_[reserve_count_++] = reserve;
        kept_free_ += reserve_left(reserve.rule_slot);
    }
}

std::uint32_t Table::reserve_left(std::uint32_t rule_slot) const {
    for (unsigned i = 0; i < reserve_count_; ++i) {
        if (reserves_[i].rule_slot != rule_slot) continue;
        const std::uint32_t kept = config_.evictions[rule_slot].kept.load();
        return kept < reserves_[i].entries ? reserves_[i].entries - kept : 0;
    }
    return 0;
}

/// The flow takes one of the entries that are reserved for its rule.
void Table::keep(Entry& entry, std::uint32_t rule_slot) {
    config_.evictions[rule_slot].kept.add(1);
    --kept_free_;
    entry.flags.store(entry.flags.load() | entry_flag::kKept);
}

void Table::stop_keeping(Entry& entry, std::uint32_t rule_slot) {
    const std::uint32_t left = reserve_left(rule_slot);
    config_.evictions[rule_slot].kept.add(kOneLess);
    // A reload may have made the reserve smaller than what is kept, or have ended it.
    kept_free_ += reserve_left(rule_slot) - left;
    entry.flags.store(static_cast<std::uint8_t>(entry.flags.load() & ~entry_flag::kKept));
}

bool Table::consistent() const {
    std::uint32_t live = 0;
    std::uint32_t proxied = 0;
    std::array<std::uint32_t, kStateCount> per_state{};
    std::array<std::uint32_t, kEvictionClassCount> per_class{};
    for (Index i = 0; i < config_.capacity; ++i) {
        const Entry& entry = entries_[i];
        if (!entry.live()) continue;
        ++live;
        ++per_state[static_cast<std::size_t>(entry.state.load())];
        ++per_class[static_cast<std::size_t>(class_of(entry))];
        if (entry.flags.load() & entry_flag::kProxied) {
            ++proxied;
            if (offsets_.find(i) == nullptr) return false;
        }
        if (find(entry.key, hash_of(entry.key)) != i) return false;
    }
    std::uint32_t armed = 0;
    for (unsigned list = 0; list < TimerWheel::kLists; ++list) {
        for (Index i = timers_.first_in(list); i != kNone; i = timers_.next_of(i)) {
            if (++armed > config_.capacity || !entries_[i].live()) return false;
            if (wheel_of(entries_[i]) != TimerWheel::wheel_of_list(list)) return false;
        }
    }
    if (live != stats_.used.load() || index_.count_taken() != live || armed != live) return false;
    if (live + free_count_ != config_.capacity || proxied != offsets_.used()) return false;
    for (std::size_t s = 0; s < kStateCount; ++s) {
        if (per_state[s] != stats_.per_state[s].load()) return false;
    }
    for (std::size_t c = 0; c < kEvictionClassCount; ++c) {
        if (per_class[c] != stats_.per_class[c].load()) return false;
    }
    return true;
}

} // namespace sluice::flow
