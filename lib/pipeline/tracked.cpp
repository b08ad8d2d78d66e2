// Stage 5: flows. Found ones advance; for the others the tracked rules are asked once.
//
// Packets are applied one by one in order of arrival, because an earlier packet of the batch may create, restart or
// evict the flow of a later one; only the look-up of flows and rules goes by batch, ahead of that.
#include "flow/tcp.hpp"
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/rule_counting.hpp"

#include <utility>

namespace sluice::pipeline {
namespace {

using flow::Direction;
using flow::State;
using telemetry::DropReason;

static_assert(flow::kTimeoutClassCount == ruleset::kTimeoutClasses);

/// What the tracked classifier answers: rule index + 1. kNotAsked marks rows that were not put to it ahead.
constexpr std::uint32_t kNotAsked = 0xffffffff;

class TrackedStage {
  public:
    TrackedStage(Batch& batch, Context& context)
        : batch_(batch)
        , context_(context)
        , ruleset_(*context.ruleset)
        , flows_(*context.flows) {}

    void run() {
        ask_ahead(net::Family::ipv4);
        ask_ahead(net::Family::ipv6);
        for (unsigned n = 0; n < batch_.tracked.count; ++n) {
            judge(n);
        }
    }

  private:
    [[nodiscard]] unsigned row(unsigned n) const { return batch_.tracked.row[n]; }
    [[nodiscard]] const packet::Parsed& parsed(unsigned n) const { return batch_.parsed[row(n)]; }
    [[nodiscard]] bool is_stale(flow::Index index) const {
        return flows_.entry(index).epoch.load() != ruleset_.epoch();
    }

    /// Puts the rows that have no flow, or one of an older policy, to the tracked rules, all of a family together.
    void ask_ahead(net::Family family) {
        Selection asked;
        Column<ruleset::Query> turned;
        Column<const ruleset::Query*> queries;
        for (unsigned n = 0; n < batch_.tracked.count; ++n) {
            if (parsed(n).family != family) continue;
            const flow::Index index = batch_.flow[n];
            answer_[n] = kNotAsked;
            if (index != flow::kNone && !is_stale(index)) continue;
            queries[asked.count] = query_of(n, index, turned[asked.count]);
            asked.add(n);
        }
        if (asked.count == 0) return;
        Column<std::uint32_t> results;
        ruleset_.tracked().classify(family, queries.data(), results.data(), asked.count);
        for (unsigned i = 0; i < asked.count; ++i) {
            answer_[asked.row[i]] = results[i];
        }
    }

    /// The query of the packet, or, for the reply direction of a flow that is judged again, that of its opener.
    const ruleset::Query* query_of(unsigned n, flow::Index index, ruleset::Query& room) const {
        const ruleset::Query& query = batch_.query[row(n)];
        if (index == flow::kNone) return &query;
        if (flows_.entry(index).direction_of(batch_.sender_is_second[n]) == Direction::original) return &query;
        room = query;
        std::swap(room.from_zone, room.to_zone);
        std::swap(room.source, room.destination);
        const packet::Parsed& packet = parsed(n);
        if (packet.protocol == net::protocol::kIcmp || packet.protocol == net::protocol::kIcmpv6) {
            const std::uint8_t question = packet::icmp_counterpart(packet.family, packet.icmp_type);
            room.destination_port = net::Be16::from_host(static_cast<std::uint16_t>(question << 8 | packet.icmp_code));
        } else {
            std::swap(room.source_port, room.destination_port);
        }
        return &room;
    }

    /// The rule that decides row n as the opener of a flow. Asked alone only if an earlier packet of the batch changed
    /// what the row was put to the rules for.
    std::uint32_t rule_for(unsigned n, flow::Index index) {
        if (answer_[n] == kNotAsked || index != batch_.flow[n]) {
            ruleset::Query room;
            const ruleset::Query* query = query_of(n, index, room);
            ruleset_.tracked().classify(parsed(n).family, &query, &answer_[n], 1);
        }
        return answer_[n] == 0 ? ruleset_.default_rule() : answer_[n] - 1;
    }

    void judge(unsigned n) {
        flow::Index index = batch_.flow[n];
        // Another packet of this batch may have made the flow, or its entry may have changed hands.
        if (index == flow::kNone ? created_any_ : flows_.entry(index).generation.load() != batch_.generation[n]) {
            index = flows_.find(batch_.key[n], batch_.hash[n]);
        }
        if (index == flow::kNone)
            open(n);
        else if (!comes_from_its_side(n, index))
            drop(n, DropReason::spoofed_source);
        else if (!is_stale(index) || judge_again(n, index))
            advance(n, index);
    }

    void drop(unsigned n, DropReason why) { batch_.drop(row(n), why); }

    [[nodiscard]] bool at_peer(unsigned n) const { return batch_.port[row(n)] != batch_.key[n].wire; }

    /// Each end of a flow is behind one port of the wire. A packet that bears the server's address and comes from the
    /// client's side is somebody else's.
    [[nodiscard]] bool comes_from_its_side(unsigned n, flow::Index index) const {
        const flow::Entry& entry = flows_.entry(index);
        const bool opened_at_peer = entry.flags.load() & flow::entry_flag::kOpenedAtPeer;
        const bool original = entry.direction_of(batch_.sender_is_second[n]) == Direction::original;
        return (at_peer(n) == opened_at_peer) == original;
    }

    void decide_by(unsigned n, std::uint32_t rule) { count_under(n, ruleset_.rule(rule).counter_slot); }

    void count_under(unsigned n, std::uint32_t slot) {
        batch_.rule_slot[row(n)] = slot;
        count_packet(counters_of_slot(context_, slot), batch_.length[row(n)], context_.now);
    }

    /// After a reload: whether the flow still stands. If not, it is gone and the packet is decided.
    bool judge_again(unsigned n, flow::Index index) {
        const std::uint32_t number = rule_for(n, index);
        const ruleset::Rule& rule = ruleset_.rule(number);
        if (rule.action == ruleset::Action::allow && rule.tracked) {
            flow::Entry& entry = flows_.entry(index);
            entry.epoch.store(ruleset_.epoch());
            entry.rule_slot.store(rule.counter_slot);
            entry.profile = rule.profile;
            flows_.change_state(index, entry.state.load(), timeout(rule.profile, entry.state.load()), context_.now);
            return true;
        }
        const bool original = flows_.entry(index).direction_of(batch_.sender_is_second[n]) == Direction::original;
        flows_.remove(index, flow::EndReason::policy_changed);
        if (rule.action == ruleset::Action::allow && !original) {
            // Its opener may pass untracked now; this packet is not that, and answers nothing any more.
            open(n);
            return false;
        }
        decide_by(n, number);
        if (rule.action == ruleset::Action::allow)
            batch_.disposition[row(n)] = Disposition::forward;
        else
            drop(n, DropReason::policy_changed);
        return false;
    }

    [[nodiscard]] base::Tick timeout(std::uint16_t profile, State state) const {
        return ruleset_.profile(profile).ticks[static_cast<std::size_t>(flow::timeout_class(state))];
    }

    /// No flow: the rules decide, and whether the packet may open one.
    void open(unsigned n) {
        const std::uint32_t number = rule_for(n, flow::kNone);
        const ruleset::Rule& rule = ruleset_.rule(number);
        decide_by(n, number);
        if (rule.action == ruleset::Action::drop) {
            drop(n, number == ruleset_.default_rule() ? DropReason::no_rule : DropReason::rule_drop);
            return;
        }
        if (!rule.tracked) {
            // An earlier tracked rule took the packet for an answer; there is no flow it answers, so it is judged as
            // what it is, by the untracked rule that comes first for it.
            batch_.disposition[row(n)] = Disposition::forward;
            return;
        }
        State state{};
        DropReason why{};
        if (!opening_state(parsed(n), state, why)) {
            drop(n, why);
            return;
        }
        const flow::OrientedKey key{batch_.key[n], batch_.sender_is_second[n]};
        const flow::Index index = flows_.create(key, batch_.hash[n], state, timeout(rule.profile, state), context_.now);
        if (index == flow::kNone) {
            drop(n, DropReason::flow_table_full);
            return;
        }
        created_any_ = true;
        flow::Entry& entry = flows_.entry(index);
        entry.epoch.store(ruleset_.epoch());
        entry.rule_slot.store(rule.counter_slot);
        entry.profile = rule.profile;
        if (at_peer(n)) entry.flags.store(entry.flags.load() | flow::entry_flag::kOpenedAtPeer);
        entry.packets[0].store(1);
        entry.bytes[0].store(batch_.length[row(n)]);
        counters_of_slot(context_, rule.counter_slot).flows_created.add(1);
        batch_.disposition[row(n)] = Disposition::forward;
    }

    static bool opening_state(const packet::Parsed& packet, State& state, DropReason& why) {
        switch (packet.protocol) {
        case net::protocol::kTcp:
            state = State::tcp_syn_sent;
            why = flow::tcp::flags_possible(packet.tcp_flags) ? DropReason::not_a_syn : DropReason::tcp_bad_flags;
            return flow::tcp::flags_possible(packet.tcp_flags) &&
                   flow::tcp::classify(packet.tcp_flags) == flow::tcp::Segment::syn;
        case net::protocol::kUdp: state = State::udp_new; return true;
        case net::protocol::kIcmp:
        case net::protocol::kIcmpv6:
            state = State::icmp_query;
            why = DropReason::not_a_query;
            return packet::is_icmp_query(packet.family, packet.icmp_type);
        default: state = State::other_new; return true;
        }
    }

    void advance(unsigned n, flow::Index index) {
        flow::Entry& entry = flows_.entry(index);
        const Direction direction = entry.direction_of(batch_.sender_is_second[n]);
        if (parsed(n).protocol == net::protocol::kTcp) {
            if (!advance_tcp(n, index, direction)) return;
        } else {
            advance_pseudo(index, direction);
        }
        entry.last_seen_tick.store(context_.now);
        const auto d = static_cast<unsigned>(direction);
        entry.packets[d].add(1);
        entry.bytes[d].add(batch_.length[row(n)]);
        count_under(n, entry.rule_slot.load());
        batch_.disposition[row(n)] = Disposition::forward;
    }

    /// UDP, ICMP queries and the rest: new until the other end has answered.
    void advance_pseudo(flow::Index index, Direction direction) {
        flow::Entry& entry = flows_.entry(index);
        if (direction == Direction::original || (entry.flags.load() & flow::entry_flag::kReplied)) return;
        entry.flags.store(entry.flags.load() | flow::entry_flag::kReplied | flow::entry_flag::kAssured);
        State next = entry.state.load();
        if (next == State::udp_new)
            next = State::udp_established;
        else if (next == State::other_new)
            next = State::other_established;
        flows_.change_state(index, next, timeout(entry.profile, next), context_.now);
    }

    /// Returns whether the packet passes; if not, it has been decided otherwise.
    bool advance_tcp(unsigned n, flow::Index index, Direction direction) {
        using flow::tcp::Step;
        flow::Entry& entry = flows_.entry(index);
        const std::uint8_t flags = parsed(n).tcp_flags;
        if (!flow::tcp::flags_possible(flags)) {
            drop(n, DropReason::tcp_bad_flags);
            return false;
        }
        const State before = entry.state.load();
        const flow::tcp::Transition step = flow::tcp::transition(direction, flow::tcp::classify(flags), before);
        switch (step.step) {
        case Step::refuse: drop(n, DropReason::tcp_bad_state); return false;
        case Step::restart:
            flows_.remove(index, flow::EndReason::replaced);
            open(n);
            return false;
        case Step::pass: break;
        case Step::move:
            if (step.next != before) {
                flows_.change_state(index, step.next, timeout(entry.profile, step.next), context_.now);
            }
            break;
        }
        std::uint8_t seen = entry.flags.load();
        if (direction == Direction::reply) seen |= flow::entry_flag::kReplied;
        if (step.step == Step::move && step.next == State::tcp_established) seen |= flow::entry_flag::kAssured;
        entry.flags.store(seen);
        return true;
    }

    Batch& batch_;
    Context& context_;
    const ruleset::Ruleset& ruleset_;
    flow::Table& flows_;
    bool created_any_ = false;
    Column<std::uint32_t> answer_;
};

} // namespace

void judge_tracked(Batch& batch, Context& context) {
    if (batch.tracked.count != 0) TrackedStage(batch, context).run();
}

} // namespace sluice::pipeline
