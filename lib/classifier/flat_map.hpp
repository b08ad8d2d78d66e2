// Writes what ruleset::FlatMap describes.
#pragma once

#include "classifier/interval.hpp"
#include "classifier/line_arena.hpp"
#include "ruleset/tables.hpp"

#include <algorithm>
#include <limits>

namespace sluice::classifier {

template <typename Key> inline constexpr std::size_t kFlatLines = sizeof(ruleset::FlatMap<Key>) / ruleset::kLine;

/// The line of a flat map of these starts; 0 when they are none or too many, or there is no room. `key_of` turns a
/// start's address into the key that is compared.
template <typename Key, typename Address, typename KeyOf>
std::uint32_t write_flat(LineArena& arena, const Starts<Address>& starts, KeyOf key_of) {
    using Flat = ruleset::FlatMap<Key>;
    std::uint32_t line = 0;
    if (!starts.empty() && starts.size() <= Flat::kMostStarts + 1) line = arena.allocate(kFlatLines<Key>).value_or(0);
    if (line != 0) {
        auto* flat = new (arena.at(line)) Flat;
        flat->count = static_cast<std::uint32_t>(starts.size() - 1);
        std::fill(std::begin(flat->keys), std::end(flat->keys), std::numeric_limits<Key>::max());
        std::fill(std::begin(flat->classes), std::end(flat->classes), starts.back().class_);
        for (std::size_t i = 0; i < starts.size(); ++i) {
            if (i > 0) flat->keys[i - 1] = key_of(starts[i].at);
            flat->classes[i] = starts[i].class_;
        }
    }
    return line;
}

} // namespace sluice::classifier
