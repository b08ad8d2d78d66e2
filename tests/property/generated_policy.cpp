#include "generated_policy.hpp"

#include "sets.hpp"

#include "net/protocol.hpp"
#include "rule_sets/trace.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::property {
namespace {

using net::protocol::kIcmp;
using net::protocol::kIcmpv6;
using net::protocol::kSctp;
using net::protocol::kTcp;
using net::protocol::kUdp;
using rule_sets::below;
using rule_sets::Random;
using rule_sets::with_probability;

constexpr std::size_t kInterfaces = 4;

bool has_ports(std::uint8_t protocol) {
    return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

/// A net of a rule, and at times those of a few other rules with it.
std::vector<net::Prefix> nets_of(Random& random, const rule_sets::RuleSet& set, const net::Prefix& own,
                                 net::Prefix rule_sets::Rule::*side) {
    if (own.length == 0) return {};
    std::vector<net::Prefix> nets = {own};
    if (with_probability(random, 0.15)) {
        for (std::size_t n = 1 + below(random, 3); n > 0; --n) {
            const net::Prefix& other = set.rules[below(random, set.rules.size())].*side;
            if (other.length != 0) nets.push_back(other);
        }
    }
    if (with_probability(random, 0.02)) {
        const char* text = set.family == net::Family::ipv4 ? "2001:db8::/32" : "198.51.100.0/24";
        nets.push_back(*net::Prefix::parse(text));
    }
    tidy_nets(nets);
    return nets;
}

/// At times a set beside the nets, or in their place.
void put_set(Random& random, const policy::Policy& policy, policy::Endpoint& endpoint) {
    if (policy.address_sets.empty() || !with_probability(random, 0.1)) return;
    if (with_probability(random, 0.5)) endpoint.nets.clear();
    endpoint.sets = {below(random, policy.address_sets.size())};
}

/// Sets of the rules' own prefixes, so that both cut across each other; some within others.
void make_sets(Random& random, const rule_sets::RuleSet& set, policy::Policy& policy) {
    constexpr std::size_t kMostSets = 20;
    const std::size_t count = std::min(kMostSets, 1 + set.rules.size() / 10);
    for (std::size_t number = 0; number < count; ++number) {
        std::vector<net::Prefix> own;
        for (std::size_t left = 1 + below(random, 8); left > 0; --left) {
            const rule_sets::Rule& rule = set.rules[below(random, set.rules.size())];
            const net::Prefix& prefix = with_probability(random, 0.5) ? rule.source : rule.destination;
            if (prefix.length != 0) own.push_back(prefix);
        }
        std::vector<std::size_t> inner;
        if (!policy.address_sets.empty() && with_probability(random, 0.3))
            inner.push_back(below(random, policy.address_sets.size()));
        if (own.empty() && inner.empty()) continue;
        add_set(policy, "set-" + std::to_string(policy.address_sets.size()), std::move(own), std::move(inner));
    }
}

std::vector<net::PortRange> ports_of(Random& random, const rule_sets::RuleSet& set, const net::PortRange& own,
                                     net::PortRange rule_sets::Rule::*side) {
    if (own.is_any()) return {};
    std::vector<net::PortRange> ranges = {own};
    if (with_probability(random, 0.1)) {
        const net::PortRange& other = set.rules[below(random, set.rules.size())].*side;
        // Ascending and apart.
        if (own.last + 1 < other.first) ranges.push_back(other);
    }
    return ranges;
}

std::vector<policy::Transport> transports_of(Random& random, const rule_sets::RuleSet& set,
                                             const rule_sets::Rule& rule) {
    static constexpr std::uint8_t kIpv4Types[] = {0, 3, 8, 11, 13};
    static constexpr std::uint8_t kIpv6Types[] = {1, 3, 128, 129, 130};
    policy::Transport transport;
    transport.protocol = rule.protocol;
    if (!rule.protocol) return {transport};
    if (*rule.protocol == kIcmp && with_probability(random, 0.5)) transport.icmp_type = kIpv4Types[below(random, 5)];
    if (*rule.protocol == kIcmpv6 && with_probability(random, 0.5)) transport.icmp_type = kIpv6Types[below(random, 5)];
    if (!has_ports(*rule.protocol)) return {transport};
    transport.source_ports = ports_of(random, set, rule.source_ports, &rule_sets::Rule::source_ports);
    transport.destination_ports = ports_of(random, set, rule.destination_ports, &rule_sets::Rule::destination_ports);
    if (!with_probability(random, 0.1)) return {transport};
    policy::Transport second = transport;
    second.protocol = *rule.protocol == kTcp ? kUdp : kTcp;
    if (with_probability(random, 0.5)) second.destination_ports = {{53, 53}};
    return {transport, second};
}

std::vector<std::size_t> zones_of(Random& random, std::size_t zones) {
    if (!with_probability(random, 0.25)) return {};
    std::vector<std::size_t> out = {below(random, zones)};
    if (out[0] + 1 < zones && with_probability(random, 0.3)) out.push_back(out[0] + 1);
    return out;
}

/// Whether something answers its ICMP types: read() refuses a reply half otherwise.
bool has_mirror(const policy::Rule& rule) {
    return std::all_of(rule.transports.begin(), rule.transports.end(), [](const policy::Transport& transport) {
        if (!transport.icmp_type) return true;
        const std::uint8_t type = *transport.icmp_type;
        return *transport.protocol == kIcmp ? type == 8 || type == 13 : type == 128;
    });
}

policy::Rule rule_from(Random& random, const rule_sets::RuleSet& set, std::size_t number,
                       const policy::Policy& policy) {
    const std::size_t zones = policy.zones.size();
    const rule_sets::Rule& written = set.rules[number];
    policy::Rule rule;
    rule.name = "rule-" + std::to_string(number);
    rule.from.zones = zones_of(random, zones);
    rule.from.nets = nets_of(random, set, written.source, &rule_sets::Rule::source);
    rule.to.zones = zones_of(random, zones);
    rule.to.nets = nets_of(random, set, written.destination, &rule_sets::Rule::destination);
    put_set(random, policy, rule.from);
    put_set(random, policy, rule.to);
    rule.transports = transports_of(random, set, written);
    rule.action = with_probability(random, 0.6) ? policy::Action::allow : policy::Action::drop;
    rule.tracked = with_probability(random, 0.5);
    if (!rule.tracked && rule.action == policy::Action::allow && has_mirror(rule))
        rule.reply = static_cast<policy::Reply>(below(random, 3));
    return rule;
}

Tuple tuple_of(const rule_sets::Packet& packet) {
    Tuple tuple;
    tuple.source = packet.source;
    tuple.destination = packet.destination;
    tuple.protocol = packet.protocol;
    if (packet.protocol == kIcmp || packet.protocol == kIcmpv6) {
        tuple.icmp_type = static_cast<std::uint8_t>(packet.destination_port >> 8);
    } else if (has_ports(packet.protocol)) {
        tuple.source_port = packet.source_port;
        tuple.destination_port = packet.destination_port;
    }
    return tuple;
}

rule_sets::Packet aimed_packet(Random& random, const rule_sets::RuleSet& set) {
    const auto any_rule = [&]() -> const rule_sets::Rule& { return set.rules[below(random, set.rules.size())]; };
    switch (below(random, 8)) {
    case 0:
    case 1: return corner(random, any_rule());
    case 2:
    case 3: return beside(random, any_rule());
    case 4: return inside(random, any_rule());
    case 5: return rule_sets::any_packet(random, set.family);
    case 6: {
        // Between rules: the ends of one, the rest of another.
        rule_sets::Packet packet = corner(random, any_rule());
        packet.destination = corner(random, any_rule()).destination;
        return packet;
    }
    default: {
        rule_sets::Packet packet = inside(random, any_rule());
        const rule_sets::Packet other = corner(random, any_rule());
        if (has_ports(packet.protocol) && has_ports(other.protocol)) {
            packet.protocol = other.protocol;
            packet.source_port = other.source_port;
            packet.destination_port = other.destination_port;
        }
        return packet;
    }
    }
}

} // namespace

policy::Policy policy_from(Random& random, const rule_sets::RuleSet& set) {
    policy::Policy policy;
    const std::size_t zones = 1 + below(random, 3);
    policy.zones.resize(zones);
    for (std::size_t i = 0; i < zones; ++i)
        policy.zones[i].name = "zone-" + std::to_string(i);
    for (std::size_t i = 0; i < kInterfaces; ++i) {
        policy::Interface interface;
        interface.name = "if" + std::to_string(i);
        interface.device = "net_null" + std::to_string(i);
        interface.peer = i ^ 1;
        interface.zone = i < zones ? i : below(random, zones);
        policy.zones[interface.zone].interfaces.push_back(i);
        policy.interfaces.push_back(interface);
    }
    policy.timeouts.push_back({"default", policy::kDefaultTimeouts, false, {}});
    make_sets(random, set, policy);
    policy.rules.reserve(set.rules.size());
    for (std::size_t i = 0; i < set.rules.size(); ++i)
        policy.rules.push_back(rule_from(random, set, i, policy));
    return policy;
}

Tuple aimed_tuple(Random& random, const rule_sets::RuleSet& set, const policy::Policy& policy) {
    rule_sets::Packet packet = aimed_packet(random, set);
    if (!policy.address_sets.empty() && with_probability(random, 0.2)) {
        const policy::AddressSet& asked = policy.address_sets[below(random, policy.address_sets.size())];
        rule_sets::Rule from_set;
        from_set.source = (*asked.prefixes)[below(random, asked.prefixes->size())];
        from_set.destination.address.family = from_set.source.address.family;
        const net::IpAddress address = corner(random, from_set).source;
        (with_probability(random, 0.5) ? packet.source : packet.destination) = address;
    }
    Tuple tuple = tuple_of(packet);
    if (with_probability(random, 0.4)) tuple = answered_by(tuple);
    const policy::Interface& in = policy.interfaces[below(random, policy.interfaces.size())];
    tuple.from_zone = in.zone;
    tuple.to_zone = policy.interfaces[in.peer].zone;
    return tuple;
}

} // namespace sluice::property
