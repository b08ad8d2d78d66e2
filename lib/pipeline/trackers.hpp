// The protocols' trackers (flow/), put to a packet.
#pragma once

#include "flow/entry.hpp"
#include "packet/parsed.hpp"
#include "telemetry/drop_reason.hpp"

#include <cstddef>
#include <span>

namespace sluice::pipeline {

/// A packet as trackers see it: the bytes that hold its transport header, and what parse() said about them.
struct Seen {
    std::span<const std::byte> bytes;
    const packet::Parsed& parsed;
};

/// Whether a packet that belongs to no flow may open one.
struct Opening {
    bool opens = false;
    telemetry::DropReason why{}; ///< when it does not
    flow::State state{};
    flow::Tracker tracker{};
};

/// `loose`: TCP may also be picked up in its middle.
Opening open_tracker(const Seen& packet, bool loose);

/// What a packet does to its flow.
enum class Advance : std::uint8_t {
    move,    ///< passes; the state becomes `next`, and the flow counts as seen
    pass,    ///< passes, and refreshes nothing
    restart, ///< belongs to no flow any more: opens a new one in place of this
    finish,  ///< passes, and the flow is over
    drop,    ///< for `why`; the flow is as it was
};

/// `next` is set for Advance::move, `why` for Advance::drop.
Advance advance_tracker(flow::Entry& entry, flow::Direction direction, const Seen& packet, flow::State& next,
                        telemetry::DropReason& why);

/// Whether the flow's timeout is capped for now, because its other end may be gone.
inline bool is_stalled(const flow::Entry& entry) {
    return entry.key.protocol == net::protocol::kTcp && flow::tcp::stalled(entry.tracker.tcp);
}

/// Whether the flow may have sent what an ICMP error quotes. `bytes` are the frame that `quoted` has its offsets in.
bool may_be_quoted(const flow::Entry& entry, flow::Direction direction, const Seen& quoted);

} // namespace sluice::pipeline
