// Rules and packets as packet classification knows them: five fields, the first rule that matches wins.
//
// Neutral ground between the generator and whatever is built from its rules: a policy, rows of a classifier, a peer's
// tables.
#pragma once

#include "net/address.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::rule_sets {

/// A packet matches when every field does. Prefixes of length 0 and absent protocols match everything.
struct Rule {
    net::Prefix source;
    net::Prefix destination;
    net::PortRange source_ports;
    net::PortRange destination_ports; ///< ICMP: type * 256 + code
    std::optional<std::uint8_t> protocol;

    friend auto operator<=>(const Rule&, const Rule&) = default;
};

/// Rules of one family, the first that matches wins.
struct RuleSet {
    net::Family family = net::Family::ipv4;
    std::vector<Rule> rules;
};

struct Packet {
    net::IpAddress source;
    net::IpAddress destination;
    std::uint16_t source_port = 0;      ///< 0 where the protocol has none
    std::uint16_t destination_port = 0; ///< ICMP: type * 256 + code
    std::uint8_t protocol = 0;

    friend auto operator<=>(const Packet&, const Packet&) = default;
};

/// What a rule means, in one line.
inline bool matches(const Rule& rule, const Packet& packet) {
    return rule.source.contains(packet.source) && rule.destination.contains(packet.destination) &&
           rule.source_ports.contains(packet.source_port) && rule.destination_ports.contains(packet.destination_port) &&
           (!rule.protocol || *rule.protocol == packet.protocol);
}

/// And a list of them. Position of the first rule that matches, or nothing.
inline std::optional<std::size_t> first_match(const std::vector<Rule>& rules, const Packet& packet) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (matches(rules[i], packet)) return i;
    }
    return std::nullopt;
}

} // namespace sluice::rule_sets
