#include "flow_oracle.hpp"

#include "flow/tcp.hpp"

namespace sluice::property {
namespace {

bool same_packet_ends(const Tuple& a, const Tuple& b) {
    return a.source == b.source && a.destination == b.destination && a.protocol == b.protocol &&
           a.source_port == b.source_port && a.destination_port == b.destination_port && a.icmp_type == b.icmp_type;
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
    case Fate::open_flow: flows_.push_back({tuple, port, flow::State::tcp_syn_sent, false}); return true;
    }
    return false;
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
    if (tuple.protocol != 6) return true;
    const auto direction = is_reply ? flow::Direction::reply : flow::Direction::original;
    const auto step = flow::tcp::transition(direction, flow::tcp::classify(tuple.tcp_flags), place->tcp_state);
    switch (step.step) {
    case flow::tcp::Step::refuse: return false;
    case flow::tcp::Step::pass: return true;
    case flow::tcp::Step::move: place->tcp_state = step.next; return true;
    case flow::tcp::Step::restart: flows_.erase(place); return without_flow(tuple, port);
    }
    return false;
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
