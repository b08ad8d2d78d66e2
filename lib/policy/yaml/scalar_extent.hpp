// How far a scalar goes in the source: yaml-cpp says only where it begins.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::policy {

struct ScalarExtent {
    std::size_t size = 0;    ///< bytes from the first, quotes included
    bool quoted = false;     ///< in quotes, or a block scalar
    bool unfinished = false; ///< the closing quote is missing
};

/// The scalar that begins at `offset` and reads as `value`.
ScalarExtent scalar_extent(std::string_view text, std::size_t offset, std::string_view value);

} // namespace sluice::policy
