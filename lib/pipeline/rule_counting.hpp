// Counting packets under the rule that decided them.
#pragma once

#include "pipeline/batch.hpp"
#include "pipeline/context.hpp"

namespace sluice::pipeline {

inline telemetry::RuleCounters& counters_of_slot(const Context& context, std::uint32_t slot) {
    return context.rule_counters[slot];
}

/// The packet of a row; of a datagram, all its fragments.
inline void count_row(telemetry::RuleCounters& counters, const Batch& batch, unsigned row, base::Tick now) {
    counters.packets.add(batch.packets_of(row));
    counters.bytes.add(batch.bytes_of(row));
    counters.last_hit_tick.store(now);
}

} // namespace sluice::pipeline
