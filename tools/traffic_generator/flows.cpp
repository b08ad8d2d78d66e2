#include "traffic_generator/flows.hpp"

#include "net/protocol.hpp"
#include "traffic_generator/ports.hpp"

#include <algorithm>

namespace sluice::traffic {
namespace {

/// Windows of 65,535 << 14 bytes.
constexpr uint8_t kScale = 14;
/// What a side may have waiting before more is made for it.
constexpr uint32_t kMostWaiting = kBurst;
/// Flows that are established at the same time, and how often those that were not are tried again.
constexpr uint32_t kMostUnanswered = 512;
constexpr uint32_t kMostPasses = 10;
/// After so many waits without a single answer there will be none.
constexpr uint32_t kMostStalls = 10;

constexpr std::size_t index_of(Side side) {
    return static_cast<std::size_t>(side);
}

} // namespace

Flows::Flows(const TuplePlan& plan, FlowOrder order, const Options& options)
    : plan_(plan)
    , order_(std::move(order))
    , options_(options)
    , handshake_(plan, {0, 0}, kScale)
    , frames_{marked_templates(plan, Side::client, options.protocol, options.sizes),
              marked_templates(plan, Side::server, options.protocol, options.sizes)}
    , states_(options.flows)
    , pacer_(options.rate, options.cycles_per_second)
    , time_(options.cycles_per_second) {
    if (options.protocol == net::protocol::kTcp) numbers_.resize(options.flows);
    counts_.flows = options.flows;
}

bool Flows::prepare(const Moment& moment) {
    if (counts_.established == options_.flows || passes_ == kMostPasses || stalls_ == kMostStalls) return true;
    const auto patience =
        static_cast<uint64_t>(options_.settle_seconds * static_cast<double>(options_.cycles_per_second));
    if (answered_at_ == 0) answered_at_ = moment.now;
    if (unanswered_ > 0 && moment.now - answered_at_ > patience) {
        // Some were lost: the next pass tries them again.
        ++stalls_;
        unanswered_ = 0;
        answered_at_ = moment.now;
    }
    while (cursor_ < options_.flows && unanswered_ < kMostUnanswered && moment.of(Side::client).room() > kBurst) {
        if (states_[cursor_] != State::established) open(cursor_, moment);
        ++cursor_;
    }
    if (cursor_ == options_.flows && unanswered_ == 0) {
        cursor_ = 0;
        ++passes_;
    }
    return false;
}

void Flows::open(uint32_t flow, const Moment& moment) {
    ++unanswered_;
    states_[flow] = State::opening;
    if (!tcp()) return send(flow, Side::client, 0, moment);
    const Beginnings begun = beginnings_of(flow, options_.seed);
    Numbers& numbers = numbers_[flow];
    numbers.next = {begun.client + 1, begun.server + 1};
    (void)moment.of(Side::client).write(handshake_.of(Message::syn), plan_.ends(flow), {begun.client, 0}, flow);
}

void Flows::established(uint32_t flow) {
    if (states_[flow] == State::established) return;
    states_[flow] = State::established;
    ++counts_.established;
    unanswered_ -= unanswered_ > 0 ? 1 : 0;
    stalls_ = 0;
}

void Flows::generate(const Moment& moment) {
    if (!generating_) {
        generating_ = true;
        pacer_.start(moment.now);
    }
    const auto free = [&moment](Side side) {
        const uint32_t waiting = moment.of(side).waiting();
        return waiting < kMostWaiting ? kMostWaiting - waiting : 0;
    };
    // Sides take turns in most orders; in a recorded one, a side may be asked for more than it has room for.
    uint32_t count = std::min(free(Side::client), free(Side::server));
    if (options_.rate > 0) count = pacer_.take(moment.now, count);
    for (; count > 0; --count) {
        const FlowOrder::Step step = order_.next();
        send(step.flow, step.from, step.shape, moment);
    }
}

void Flows::send(uint32_t flow, Side from, std::size_t shape, const Moment& moment) {
    const FrameTemplate& frame = frames_[index_of(from)][shape];
    TcpNumbers numbers;
    if (tcp()) {
        Numbers& known = numbers_[flow];
        numbers = {known.next[index_of(from)], known.seen[index_of(from)]};
    }
    const Ends ends = plan_.ends(flow);
    if (!moment.of(from).write(frame, from == Side::client ? ends : ends.swapped(), numbers, moment.now)) return;
    if (tcp()) numbers_[flow].next[index_of(from)] += frame.payload();
    if (measuring_) ++counts_.packets[index_of(from)].sent;
}

void Flows::receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) {
    answered_at_ = moment.now;
    for (const Arrival& arrival : arrivals) {
        const bool to_client = at == Side::client;
        const auto number = plan_.number_of(to_client ? arrival.ends.destination : arrival.ends.source,
                                            to_client ? arrival.ends.destination_port : arrival.ends.source_port);
        if (!number || *number >= options_.flows || arrival.protocol != options_.protocol) {
            counts_.add_wrong(Wrong::stranger);
            continue;
        }
        const Ends ends = plan_.ends(*number);
        if (arrival.ends != (to_client ? ends.swapped() : ends))
            counts_.add_wrong(Wrong::stranger);
        else if (!FrameReader::payload_is_right(arrival))
            counts_.add_wrong(Wrong::payload);
        else if (tcp())
            take_segment(at, *number, arrival, moment);
        else {
            if (!generating_) opened(at, *number, arrival, moment);
            take(at, arrival, moment);
        }
    }
}

/// A packet of a flow that is being established.
void Flows::opened(Side at, uint32_t flow, const Arrival& arrival, const Moment& moment) {
    if (!tcp()) {
        if (at == Side::client) return established(flow);
        return send(flow, Side::server, 0, moment);
    }
    Numbers& numbers = numbers_[flow];
    const Ends ends = plan_.ends(flow);
    const bool syn = (arrival.flags & net::tcp_flag::kSyn) != 0;
    if (at == Side::server && syn) {
        numbers.seen[index_of(Side::server)] = arrival.sequence + 1;
        (void)moment.of(Side::server)
            .write(handshake_.of(Message::syn_ack), ends.swapped(),
                   {numbers.next[index_of(Side::server)] - 1, arrival.sequence + 1}, flow);
    } else if (at == Side::client && syn) {
        if (arrival.acknowledgment != numbers.next[index_of(Side::client)]) return counts_.add_wrong(Wrong::numbers);
        numbers.seen[index_of(Side::client)] = arrival.sequence + 1;
        states_[flow] = State::answered;
        (void)moment.of(Side::client)
            .write(handshake_.of(Message::ack), ends, {arrival.acknowledgment, arrival.sequence + 1}, flow);
    } else if (at == Side::server) {
        // The first word of the server's window that is scaled: from here on it may be filled (RFC 7323, 2.2).
        (void)moment.of(Side::server)
            .write(handshake_.of(Message::server_ack), ends.swapped(), {arrival.acknowledgment, arrival.sequence},
                   flow);
    } else if (states_[flow] == State::answered) {
        established(flow);
    }
}

void Flows::take_segment(Side at, uint32_t flow, const Arrival& arrival, const Moment& moment) {
    if (arrival.payload_length == 0) {
        if (!generating_) return opened(at, flow, arrival, moment);
        ++counts_.late;
        return;
    }
    if (arrival.flags != (net::tcp_flag::kPsh | net::tcp_flag::kAck)) return counts_.add_wrong(Wrong::flags);
    Numbers& numbers = numbers_[flow];
    // Acknowledged is what was sent, and no more.
    if (static_cast<int32_t>(numbers.next[index_of(at)] - arrival.acknowledgment) < 0)
        return counts_.add_wrong(Wrong::numbers);
    uint32_t& seen = numbers.seen[index_of(at)];
    if (static_cast<int32_t>(arrival.sequence - seen) < 0)
        ++counts_.reordered;
    else
        seen = arrival.sequence + arrival.payload_length;
    take(at, arrival, moment);
}

void Flows::take(Side at, const Arrival& arrival, const Moment& moment) {
    const uint64_t sent = MeasuredTime::sent_at(arrival.mark, moment.now);
    if (!time_.holds(sent)) return;
    ++counts_.packets[index_of(opposite(at))].delivered;
    counts_.latency.record(time_.nanoseconds(moment.now - sent));
}

void Flows::begin_measuring(uint64_t now) {
    measuring_ = true;
    time_.begin(now);
    offered_before_ = pacer_.offered(now);
}

void Flows::end_measuring(uint64_t now) {
    measuring_ = false;
    time_.end(now);
    const double sent = static_cast<double>(counts_.packets[0].sent + counts_.packets[1].sent);
    counts_.offered = options_.rate > 0 ? pacer_.offered(now) - offered_before_ : sent;
}

} // namespace sluice::traffic
