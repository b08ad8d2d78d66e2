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

/// Counts packets under their rules, once for each run of packets of the same one.
class RuleTally {
  public:
    explicit RuleTally(const Context& context)
        : context_(context) {}
    RuleTally(const RuleTally&) = delete;
    RuleTally& operator=(const RuleTally&) = delete;
    ~RuleTally() { flush(); }

    void count(std::uint32_t slot, unsigned packets, std::uint32_t bytes) {
        if (slot != slot_) [[unlikely]] {
            flush();
            slot_ = slot;
        }
        packets_ += packets;
        bytes_ += bytes;
    }

  private:
    void flush() {
        if (packets_ == 0) return;
        telemetry::RuleCounters& counters = counters_of_slot(context_, slot_);
        counters.packets.add(packets_);
        counters.bytes.add(bytes_);
        counters.last_hit_tick.store(context_.now);
        packets_ = 0;
        bytes_ = 0;
    }

    const Context& context_;
    std::uint32_t slot_ = kNoRule;
    std::uint32_t packets_ = 0;
    std::uint64_t bytes_ = 0;
};

} // namespace sluice::pipeline
