// One flow in the table: two cache lines.
//
// The first line holds what finding a flow and refreshing it needs; the second what is only added to (counters) or
// touched when the state moves (timer links, TCP's windows).
//
// Life cycle: free → live (generation odd) → free (even) → … The owner, one worker, is the only writer. The control
// thread reads concurrently through snapshot(): every field it takes is an atomic cell, the writer raises the
// generation before it changes an entry's identity and after, and a reader that saw two different generations has
// read a mixture and throws it away. All stores release and all loads acquire, so no fence is needed.
#pragma once

#include "base/cache_line.hpp"
#include "base/cell.hpp"
#include "base/ticks.hpp"
#include "flow/key.hpp"
#include "flow/sctp.hpp"
#include "flow/state.hpp"
#include "flow/tcp_tracker.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace sluice::flow {

/// An entry's place in its table. Indices, not pointers, so that a table can move or outlive its process.
using Index = std::uint32_t;
inline constexpr Index kNone = 0xffffffff;

/// Raised whenever Entry or Bucket change their meaning in memory.
inline constexpr std::uint32_t kLayoutVersion = 3;

namespace entry_flag {
inline constexpr std::uint8_t kOriginalIsSecond = 0x01; ///< the opener is end 1 of the key
inline constexpr std::uint8_t kReplied = 0x02;          ///< the other end has sent something
inline constexpr std::uint8_t kAssured = 0x04;          ///< TCP: handshake complete; others: went both ways
inline constexpr std::uint8_t kOpenedAtPeer = 0x08;     ///< the opener is behind the wire's second port
inline constexpr std::uint8_t kProxied = 0x10;          ///< TCP: it has a sequence offset (flow/sequence_offsets.hpp)
inline constexpr std::uint8_t kYields = 0x20;           ///< its rule says `on_full: drop_new`: it takes nobody's entry
inline constexpr std::uint8_t kBrief = 0x40;            ///< forgotten as soon as it is over
inline constexpr std::uint8_t kKept = 0x80;             ///< in one of the entries that are reserved for its rule
} // namespace entry_flag

/// What a protocol's tracker keeps. Which one it is, the key's protocol says; zeroed when a flow begins.
union Tracker {
    tcp::Tracker tcp;
    sctp::Tracker sctp;
};
static_assert(sizeof(Tracker) == 32 && std::is_trivially_copyable_v<Tracker>);

struct alignas(base::kCacheLine) Entry {
    // -- line 0
    Key key; ///< changes only while the generation is even
    base::Cell<State> state;
    base::Cell<std::uint8_t> flags;
    base::Cell<std::uint16_t> generation; ///< odd while live
    base::Cell<base::Tick> last_seen_tick;
    base::Cell<base::Tick> timeout_ticks; ///< of the present state; here, so that ageing needs no ruleset
    base::Cell<std::uint32_t> epoch;      ///< of the ruleset that judged the flow last
    base::Cell<std::uint32_t> rule_slot;  ///< counter slot of the rule that allowed it: survives reloads

    // -- line 1
    base::Cell<std::uint32_t> packets[2]; ///< by direction
    base::Cell<std::uint32_t> bytes_low[2];
    base::Cell<std::uint16_t> bytes_high[2]; ///< above bytes_low: 48 bits, 281 TB a direction
    Tracker tracker;
    Index timer_next;             ///< an index, or kListFlag + list for the last of a list
    std::uint32_t timer_previous; ///< an index, or kListFlag + list for the first of a list
    base::Cell<base::Tick> created_tick;

    /// Owner: counts packets of one direction.
    void count(Direction direction, std::uint32_t packet_count, std::uint32_t byte_count) {
        const auto d = static_cast<std::size_t>(direction);
        packets[d].add(packet_count);
        const std::uint32_t low = bytes_low[d].load() + byte_count;
        if (low >= byte_count) [[likely]] {
            bytes_low[d].store(low);
            return;
        }
        generation.add(1); // readers must not see one half carried
        bytes_low[d].store(low);
        bytes_high[d].add(1);
        generation.add(1);
    }
    [[nodiscard]] std::uint64_t bytes(unsigned d) const {
        return std::uint64_t{bytes_high[d].load()} << 32 | bytes_low[d].load();
    }

    [[nodiscard]] bool live() const { return generation.load() & 1; }
    [[nodiscard]] bool original_is_second() const { return flags.load() & entry_flag::kOriginalIsSecond; }
    [[nodiscard]] Direction direction_of(bool sender_is_second) const {
        return sender_is_second == original_is_second() ? Direction::original : Direction::reply;
    }
};
static_assert(sizeof(Entry) == 2 * base::kCacheLine);

/// What a reader gets: plain values, ends in original order.
struct FlowView {
    Key key;
    bool original_is_second;
    bool assured;
    bool opened_at_peer;
    State state;
    std::uint32_t rule_slot;
    std::uint32_t epoch;
    base::Tick created_tick;
    base::Tick last_seen_tick;
    base::Tick timeout_ticks;
    std::uint64_t bytes[2];
    std::uint32_t packets[2];
};

/// Any thread: a consistent copy of a live entry, or nothing if it is free or changed hands meanwhile.
std::optional<FlowView> snapshot(const Entry& entry);

/// Owner: makes `key` the entry's key so that concurrent readers are not torn. The generation must be even.
void store_key(Entry& entry, const Key& key);

} // namespace sluice::flow
