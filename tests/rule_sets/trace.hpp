// Packets for a rule set: what honest traffic asks, and what somebody asks who knows the rules.
#pragma once

#include "rule_sets/random.hpp"
#include "rule_sets/rule_set.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::rule_sets {

using Trace = std::vector<Packet>;

enum class Field : std::uint8_t { source, destination, source_port, destination_port, protocol };
inline constexpr Field kFields[] = {Field::source, Field::destination, Field::source_port, Field::destination_port,
                                    Field::protocol};

/// A packet that the rule takes: any of its inside, or one where each field is the first or the last that it takes.
Packet inside(Random& random, const Rule& rule);
Packet corner(Random& random, const Rule& rule);
/// A corner with one field a step further: the first or last that the rule does not take any more, if there is one.
Packet beside(Random& random, const Rule& rule);
/// Any packet, ports and ICMP types where its protocol has them.
Packet any_packet(Random& random, net::Family family);

/// Different packets in random order, half from the corners and half from the inside of rules that are drawn evenly:
/// each rule is asked for as often as another. Fewer than `count` only if the rules take fewer.
Trace spread_over_rules(const RuleSet& set, std::size_t count, std::uint64_t seed);
/// Different packets that know nothing of the rules.
Trace random_packets(net::Family family, std::size_t count, std::uint64_t seed);
/// Each rule's corners in turn, a rule beside its step further, in the order of the rules: whoever knows the rules and
/// wants every look-up to end where the last one did not.
Trace all_corners(const RuleSet& set, std::size_t count, std::uint64_t seed);
/// One packet, whose one field takes `count` values spread over all that it can be; of `protocol` there are 256.
Trace sweep(const RuleSet& set, Field field, std::size_t count, std::uint64_t seed);

} // namespace sluice::rule_sets
