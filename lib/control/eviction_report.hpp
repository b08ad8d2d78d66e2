// Who was evicted for whom: show.evictions, from the counters and logs of all workers' tables.
#pragma once

#include "admin/protocol.hpp"
#include "base/ticks.hpp"
#include "control/counter_slots.hpp"
#include "flow/table.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace sluice::control {

/// What a rule's flows lost, by cause; causes met only.
admin::Json evictions_by_cause(const RuleTotals& totals);

/// The result of show.evictions. `rule`: only what this slot's flows lost or took, in `by_rule` and `latest`; `limit`
/// rows in `latest` at most.
admin::Json eviction_report(std::span<const flow::Table* const> tables, const CounterSlots& slots,
                            std::optional<std::uint32_t> rule, std::uint64_t limit, base::Tick now);

} // namespace sluice::control
