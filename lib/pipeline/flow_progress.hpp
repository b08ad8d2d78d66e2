// What a packet that passes does to its flow besides the tracker's own: state, flags, and the timeout that they have.
#pragma once

#include "flow/table.hpp"
#include "pipeline/trackers.hpp"
#include "ruleset/ruleset.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::pipeline {

static_assert(flow::kTimeoutClassCount == ruleset::kTimeoutClasses);
static_assert(static_cast<std::size_t>(flow::TimeoutClass::tcp_stalled) == ruleset::kStalledTimeout);

class FlowProgress {
  public:
    FlowProgress(flow::Table& flows, const ruleset::Ruleset& ruleset, base::Tick now)
        : flows_(flows)
        , ruleset_(ruleset)
        , now_(now) {}

    /// What a flow of the rule that counts in this slot begins with.
    [[nodiscard]] base::Tick first_timeout(std::uint32_t rule_slot, flow::State state) const {
        const bool in_its_middle = state == flow::State::tcp_established;
        return timeout(rule_slot, in_its_middle ? flow::TimeoutClass::tcp_new : flow::timeout_class(state));
    }

    void set_timeout(flow::Index index) {
        const flow::Entry& entry = flows_.entry(index);
        flows_.set_timeout(index, timeout(entry, entry.state.load(), entry.flags.load()));
    }

    /// The flow was judged again, and `rule` of the present rules allows it.
    void adopt(flow::Index index, const ruleset::Rule& rule) {
        using namespace flow::entry_flag;
        flow::Entry& entry = flows_.entry(index);
        entry.epoch.store(ruleset_.epoch());
        flows_.set_rule(index, rule.counter_slot, now_);
        const flow::State state = entry.state.load();
        const auto flags = static_cast<std::uint8_t>((entry.flags.load() & ~(kYields | kBrief)) |
                                                     (rule.evicts ? 0 : kYields) | (rule.brief ? kBrief : 0));
        flows_.change_state(index, state, flags, timeout(entry, state, flags), now_);
    }

    /// A packet has passed that counts: the flow was seen, and is in state `next`.
    void move(flow::Index index, flow::Direction direction, flow::State next, bool was_stalled) {
        flow::Entry& entry = flows_.entry(index);
        entry.last_seen_tick.store(now_);
        const flow::State before = entry.state.load();
        const std::uint8_t flags = entry.flags.load();
        const std::uint8_t now = flags | flags_after(entry, direction, before, next);
        if (before != next || now != flags)
            flows_.change_state(index, next, now, timeout(entry, next, now), now_);
        else if (is_stalled(entry) != was_stalled)
            flows_.set_timeout(index, timeout(entry, next, now));
    }

    /// The other end has spoken, though nothing else has moved.
    void note_reply(flow::Index index) {
        const flow::Entry& entry = flows_.entry(index);
        const std::uint8_t flags = entry.flags.load();
        if (flags & flow::entry_flag::kReplied) return;
        flows_.change_state(index, entry.state.load(), flags | flow::entry_flag::kReplied, entry.timeout_ticks.load(),
                            now_);
    }

    /// Whether nothing more is to be said in a flow that a packet of `direction` brings to state `next`, for rules that
    /// forget flows then. A question ends with its answer.
    static bool is_over(flow::State next, flow::Direction direction) {
        using flow::State;
        switch (next) {
        case State::tcp_time_wait:
        case State::tcp_closed:
        case State::sctp_closed: return true;
        case State::udp_established:
        case State::icmp_query: return direction == flow::Direction::reply;
        default: return false;
        }
    }

  private:
    [[nodiscard]] base::Tick timeout(std::uint32_t rule_slot, flow::TimeoutClass of) const {
        return ruleset_.profile_of_slot(rule_slot).ticks[static_cast<std::size_t>(of)];
    }

    [[nodiscard]] base::Tick timeout(const flow::Entry& entry, flow::State state, std::uint8_t flags) const {
        using flow::TimeoutClass;
        const std::uint32_t slot = entry.rule_slot.load();
        // Picked up in its middle, and nobody has answered yet.
        const bool doubtful = state == flow::State::tcp_established && !(flags & flow::entry_flag::kReplied);
        const base::Tick ticks = timeout(slot, doubtful ? TimeoutClass::tcp_new : flow::timeout_class(state));
        return is_stalled(entry) ? std::min(ticks, timeout(slot, TimeoutClass::tcp_stalled)) : ticks;
    }

    /// Assured: the handshake is complete, or traffic has gone both ways.
    static std::uint8_t flags_after(const flow::Entry& entry, flow::Direction direction, flow::State before,
                                    flow::State next) {
        using namespace flow::entry_flag;
        using flow::State;
        const bool replied = direction == flow::Direction::reply || (entry.flags.load() & kReplied);
        if (!replied) return 0;
        if (entry.key.protocol == net::protocol::kTcp) {
            const bool completed = before == State::tcp_syn_received || before == State::tcp_established;
            return kReplied | (completed && next == State::tcp_established ? kAssured : 0);
        }
        if (entry.key.protocol == net::protocol::kSctp)
            return kReplied | (next == State::sctp_established ? kAssured : 0);
        return kReplied | kAssured;
    }

    flow::Table& flows_;
    const ruleset::Ruleset& ruleset_;
    base::Tick now_;
};

} // namespace sluice::pipeline
