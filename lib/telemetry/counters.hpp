// What a worker counts. One writer, the worker; the control thread reads at any time.
//
// Invariant, summed over all workers:
//     received + made = forwarded + answered + sum of drops + held
// where held = handed off - handed in (packets inside a ring between two workers) + held fragments. What Sluice says
// itself is made, and then forwarded or dropped like what it received.
#pragma once

#include "base/cache_line.hpp"
#include "base/cell.hpp"
#include "telemetry/drop_reason.hpp"
#include "telemetry/stage_cycles.hpp"

#include <array>
#include <cstdint>
#include <string_view>

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
    base::Cell<std::uint64_t> answered_packets;   ///< ended here, because Sluice spoke for the other end (SYN cookies)
    base::Cell<std::uint64_t> made_packets;       ///< of Sluice's own
    std::array<base::Cell<std::uint64_t>, kDropReasonCount> drops;

    base::Cell<std::uint64_t> cookies_sent;        ///< SYNs answered without a flow
    base::Cell<std::uint64_t> cookies_accepted;    ///< flows begun by an answer to a cookie
    base::Cell<std::uint64_t> cookies_refused;     ///< answers with a wrong one, or too late
    base::Cell<std::uint64_t> made_without_buffer; ///< packets that Sluice could not make; hosts then ask again

    base::Cell<std::uint64_t> loops;
    base::Cell<std::uint64_t> bursts;      ///< loops over a queue that brought at least one packet
    base::Cell<std::uint64_t> busy_cycles; ///< TSC cycles of loops that had something to do
    base::Cell<std::uint64_t> all_cycles;  ///< TSC cycles of all loops
    base::Cell<std::uint32_t> epoch;       ///< of the ruleset the worker used last
    StageCycles stages;
};

/// One for each rule and worker. Slots belong to rule names and survive a reload.
struct RuleCounters {
    base::Cell<std::uint64_t> packets;
    base::Cell<std::uint64_t> bytes;
    base::Cell<std::uint64_t> flows_created;
    base::Cell<std::uint32_t> last_hit_tick; ///< meaningless while packets is 0
    base::Cell<std::uint32_t> flows;         ///< in the table now
};
static_assert(sizeof(RuleCounters) == 32);

/// Why a flow lost its entry to another one.
enum class EvictionCause : std::uint8_t { expired, closing, half_open, unanswered, answered };
inline constexpr std::array<std::string_view, 5> kEvictionCauseNames = {"expired", "closing", "half_open", "unanswered",
                                                                        "answered"};

/// One for each rule and worker, apart from RuleCounters because most rules never touch it.
struct alignas(base::kCacheLine) RuleEvictions {
    std::array<base::Cell<std::uint64_t>, kEvictionCauseNames.size()> lost; ///< flows of the rule, by cause
    base::Cell<std::uint64_t> taken;   ///< flows of any rule that made room for flows of this one
    base::Cell<std::uint64_t> refused; ///< flows of the rule for which no room could be made
    base::Cell<std::uint32_t> kept;    ///< flows of the rule that are in reserved entries now
};
static_assert(sizeof(RuleEvictions) == base::kCacheLine);

} // namespace sluice::telemetry
