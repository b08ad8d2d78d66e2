// What the stages of one worker work with. Everything in it belongs to that worker or is immutable.
#pragma once

#include "base/ticks.hpp"
#include "flow/table.hpp"
#include "pipeline/ownership.hpp"
#include "reassembly/table.hpp"
#include "ruleset/ruleset.hpp"
#include "telemetry/counters.hpp"

#include <span>

namespace sluice::pipeline {

class SynProxy;

struct Context {
    const ruleset::Ruleset* ruleset = nullptr; ///< loaded once a burst
    flow::Table* flows = nullptr;
    flow::Table* leaving = nullptr; ///< whose flows are being moved to `flows`
    reassembly::Table* fragments = nullptr;
    SynProxy* syn_proxy = nullptr; ///< none: every SYN opens its flow, and no flow is entry_flag::kProxied
    telemetry::WorkerCounters* counters = nullptr;
    std::span<telemetry::RuleCounters> rule_counters; ///< by counter slot
    base::Tick now = 0;
    Ownership ownership;
    SymmetricToeplitz toeplitz;
    telemetry::StageClock clock;
};

} // namespace sluice::pipeline
