#include "pipeline/tracked_rules.hpp"

#include "packet/parse.hpp"
#include "pipeline/query.hpp"

#include <utility>

namespace sluice::pipeline {
namespace {

using flow::Direction;

/// From a packet of the reply direction to what its opener looked like to the rules.
void turn(ruleset::Query& query, const packet::Parsed& packet) {
    std::swap(query.from_zone, query.to_zone);
    std::swap(query.source, query.destination);
    if (is_icmp(packet.protocol)) {
        const std::uint8_t question = packet::icmp_counterpart(packet.family, packet.icmp_type);
        query.destination_port = net::Be16::from_host(static_cast<std::uint16_t>(question << 8 | packet.icmp_code));
    } else {
        std::swap(query.source_port, query.destination_port);
    }
}

} // namespace

void TrackedRules::ask_ahead() {
    Selection asked;
    const std::uint32_t epoch = ruleset_.epoch();
    const unsigned count = batch_.tracked.count;
    for (unsigned n = 0; n < count; ++n) {
        const flow::Index index = batch_.flow[n];
        if (index != flow::kNone && (batch_.error[n] || flows_.entry(index).epoch.load() == epoch)) continue;
        asked.add(n);
    }
    answer_.fill(kNotAsked);
    if (asked.count == 0) return;
    ask_ahead(net::Family::ipv4, asked);
    ask_ahead(net::Family::ipv6, asked);
}

void TrackedRules::ask_ahead(net::Family family, const Selection& all) {
    Selection asked;
    Column<ruleset::Query> query;
    Column<const ruleset::Query*> queries;
    for (unsigned k = 0; k < all.count; ++k) {
        const unsigned n = all.row[k];
        if (parsed(n).family != family) continue;
        fill_query_of(n, batch_.flow[n], query[asked.count]);
        queries[asked.count] = &query[asked.count];
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
void TrackedRules::fill_query_of(unsigned n, flow::Index index, ruleset::Query& query) const {
    fill_query(parsed(n), port(n).zone, ruleset_.port(port(n).peer).zone, query);
    if (index == flow::kNone) return;
    if (flows_.entry(index).direction_of(batch_.sender_is_second[n]) == Direction::reply) turn(query, parsed(n));
}

std::uint32_t TrackedRules::rule_for(unsigned n, flow::Index index) {
    if (answer_[n] == kNotAsked || index != batch_.flow[n]) {
        ruleset::Query query;
        fill_query_of(n, index, query);
        const ruleset::Query* asked = &query;
        ruleset_.tracked().classify(parsed(n).family, &asked, &answer_[n], 1);
    }
    return answer_[n] == 0 ? ruleset_.default_rule() : answer_[n] - 1;
}

bool TrackedRules::still_allow_quoted(unsigned n, Direction direction) const {
    ruleset::Query query;
    fill_query(batch_.quoted[n], ruleset_.port(port(n).peer).zone, port(n).zone, query);
    if (direction == Direction::reply) turn(query, batch_.quoted[n]);
    const ruleset::Query* asked = &query;
    std::uint32_t answer = 0;
    ruleset_.tracked().classify(parsed(n).family, &asked, &answer, 1);
    const ruleset::Rule& rule = ruleset_.rule(answer == 0 ? ruleset_.default_rule() : answer - 1);
    return rule.action == ruleset::Action::allow && rule.tracked;
}

} // namespace sluice::pipeline
