// A policy's rules as somebody would have written them, so that what a test finds can be put into a file and tried.
#pragma once

#include "policy/model/policy.hpp"

#include <string>

namespace sluice::property {

/// Interfaces, zones, rules and the default; policy::read() makes the same rules of it. Transports of one rule must
/// have the same source ports, which is all that can be written.
std::string policy_text(const policy::Policy& policy);

} // namespace sluice::property
