// Which flow to look at when: a wheel of slots 128 ms apart, each a doubly linked list through the entries.
//
// The data path never touches the wheel when a packet refreshes a flow: it only writes "last seen". When a slot comes
// due, each of its flows is looked at once: over, or put into the slot of its new deadline. A deadline beyond the
// wheel's horizon (8.7 minutes) waits in the last slot and is looked at again. (Varghese and Lauck 1987, scheme 4,
// with lazy re-arming.)
//
// One owner, no other reader. Lists are linked by index through Entry::timer_next and timer_previous.
#pragma once

#include "base/ticks.hpp"
#include "flow/entry.hpp"

#include <array>
#include <cstdint>

namespace sluice::flow {

class TimerWheel {
  public:
    static constexpr unsigned kSlotBits = 12;
    static constexpr unsigned kSlots = 1u << kSlotBits;
    static constexpr unsigned kTickShift = 7; ///< 128 ms a slot
    static constexpr base::Tick kHorizonTicks = (kSlots - 2) << kTickShift;

    TimerWheel(Entry* entries, base::Tick now);

    /// Looks at the flow at or soon (128 ms) after `deadline`.
    void add(Index index, base::Tick deadline, base::Tick now);
    void remove(Index index);

    /// Takes the next flow that is due at `now` out of the wheel, or kNone.
    Index take_due(base::Tick now);

    /// The slot an armed flow is in, found by walking its list: for tests.
    [[nodiscard]] unsigned slot_of(Index index) const;
    [[nodiscard]] Index first_in(unsigned slot) const { return heads_[slot]; }

  private:
    static constexpr std::uint32_t kSlotFlag = 0x80000000;

    Entry* entries_;
    std::uint32_t turn_; ///< absolute slot number that is being worked on: now >> kTickShift, not wrapped
    std::array<Index, kSlots> heads_;
};

} // namespace sluice::flow
