// Rule sets as operators write them, any number of rules, the same from the same seed.
#pragma once

#include "rule_sets/parameters.hpp"
#include "rule_sets/rule_set.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::rule_sets {

struct GenerateOptions {
    Kind kind = Kind::acl;
    net::Family family = net::Family::ipv4;
    std::size_t count = 1000; ///< 1 to 100,000 and more; the default rule is one of them
    std::uint64_t seed = 1;
    /// The last rule matches everything. A set of one rule has none.
    bool default_rule = true;
};

/// No two rules are alike. Narrow rules tend to come first, as they must to have a use: a rule stands behind another
/// that takes all its packets now and then, as in real policies, not as a rule.
RuleSet generate(const GenerateOptions& options);

/// Prefixes as a blocklist or a table of customers has them, none inside another, for sets of addresses: ascending,
/// `count` of them.
std::vector<net::Prefix> generate_prefixes(net::Family family, std::size_t count, std::uint64_t seed);

} // namespace sluice::rule_sets
