// Stage 4: untracked rules, packet by packet, before any flow is looked up.
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/query.hpp"
#include "pipeline/related.hpp"
#include "pipeline/rule_counting.hpp"

namespace sluice::pipeline {
namespace {

using telemetry::DropReason;

/// Whether a packet opens something rather than answers: what the reply half of an untracked rule refuses, so that a
/// server cannot dial out from its service port. UDP does not tell.
bool refused_on_mirror(const packet::Parsed& parsed, DropReason& why) {
    using namespace net::tcp_flag;
    if (parsed.protocol == net::protocol::kTcp && !(parsed.tcp_flags & (kAck | kRst))) {
        why = DropReason::untracked_syn_on_reply;
        return true;
    }
    if (is_icmp(parsed.protocol) && packet::is_icmp_query(parsed.family, parsed.icmp_type)) {
        why = DropReason::untracked_query_on_reply;
        return true;
    }
    return false;
}

bool goes_on(ruleset::UntrackedResult result) {
    return result.path == ruleset::Path::none || result.path == ruleset::Path::tracked;
}

void count_under(Batch& batch, unsigned i, const ruleset::Rule& rule, RuleTally& tally) {
    batch.rule_slot[i] = rule.counter_slot;
    tally.count(rule.counter_slot, batch.packets_of(i), batch.bytes_of(i));
}

/// No flow tells which errors are about untracked traffic, but the packet that one quotes does: an error passes where
/// its packet may have passed, in the other direction, by an untracked rule. Path MTU discovery needs it (RFC 1191,
/// RFC 8201).
void relate(Batch& batch, unsigned i, Context& context, RuleTally& tally) {
    packet::Parsed quoted;
    if (!read_quoted(batch, i, quoted)) return;
    const ruleset::Port& port = context.ruleset->port(batch.port[i]);
    ruleset::Query query;
    fill_query(quoted, context.ruleset->port(port.peer).zone, port.zone, query);
    const ruleset::Query* asked = &query;
    std::uint32_t word = 0;
    context.ruleset->untracked().classify(quoted.family, &asked, &word, 1);
    const auto result = ruleset::UntrackedResult::decode(word);
    if (goes_on(result)) return;
    const ruleset::Rule& rule = context.ruleset->rule(result.rule);
    if (rule.action == ruleset::Action::drop) return;
    // Questions do not pass by a mirror. Of TCP's the quote may not reach as far as the flags.
    const bool question = is_icmp(quoted.protocol) && packet::is_icmp_query(quoted.family, quoted.icmp_type);
    if (result.path == ruleset::Path::mirror && question) return;
    batch.path[i] = result.path;
    count_under(batch, i, rule, tally);
    batch.disposition[i] = Disposition::forward;
}

void apply(Batch& batch, unsigned i, ruleset::UntrackedResult result, Context& context, RuleTally& tally) {
    batch.path[i] = result.path;
    if (goes_on(result)) {
        if (is_error(batch.parsed[i])) [[unlikely]]
            relate(batch, i, context, tally);
        return;
    }
    const ruleset::Rule& rule = context.ruleset->rule(result.rule);
    count_under(batch, i, rule, tally);
    DropReason why{};
    if (rule.action == ruleset::Action::drop)
        batch.drop(i, DropReason::rule_drop);
    else if (result.path == ruleset::Path::mirror && refused_on_mirror(batch.parsed[i], why))
        batch.drop(i, why);
    else
        batch.disposition[i] = Disposition::forward;
}

std::uint8_t zone_pair(const ruleset::Ruleset& ruleset, std::uint16_t port_index) {
    const ruleset::Port& port = ruleset.port(port_index);
    return ruleset.untracked().pair(static_cast<std::uint8_t>(port.zone),
                                    static_cast<std::uint8_t>(ruleset.port(port.peer).zone));
}

/// Returns how many packets there were to be judged.
unsigned judge_family(Batch& batch, Context& context, net::Family family) {
    const ruleset::Ruleset& ruleset = *context.ruleset;
    const ruleset::Classifier& classifier = ruleset.untracked();
    if (classifier.empty(family)) return 0;

    Selection rows;
    ruleset::QueryColumns columns;
    std::uint16_t port = batch.port[0]; // a burst comes from one port, so that what follows from it is asked once
    std::uint8_t pair = zone_pair(ruleset, port);
    const unsigned count = batch.count;
    for (unsigned i = 0; i < count; ++i) {
        if (batch.disposition[i] != Disposition::pending || batch.parsed[i].family != family) continue;
        if (batch.port[i] != port) [[unlikely]] {
            port = batch.port[i];
            pair = zone_pair(ruleset, port);
        }
        fill_column(batch.parsed[i], pair, columns, rows.count);
        rows.add(i);
    }
    if (rows.count == 0) return 0;

    static_assert(kBatchSize <= ruleset::kLookUpBatch);
    std::uint32_t results[ruleset::kLookUpBatch];
    classifier.classify(family, columns, results, rows.count);

    // With many rules, each packet's rule and counters are somewhere else: all of them are asked for first.
    for (unsigned n = 0; n < rows.count; ++n) {
        const ruleset::Rule& rule = ruleset.rule(ruleset::UntrackedResult::decode(results[n]).rule);
        base::prefetch(&counters_of_slot(context, rule.counter_slot));
    }
    RuleTally tally(context);
    for (unsigned n = 0; n < rows.count; ++n) {
        apply(batch, rows.row[n], ruleset::UntrackedResult::decode(results[n]), context, tally);
    }
    return rows.count;
}

} // namespace

void judge_untracked(Batch& batch, Context& context) {
    if (judge_family(batch, context, net::Family::ipv4) == batch.count) return;
    judge_family(batch, context, net::Family::ipv6);
}

} // namespace sluice::pipeline
