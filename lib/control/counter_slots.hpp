// Which counter belongs to which rule name, over reloads: a rule that keeps its name keeps its counters.
#pragma once

#include "telemetry/counters.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::control {

/// A rule's counters, all workers together, since its name first appeared.
struct RuleTotals {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t flows_created = 0;
    std::optional<std::uint32_t> last_hit_tick;
    std::array<std::uint64_t, telemetry::kEvictionCauseNames.size()> lost{}; ///< flows that made room, by cause
    std::uint64_t taken = 0;                                                 ///< flows that made room for its own
    std::uint64_t refused = 0;
    // Not since then, but now:
    std::uint64_t flows = 0;
    std::uint64_t kept = 0; ///< of these, in reserved entries
};

/// What one worker counts by slot.
struct SlotCounters {
    std::span<const telemetry::RuleCounters> rules;
    std::span<const telemetry::RuleEvictions> evictions; ///< may be empty: none are counted
};

/// One thread, the control thread. Slots of names that went away are given out again only when no fresh one is left,
/// and start at what they had counted by then: workers are the only writers of the counters, so nothing is set to zero.
class CounterSlots {
  public:
    CounterSlots(std::uint32_t capacity, std::vector<SlotCounters> by_worker);

    /// A slot for each name, in order; nothing when there are more names than slots.
    std::optional<std::vector<std::uint32_t>> assign(const std::vector<std::string>& names);
    /// Gives back the slots of every name that is not in `names`.
    void keep_only(const std::vector<std::string>& names);

    [[nodiscard]] RuleTotals totals(std::uint32_t slot) const;
    [[nodiscard]] const std::string* name_of(std::uint32_t slot) const;
    [[nodiscard]] std::optional<std::uint32_t> slot_of(std::string_view name) const;
    /// Names and their slots, by name.
    [[nodiscard]] const std::map<std::string, std::uint32_t, std::less<>>& by_name() const { return by_name_; }

  private:
    std::optional<std::uint32_t> take_slot();
    [[nodiscard]] RuleTotals counted(std::uint32_t slot) const;

    std::uint32_t capacity_;
    std::vector<SlotCounters> by_worker_;
    std::uint32_t fresh_ = 0;
    std::deque<std::uint32_t> returned_; ///< oldest first
    std::map<std::string, std::uint32_t, std::less<>> by_name_;
    std::map<std::uint32_t, std::string> by_slot_;
    std::map<std::uint32_t, RuleTotals> baseline_; ///< of slots that had an owner before
};

} // namespace sluice::control
