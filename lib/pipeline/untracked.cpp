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

void count_under(Batch& batch, unsigned i, const ruleset::Rule& rule, Context& context) {
    batch.rule_slot[i] = rule.counter_slot;
    count_row(counters_of_slot(context, rule.counter_slot), batch, i, context.now);
}

/// No flow tells which errors are about untracked traffic, but the packet that one quotes does: an error passes where
/// its packet may have passed, in the other direction, by an untracked rule. Path MTU discovery needs it (RFC 1191,
/// RFC 8201).
void relate(Batch& batch, unsigned i, Context& context) {
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
    count_under(batch, i, rule, context);
    batch.disposition[i] = Disposition::forward;
}

void apply(Batch& batch, unsigned i, ruleset::UntrackedResult result, Context& context) {
    batch.path[i] = result.path;
    if (goes_on(result)) {
        if (is_error(batch.parsed[i])) [[unlikely]]
            relate(batch, i, context);
        return;
    }
    const ruleset::Rule& rule = context.ruleset->rule(result.rule);
    count_under(batch, i, rule, context);
    DropReason why{};
    if (rule.action == ruleset::Action::drop)
        batch.drop(i, DropReason::rule_drop);
    else if (result.path == ruleset::Path::mirror && refused_on_mirror(batch.parsed[i], why))
        batch.drop(i, why);
    else
        batch.disposition[i] = Disposition::forward;
}

void judge_family(Batch& batch, Context& context, net::Family family) {
    const ruleset::Classifier& classifier = context.ruleset->untracked();
    if (classifier.empty(family)) return;

    Selection rows;
    Column<const ruleset::Query*> queries;
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.disposition[i] != Disposition::pending || batch.parsed[i].family != family) continue;
        queries[rows.count] = &batch.query[i];
        rows.add(i);
    }
    if (rows.count == 0) return;

    Column<std::uint32_t> results;
    classifier.classify(family, queries.data(), results.data(), rows.count);

    for (unsigned n = 0; n < rows.count; ++n) {
        apply(batch, rows.row[n], ruleset::UntrackedResult::decode(results[n]), context);
    }
}

} // namespace

void judge_untracked(Batch& batch, Context& context) {
    judge_family(batch, context, net::Family::ipv4);
    judge_family(batch, context, net::Family::ipv6);
}

} // namespace sluice::pipeline
