// Stage 6: flows. Found ones advance; for the others the tracked rules are asked once.
//
// Packets are applied one by one in order of arrival, because an earlier packet of the batch may create, restart or
// evict the flow of a later one; only the look-up of flows and rules goes by batch, ahead of that.
#include "packet/checksum.hpp"
#include "pipeline/flow_progress.hpp"
#include "pipeline/ordinary.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/related.hpp"
#include "pipeline/rule_counting.hpp"
#include "pipeline/syn_proxy.hpp"
#include "pipeline/tracked_rules.hpp"
#include "pipeline/trackers.hpp"

namespace sluice::pipeline {
namespace {

using flow::Direction;
using flow::State;
using telemetry::DropReason;

class TrackedStage {
  public:
    TrackedStage(Batch& batch, Context& context)
        : batch_(batch)
        , context_(context)
        , ruleset_(*context.ruleset)
        , flows_(*context.flows)
        , rules_(batch, context)
        , progress_(*context.flows, *context.ruleset, context.now) {}

    void run() {
        rules_.ask_ahead();
        RuleTally tally(context_);
        const std::uint32_t epoch = ruleset_.epoch();
        const bool verify = ruleset_.sanity().verify_checksums;
        const base::Tick now = context_.now;
        const unsigned count = batch_.tracked.count;
        for (unsigned n = 0; n < count; ++n) {
            switch (pass_ordinary(batch_, n, flows_, epoch, verify, now, tally)) {
            case Ordinary::passes: break;
            case Ordinary::stalled: progress_.set_timeout(batch_.flow[n]); break;
            case Ordinary::no: judge(n); break;
            }
        }
    }

  private:
    [[nodiscard]] unsigned row(unsigned n) const { return batch_.tracked.row[n]; }
    [[nodiscard]] const packet::Parsed& parsed(unsigned n) const { return batch_.parsed[row(n)]; }
    [[nodiscard]] bool is_stale(flow::Index index) const {
        return flows_.entry(index).epoch.load() != ruleset_.epoch();
    }

    void judge(unsigned n) {
        flow::Index index = batch_.flow[n];
        // Another packet of this batch may have made the flow, or its entry may have changed hands.
        if (index == flow::kNone ? may_be_made(n) : flows_.entry(index).generation.load() != batch_.generation[n]) {
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

    /// Whether an earlier packet of this batch may have made the flow of row n.
    [[nodiscard]] bool may_be_made(unsigned n) const { return made_ >> (batch_.hash[n] >> 58) & 1; }

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
        const std::uint32_t number = rules_.rule_for(n, index);
        const ruleset::Rule& rule = ruleset_.rule(number);
        if (rule.action == ruleset::Action::allow && rule.tracked) {
            progress_.adopt(index, rule);
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

    [[nodiscard]] Seen seen(unsigned n) const { return {{batch_.data[row(n)], batch_.length[row(n)]}, parsed(n)}; }

    [[nodiscard]] bool checksum_ok(unsigned n) const {
        if (!ruleset_.sanity().verify_checksums) return true;
        if (batch_.checksum[row(n)] != Checksum::unknown) return batch_.checksum[row(n)] == Checksum::good;
        return packet::transport_checksum_ok({batch_.data[row(n)], batch_.length[row(n)]}, parsed(n));
    }

    /// No flow: the rules decide, and whether the packet may open one. `finished` is a flow of the same ports that
    /// makes way for it, and stays if it is not let in: a packet that is dropped changes nothing.
    void open(unsigned n, flow::Index finished = flow::kNone) {
        const std::uint32_t number = rules_.rule_for(n, flow::kNone);
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
        // Who takes the place of a flow that is over takes no entry more, and needs no proof for it.
        if (context_.syn_proxy != nullptr && finished == flow::kNone && proves(n, rule, opening)) return;
        if (!opening.opens) {
            drop(n, opening.why);
            return;
        }
        if (finished != flow::kNone) flows_.remove(finished, flow::EndReason::replaced);
        if (!create(n, rule, opening)) {
            drop(n, DropReason::flow_table_full);
            return;
        }
        counters_of_slot(context_, rule.counter_slot).flows_created.add(1);
        batch_.disposition[row(n)] = Disposition::forward;
    }

    /// A TCP packet that the rules let open a flow. Where clients have to prove themselves, a SYN gets a cookie, and
    /// the answer to one opens the flow. False: it is not for the proxy.
    bool proves(unsigned n, const ruleset::Rule& rule, const Opening& opening) {
        if (parsed(n).protocol != net::protocol::kTcp) return false;
        SynProxy& proxy = *context_.syn_proxy;
        const flow::OrientedKey client{batch_.key[n], batch_.sender_is_second[n]};
        if (opening.opens && opening.state == State::tcp_syn_sent) {
            // Without room for its offset, no flow could begin by a cookie.
            if (!flows_.wants_proof(client) || !flows_.sequence_offsets().has_room()) return false;
            proxy.challenge(batch_, row(n), client, context_);
            return true;
        }
        const bool in_its_middle = opening.opens || opening.why == DropReason::not_a_syn;
        if (!in_its_middle || (parsed(n).tcp_flags & (net::tcp_flag::kSyn | net::tcp_flag::kRst))) return false;
        if (!proxy.expects_answers(context_.now)) return false;
        ProvenClient proven;
        if (!proxy.read_answer(batch_, row(n), client, context_.now, proven)) {
            if (opening.opens) return false; // picked up in its middle
            context_.counters->cookies_refused.add(1);
            drop(n, DropReason::syn_cookie_bad);
            return true;
        }
        begin_proven(n, rule, proven);
        return true;
    }

    void begin_proven(unsigned n, const ruleset::Rule& rule, const ProvenClient& proven) {
        Opening opening{true, {}, State::tcp_syn_sent, {}};
        flow::tcp::open(opening.tracker.tcp, proven.syn());
        if (!flows_.sequence_offsets().has_room() || !create(n, rule, opening)) {
            drop(n, DropReason::flow_table_full);
            return;
        }
        counters_of_slot(context_, rule.counter_slot).flows_created.add(1);
        context_.syn_proxy->connect(batch_, row(n), flows_.find(batch_.key[n], batch_.hash[n]), proven, context_);
    }

    bool create(unsigned n, const ruleset::Rule& rule, const Opening& opening) {
        flow::NewFlow fresh;
        fresh.key = {batch_.key[n], batch_.sender_is_second[n]};
        fresh.hash = batch_.hash[n];
        fresh.state = opening.state;
        fresh.timeout_ticks = progress_.first_timeout(rule.counter_slot, opening.state);
        fresh.rule_slot = rule.counter_slot;
        fresh.epoch = ruleset_.epoch();
        fresh.evicts = rule.evicts;
        fresh.extra_flags = static_cast<std::uint8_t>((at_peer(n) ? flow::entry_flag::kOpenedAtPeer : 0) |
                                                      (rule.brief ? flow::entry_flag::kBrief : 0));
        const flow::Index index = flows_.create(fresh, context_.now);
        if (index == flow::kNone) return false;
        made_ |= std::uint64_t{1} << (batch_.hash[n] >> 58);
        flow::Entry& entry = flows_.entry(index);
        entry.tracker = opening.tracker;
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
        const bool proxied = entry.flags.load() & flow::entry_flag::kProxied;
        if (proxied && take(n, index, direction) == SynProxy::Next::decided) [[unlikely]]
            return;
        const bool was_stalled = is_stalled(entry);
        State next{};
        DropReason why{};
        const Advance step = advance_tracker(entry, direction, seen(n), next, why);
        const bool over = step == Advance::move && (entry.flags.load() & flow::entry_flag::kBrief) &&
                          FlowProgress::is_over(next, direction);
        switch (step) {
        case Advance::drop: drop(n, why); return;
        case Advance::restart: open(n, index); return;
        case Advance::move:
            if (!over) progress_.move(index, direction, next, was_stalled);
            break;
        case Advance::pass:
        case Advance::finish:
            if (direction == Direction::reply) progress_.note_reply(index);
            break;
        }
        entry.count(direction, batch_.packets_of(row(n)), batch_.bytes_of(row(n)));
        count_under(n, entry.rule_slot.load());
        batch_.disposition[row(n)] = Disposition::forward;
        if (direction == Direction::reply) follow_reply(n, index, proxied, step, next);
        if (step == Advance::finish) flows_.remove(index, flow::EndReason::refused);
        if (over) flows_.remove(index, flow::EndReason::closed);
    }

    /// A packet of a flow that the proxy connected, before it is judged.
    SynProxy::Next take(unsigned n, flow::Index index, Direction direction) {
        SynProxy& proxy = *context_.syn_proxy;
        const auto next = direction == Direction::original ? proxy.take_from_client(batch_, row(n), index, context_)
                                                           : proxy.take_from_server(batch_, row(n), index, context_);
        if (next == SynProxy::Next::decided && batch_.disposition[row(n)] != Disposition::drop) {
            flow::Entry& entry = flows_.entry(index);
            entry.count(direction, batch_.packets_of(row(n)), batch_.bytes_of(row(n)));
            count_under(n, entry.rule_slot.load());
        }
        return next;
    }

    /// What the proxy has to know, or to change, of what a server sends.
    void follow_reply(unsigned n, flow::Index index, bool proxied, Advance step, State next) {
        if (context_.syn_proxy == nullptr) return;
        const bool began = step == Advance::move && next == State::tcp_syn_received;
        if (began) [[unlikely]]
            context_.syn_proxy->learn(batch_, row(n), {batch_.key[n], batch_.sender_is_second[n]});
        if (!proxied) return;
        flow::tcp::Arrival acknowledgment;
        if (!context_.syn_proxy->give_to_client(batch_, row(n), index, began, context_, acknowledgment)) return;
        flow::Entry& entry = flows_.entry(index);
        if (entry.state.load() != State::tcp_syn_received) return; // it was a SYN/ACK sent again
        const flow::tcp::Standing standing{State::tcp_syn_received, true, false};
        State established{};
        if (flow::tcp::judge(entry.tracker.tcp, standing, Direction::original, acknowledgment, established) ==
            flow::tcp::Outcome::move)
            progress_.move(index, Direction::original, established, is_stalled(entry));
    }

    /// An ICMP error that quotes a packet of the flow passes if the flow can have sent that packet and the error comes
    /// from where it went. It creates nothing, moves nothing and refreshes nothing (RFC 5927).
    void relate(unsigned n, flow::Index index) {
        const flow::Entry& entry = flows_.entry(index);
        const Direction direction = entry.direction_of(batch_.sender_is_second[n]);
        const Seen quoted{{batch_.data[row(n)], batch_.length[row(n)]}, batch_.quoted[n]};
        if ((entry.flags.load() & flow::entry_flag::kProxied) && direction == Direction::reply) [[unlikely]]
            SynProxy::translate_quote(batch_, row(n), batch_.quoted[n], index, context_);
        if (comes_from_its_side(n, index))
            drop(n, DropReason::spoofed_source);
        else if (!checksum_ok(n))
            drop(n, DropReason::bad_checksum);
        else if (!may_be_quoted(entry, direction, quoted))
            drop(n, DropReason::icmp_unrelated);
        else if (is_stale(index) && !rules_.still_allow_quoted(n, direction))
            drop(n, DropReason::policy_changed);
        else {
            count_under(n, entry.rule_slot.load());
            batch_.disposition[row(n)] = Disposition::forward;
        }
    }

    Batch& batch_;
    Context& context_;
    const ruleset::Ruleset& ruleset_;
    flow::Table& flows_;
    TrackedRules rules_;
    FlowProgress progress_;
    std::uint64_t made_ = 0; ///< by the uppermost bits of their hashes: flows of this batch
};

} // namespace

void judge_tracked(Batch& batch, Context& context) {
    if (batch.tracked.count != 0) TrackedStage(batch, context).run();
}

} // namespace sluice::pipeline
