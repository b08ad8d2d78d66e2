// Counting a packet under the rule that decided it.
#pragma once

#include "pipeline/batch.hpp"
#include "pipeline/context.hpp"

namespace sluice::pipeline {

inline telemetry::RuleCounters& counters_of_slot(const Context& context, std::uint32_t slot) {
    return context.rule_counters[slot];
}

inline void count_packet(telemetry::RuleCounters& counters, std::uint16_t length, base::Tick now) {
    counters.packets.add(1);
    counters.bytes.add(length);
    counters.last_hit_tick.store(now);
}

} // namespace sluice::pipeline
