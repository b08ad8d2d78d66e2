#include "policy/lint/lint.hpp"

#include "net/protocol.hpp"
#include "policy/diagnostic/text.hpp"
#include "policy/lint/shadow.hpp"
#include "policy/model/protocols.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

constexpr std::size_t kMaxNotes = 8;

void lint_unused(const Policy& policy, Diagnostics& diagnostics) {
    for (const Unused& unused : policy.unused) {
        diagnostics.warning("W101", unused.where, unused.what + " " + in_quotes(unused.name) + " is not used");
    }
}

void lint_wires(const Policy& policy, Diagnostics& diagnostics) {
    for (std::size_t i = 0; i < policy.interfaces.size(); ++i) {
        const Interface& one = policy.interfaces[i];
        const Interface& other = policy.interfaces[one.peer];
        if (one.peer < i || one.mtu == other.mtu) continue;
        diagnostics.warning("W102", other.where,
                            "interfaces " + in_quotes(one.name) + " and " + in_quotes(other.name) +
                                " are one wire, but have MTU " + std::to_string(one.mtu) + " and " +
                                std::to_string(other.mtu));
    }
}

/// UDP with any source port: what the reply half lets through may go to every port of the clients.
bool mirrors_udp_to_all_ports(const Rule& rule) {
    if (rule.tracked || rule.action != Action::allow || rule.reply != Reply::mirror) return false;
    return std::any_of(rule.transports.begin(), rule.transports.end(), [](const Transport& transport) {
        return transport.protocol.value_or(net::protocol::kUdp) == net::protocol::kUdp &&
               transport.source_ports.empty();
    });
}

/// Said once, for the first such rule; the others are notes to it.
void lint_udp_mirrors(const Policy& policy, Diagnostics& diagnostics) {
    Diagnostic* warning = nullptr;
    std::size_t more = 0;
    for (const Rule& rule : policy.rules) {
        if (!mirrors_udp_to_all_ports(rule)) continue;
        if (warning == nullptr) {
            warning = &diagnostics.warning("W104", rule.track_where,
                                           "untracked rule " + in_quotes(rule.name) +
                                               " lets its servers send UDP to every port of its clients, unasked");
            warning->help = "nothing in a UDP packet tells an answer from a question: track the rule, name the ports "
                            "clients ask from ('from: { ports: […] }'), or write 'reply: mirror_any' if it is meant";
        } else if (warning->notes.size() < kMaxNotes) {
            warning->notes.push_back({rule.track_where, "so does " + in_quotes(rule.name)});
        } else {
            ++more;
        }
    }
    if (more > 0) warning->notes.back().message += ", and " + std::to_string(more) + " more rules";
}

/// These pass a wire without a rule being asked (see pipeline/parse.cpp).
bool is_neighbour_discovery(const Transport& transport) {
    return transport.protocol == net::protocol::kIcmpv6 && transport.icmp_type &&
           *transport.icmp_type >= net::icmpv6::kRouterSolicitation &&
           *transport.icmp_type <= net::icmpv6::kNeighborAdvertisement;
}

bool begins_no_flow(const Transport& transport) {
    return transport.protocol && transport.icmp_type && !is_neighbour_discovery(transport) &&
           !icmp_answer(*transport.protocol, *transport.icmp_type);
}

void lint_icmp(const Policy& policy, Diagnostics& diagnostics) {
    for (const Rule& rule : policy.rules) {
        const auto first = [&rule](auto predicate) {
            return std::find_if(rule.transports.begin(), rule.transports.end(), predicate);
        };
        if (const auto found = first(is_neighbour_discovery); found != rule.transports.end()) {
            diagnostics.warning("W109", rule.where,
                                "rule " + in_quotes(rule.name) + " is not asked about " +
                                    icmp_type_name(*found->protocol, *found->icmp_type) +
                                    ": neighbour discovery always passes a wire");
        }
        const auto found = first(begins_no_flow);
        if (!rule.tracked || rule.action != Action::allow || found == rule.transports.end()) continue;
        auto& warning = diagnostics.warning(
            "W108", rule.where,
            "tracked rule " + in_quotes(rule.name) + " lets no " + protocol_name(*found->protocol) + " " +
                icmp_type_name(*found->protocol, *found->icmp_type) + " through: it begins no flow");
        warning.help = "write 'track: false' and 'reply: none'";
    }
}

} // namespace

void lint(const Policy& policy, Diagnostics& diagnostics) {
    lint_unused(policy, diagnostics);
    lint_wires(policy, diagnostics);
    lint_shadowed(policy, diagnostics);
    lint_udp_mirrors(policy, diagnostics);
    lint_icmp(policy, diagnostics);
    diagnostics.sort();
}

} // namespace sluice::policy
