// Address sets of a policy made in a test: their meaning, worked out by the test itself.
#pragma once

#include "policy/model/policy.hpp"

#include <string>
#include <vector>

namespace sluice::property {

/// By family and address, none inside another, as lists in a policy are.
void tidy_nets(std::vector<net::Prefix>& nets);

/// Puts a set behind those that the policy has; `inner` are some of those.
void add_set(policy::Policy& policy, std::string name, std::vector<net::Prefix> own, std::vector<std::size_t> inner);

/// Another list for a set that has no inner ones, and all that follows from it for the sets around it.
void change_set(policy::Policy& policy, std::size_t set, std::vector<net::Prefix> own);

/// The same rules with the prefixes of their sets written out, so that oracles need not know of sets.
policy::Policy without_sets(const policy::Policy& policy);

} // namespace sluice::property
