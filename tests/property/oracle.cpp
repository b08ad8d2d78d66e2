#include "oracle.hpp"

#include <algorithm>
#include <utility>

namespace sluice::property {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kSctp = 132;

// RFC 792, 950, 4443: question and answer.
constexpr std::pair<std::uint8_t, std::uint8_t> kIcmpPairs[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
constexpr std::pair<std::uint8_t, std::uint8_t> kIcmpv6Pairs[] = {{128, 129}};

std::uint8_t counterpart(std::uint8_t protocol, std::uint8_t type) {
    const auto swap_in = [type](const auto& pairs) {
        for (const auto& [question, answer] : pairs) {
            if (type == question) return answer;
            if (type == answer) return question;
        }
        return type;
    };
    return protocol == kIcmp ? swap_in(kIcmpPairs) : swap_in(kIcmpv6Pairs);
}

bool is_question(std::uint8_t protocol, std::uint8_t type) {
    if (protocol == kIcmpv6) return type == 128;
    return type == 8 || type == 13 || type == 15 || type == 17;
}

bool in_zone(const std::vector<std::size_t>& zones, std::size_t zone) {
    return zones.empty() || std::find(zones.begin(), zones.end(), zone) != zones.end();
}

bool in_nets(const std::vector<net::Prefix>& nets, const net::IpAddress& address) {
    return nets.empty() ||
           std::any_of(nets.begin(), nets.end(), [&address](const net::Prefix& net) { return net.contains(address); });
}

bool in_ports(const std::vector<net::PortRange>& ranges, std::uint16_t port) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(),
                                         [port](const net::PortRange& range) { return range.contains(port); });
}

bool has_ports(std::uint8_t protocol) {
    return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

bool transport_matches(const policy::Transport& transport, const Tuple& tuple) {
    if (transport.protocol && *transport.protocol != tuple.protocol) return false;
    if (transport.icmp_type && *transport.icmp_type != tuple.icmp_type) return false;
    if (!has_ports(tuple.protocol)) return transport.source_ports.empty() && transport.destination_ports.empty();
    return in_ports(transport.source_ports, tuple.source_port) &&
           in_ports(transport.destination_ports, tuple.destination_port);
}

bool opens_something(const Tuple& tuple) {
    if (tuple.protocol == kTcp) return (tuple.tcp_flags & (0x10 | 0x04)) == 0; // neither ACK nor RST
    if (tuple.protocol == kIcmp || tuple.protocol == kIcmpv6) return is_question(tuple.protocol, tuple.icmp_type);
    return false;
}

bool may_open_flow(const Tuple& tuple) {
    if (tuple.protocol == kTcp) return tuple.tcp_flags == 0x02;
    if (tuple.protocol == kSctp) return tuple.sctp_chunk == 1; // INIT
    if (tuple.protocol == kIcmp || tuple.protocol == kIcmpv6) return is_question(tuple.protocol, tuple.icmp_type);
    return true;
}

} // namespace

Tuple answered_by(const Tuple& tuple) {
    Tuple out = tuple;
    std::swap(out.source, out.destination);
    std::swap(out.source_port, out.destination_port);
    std::swap(out.from_zone, out.to_zone);
    if (tuple.protocol == kIcmp || tuple.protocol == kIcmpv6)
        out.icmp_type = counterpart(tuple.protocol, tuple.icmp_type);
    return out;
}

bool matches(const policy::Rule& rule, const Tuple& tuple) {
    return in_zone(rule.from.zones, tuple.from_zone) && in_zone(rule.to.zones, tuple.to_zone) &&
           in_nets(rule.from.nets, tuple.source) && in_nets(rule.to.nets, tuple.destination) &&
           std::any_of(rule.transports.begin(), rule.transports.end(),
                       [&tuple](const policy::Transport& transport) { return transport_matches(transport, tuple); });
}

First first_concerned(const policy::Policy& policy, const Tuple& tuple) {
    const Tuple question = answered_by(tuple);
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        const policy::Rule& rule = policy.rules[i];
        const bool direct = matches(rule, tuple);
        const bool as_answer = matches(rule, question);
        if (rule.tracked) {
            if (direct || as_answer) return {First::How::tracked, i};
            continue;
        }
        if (direct) return {First::How::untracked_direct, i};
        const bool has_mirror = rule.action == policy::Action::allow && rule.reply != policy::Reply::none;
        if (as_answer && has_mirror) return {First::How::untracked_answer, i};
    }
    return {};
}

std::optional<std::size_t> first_match(const policy::Policy& policy, const Tuple& tuple) {
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        if (matches(policy.rules[i], tuple)) return i;
    }
    return std::nullopt;
}

Fate fate_without_flow(const policy::Policy& policy, const Tuple& tuple) {
    const First first = first_concerned(policy, tuple);
    if (first.how == First::How::untracked_direct) {
        return policy.rules[first.rule].action == policy::Action::allow ? Fate::forward_untracked : Fate::drop;
    }
    if (first.how == First::How::untracked_answer) {
        const bool strict = policy.rules[first.rule].reply == policy::Reply::mirror;
        return strict && opens_something(tuple) ? Fate::drop : Fate::forward_untracked;
    }
    const auto match = first_match(policy, tuple);
    const policy::Action action = match ? policy.rules[*match].action : policy.default_action;
    if (action == policy::Action::drop) return Fate::drop;
    if (match && !policy.rules[*match].tracked) return Fate::forward_untracked;
    return may_open_flow(tuple) ? Fate::open_flow : Fate::drop;
}

} // namespace sluice::property
