#include "flow/table.hpp"

#include <cassert>
#include <cstring>
#include <memory>

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

/// Maps 32 random bits to [0, n) by multiplication (Lemire 2019): n need not be a power of two.
std::uint32_t scale(std::uint32_t bits, std::uint32_t n) {
    return static_cast<std::uint32_t>((std::uint64_t{bits} * n) >> 32);
}

template <typename T> T* carve(std::byte*& at, std::size_t count) {
    T* start = reinterpret_cast<T*>(at);
    std::uninitialized_value_construct_n(start, count);
    at += count * sizeof(T);
    return start;
}

constexpr std::size_t round_to_line(std::size_t size) {
    return (size + base::kCacheLine - 1) & ~(base::kCacheLine - 1);
}

} // namespace

std::uint32_t Table::bucket_count(std::uint32_t capacity) {
    // Load 80 %: eight slots hold 6.4 entries on average.
    return static_cast<std::uint32_t>((std::uint64_t{capacity} * 10 + 63) / 64) + 1;
}

std::size_t Table::memory_size(std::uint32_t capacity) {
    return sizeof(Bucket) * bucket_count(capacity) + sizeof(Entry) * capacity + round_to_line(sizeof(Index) * capacity);
}

Table::Table(std::span<std::byte> memory, const Config& config, base::Tick now)
    : config_(config)
    , buckets_count_(bucket_count(config.capacity))
    , buckets_(nullptr)
    , entries_(nullptr)
    , free_(nullptr)
    , free_count_(config.capacity)
    , timers_(reinterpret_cast<Entry*>(memory.data() + sizeof(Bucket) * buckets_count_), now) {
    assert(memory.size() >= memory_size(config.capacity));
    assert(config.capacity > 0 && config.capacity < 0x80000000u);
    std::byte* at = memory.data();
    buckets_ = carve<Bucket>(at, buckets_count_);
    entries_ = carve<Entry>(at, config.capacity);
    free_ = carve<Index>(at, config.capacity);
    // Lowest indices on top, so that a table that is mostly empty stays in few pages.
    for (std::uint32_t i = 0; i < config.capacity; ++i) {
        free_[i] = config.capacity - 1 - i;
    }
}

// Inlined: its three parts would come back in two registers, by way of memory.
[[gnu::always_inline]] inline Table::Place Table::place_of(std::uint64_t hash) const {
    const auto tag = static_cast<std::uint16_t>((hash * 0x9e3779b97f4a7c15u) >> 48);
    return {scale(static_cast<std::uint32_t>(hash), buckets_count_),
            scale(static_cast<std::uint32_t>(hash >> 32), buckets_count_), tag == 0 ? std::uint16_t{1} : tag};
}

Index Table::find_in(const Bucket& bucket, std::uint16_t tag, const Key& key) const {
    for (unsigned matches = match_tags(bucket.tag, tag); matches != 0; matches &= matches - 1) {
        const Index index = bucket.index[__builtin_ctz(matches)];
        if (entries_[index].key == key) return index;
    }
    return kNone;
}

Index Table::find(const Key& key, std::uint64_t hash) const {
    const Place place = place_of(hash);
    const Index index = find_in(buckets_[place.first], place.tag, key);
    return index != kNone ? index : find_in(buckets_[place.second], place.tag, key);
}

void Table::find_batch(const Key* keys, const std::uint64_t* hashes, unsigned count, Index* found) const {
    assert(count <= kMaxBatch);
    Place places[kMaxBatch];
    for (unsigned i = 0; i < count; ++i) {
        places[i] = place_of(hashes[i]);
        base::prefetch(&buckets_[places[i].first]);
    }
    // A tag that matches in the first bucket is right but for one time in 8,000: fetch that entry meanwhile.
    for (unsigned i = 0; i < count; ++i) {
        const Bucket& bucket = buckets_[places[i].first];
        const unsigned matches = match_tags(bucket.tag, places[i].tag);
        if (matches != 0) {
            const Entry& entry = entries_[bucket.index[__builtin_ctz(matches)]];
            base::prefetch(&entry);
            base::prefetch(&entry.packets);
        } else {
            base::prefetch(&buckets_[places[i].second]);
        }
    }
    for (unsigned i = 0; i < count; ++i) {
        Index index = find_in(buckets_[places[i].first], places[i].tag, keys[i]);
        if (index == kNone) index = find_in(buckets_[places[i].second], places[i].tag, keys[i]);
        found[i] = index;
    }
}

bool Table::displace_from(std::uint32_t bucket_number) {
    Bucket& bucket = buckets_[bucket_number];
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        const Index index = bucket.index[slot];
        const Place place = place_of(hash_of(entries_[index].key));
        const std::uint32_t other = place.first == bucket_number ? place.second : place.first;
        if (other == bucket_number) continue;
        const unsigned empty = match_tags(buckets_[other].tag, 0);
        if (empty == 0) continue;
        const auto target = static_cast<unsigned>(__builtin_ctz(empty));
        buckets_[other].tag[target] = bucket.tag[slot];
        buckets_[other].index[target] = index;
        bucket.tag[slot] = 0;
        return true;
    }
    return false;
}

bool Table::insert_into_index(const Place& place, Index index) {
    const unsigned in_first = match_tags(buckets_[place.first].tag, 0);
    const unsigned in_second = match_tags(buckets_[place.second].tag, 0);
    std::uint32_t chosen = place.first;
    if (in_first == 0 && in_second == 0) {
        if (displace_from(place.first))
            chosen = place.first;
        else if (displace_from(place.second))
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

void Table::remove_from_index(Index index) {
    const Place place = place_of(hash_of(entries_[index].key));
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

Index Table::create(const OrientedKey& key, std::uint64_t hash, State state, base::Tick timeout_ticks, base::Tick now) {
    if (free_count_ == 0 && !make_room(now)) {
        stats_.refused.add(1);
        return kNone;
    }
    const Index index = free_[free_count_ - 1];
    if (!insert_into_index(place_of(hash), index)) {
        stats_.refused.add(1);
        return kNone;
    }
    --free_count_;

    Entry& entry = entries_[index];
    store_key(entry, key.key);
    entry.state.store(state);
    entry.flags.store(key.sender_is_second ? entry_flag::kOriginalIsSecond : std::uint8_t{0});
    entry.last_seen_tick.store(now);
    entry.timeout_ticks.store(timeout_ticks);
    entry.epoch.store(0);
    entry.rule_slot.store(0);
    for (unsigned d = 0; d < 2; ++d) {
        entry.packets[d].store(0);
        entry.bytes_low[d].store(0);
        entry.bytes_high[d].store(0);
    }
    std::memset(&entry.tracker, 0, sizeof entry.tracker);
    entry.created_tick.store(now);
    entry.generation.add(1); // odd: live from here on

    arm(index, now);
    stats_.used.add(1);
    stats_.created.add(1);
    stats_.per_state[static_cast<std::size_t>(state)].add(1);
    return index;
}

void Table::remove(Index index, EndReason reason) {
    Entry& entry = entries_[index];
    assert(entry.live());
    timers_.remove(index);
    remove_from_index(index);
    entry.generation.add(1); // even: free, before anything of it changes
    free_[free_count_++] = index;
    stats_.used.add(static_cast<std::uint32_t>(-1));
    stats_.per_state[static_cast<std::size_t>(entry.state.load())].add(static_cast<std::uint32_t>(-1));
    stats_.ended[static_cast<std::size_t>(reason)].add(1);
}

void Table::change_state(Index index, State state, base::Tick timeout_ticks, base::Tick now) {
    Entry& entry = entries_[index];
    const State before = entry.state.load();
    if (before != state) {
        stats_.per_state[static_cast<std::size_t>(before)].add(static_cast<std::uint32_t>(-1));
        stats_.per_state[static_cast<std::size_t>(state)].add(1);
        entry.state.store(state);
    }
    const base::Tick previous_timeout = entry.timeout_ticks.load();
    entry.timeout_ticks.store(timeout_ticks);
    // A longer timeout is found out when the old slot comes due; a shorter one must not wait for that. It counts from
    // the last packet that was forwarded: the one at hand may yet be refused.
    if (timeout_ticks < previous_timeout) {
        timers_.remove(index);
        arm(index, now);
    }
}

void Table::arm(Index index, base::Tick now) {
    const base::Tick due = deadline(entries_[index]);
    const bool soon = base::tick_reached(now, due) || due - now <= look_interval_ticks_;
    timers_.add(index, soon ? due : now + look_interval_ticks_, now);
}

unsigned Table::age(base::Tick now, unsigned budget, base::Tick look_interval_ticks) {
    look_interval_ticks_ = look_interval_ticks;
    unsigned looked_at = 0;
    for (; looked_at < budget; ++looked_at) {
        const Index index = timers_.take_due(now);
        if (index == kNone) break;
        // Armed again first, so that remove() finds it where it expects every live flow.
        arm(index, now);
        if (base::tick_reached(now, deadline(entries_[index]))) remove(index, EndReason::expired);
    }
    return looked_at;
}

bool Table::make_room(base::Tick now) {
    // A window of the table that moves on with each call: bounded work, and every flow gets its turn.
    constexpr unsigned kSample = 32;
    Index victim = kNone;
    EvictionClass victim_class{};
    base::Tick victim_idle = 0;
    const unsigned sample = config_.capacity < kSample ? config_.capacity : kSample;
    for (unsigned i = 0; i < sample; ++i) {
        base::prefetch(&entries_[(eviction_hand_ + i) % config_.capacity]);
    }
    for (unsigned i = 0; i < sample; ++i) {
        const Index index = eviction_hand_;
        eviction_hand_ = eviction_hand_ + 1 == config_.capacity ? 0 : eviction_hand_ + 1;
        const Entry& entry = entries_[index];
        if (!entry.live()) continue;
        if (base::tick_reached(now, deadline(entry))) {
            remove(index, EndReason::evicted_expired);
            return true;
        }
        const EvictionClass its_class = eviction_class(entry.state.load());
        const base::Tick idle = now - entry.last_seen_tick.load();
        const bool better =
            victim == kNone || its_class < victim_class || (its_class == victim_class && idle > victim_idle);
        if (better) {
            victim = index;
            victim_class = its_class;
            victim_idle = idle;
        }
    }
    if (config_.on_full == OnFull::drop_new || victim == kNone) return false;
    constexpr EndReason kReasons[] = {EndReason::evicted_closing, EndReason::evicted_unanswered,
                                      EndReason::evicted_idle};
    remove(victim, kReasons[static_cast<std::size_t>(victim_class)]);
    return true;
}

bool Table::consistent() const {
    std::uint32_t live = 0;
    std::array<std::uint32_t, kStateCount> per_state{};
    for (Index i = 0; i < config_.capacity; ++i) {
        const Entry& entry = entries_[i];
        if (!entry.live()) continue;
        ++live;
        ++per_state[static_cast<std::size_t>(entry.state.load())];
        if (find(entry.key, hash_of(entry.key)) != i) return false;
        if (timers_.slot_of(i) >= TimerWheel::kSlots) return false;
    }
    std::uint32_t indexed = 0;
    for (std::uint32_t b = 0; b < buckets_count_; ++b) {
        indexed += kSlots - static_cast<unsigned>(__builtin_popcount(match_tags(buckets_[b].tag, 0)));
    }
    std::uint32_t armed = 0;
    for (unsigned slot = 0; slot < TimerWheel::kSlots; ++slot) {
        for (Index i = timers_.first_in(slot); i != kNone; i = entries_[i].timer_next) {
            if (++armed > config_.capacity || !entries_[i].live()) return false;
        }
    }
    if (live != stats_.used.load() || indexed != live || armed != live) return false;
    if (live + free_count_ != config_.capacity) return false;
    for (std::size_t s = 0; s < kStateCount; ++s) {
        if (per_state[s] != stats_.per_state[s].load()) return false;
    }
    return true;
}

} // namespace sluice::flow
