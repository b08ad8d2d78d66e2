#include "control/counter_slots.hpp"

#include "base/ticks.hpp"

#include <set>
#include <utility>

namespace sluice::control {
namespace {

void add(RuleTotals& sum, const telemetry::RuleEvictions& one) {
    for (std::size_t cause = 0; cause < sum.lost.size(); ++cause)
        sum.lost[cause] += one.lost[cause].load();
    sum.taken += one.taken.load();
    sum.refused += one.refused.load();
    sum.kept += one.kept.load();
}

} // namespace

CounterSlots::CounterSlots(std::uint32_t capacity, std::vector<SlotCounters> by_worker)
    : capacity_(capacity)
    , by_worker_(std::move(by_worker)) {}

std::optional<std::uint32_t> CounterSlots::take_slot() {
    if (fresh_ < capacity_) return fresh_++;
    if (returned_.empty()) return std::nullopt;
    const std::uint32_t slot = returned_.front();
    returned_.pop_front();
    baseline_[slot] = counted(slot);
    return slot;
}

std::optional<std::vector<std::uint32_t>> CounterSlots::assign(const std::vector<std::string>& names) {
    std::vector<std::uint32_t> slots;
    for (const std::string& name : names) {
        if (const auto known = by_name_.find(name); known != by_name_.end()) {
            slots.push_back(known->second);
            continue;
        }
        const auto slot = take_slot();
        if (!slot) return std::nullopt;
        by_name_.emplace(name, *slot);
        by_slot_[*slot] = name;
        slots.push_back(*slot);
    }
    return slots;
}

void CounterSlots::keep_only(const std::vector<std::string>& names) {
    const std::set<std::string, std::less<>> kept(names.begin(), names.end());
    for (auto it = by_name_.begin(); it != by_name_.end();) {
        if (kept.count(it->first) != 0) {
            ++it;
            continue;
        }
        returned_.push_back(it->second);
        by_slot_.erase(it->second);
        it = by_name_.erase(it);
    }
}

RuleTotals CounterSlots::counted(std::uint32_t slot) const {
    RuleTotals sum;
    for (const SlotCounters& worker : by_worker_) {
        if (slot < worker.evictions.size()) add(sum, worker.evictions[slot]);
        const telemetry::RuleCounters& one = worker.rules[slot];
        const std::uint64_t packets = one.packets.load();
        sum.packets += packets;
        sum.bytes += one.bytes.load();
        sum.flows_created += one.flows_created.load();
        sum.flows += one.flows.load();
        if (packets == 0) continue;
        const std::uint32_t hit = one.last_hit_tick.load();
        if (!sum.last_hit_tick || base::tick_difference(hit, *sum.last_hit_tick) > 0) sum.last_hit_tick = hit;
    }
    return sum;
}

RuleTotals CounterSlots::totals(std::uint32_t slot) const {
    RuleTotals now = counted(slot);
    const auto before = baseline_.find(slot);
    if (before == baseline_.end()) return now;
    now.packets -= before->second.packets;
    now.bytes -= before->second.bytes;
    now.flows_created -= before->second.flows_created;
    for (std::size_t cause = 0; cause < now.lost.size(); ++cause)
        now.lost[cause] -= before->second.lost[cause];
    now.taken -= before->second.taken;
    now.refused -= before->second.refused;
    if (now.packets == 0) now.last_hit_tick.reset();
    return now;
}

const std::string* CounterSlots::name_of(std::uint32_t slot) const {
    const auto it = by_slot_.find(slot);
    return it == by_slot_.end() ? nullptr : &it->second;
}

std::optional<std::uint32_t> CounterSlots::slot_of(std::string_view name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? std::nullopt : std::optional(it->second);
}

} // namespace sluice::control
