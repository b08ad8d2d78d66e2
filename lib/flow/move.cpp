// From one table to another, of another size, while packets pass.
//
// The owner gives look-ups to the new table from one moment on; a flow that is only in the old one is moved when it is
// looked up, and those that nobody looks up are moved a few at a time. Both tables have the same seed, so that a flow's
// hash stays what it was.
#include "flow/table.hpp"

#include <cassert>
#include <cstring>

namespace sluice::flow {

void Table::take_over(Table& from) {
    from.sweep_hand_ = 0;
    stats_.created.store(from.stats_.created.load());
    stats_.refused.store(from.stats_.refused.load());
    stats_.pressure_entered.store(from.stats_.pressure_entered.load());
    for (std::size_t r = 0; r < from.stats_.ended.size(); ++r)
        stats_.ended[r].store(from.stats_.ended[r].load());
    set_reserves(std::span(from.reserves_).first(from.reserve_count_));
    look_interval_ticks_ = from.look_interval_ticks_;
}

void Table::move_offset(Index index, const SequenceOffset& offset) {
    SequenceOffset& here = add_sequence_offset(index);
    const std::uint32_t flow = here.flow;
    here = offset;
    here.flow = flow;
}

Index Table::adopt(Table& from, Index index, base::Tick now) {
    using namespace entry_flag;
    Entry& old = from.entries_[index];
    assert(old.live());
    NewFlow flow;
    flow.key = {old.key, old.original_is_second()};
    flow.hash = hash_of(old.key);
    flow.state = old.state.load();
    flow.timeout_ticks = old.timeout_ticks.load();
    flow.rule_slot = old.rule_slot.load();
    flow.epoch = old.epoch.load();
    flow.evicts = !(old.flags.load() & kYields);
    flow.extra_flags = static_cast<std::uint8_t>(old.flags.load() & ~(kOriginalIsSecond | kYields | kKept | kProxied));
    const SequenceOffset* old_offset = old.flags.load() & kProxied ? from.offsets_.find(index) : nullptr;
    const SequenceOffset offset = old_offset != nullptr ? *old_offset : SequenceOffset{};
    const bool fits = old_offset == nullptr || offsets_.has_room();
    const std::uint32_t reserve_before = reserve_left(flow.rule_slot);
    from.remove(index, EndReason::moved); // what it holds stays readable until its entry is used again
    kept_free_ += reserve_left(flow.rule_slot) - reserve_before;
    const Index here = fits ? create(flow, now) : kNone;
    if (here == kNone) {
        stats_.ended[static_cast<std::size_t>(EndReason::moved)].add(1);
        return kNone;
    }
    stats_.created.add(~std::uint64_t{0}); // it was, long ago
    Entry& entry = entries_[here];
    entry.last_seen_tick.store(old.last_seen_tick.load());
    entry.created_tick.store(old.created_tick.load());
    for (unsigned d = 0; d < 2; ++d) {
        entry.packets[d].store(old.packets[d].load());
        entry.bytes_low[d].store(old.bytes_low[d].load());
        entry.bytes_high[d].store(old.bytes_high[d].load());
    }
    std::memcpy(&entry.tracker, &old.tracker, sizeof entry.tracker);
    if (old_offset != nullptr) move_offset(here, offset);
    timers_.remove(here);
    arm(here, now);
    return here;
}

bool Table::move_some(Table& from, unsigned budget, base::Tick now) {
    constexpr unsigned kAhead = 8;
    Index& hand = from.sweep_hand_;
    for (; budget != 0 && hand < from.config_.capacity; --budget, ++hand) {
        if (hand + kAhead < from.config_.capacity) base::prefetch(&from.entries_[hand + kAhead]);
        if (from.entries_[hand].live()) (void)adopt(from, hand, now);
    }
    return hand == from.config_.capacity;
}

} // namespace sluice::flow
