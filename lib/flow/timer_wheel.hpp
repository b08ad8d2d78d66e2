// Which flow to look at when: a wheel of slots 128 ms apart, each a few doubly linked lists through the entries.
//
// The data path never touches the wheel when a packet refreshes a flow: it only writes "last seen". When a slot comes
// due, each of its flows is looked at once: over, or put into the slot of its new deadline. A deadline beyond the
// wheel's horizon (4.4 minutes) waits in the last slot and is looked at again. (Varghese and Lauck 1987, scheme 4,
// with lazy re-arming.)
//
// There is a wheel for each eviction class, and one for the flows in reserved entries, all with the same hand: the
// flows of a class that have least time left are found by going forward from the hand. A slot's flows stand in several
// lists, its lanes, in turn: whoever takes many of them waits for the memory of several at once. Each lane is first in,
// first out, or a flow that has just begun would be the first to make room for the next.
//
// One owner, no other reader. Lists are linked by index through Entry::timer_next and timer_previous.
#pragma once

#include "base/ticks.hpp"
#include "flow/entry.hpp"
#include "flow/state.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::flow {

class TimerWheel {
  public:
    static constexpr unsigned kSlotBits = 11;
    static constexpr unsigned kSlots = 1u << kSlotBits;
    static constexpr unsigned kTickShift = 7; ///< 128 ms a slot
    static constexpr base::Tick kHorizonTicks = (kSlots - 2) << kTickShift;
    static constexpr unsigned kLaneBits = 2;
    static constexpr unsigned kLanes = 1u << kLaneBits;
    /// An EvictionClass, or kReserved: which of the wheels.
    using Wheel = unsigned;
    static constexpr Wheel kReserved = kEvictionClassCount;
    static constexpr unsigned kWheels = kEvictionClassCount + 1;
    static constexpr unsigned kLists = kWheels << (kSlotBits + kLaneBits);
    static constexpr Wheel wheel_of(EvictionClass of) { return static_cast<Wheel>(of); }

    struct List {
        Index head = kNone;
        Index tail = kNone;
    };

    /// `lists` are kLists, a quarter of a megabyte, and outlive the wheel.
    TimerWheel(Entry* entries, List* lists, base::Tick now);

    /// Looks at the flow at or soon (128 ms) after `deadline`.
    void add(Index index, Wheel wheel, base::Tick deadline, base::Tick now);
    void remove(Index index);

    /// Takes up to `room` flows that are due at `now` out of the wheel. Theirs is to be added again, or gone.
    unsigned take_due(base::Tick now, Index* due, unsigned room);

    /// The flows of a wheel that come first in the slot with least time left: up to kLanes of them, the one to be
    /// taken next at the front. They stay where they are. `due` becomes the time the slot comes due.
    unsigned soonest(Wheel wheel, Index* flows, base::Tick& due);
    /// The last ones of the lists where a flow was added to the wheel latest: up to kLanes.
    unsigned latest(Wheel wheel, Index* flows) const;

    /// The list an armed flow is in, found by walking it: for tests.
    [[nodiscard]] unsigned list_of(Index index) const;
    [[nodiscard]] Index first_in(unsigned list) const { return lists_[list].head; }
    [[nodiscard]] Index next_of(Index index) const {
        const std::uint32_t next = entries_[index].timer_next;
        return next & kListFlag ? kNone : next;
    }
    static constexpr Wheel wheel_of_list(unsigned list) { return list >> (kSlotBits + kLaneBits); }

  private:
    /// In timer_previous of the first and timer_next of the last flow of a list: the list's number.
    static constexpr std::uint32_t kListFlag = 0x80000000;
    /// Which slots of a wheel have flows: set when one is added, cleared when the slot is found empty.
    using Occupied = std::array<std::uint64_t, kSlots / 64>;

    // Ticks wrap at 2^32, and so do turns, at 2^25: the wheel's size divides both.
    static constexpr std::uint32_t kTurnMask = 0xffffffffu >> kTickShift;
    static constexpr std::uint32_t turn_of(base::Tick tick) { return tick >> kTickShift; }
    static constexpr unsigned slot_of_turn(std::uint32_t turn) { return turn & (kSlots - 1); }
    static constexpr unsigned list_number(Wheel wheel, unsigned slot, unsigned lane) {
        return (wheel << kSlotBits | slot) << kLaneBits | lane;
    }
    void append(Index index, unsigned list);
    unsigned drain(unsigned first_list, Index* due, unsigned room);
    [[nodiscard]] bool slot_is_empty(Wheel wheel, unsigned slot) const;

    Entry* entries_;
    List* lists_;
    std::uint32_t turn_;   ///< absolute slot number that is being worked on: now >> kTickShift, not wrapped
    bool drained_ = false; ///< nothing is left in the slot of turn_
    unsigned next_lane_ = 0;
    std::array<Occupied, kWheels> occupied_{};
    std::array<unsigned, kWheels> latest_slot_{};
};

// These three run for every flow that begins or ends: inlined.

inline void TimerWheel::append(Index index, unsigned list) {
    List& at = lists_[list];
    Entry& entry = entries_[index];
    entry.timer_next = kListFlag | list;
    if (at.tail == kNone) {
        entry.timer_previous = kListFlag | list;
        at.head = index;
    } else {
        entry.timer_previous = at.tail;
        entries_[at.tail].timer_next = index;
    }
    at.tail = index;
}

inline void TimerWheel::add(Index index, Wheel wheel, base::Tick deadline, base::Tick now) {
    base::Tick wait = base::tick_reached(now, deadline) ? 0 : deadline - now;
    if (wait > kHorizonTicks) wait = kHorizonTicks;
    // One slot later than the deadline's own, so that the whole slot is over when it is worked on.
    std::uint32_t turn = (turn_of(now + wait) + 1) & kTurnMask;
    // Ageing may lag behind `now`; a slot a whole round ahead of it would come a round too early.
    if (((turn - turn_) & kTurnMask) >= kSlots) turn = (turn_ + kSlots - 1) & kTurnMask;

    const unsigned slot = slot_of_turn(turn);
    append(index, list_number(wheel, slot, next_lane_));
    next_lane_ = (next_lane_ + 1) & (kLanes - 1);
    occupied_[wheel][slot / 64] |= std::uint64_t{1} << (slot % 64);
    latest_slot_[wheel] = slot;
}

inline void TimerWheel::remove(Index index) {
    const Entry& entry = entries_[index];
    if (entry.timer_previous & kListFlag) {
        List& list = lists_[entry.timer_previous & ~kListFlag];
        list.head = entry.timer_next & kListFlag ? kNone : entry.timer_next;
    } else {
        entries_[entry.timer_previous].timer_next = entry.timer_next;
    }
    if (entry.timer_next & kListFlag) {
        List& list = lists_[entry.timer_next & ~kListFlag];
        list.tail = entry.timer_previous & kListFlag ? kNone : entry.timer_previous;
    } else {
        entries_[entry.timer_next].timer_previous = entry.timer_previous;
    }
}

} // namespace sluice::flow
