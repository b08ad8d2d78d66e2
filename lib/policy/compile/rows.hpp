// From rules to classifier rows: the collect step of compiling.
//
// A rule takes one row for each of its transports, whatever the number of its addresses: an address set is one list
// that all rows share which name it, and so is every list of addresses that rules write out.
#pragma once

#include "classifier/rows.hpp"
#include "policy/model/policy.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::policy {

/// The rows of one classifier, and what of the policy they and their lists are. Its lists are views of the policy's.
struct ClassifierRows {
    classifier::Rows rows;
    std::vector<std::uint32_t> row_rules; ///< by row: index into Policy::rules
    /// By address set: the list of what is written in it, when some row names it. A set of sets is named by the lists
    /// of all of them, so that a change of one reaches whoever holds it.
    std::vector<std::optional<classifier::ListId>> set_lists;
};

/// A rule seen from the other end: what answers to its packets look like.
Rule reversed(const Rule& rule);
Transport reversed(const Transport& transport);

/// Rows of the untracked classifier: each untracked rule, its mirror, and for each earlier rule that overlaps with one
/// of them, as it is written or as its answers look, a row that sends the packet to the tracked path.
ClassifierRows untracked_rows(const Policy& policy);

/// Rows of the tracked classifier: every rule as it is written, in file order. The untracked ones too: a packet that
/// an earlier tracked rule took for an answer, and that answers nothing, is judged by the first rule for itself.
ClassifierRows tracked_rows(const Policy& policy);

} // namespace sluice::policy
