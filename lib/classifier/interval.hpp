// Sorted starts of intervals, the common currency of the address maps.
#pragma once

#include "ruleset/tables.hpp"

#include <cstdint>
#include <vector>

namespace sluice::classifier {

using ruleset::Class;

/// From `at` on, up to the next start, addresses are of this class.
template <typename Key> struct Start {
    Key at{};
    Class class_ = 0;
};
template <typename Key> using Starts = std::vector<Start<Key>>;

/// Appends, unless nothing begins: same class as before. A start at the same place is replaced.
template <typename Key> void append(Starts<Key>& starts, Key at, Class class_) {
    if (!starts.empty() && starts.back().at == at) starts.pop_back();
    if (!starts.empty() && starts.back().class_ == class_) return;
    starts.push_back({at, class_});
}

} // namespace sluice::classifier
