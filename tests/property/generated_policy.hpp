// Large policies out of generated rule sets: tracked and untracked rules mixed, zones, lists and services as operators
// use them. And packets that know the rules.
#pragma once

#include "oracle.hpp"
#include "policy/model/policy.hpp"
#include "rule_sets/random.hpp"
#include "rule_sets/rule_set.hpp"

namespace sluice::property {

/// One rule for each of the set, in its order; half of them untracked. Two wires, up to three zones. What comes out is
/// a policy that could have been read from a file.
policy::Policy policy_from(rule_sets::Random& random, const rule_sets::RuleSet& set);

/// A packet at the corner of a rule, beside it, inside, or between two rules; now and then any packet. Nearly half of
/// them are the answer to such a packet.
Tuple aimed_tuple(rule_sets::Random& random, const rule_sets::RuleSet& set, const policy::Policy& policy);

} // namespace sluice::property
