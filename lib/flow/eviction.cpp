// Who makes room for whom: flow/table.hpp says by which rules.
#include "flow/table.hpp"

namespace sluice::flow {
namespace {

using telemetry::EvictionCause;

/// Looks at so many groups of flows before it is content with what it found.
constexpr unsigned kRounds = 16;

constexpr EvictionCause cause_of(EvictionClass its_class, bool expired) {
    static_assert(static_cast<unsigned>(EvictionCause::closing) == static_cast<unsigned>(EvictionClass::closing) + 1);
    static_assert(static_cast<unsigned>(EvictionCause::answered) == static_cast<unsigned>(EvictionClass::answered) + 1);
    return expired ? EvictionCause::expired : static_cast<EvictionCause>(static_cast<unsigned>(its_class) + 1);
}

constexpr EndReason reason_of(EvictionCause cause) {
    constexpr auto kFirst = static_cast<unsigned>(EndReason::evicted_expired);
    static_assert(static_cast<unsigned>(EndReason::evicted_answered) ==
                  kFirst + static_cast<unsigned>(EvictionCause::answered));
    return static_cast<EndReason>(kFirst + static_cast<unsigned>(cause));
}

} // namespace

bool Table::make_room_for(const NewFlow& flow, EvictionClass its_class, base::Tick now) {
    const Taker taker{flow.key, flow.rule_slot, now};
    const bool own_reserve = has_reserve_left(flow.rule_slot);
    if (its_class == EvictionClass::half_open && count_of(its_class) >= config_.half_open_limit && !own_reserve)
        [[unlikely]]
        return take_from(its_class, taker, !flow.evicts);

    if (free_count_ > (own_reserve ? 0 : kept_free_)) [[likely]]
        return true;
    if (take_expired(taker)) return true;
    if (!flow.evicts) return false;
    if (take_from(EvictionClass::closing, taker, false)) return true;
    // The larger of the two makes room, so that a flood of either kind leaves the other half of what they share.
    const bool more_half_open = count_of(EvictionClass::half_open) > count_of(EvictionClass::unanswered);
    const EvictionClass larger = more_half_open ? EvictionClass::half_open : EvictionClass::unanswered;
    const EvictionClass smaller = more_half_open ? EvictionClass::unanswered : EvictionClass::half_open;
    return take_from(larger, taker, false) || take_from(smaller, taker, false);
}

/// Flows whose time is over, but which ageing has not come to yet.
bool Table::take_expired(const Taker& taker) {
    for (unsigned round = 0; round < kRounds; ++round) {
        Index due[TimerWheel::kLanes];
        const unsigned count = timers_.take_due(taker.now, due, TimerWheel::kLanes);
        Index victim = kNone;
        for (unsigned i = 0; i < count; ++i) {
            arm(due[i], taker.now); // those that are over come due again at once
            if (is_over(entries_[due[i]], taker.now)) victim = due[i];
        }
        if (victim != kNone) {
            evict(victim, taker);
            return true;
        }
        if (count < TimerWheel::kLanes) break;
    }
    return false;
}

/// `otherwise`, unless one of the flows that came latest belongs to a source that has many times more flows of this
/// class: whoever floods from one place makes room for himself.
Index Table::unless_greedy(Index otherwise, EvictionClass of, Index spared) const {
    constexpr std::uint32_t kFew = 8;
    const ShareSketch& sketch = of == EvictionClass::answered ? answered_by_source_ : unanswered_by_source_;
    const auto share = [this, &sketch](Index index) {
        const Entry& entry = entries_[index];
        return sketch.count(sketch.cell_of_address(entry.key, entry.original_is_second() ? 1 : 0));
    };
    Index chosen = otherwise;
    std::uint32_t most = 2 * share(otherwise) + kFew;
    Index latest[TimerWheel::kLanes];
    const unsigned count = timers_.latest(TimerWheel::wheel_of(of), latest);
    for (unsigned i = 0; i < count; ++i) {
        const std::uint32_t its = share(latest[i]);
        if (its <= most || latest[i] == spared) continue;
        most = its;
        chosen = latest[i];
    }
    return chosen;
}

/// A flow of the class with least time left makes room; `only_expired`: only if it has none.
bool Table::take_from(EvictionClass of, const Taker& taker, bool only_expired) {
    Index candidates[TimerWheel::kLanes];
    base::Tick due;
    const unsigned count = timers_.soonest(TimerWheel::wheel_of(of), candidates, due);
    if (count == 0) return false;
    // The others will be wanted by the next ones.
    for (unsigned i = 0; i < count; ++i) {
        base::prefetch(&entries_[candidates[i]]);
        base::prefetch(&entries_[candidates[i]].timer_next);
    }
    const Index first = candidates[0];
    if (only_expired && !is_over(entries_[first], taker.now)) return false;
    evict(of == EvictionClass::closing || only_expired ? first : unless_greedy(first, of, kNone), taker);
    return true;
}

/// Whether a packet has come since the flow was put into the slot that comes due at `due`.
bool Table::seen_since_armed(const Entry& entry, base::Tick due) const {
    const base::Tick timeout = deadline(entry) - entry.last_seen_tick.load();
    const base::Tick wait = timeout < look_interval_ticks_ ? timeout : look_interval_ticks_;
    const base::Tick horizon = wait < TimerWheel::kHorizonTicks ? wait : TimerWheel::kHorizonTicks;
    return base::tick_difference(entry.last_seen_tick.load(), due - horizon) > 0;
}

/// Of the answered flows the one that is idle for longest makes room, or nearly: the first group, of those that have
/// waited longest for a look, in which not all were seen meanwhile. Those that were get another round (the clock of
/// Corbató 1968).
bool Table::take_idle(const Taker& taker, Index spared) {
    constexpr EvictionClass kAnswered = EvictionClass::answered;
    const auto idle = [this, &taker](Index index) { return taker.now - entries_[index].last_seen_tick.load(); };
    Index longest = kNone;
    bool found_idle = false;
    for (unsigned round = 0; round < kRounds && !found_idle; ++round) {
        Index group[TimerWheel::kLanes];
        base::Tick due;
        const unsigned count = timers_.soonest(TimerWheel::wheel_of(kAnswered), group, due);
        for (unsigned i = 0; i < count; ++i) {
            base::prefetch(&entries_[group[i]]);
            base::prefetch(&entries_[group[i]].timer_next);
        }
        for (unsigned i = 0; i < count; ++i) {
            const Index index = group[i];
            const bool seen = seen_since_armed(entries_[index], due);
            if (seen) {
                timers_.remove(index);
                arm(index, taker.now);
            }
            if (index == spared) continue;
            found_idle = found_idle || !seen;
            if (longest == kNone || idle(index) > idle(longest)) longest = index;
        }
        if (count == 0) break;
    }
    if (longest == kNone) return false;
    evict(unless_greedy(longest, kAnswered, spared), taker);
    return true;
}

void Table::evict(Index victim, const Taker& taker) {
    const Entry& entry = entries_[victim];
    const EvictionCause cause = cause_of(class_of(entry), is_over(entry, taker.now));
    record(entry, cause, taker);
    remove(victim, reason_of(cause));
}

void Table::record(const Entry& victim, EvictionCause cause, const Taker& taker) {
    Eviction eviction{};
    eviction.lost = {victim.key, victim.original_is_second()};
    eviction.taker = taker.key;
    eviction.lost_rule = victim.rule_slot.load();
    eviction.taker_rule = taker.rule_slot;
    eviction.at = taker.now;
    eviction.idle_ticks = taker.now - victim.last_seen_tick.load();
    eviction.age_ticks = taker.now - victim.created_tick.load();
    eviction.cause = cause;
    evictions_.write(eviction);
    if (eviction.lost_rule < config_.evictions.size())
        config_.evictions[eviction.lost_rule].lost[static_cast<std::size_t>(cause)].add(1);
    if (taker.rule_slot < config_.evictions.size()) config_.evictions[taker.rule_slot].taken.add(1);
}

} // namespace sluice::flow
