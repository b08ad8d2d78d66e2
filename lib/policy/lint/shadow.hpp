// Rules that can never match, or whose answers go elsewhere, because of where they stand in the list.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"

namespace sluice::policy {

/// Compares every rule with all earlier ones, one at a time: a rule that only several earlier ones cover together is
/// not found. Stops after a fixed amount of work, with a warning that says so.
void lint_shadowed(const Policy& policy, Diagnostics& diagnostics);

} // namespace sluice::policy
