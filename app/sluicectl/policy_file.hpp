// A policy's text from a file, and what reading it finds: shared by `policy check` and `policy apply`.
#pragma once

#include "context.hpp"

#include "base/expected.hpp"
#include "policy/diagnostic/diagnostic.hpp"

#include <string>

namespace sluice::sluicectl {

/// The whole file, or the standard input for "-": at most admin::kMaxPolicySize bytes. A sentence when it cannot be
/// read.
base::Expected<std::string, std::string> read_policy_text(const std::string& path);

/// {errors, warnings, rendered, diagnostics}: the shape that the appliance's policy.check gives, too.
Json diagnostics_json(const policy::Diagnostics& diagnostics);

} // namespace sluice::sluicectl
