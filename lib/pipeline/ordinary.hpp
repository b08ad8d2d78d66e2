// The short way through stage 6, for the packets that nearly all are: of a flow that is assured, TCP in its windows or
// UDP, which change nothing but "last seen", counters and windows.
//
// What it assumes, it looks at, all before it writes anything; a packet that is not so goes the long way of
// tracked.cpp, as if it had never been here. Everything is in one piece of straight code, with what belongs to the
// whole batch in locals: stores of bytes may alias members, which would be read again after each of them.
#pragma once

#include "flow/tcp_ordinary.hpp"
#include "packet/checksum.hpp"
#include "packet/transport.hpp"
#include "pipeline/rule_counting.hpp"

namespace sluice::pipeline {

/// What an ordinary packet may have done to its flow.
enum class Ordinary : std::uint8_t {
    no,      ///< not ordinary, and nothing has changed
    passes,  ///< forwarded
    stalled, ///< forwarded, and its flow's timeout is capped from now on, or is not any more
};

/// Passes the packet of row batch.tracked.row[n] if it is ordinary. `epoch` is the ruleset's.
[[gnu::always_inline]] inline Ordinary pass_ordinary(Batch& batch, unsigned n, flow::Table& flows, std::uint32_t epoch,
                                                     bool verify, base::Tick now, RuleTally& tally) {
    using namespace flow::entry_flag;
    using flow::State;
    constexpr std::uint8_t kBothWays = kReplied | kAssured; // then no packet of either end changes the flags,
    // and without kProxied no packet is changed
    const flow::Index index = batch.flow[n];
    if (index == flow::kNone || batch.error[n]) return Ordinary::no;
    flow::Entry& entry = flows.entry(index);
    const unsigned i = batch.tracked.row[n];
    const packet::Parsed& parsed = batch.parsed[i];
    const std::uint8_t flags = entry.flags.load();
    const State state = entry.state.load();
    const bool original = batch.sender_is_second[n] == ((flags & kOriginalIsSecond) != 0);
    const bool at_peer = batch.port[i] != batch.key[n].wire;
    const bool from_its_side = (at_peer == ((flags & kOpenedAtPeer) != 0)) == original;
    const bool same_flow = entry.generation.load() == batch.generation[n] && entry.epoch.load() == epoch;
    if (!same_flow || !from_its_side || (flags & (kBothWays | kProxied)) != kBothWays) [[unlikely]]
        return Ordinary::no;
    const bool tcp = flow::tcp::may_be_ordinary(state, parsed.tcp_flags);
    // An answer ends a UDP flow whose rule is brief.
    if (!tcp && (state != State::udp_established || (flags & kBrief) != 0)) return Ordinary::no;

    const std::byte* data = batch.data[i];
    if (verify && batch.checksum[i] != Checksum::good) {
        if (batch.checksum[i] == Checksum::bad) return Ordinary::no;
        const bool right = tcp ? packet::tcp_checksum_ok(data, parsed) : packet::udp_checksum_ok(data, parsed);
        batch.checksum[i] = right ? Checksum::good : Checksum::bad; // for whoever asks again
        if (!right) return Ordinary::no;
    }

    const auto direction = original ? flow::Direction::original : flow::Direction::reply;
    bool stalled_changes = false;
    if (tcp) {
        flow::tcp::Arrival arrival;
        packet::read_tcp_segment(data, parsed, arrival);
        arrival.flags = parsed.tcp_flags;
        const bool was_stalled = flow::tcp::stalled(entry.tracker.tcp);
        if (!flow::tcp::take_ordinary(entry.tracker.tcp, direction, arrival)) return Ordinary::no;
        stalled_changes = flow::tcp::stalled(entry.tracker.tcp) != was_stalled;
    }
    const std::uint32_t slot = entry.rule_slot.load();
    const unsigned packets = batch.packets_of(i);
    const std::uint32_t bytes = batch.bytes_of(i);
    entry.last_seen_tick.store(now);
    entry.count(direction, packets, bytes);
    tally.count(slot, packets, bytes);
    batch.rule_slot[i] = slot;
    batch.disposition[i] = Disposition::forward;
    return stalled_changes ? Ordinary::stalled : Ordinary::passes;
}

} // namespace sluice::pipeline
