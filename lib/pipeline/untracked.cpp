// Stage 3: untracked rules, packet by packet, before any flow is looked up.
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"
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
    const bool icmp = parsed.protocol == net::protocol::kIcmp || parsed.protocol == net::protocol::kIcmpv6;
    if (icmp && packet::is_icmp_query(parsed.family, parsed.icmp_type)) {
        why = DropReason::untracked_query_on_reply;
        return true;
    }
    return false;
}

void apply(Batch& batch, unsigned i, ruleset::UntrackedResult result, Context& context) {
    batch.path[i] = result.path;
    if (result.path == ruleset::Path::none || result.path == ruleset::Path::tracked) return;

    const ruleset::Rule& rule = context.ruleset->rule(result.rule);
    batch.rule_slot[i] = rule.counter_slot;
    count_packet(counters_of_slot(context, rule.counter_slot), batch.length[i], context.now);
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
