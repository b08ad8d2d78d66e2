#include "random_policy.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::property {
namespace {

std::size_t below(Random& random, std::size_t n) {
    return random() % n;
}
bool one_in(Random& random, std::size_t n) {
    return below(random, n) == 0;
}

constexpr std::array<std::uint16_t, 8> kPorts = {0, 53, 80, 81, 443, 11211, 40000, 65535};
constexpr std::array<std::uint8_t, 7> kProtocols = {1, 6, 17, 58, 132, 47, 50};
constexpr std::array<std::uint8_t, 6> kIcmpTypes = {0, 3, 8, 13, 14, 17};
constexpr std::array<std::uint8_t, 5> kIcmpv6Types = {1, 128, 129, 130, 143};
constexpr std::array<std::uint8_t, 6> kFlags = {0x02, 0x12, 0x10, 0x04, 0x14, 0x11};

constexpr std::array<std::uint8_t, 9> kChunks = {0, 1, 2, 6, 7, 8, 10, 11, 14};

net::IpAddress random_address(Random& random, net::Family family) {
    net::IpAddress address;
    address.family = family;
    // A few bits at both ends vary, so that prefixes of any length tell some apart.
    address.bytes[0] = static_cast<std::uint8_t>(8 + below(random, 4));
    address.bytes[1] = static_cast<std::uint8_t>(below(random, 2));
    const std::size_t last = family == net::Family::ipv4 ? 3 : 15;
    address.bytes[last] = static_cast<std::uint8_t>(below(random, 4));
    if (family == net::Family::ipv6) address.bytes[7] = static_cast<std::uint8_t>(below(random, 2));
    return address;
}

net::Prefix random_prefix(Random& random, net::Family family) {
    static constexpr std::array<std::uint8_t, 7> kIpv4Lengths = {0, 6, 8, 16, 30, 31, 32};
    static constexpr std::array<std::uint8_t, 7> kIpv6Lengths = {0, 6, 16, 64, 96, 127, 128};
    net::Prefix prefix;
    prefix.address = random_address(random, family);
    const auto& lengths = family == net::Family::ipv4 ? kIpv4Lengths : kIpv6Lengths;
    prefix.length = lengths[below(random, lengths.size())];
    for (unsigned bit = prefix.length; bit < prefix.address.width(); ++bit) {
        prefix.address.bytes[bit / 8] =
            static_cast<std::uint8_t>(prefix.address.bytes[bit / 8] & ~(1u << (7 - bit % 8)));
    }
    return prefix;
}

std::vector<net::Prefix> random_nets(Random& random) {
    std::vector<net::Prefix> nets;
    for (std::size_t n = one_in(random, 2) ? 0 : 1 + below(random, 3); n > 0; --n) {
        nets.push_back(random_prefix(random, one_in(random, 2) ? net::Family::ipv4 : net::Family::ipv6));
    }
    return nets;
}

std::vector<net::PortRange> random_ports(Random& random) {
    std::vector<net::PortRange> ranges;
    for (std::size_t n = below(random, 3); n > 0; --n) {
        std::uint16_t a = kPorts[below(random, kPorts.size())];
        std::uint16_t b = one_in(random, 2) ? a : kPorts[below(random, kPorts.size())];
        ranges.push_back({std::min(a, b), std::max(a, b)});
    }
    return ranges;
}

policy::Transport random_transport(Random& random) {
    policy::Transport transport;
    if (one_in(random, 4)) return transport;
    transport.protocol = kProtocols[below(random, kProtocols.size())];
    switch (*transport.protocol) {
    case 6:
    case 17:
    case 132:
        if (one_in(random, 3)) transport.source_ports = random_ports(random);
        transport.destination_ports = random_ports(random);
        break;
    case 1:
        if (one_in(random, 2)) transport.icmp_type = kIcmpTypes[below(random, kIcmpTypes.size())];
        break;
    case 58:
        if (one_in(random, 2)) transport.icmp_type = kIcmpv6Types[below(random, kIcmpv6Types.size())];
        break;
    default: break;
    }
    return transport;
}

std::vector<std::size_t> random_zones(Random& random, std::size_t zones) {
    if (!one_in(random, 3)) return {};
    std::vector<std::size_t> out = {below(random, zones)};
    if (one_in(random, 3) && out[0] + 1 < zones) out.push_back(out[0] + 1);
    return out;
}

policy::Rule random_rule(Random& random, std::size_t number, std::size_t zones) {
    policy::Rule rule;
    rule.name = "rule-" + std::to_string(number);
    rule.from = {random_zones(random, zones), random_nets(random)};
    rule.to = {random_zones(random, zones), random_nets(random)};
    for (std::size_t n = 1 + below(random, 2); n > 0; --n) {
        rule.transports.push_back(random_transport(random));
    }
    rule.action = one_in(random, 3) ? policy::Action::drop : policy::Action::allow;
    rule.tracked = one_in(random, 2);
    if (!rule.tracked && rule.action == policy::Action::allow) {
        rule.reply = static_cast<policy::Reply>(below(random, 3));
    }
    return rule;
}

void aim(Random& random, const policy::Rule& rule, Tuple& tuple) {
    const auto pick = [&random](const auto& list) { return list[below(random, list.size())]; };
    const policy::Transport& transport = rule.transports[below(random, rule.transports.size())];
    if (transport.protocol) tuple.protocol = *transport.protocol;
    if (transport.icmp_type) tuple.icmp_type = *transport.icmp_type;
    if (!transport.source_ports.empty()) tuple.source_port = pick(transport.source_ports).first;
    if (!transport.destination_ports.empty()) tuple.destination_port = pick(transport.destination_ports).last;
    const auto put = [&](const std::vector<net::Prefix>& nets, net::IpAddress& address) {
        for (const net::Prefix& net : nets) {
            if (net.address.family == address.family && one_in(random, 2)) address = net.address;
        }
    };
    put(rule.from.nets, tuple.source);
    put(rule.to.nets, tuple.destination);
}

} // namespace

std::uint8_t random_chunk(Random& random) {
    return kChunks[below(random, kChunks.size())];
}

policy::Policy random_policy(Random& random, std::size_t rules) {
    policy::Policy policy;
    const std::size_t zones = 1 + below(random, 3);
    policy.zones.resize(zones);
    for (std::size_t i = 0; i < 4; ++i) {
        policy::Interface interface;
        interface.name = "if" + std::to_string(i);
        interface.peer = i ^ 1;
        interface.zone = below(random, zones);
        policy.interfaces.push_back(interface);
    }
    policy.sanity.martian_source = policy::Action::allow; // any address will do here
    policy.timeouts.push_back({"default", policy::kDefaultTimeouts, false, {}});
    for (std::size_t i = 0; i < rules; ++i) {
        policy.rules.push_back(random_rule(random, i, zones));
    }
    policy.default_action = one_in(random, 3) ? policy::Action::allow : policy::Action::drop;
    return policy;
}

Tuple random_tuple(Random& random, const policy::Policy& policy, std::size_t port) {
    Tuple tuple;
    const net::Family family = one_in(random, 2) ? net::Family::ipv4 : net::Family::ipv6;
    tuple.source = random_address(random, family);
    tuple.destination = random_address(random, family);
    tuple.protocol = kProtocols[below(random, kProtocols.size())];
    tuple.source_port = kPorts[below(random, kPorts.size())];
    tuple.destination_port = kPorts[below(random, kPorts.size())];
    if (!policy.rules.empty() && one_in(random, 2))
        aim(random, policy.rules[below(random, policy.rules.size())], tuple);
    if (one_in(random, 2)) tuple = answered_by(tuple);
    // Each family has an ICMP of its own.
    if (tuple.protocol == 1 || tuple.protocol == 58) tuple.protocol = tuple.source.family == net::Family::ipv4 ? 1 : 58;
    const bool icmp = tuple.protocol == 1 || tuple.protocol == 58;
    const bool ports = tuple.protocol == 6 || tuple.protocol == 17 || tuple.protocol == 132;
    if (!ports) tuple.source_port = tuple.destination_port = 0;
    if (icmp && (tuple.icmp_type == 0 || one_in(random, 2))) {
        tuple.icmp_type = tuple.protocol == 1 ? kIcmpTypes[below(random, kIcmpTypes.size())]
                                              : kIcmpv6Types[below(random, kIcmpv6Types.size())];
    }
    if (!icmp) tuple.icmp_type = 0;
    tuple.tcp_flags = tuple.protocol == 6 ? kFlags[below(random, kFlags.size())] : std::uint8_t{0};
    tuple.sctp_chunk = tuple.protocol == 132 && !one_in(random, 2) ? random_chunk(random) : std::uint8_t{1};
    tuple.from_zone = policy.interfaces[port].zone;
    tuple.to_zone = policy.interfaces[policy.interfaces[port].peer].zone;
    return tuple;
}

} // namespace sluice::property
