// From rules to classifier rows: the collect step of compiling, without librte_acl, so that it can be tested alone.
#pragma once

#include "policy/model/policy.hpp"
#include "ruleset/classifier.hpp"

#include <cstddef>
#include <vector>

namespace sluice::policy {

/// Rows a policy may have, both classifiers together. A rule of n sources, m destinations and p port ranges takes
/// n * m * p of them.
inline constexpr std::size_t kMaxRows = 2'000'000;

/// A rule seen from the other end: what answers to its packets look like.
Rule reversed(const Rule& rule);

/// Whether some packet could match both. May say yes when it is no (large address sets), never the other way round.
bool may_overlap(const Rule& a, const Rule& b);

/// How many rows a rule takes in one classifier.
std::size_t row_count(const Rule& rule);

/// Rows of the untracked classifier: each untracked rule, its mirror, and for each earlier rule that overlaps with one
/// of them, as it is written or as its answers look, a row that sends the packet to the tracked path.
std::vector<ruleset::Row> untracked_rows(const Policy& policy);

/// Rows of the tracked classifier: every rule as it is written, in file order. The untracked ones too: a packet that
/// an earlier tracked rule took for an answer, and that answers nothing, is judged by the first rule for itself.
std::vector<ruleset::Row> tracked_rows(const Policy& policy);

} // namespace sluice::policy
