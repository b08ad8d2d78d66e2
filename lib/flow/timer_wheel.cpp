#include "flow/timer_wheel.hpp"

namespace sluice::flow {
namespace {

// Ticks wrap at 2^32, and so do turns, at 2^25: the wheel's size divides both.
constexpr std::uint32_t kTurnMask = 0xffffffffu >> TimerWheel::kTickShift;

constexpr std::uint32_t turn_of(base::Tick tick) {
    return tick >> TimerWheel::kTickShift;
}
constexpr unsigned slot_of_turn(std::uint32_t turn) {
    return turn & (TimerWheel::kSlots - 1);
}

} // namespace

TimerWheel::TimerWheel(Entry* entries, base::Tick now)
    : entries_(entries)
    , turn_(turn_of(now)) {
    heads_.fill(kNone);
}

void TimerWheel::add(Index index, base::Tick deadline, base::Tick now) {
    base::Tick wait = base::tick_reached(now, deadline) ? 0 : deadline - now;
    if (wait > kHorizonTicks) wait = kHorizonTicks;
    // One slot later than the deadline's own, so that the whole slot is over when it is worked on.
    std::uint32_t turn = (turn_of(now + wait) + 1) & kTurnMask;
    // Ageing may lag behind `now`; a slot a whole round ahead of it would come a round too early.
    if (((turn - turn_) & kTurnMask) >= kSlots) turn = (turn_ + kSlots - 1) & kTurnMask;

    const unsigned slot = slot_of_turn(turn);
    Entry& entry = entries_[index];
    entry.timer_next = heads_[slot];
    entry.timer_previous = kSlotFlag | slot;
    if (heads_[slot] != kNone) entries_[heads_[slot]].timer_previous = index;
    heads_[slot] = index;
}

void TimerWheel::remove(Index index) {
    const Entry& entry = entries_[index];
    if (entry.timer_previous & kSlotFlag)
        heads_[entry.timer_previous & ~kSlotFlag] = entry.timer_next;
    else
        entries_[entry.timer_previous].timer_next = entry.timer_next;
    if (entry.timer_next != kNone) entries_[entry.timer_next].timer_previous = entry.timer_previous;
}

Index TimerWheel::take_due(base::Tick now) {
    const std::uint32_t current = turn_of(now);
    for (;;) {
        const Index index = heads_[slot_of_turn(turn_)];
        if (index != kNone) {
            remove(index);
            return index;
        }
        // A turn is worked on once it has begun: entries sit one slot behind their deadline.
        if (turn_ == current) return kNone;
        turn_ = (turn_ + 1) & kTurnMask;
    }
}

unsigned TimerWheel::slot_of(Index index) const {
    while (!(entries_[index].timer_previous & kSlotFlag)) {
        index = entries_[index].timer_previous;
    }
    return entries_[index].timer_previous & ~kSlotFlag;
}

} // namespace sluice::flow
