#include "flow_oracle.hpp"

#include <map>

namespace sluice::property {
namespace {

bool same_packet_ends(const Tuple& a, const Tuple& b) {
    return a.source == b.source && a.destination == b.destination && a.protocol == b.protocol &&
           a.source_port == b.source_port && a.destination_port == b.destination_port && a.icmp_type == b.icmp_type;
}

flow::tcp::Arrival arrival_of(const Tuple& tuple) {
    flow::tcp::Arrival arrival;
    arrival.window = 65535;
    arrival.flags = tuple.tcp_flags;
    return arrival;
}

flow::sctp::Arrival chunk_of(const Tuple& tuple) {
    using flow::sctp::Chunk;
    static const std::map<std::uint8_t, Chunk> kChunks = {
        {1, Chunk::init},         {2, Chunk::init_ack},     {6, Chunk::abort},       {7, Chunk::shutdown},
        {8, Chunk::shutdown_ack}, {10, Chunk::cookie_echo}, {11, Chunk::cookie_ack}, {14, Chunk::shutdown_complete}};
    const auto known = kChunks.find(tuple.sctp_chunk);
    flow::sctp::Arrival arrival;
    arrival.chunk = known == kChunks.end() ? Chunk::other : known->second;
    arrival.tag = arrival.chunk == Chunk::init ? 0 : kSctpTag;
    arrival.initiate = kSctpTag;
    return arrival;
}

} // namespace

void FlowOracle::reload(const policy::Policy& policy) {
    policy_ = &policy;
    for (Flow& flow : flows_) {
        flow.stale = true;
    }
}

FlowOracle::Place FlowOracle::find(const Tuple& tuple, std::size_t port, bool& is_reply) {
    const Tuple question = answered_by(tuple);
    for (auto place = flows_.begin(); place != flows_.end(); ++place) {
        if (place->port / 2 != port / 2) continue; // another wire
        is_reply = false;
        if (same_packet_ends(place->opener, tuple)) return place;
        is_reply = true;
        if (same_packet_ends(place->opener, question)) return place;
    }
    return flows_.end();
}

bool FlowOracle::without_flow(const Tuple& tuple, std::size_t port) {
    switch (fate_without_flow(*policy_, tuple)) {
    case Fate::drop: return false;
    case Fate::forward_untracked: return true;
    case Fate::open_flow: return open_flow(tuple, port);
    }
    return false;
}

bool FlowOracle::open_flow(const Tuple& tuple, std::size_t port) {
    Flow flow{};
    flow.opener = tuple;
    flow.port = port;
    if (tuple.protocol == 6) flow::tcp::open(flow.tcp, arrival_of(tuple));
    if (tuple.protocol == 132) {
        flow.standing.state = flow::State::sctp_cookie_wait;
        flow::sctp::open(flow.sctp, chunk_of(tuple));
    }
    flows_.push_back(flow);
    return true;
}

/// The finished flow stays if the one that would take its ports is not let in.
bool FlowOracle::in_place_of(Place finished, const Tuple& tuple, std::size_t port) {
    if (fate_without_flow(*policy_, tuple) != Fate::open_flow) return without_flow(tuple, port);
    flows_.erase(finished);
    return open_flow(tuple, port);
}

bool FlowOracle::segment(const Tuple& tuple, std::size_t port, Place place, flow::Direction direction) {
    using flow::tcp::Outcome;
    const flow::State before = place->standing.state;
    flow::State next{};
    const Outcome outcome = flow::tcp::judge(place->tcp, place->standing, direction, arrival_of(tuple), next);
    switch (outcome) {
    case Outcome::refuse_state:
    case Outcome::refuse_window: return false;
    case Outcome::restart: return in_place_of(place, tuple, port);
    case Outcome::finish: flows_.erase(place); return true;
    case Outcome::pass:
    case Outcome::move: break;
    }
    place->standing.replied |= direction == flow::Direction::reply;
    if (outcome == Outcome::pass) return true;
    place->standing.state = next;
    place->standing.assured |= place->standing.replied && next == flow::State::tcp_established &&
                               (before == flow::State::tcp_syn_received || before == flow::State::tcp_established);
    return true;
}

bool FlowOracle::chunk(const Tuple& tuple, std::size_t port, Place place, flow::Direction direction) {
    using flow::sctp::Outcome;
    const auto judged = flow::sctp::judge(place->sctp, place->standing.state, direction, chunk_of(tuple));
    if (judged.outcome == Outcome::restart) return in_place_of(place, tuple, port);
    if (judged.outcome != Outcome::move) return false;
    place->standing.state = judged.next;
    return true;
}

bool FlowOracle::with_flow(const Tuple& tuple, std::size_t port, Place place, bool is_reply) {
    if ((port == place->port) == is_reply) return false; // from the wrong side
    if (place->stale) {
        const auto match = first_match(*policy_, place->opener);
        const policy::Action action = match ? policy_->rules[*match].action : policy_->default_action;
        const bool tracked = !match || policy_->rules[*match].tracked;
        if (action == policy::Action::drop || !tracked) {
            flows_.erase(place);
            if (action == policy::Action::drop) return false;
            return is_reply ? without_flow(tuple, port) : true;
        }
        place->stale = false;
    }
    const auto direction = is_reply ? flow::Direction::reply : flow::Direction::original;
    if (tuple.protocol == 6) return segment(tuple, port, place, direction);
    if (tuple.protocol == 132) return chunk(tuple, port, place, direction);
    return true;
}

bool FlowOracle::forwards(const Tuple& tuple, std::size_t port) {
    if (tuple.source == tuple.destination) return false; // cannot come from there
    const First first = first_concerned(*policy_, tuple);
    const bool untracked = first.how == First::How::untracked_direct || first.how == First::How::untracked_answer;
    if (untracked) return fate_without_flow(*policy_, tuple) == Fate::forward_untracked;
    bool is_reply = false;
    const Place place = find(tuple, port, is_reply);
    return place == flows_.end() ? without_flow(tuple, port) : with_flow(tuple, port, place, is_reply);
}

} // namespace sluice::property
