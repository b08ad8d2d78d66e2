#include "policy/lint/shape.hpp"

#include "policy/model/protocols.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

static_assert(kMaxInterfaces <= 64, "a shape has a bit for each interface");

bool names(const Endpoint& endpoint, std::size_t zone) {
    return endpoint.zones.empty() ||
           std::find(endpoint.zones.begin(), endpoint.zones.end(), zone) != endpoint.zones.end();
}

/// A packet comes from the zone of the interface it arrives at, and goes to the zone of that interface's peer.
std::uint64_t wires_between(const Policy& policy, const Endpoint& from, const Endpoint& to) {
    std::uint64_t wires = 0;
    for (std::size_t i = 0; i < policy.interfaces.size(); ++i) {
        const Interface& in = policy.interfaces[i];
        if (names(from, in.zone) && names(to, policy.interfaces[in.peer].zone)) wires |= std::uint64_t{1} << i;
    }
    return wires;
}

std::uint32_t only_protocol(const std::vector<Transport>& transports) {
    const auto first = transports.front().protocol;
    const bool same = first && std::all_of(transports.begin(), transports.end(),
                                           [&](const Transport& t) { return t.protocol == first; });
    return same ? *first : Shape::kMixed;
}

bool covers(const std::vector<net::PortRange>& outer, const std::vector<net::PortRange>& inner, std::uint64_t& steps) {
    if (outer.empty()) return true;
    if (inner.empty()) return outer.front().is_any();
    return std::all_of(inner.begin(), inner.end(), [&](const net::PortRange& range) {
        const auto after = std::partition_point(outer.begin(), outer.end(), [&](const net::PortRange& candidate) {
            ++steps;
            return candidate.first <= range.first;
        });
        return after != outer.begin() && (after - 1)->last >= range.last;
    });
}

bool covers(const Transport& outer, const Transport& inner, std::uint64_t& steps) {
    ++steps;
    if (outer.protocol && outer.protocol != inner.protocol) return false;
    if (outer.icmp_type && outer.icmp_type != inner.icmp_type) return false;
    return covers(outer.source_ports, inner.source_ports, steps) &&
           covers(outer.destination_ports, inner.destination_ports, steps);
}

bool may_overlap(const std::vector<net::PortRange>& a, const std::vector<net::PortRange>& b, std::uint64_t& steps) {
    if (a.empty() || b.empty()) return true;
    auto x = a.begin();
    auto y = b.begin();
    while (x != a.end() && y != b.end()) {
        ++steps;
        if (x->overlaps(*y)) return true;
        if (x->last < y->last)
            ++x;
        else
            ++y;
    }
    return false;
}

bool may_overlap(const Transport& a, const Transport& b, std::uint64_t& steps) {
    ++steps;
    return (!a.protocol || !b.protocol || a.protocol == b.protocol) &&
           may_overlap(a.source_ports, b.source_ports, steps) &&
           may_overlap(a.destination_ports, b.destination_ports, steps);
}

} // namespace

Shape forward_shape(const Policy& policy, const Rule& rule, NetLists& lists) {
    return {wires_between(policy, rule.from, rule.to), only_protocol(rule.transports), lists.add(policy, rule.from),
            lists.add(policy, rule.to), rule.transports};
}

Shape answer_shape(const Policy& policy, const Rule& rule, NetLists& lists) {
    Shape shape{wires_between(policy, rule.to, rule.from), only_protocol(rule.transports), lists.add(policy, rule.to),
                lists.add(policy, rule.from), rule.transports};
    for (Transport& transport : shape.transports) {
        std::swap(transport.source_ports, transport.destination_ports);
        if (transport.icmp_type && transport.protocol) {
            transport.icmp_type = icmp_answer(*transport.protocol, *transport.icmp_type);
        }
    }
    return shape;
}

bool covers(const Shape& outer, const Shape& inner, NetLists& lists, std::uint64_t& steps) {
    ++steps;
    if ((inner.wires & ~outer.wires) != 0) return false;
    if (outer.protocol != Shape::kMixed && outer.protocol != inner.protocol) return false;
    if (!lists.covers(outer.sources, inner.sources, steps)) return false;
    if (!lists.covers(outer.destinations, inner.destinations, steps)) return false;
    return std::all_of(inner.transports.begin(), inner.transports.end(), [&](const Transport& wanted) {
        return std::any_of(outer.transports.begin(), outer.transports.end(),
                           [&](const Transport& offered) { return covers(offered, wanted, steps); });
    });
}

bool may_overlap(const Shape& a, const Shape& b, const NetLists& lists, std::uint64_t& steps) {
    ++steps;
    if ((a.wires & b.wires) == 0) return false;
    const bool transports = std::any_of(a.transports.begin(), a.transports.end(), [&](const Transport& x) {
        return std::any_of(b.transports.begin(), b.transports.end(),
                           [&](const Transport& y) { return may_overlap(x, y, steps); });
    });
    return transports && lists.overlap(a.sources, b.sources, steps) &&
           lists.overlap(a.destinations, b.destinations, steps);
}

} // namespace sluice::policy
