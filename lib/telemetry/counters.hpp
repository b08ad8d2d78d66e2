// What a worker counts. One writer, the worker; the control thread reads at any time.
//
// Invariant, summed over all workers:
//     received = forwarded + sum of drops + held
// where held = handed off - handed in (packets inside a ring between two workers) + held fragments.
#pragma once

#include "base/cache_line.hpp"
#include "base/cell.hpp"
#include "telemetry/drop_reason.hpp"

#include <array>
#include <cstdint>

namespace sluice::telemetry {

/// Packets and bytes are counted once a burst, not once a packet: see pipeline/tally.hpp.
struct alignas(base::kCacheLine) WorkerCounters {
    base::Cell<std::uint64_t> received_packets;
    base::Cell<std::uint64_t> received_bytes;
    base::Cell<std::uint64_t> forwarded_packets;
    base::Cell<std::uint64_t> forwarded_bytes;
    base::Cell<std::uint64_t> handed_off_packets; ///< put into another worker's ring
    base::Cell<std::uint64_t> handed_in_packets;  ///< taken from such a ring
    base::Cell<std::uint64_t> held_fragments;     ///< at present, of datagrams that are not complete
    std::array<base::Cell<std::uint64_t>, kDropReasonCount> drops;

    base::Cell<std::uint64_t> loops;
    base::Cell<std::uint64_t> bursts;      ///< loops over a queue that brought at least one packet
    base::Cell<std::uint64_t> busy_cycles; ///< TSC cycles of loops that had something to do
    base::Cell<std::uint64_t> all_cycles;  ///< TSC cycles of all loops
    base::Cell<std::uint32_t> epoch;       ///< of the ruleset the worker used last
};

/// One for each rule and worker. Slots belong to rule names and survive a reload.
struct RuleCounters {
    base::Cell<std::uint64_t> packets;
    base::Cell<std::uint64_t> bytes;
    base::Cell<std::uint64_t> flows_created;
    base::Cell<std::uint32_t> last_hit_tick; ///< meaningless while packets is 0
};
static_assert(sizeof(RuleCounters) == 32);

} // namespace sluice::telemetry
