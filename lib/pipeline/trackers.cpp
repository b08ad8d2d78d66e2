#include "pipeline/trackers.hpp"

#include "flow/sctp.hpp"
#include "flow/tcp_ordinary.hpp"
#include "net/headers.hpp"
#include "packet/parse.hpp"
#include "packet/quote.hpp"
#include "packet/transport.hpp"

#include <cstring>

namespace sluice::pipeline {
namespace {

using flow::Direction;
using flow::State;
using telemetry::DropReason;

static_assert(packet::kNoWindowScale == flow::tcp::kNoScale);

void read_tcp(const Seen& packet, flow::tcp::Arrival& arrival) {
    packet::read_tcp_segment(packet.bytes.data(), packet.parsed, arrival);
    arrival.flags = packet.parsed.tcp_flags;
}

flow::sctp::Chunk chunk_of(std::uint8_t type) {
    using flow::sctp::Chunk;
    switch (type) { // RFC 9260, 3.2
    case 1: return Chunk::init;
    case 2: return Chunk::init_ack;
    case 6: return Chunk::abort;
    case 7: return Chunk::shutdown;
    case 8: return Chunk::shutdown_ack;
    case 10: return Chunk::cookie_echo;
    case 11: return Chunk::cookie_ack;
    case 14: return Chunk::shutdown_complete;
    default: return Chunk::other;
    }
}

/// False for a packet whose chunks do not hold together.
bool sctp_arrival(const Seen& packet, flow::sctp::Arrival& arrival) {
    constexpr std::uint8_t kTagReflected = 0x01; // the T bit: RFC 9260, 3.3.7 and 3.3.13
    const packet::SctpPacket sctp = packet::read_sctp_packet(packet.bytes, packet.parsed);
    arrival.chunk = chunk_of(sctp.chunk);
    arrival.tag = sctp.tag;
    arrival.initiate = sctp.initiate_tag;
    arrival.tag_reflected = sctp.chunk_flags & kTagReflected;
    return sctp.sound;
}

Opening refused(DropReason why) {
    Opening opening;
    opening.why = why;
    return opening;
}

Opening opened(State state) {
    Opening opening;
    opening.opens = true;
    opening.state = state;
    return opening;
}

Opening open_tcp(const Seen& packet, bool loose) {
    const std::uint8_t flags = packet.parsed.tcp_flags;
    if (!flow::tcp::flags_possible(flags)) return refused(DropReason::tcp_bad_flags);
    const flow::tcp::Segment kind = flow::tcp::classify(flags);
    flow::tcp::Arrival arrival;
    read_tcp(packet, arrival);
    if (kind == flow::tcp::Segment::syn) {
        Opening opening = opened(State::tcp_syn_sent);
        flow::tcp::open(opening.tracker.tcp, arrival);
        return opening;
    }
    if (!loose || kind != flow::tcp::Segment::ack) return refused(DropReason::not_a_syn);
    Opening opening = opened(State::tcp_established);
    flow::tcp::pick_up(opening.tracker.tcp, arrival);
    return opening;
}

Opening open_sctp(const Seen& packet) {
    flow::sctp::Arrival arrival;
    if (!sctp_arrival(packet, arrival)) return refused(DropReason::bad_l4_header);
    if (!flow::sctp::opens(arrival)) return refused(DropReason::not_an_init);
    Opening opening = opened(State::sctp_cookie_wait);
    flow::sctp::open(opening.tracker.sctp, arrival);
    return opening;
}

Advance drop(DropReason reason, DropReason& why) {
    why = reason;
    return Advance::drop;
}

Advance advance_tcp(flow::Entry& entry, Direction direction, const Seen& packet, State& next, DropReason& why) {
    using flow::tcp::Outcome;
    if (!flow::tcp::flags_possible(packet.parsed.tcp_flags)) return drop(DropReason::tcp_bad_flags, why);
    flow::tcp::Arrival arrival;
    read_tcp(packet, arrival);
    if (flow::tcp::take_regular(entry.tracker.tcp, entry.state.load(), direction, arrival, next)) [[likely]]
        return Advance::move;
    const std::uint8_t flags = entry.flags.load();
    const flow::tcp::Standing standing{entry.state.load(), (flags & flow::entry_flag::kReplied) != 0,
                                       (flags & flow::entry_flag::kAssured) != 0};
    switch (flow::tcp::judge(entry.tracker.tcp, standing, direction, arrival, next)) {
    case Outcome::move: return Advance::move;
    case Outcome::pass: return Advance::pass;
    case Outcome::restart: return Advance::restart;
    case Outcome::finish: return Advance::finish;
    case Outcome::refuse_state: return drop(DropReason::tcp_bad_state, why);
    case Outcome::refuse_window: break;
    }
    return drop(DropReason::tcp_out_of_window, why);
}

Advance advance_sctp(flow::Entry& entry, Direction direction, const Seen& packet, State& next, DropReason& why) {
    using flow::sctp::Outcome;
    flow::sctp::Arrival arrival;
    if (!sctp_arrival(packet, arrival)) return drop(DropReason::bad_l4_header, why);
    const flow::sctp::Judgement judged = flow::sctp::judge(entry.tracker.sctp, entry.state.load(), direction, arrival);
    next = judged.next;
    switch (judged.outcome) {
    case Outcome::move: return Advance::move;
    case Outcome::restart: return Advance::restart;
    case Outcome::refuse: return drop(DropReason::sctp_bad_state, why);
    case Outcome::refuse_tag: break;
    }
    return drop(DropReason::sctp_bad_tag, why);
}

/// UDP, ICMP queries and the rest: new until the other end has answered.
Advance advance_pseudo(const flow::Entry& entry, Direction direction, State& next) {
    next = entry.state.load();
    if (direction == Direction::original) return Advance::move;
    if (next == State::udp_new)
        next = State::udp_established;
    else if (next == State::other_new)
        next = State::other_established;
    return Advance::move;
}

} // namespace

Opening open_tracker(const Seen& packet, bool loose) {
    switch (packet.parsed.protocol) {
    case net::protocol::kTcp: return open_tcp(packet, loose);
    case net::protocol::kSctp: return open_sctp(packet);
    case net::protocol::kUdp: return opened(State::udp_new);
    case net::protocol::kIcmp:
    case net::protocol::kIcmpv6:
        if (packet::is_icmp_query(packet.parsed.family, packet.parsed.icmp_type) && packet.parsed.icmp_code == 0)
            return opened(State::icmp_query);
        return refused(packet::is_icmp_error(packet.parsed.family, packet.parsed.icmp_type) ? DropReason::icmp_unrelated
                                                                                            : DropReason::not_a_query);
    default: return opened(State::other_new);
    }
}

Advance advance_tracker(flow::Entry& entry, Direction direction, const Seen& packet, State& next, DropReason& why) {
    switch (packet.parsed.protocol) {
    case net::protocol::kTcp: return advance_tcp(entry, direction, packet, next, why);
    case net::protocol::kSctp: return advance_sctp(entry, direction, packet, next, why);
    case net::protocol::kIcmp:
    case net::protocol::kIcmpv6:
        // Queries and their answers have code 0 (RFC 792; RFC 4443, 4): others carry something past the rules.
        if (packet.parsed.icmp_code != 0) return drop(DropReason::not_a_query, why);
        return advance_pseudo(entry, direction, next);
    default: return advance_pseudo(entry, direction, next);
    }
}

bool may_be_quoted(const flow::Entry& entry, Direction direction, const Seen& quoted) {
    const std::byte* transport = quoted.bytes.data() + quoted.parsed.l4_offset;
    net::Be32 second; // the second word of the transport header: a quote has at least two
    std::memcpy(&second, transport + sizeof second, sizeof second);
    if (quoted.parsed.protocol == net::protocol::kTcp)
        return flow::tcp::may_be_quoted(entry.tracker.tcp, direction, second.host());
    if (quoted.parsed.protocol == net::protocol::kSctp)
        return flow::sctp::may_be_quoted(entry.tracker.sctp, direction, second.host());
    return true;
}

} // namespace sluice::pipeline
