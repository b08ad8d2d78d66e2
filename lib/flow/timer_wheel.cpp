#include "flow/timer_wheel.hpp"

#include <bit>

namespace sluice::flow {
TimerWheel::TimerWheel(Entry* entries, List* lists, base::Tick now)
    : entries_(entries)
    , lists_(lists)
    , turn_(turn_of(now)) {}

/// Takes from the lanes of one slot in turn. What a lane has next is fetched while the other lanes are looked at.
unsigned TimerWheel::drain(unsigned first_list, Index* due, unsigned room) {
    unsigned taken = 0;
    unsigned waiting = 0; // lanes that still have flows
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        const Index head = lists_[first_list + lane].head;
        if (head == kNone) continue;
        ++waiting;
        base::prefetch(&entries_[head].timer_next);
    }
    while (waiting != 0 && taken < room) {
        waiting = 0;
        for (unsigned lane = 0; lane < kLanes && taken < room; ++lane) {
            List& list = lists_[first_list + lane];
            if (list.head == kNone) continue;
            due[taken++] = list.head;
            const Index next = entries_[list.head].timer_next;
            if (next & kListFlag) {
                list = {};
                continue;
            }
            list.head = next;
            ++waiting;
            base::prefetch(&entries_[next]);
            base::prefetch(&entries_[next].timer_next);
        }
    }
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        const List& list = lists_[first_list + lane];
        if (list.head != kNone) entries_[list.head].timer_previous = kListFlag | (first_list + lane);
    }
    return taken;
}

unsigned TimerWheel::take_due(base::Tick now, Index* due, unsigned room) {
    const std::uint32_t current = turn_of(now);
    unsigned taken = 0;
    for (;;) {
        // A turn is worked on once it has begun: entries sit one slot behind their deadline, so that none is added to
        // it any more.
        const unsigned slot = slot_of_turn(turn_);
        for (Wheel wheel = 0; !drained_ && wheel < kWheels; ++wheel) {
            const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
            if (!(occupied_[wheel][slot / 64] & bit)) continue;
            taken += drain(list_number(wheel, slot, 0), due + taken, room - taken);
            if (taken == room) return taken;
            occupied_[wheel][slot / 64] &= ~bit;
        }
        drained_ = turn_ == current;
        if (drained_) return taken;
        turn_ = (turn_ + 1) & kTurnMask;
    }
}

bool TimerWheel::slot_is_empty(Wheel wheel, unsigned slot) const {
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        if (lists_[list_number(wheel, slot, lane)].head != kNone) return false;
    }
    return true;
}

unsigned TimerWheel::soonest(Wheel wheel, Index* flows, base::Tick& due) {
    Occupied& occupied = occupied_[wheel];
    const unsigned first = slot_of_turn(turn_);
    // Once around, a word at a time; the word of `first` comes twice, its lower bits at the end.
    for (unsigned step = 0; step <= kSlots / 64; ++step) {
        const unsigned word = (first / 64 + step) % (kSlots / 64);
        std::uint64_t bits = occupied[word];
        if (step == 0) bits &= ~std::uint64_t{0} << (first % 64);
        for (; bits != 0; bits &= bits - 1) {
            const unsigned slot = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
            if (slot_is_empty(wheel, slot)) {
                occupied[word] &= ~(bits & -bits);
                continue;
            }
            unsigned count = 0;
            for (unsigned i = 0; i < kLanes; ++i) {
                const Index head = lists_[list_number(wheel, slot, (next_lane_ + i) & (kLanes - 1))].head;
                if (head != kNone) flows[count++] = head;
            }
            due = (turn_ + ((slot - first) & (kSlots - 1))) << kTickShift;
            return count;
        }
    }
    return 0;
}

unsigned TimerWheel::latest(Wheel wheel, Index* flows) const {
    unsigned count = 0;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        const Index tail = lists_[list_number(wheel, latest_slot_[wheel], lane)].tail;
        if (tail != kNone) flows[count++] = tail;
    }
    return count;
}

unsigned TimerWheel::list_of(Index index) const {
    while (!(entries_[index].timer_previous & kListFlag)) {
        index = entries_[index].timer_previous;
    }
    return entries_[index].timer_previous & ~kListFlag;
}

} // namespace sluice::flow
