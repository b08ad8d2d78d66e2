// Stage 6: flows. Found ones advance; for the others the tracked rules are asked once.
//
// Packets are applied one by one in order of arrival, because an earlier packet of the batch may create, restart or
// evict the flow of a later one; only the look-up of flows and rules goes by batch, ahead of that.
#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/query.hpp"
#include "pipeline/related.hpp"
#include "pipeline/rule_counting.hpp"
#include "pipeline/trackers.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pipeline {
namespace {

using flow::Direction;
using flow::State;
using telemetry::DropReason;

static_assert(flow::kTimeoutClassCount == ruleset::kTimeoutClasses);
static_assert(static_cast<std::size_t>(flow::TimeoutClass::tcp_stalled) == ruleset::kStalledTimeout);

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
            if (index != flow::kNone && (batch_.error[n] || !is_stale(index))) continue;
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
        turn(room, parsed(n));
        return &room;
    }

    /// From a packet of the reply direction to what its opener looked like to the rules.
    static void turn(ruleset::Query& query, const packet::Parsed& packet) {
        std::swap(query.from_zone, query.to_zone);
        std::swap(query.source, query.destination);
        if (is_icmp(packet.protocol)) {
            const std::uint8_t question = packet::icmp_counterpart(packet.family, packet.icmp_type);
            query.destination_port = net::Be16::from_host(static_cast<std::uint16_t>(question << 8 | packet.icmp_code));
        } else {
            std::swap(query.source_port, query.destination_port);
        }
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
        else if (batch_.error[n])
            relate(n, index);
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
        count_row(counters_of_slot(context_, slot), batch_, row(n), context_.now);
    }

    /// After a reload: whether the flow still stands. If not, it is gone and the packet is decided.
    bool judge_again(unsigned n, flow::Index index) {
        const std::uint32_t number = rule_for(n, index);
        const ruleset::Rule& rule = ruleset_.rule(number);
        if (rule.action == ruleset::Action::allow && rule.tracked) {
            flow::Entry& entry = flows_.entry(index);
            entry.epoch.store(ruleset_.epoch());
            entry.rule_slot.store(rule.counter_slot);
            flows_.change_state(index, entry.state.load(), timeout(entry, entry.state.load()), context_.now);
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

    [[nodiscard]] base::Tick timeout(std::uint32_t rule_slot, flow::TimeoutClass of) const {
        return ruleset_.profile_of_slot(rule_slot).ticks[static_cast<std::size_t>(of)];
    }

    [[nodiscard]] base::Tick timeout(const flow::Entry& entry, State state) const {
        using flow::TimeoutClass;
        const std::uint32_t slot = entry.rule_slot.load();
        // Picked up in its middle, and nobody has answered yet.
        const bool doubtful = state == State::tcp_established && !(entry.flags.load() & flow::entry_flag::kReplied);
        const base::Tick ticks = timeout(slot, doubtful ? TimeoutClass::tcp_new : flow::timeout_class(state));
        return is_stalled(entry) ? std::min(ticks, timeout(slot, TimeoutClass::tcp_stalled)) : ticks;
    }

    [[nodiscard]] Seen seen(unsigned n) const { return {{batch_.data[row(n)], batch_.length[row(n)]}, parsed(n)}; }

    [[nodiscard]] bool checksum_ok(unsigned n) const {
        if (!ruleset_.sanity().verify_checksums) return true;
        if (batch_.checksum[row(n)] != Checksum::unknown) return batch_.checksum[row(n)] == Checksum::good;
        return packet::transport_checksum_ok({batch_.data[row(n)], batch_.length[row(n)]}, parsed(n));
    }

    /// No flow: the rules decide, and whether the packet may open one. `finished` is a flow of the same ports that
    /// makes way for it, and stays if it is not let in: a packet that is dropped changes nothing.
    void open(unsigned n, flow::Index finished = flow::kNone) {
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
        if (!checksum_ok(n)) {
            drop(n, DropReason::bad_checksum);
            return;
        }
        const ruleset::Profile& profile = ruleset_.profile_of_slot(rule.counter_slot);
        const Opening opening = open_tracker(seen(n), profile.pickup_loose);
        if (!opening.opens) {
            drop(n, opening.why);
            return;
        }
        if (finished != flow::kNone) flows_.remove(finished, flow::EndReason::replaced);
        if (!create(n, rule.counter_slot, opening)) {
            drop(n, DropReason::flow_table_full);
            return;
        }
        counters_of_slot(context_, rule.counter_slot).flows_created.add(1);
        batch_.disposition[row(n)] = Disposition::forward;
    }

    bool create(unsigned n, std::uint32_t rule_slot, const Opening& opening) {
        const flow::OrientedKey key{batch_.key[n], batch_.sender_is_second[n]};
        const bool in_its_middle = opening.state == State::tcp_established;
        const base::Tick ticks =
            timeout(rule_slot, in_its_middle ? flow::TimeoutClass::tcp_new : flow::timeout_class(opening.state));
        const flow::Index index = flows_.create(key, batch_.hash[n], opening.state, ticks, context_.now);
        if (index == flow::kNone) return false;
        created_any_ = true;
        flow::Entry& entry = flows_.entry(index);
        entry.epoch.store(ruleset_.epoch());
        entry.rule_slot.store(rule_slot);
        entry.tracker = opening.tracker;
        if (at_peer(n)) entry.flags.store(entry.flags.load() | flow::entry_flag::kOpenedAtPeer);
        entry.count(Direction::original, batch_.packets_of(row(n)), batch_.bytes_of(row(n)));
        return true;
    }

    void advance(unsigned n, flow::Index index) {
        flow::Entry& entry = flows_.entry(index);
        if (!checksum_ok(n)) {
            drop(n, DropReason::bad_checksum);
            return;
        }
        const Direction direction = entry.direction_of(batch_.sender_is_second[n]);
        const bool was_stalled = is_stalled(entry);
        State next{};
        DropReason why{};
        const Advance step = advance_tracker(entry, direction, seen(n), next, why);
        switch (step) {
        case Advance::drop: drop(n, why); return;
        case Advance::restart: open(n, index); return;
        case Advance::move: move(index, direction, next, was_stalled); break;
        case Advance::pass:
        case Advance::finish:
            if (direction == Direction::reply) entry.flags.store(entry.flags.load() | flow::entry_flag::kReplied);
            break;
        }
        entry.count(direction, batch_.packets_of(row(n)), batch_.bytes_of(row(n)));
        count_under(n, entry.rule_slot.load());
        batch_.disposition[row(n)] = Disposition::forward;
        if (step == Advance::finish) flows_.remove(index, flow::EndReason::refused);
    }

    /// A packet has passed that counts: the flow was seen, and is in state `next`.
    void move(flow::Index index, Direction direction, State next, bool was_stalled) {
        flow::Entry& entry = flows_.entry(index);
        entry.last_seen_tick.store(context_.now);
        const State before = entry.state.load();
        const std::uint8_t flags = entry.flags.load();
        const std::uint8_t now = flags | flags_after(entry, direction, before, next);
        if (now != flags) entry.flags.store(now);
        if (before != next)
            flows_.change_state(index, next, timeout(entry, next), context_.now);
        else if (now != flags || is_stalled(entry) != was_stalled)
            flows_.set_timeout(index, timeout(entry, next));
    }

    /// Assured: the handshake is complete, or traffic has gone both ways.
    static std::uint8_t flags_after(const flow::Entry& entry, Direction direction, State before, State next) {
        using namespace flow::entry_flag;
        const bool replied = direction == Direction::reply || (entry.flags.load() & kReplied);
        if (!replied) return 0;
        if (entry.key.protocol == net::protocol::kTcp) {
            const bool completed = before == State::tcp_syn_received || before == State::tcp_established;
            return kReplied | (completed && next == State::tcp_established ? kAssured : 0);
        }
        if (entry.key.protocol == net::protocol::kSctp)
            return kReplied | (next == State::sctp_established ? kAssured : 0);
        return kReplied | kAssured;
    }

    /// An ICMP error that quotes a packet of the flow passes if the flow can have sent that packet and the error comes
    /// from where it went. It creates nothing, moves nothing and refreshes nothing (RFC 5927).
    void relate(unsigned n, flow::Index index) {
        const flow::Entry& entry = flows_.entry(index);
        const Direction direction = entry.direction_of(batch_.sender_is_second[n]);
        const Seen quoted{{batch_.data[row(n)], batch_.length[row(n)]}, batch_.quoted[n]};
        if (comes_from_its_side(n, index))
            drop(n, DropReason::spoofed_source);
        else if (!checksum_ok(n))
            drop(n, DropReason::bad_checksum);
        else if (!may_be_quoted(entry, direction, quoted))
            drop(n, DropReason::icmp_unrelated);
        else if (is_stale(index) && !still_allowed(n, direction))
            drop(n, DropReason::policy_changed);
        else {
            count_under(n, entry.rule_slot.load());
            batch_.disposition[row(n)] = Disposition::forward;
        }
    }

    /// Whether the present rules would let the flow of a quoted packet begin. The flow itself is judged again by its
    /// own next packet.
    [[nodiscard]] bool still_allowed(unsigned n, Direction direction) const {
        const ruleset::Port& port = ruleset_.port(batch_.port[row(n)]);
        ruleset::Query query;
        fill_query(batch_.quoted[n], ruleset_.port(port.peer).zone, port.zone, query);
        if (direction == Direction::reply) turn(query, batch_.quoted[n]);
        const ruleset::Query* asked = &query;
        std::uint32_t answer = 0;
        ruleset_.tracked().classify(parsed(n).family, &asked, &answer, 1);
        const ruleset::Rule& rule = ruleset_.rule(answer == 0 ? ruleset_.default_rule() : answer - 1);
        return rule.action == ruleset::Action::allow && rule.tracked;
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
