// Text of a policy to its model.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policy {

/// Whether `{ file: … }` of an address set is followed. A diagnostic quotes what it is about, so whoever may have a
/// policy read may see lines of any file that the reading process may: strangers' texts are read without.
enum class SetFiles : std::uint8_t { follow, refuse };

/// Reads one policy text strictly. Everything wrong is reported, not only the first; a policy comes back only if
/// nothing was. `file_name` is what diagnostics show.
std::optional<Policy> read(std::string file_name, std::string text, Diagnostics& diagnostics,
                           SetFiles set_files = SetFiles::follow);

/// The same from a file (at most 16 MiB), with a diagnostic when it cannot be read.
std::optional<Policy> read_file(const std::string& path, Diagnostics& diagnostics);

/// Prefixes, one a line, as the file of an address set has them; nothing, and diagnostics, when one is wrong.
std::optional<std::vector<net::Prefix>> read_prefixes(std::string text, Diagnostics& diagnostics);

} // namespace sluice::policy
