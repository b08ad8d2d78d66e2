// Text of a policy to its model.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"

#include <optional>
#include <string>

namespace sluice::policy {

/// Reads one policy text strictly. Everything wrong is reported, not only the first; a policy comes back only if
/// nothing was. `file_name` is what diagnostics show.
std::optional<Policy> read(std::string file_name, std::string text, Diagnostics& diagnostics);

/// The same from a file (at most 16 MiB), with a diagnostic when it cannot be read.
std::optional<Policy> read_file(const std::string& path, Diagnostics& diagnostics);

} // namespace sluice::policy
