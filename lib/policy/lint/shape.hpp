// What a rule describes, prepared for comparing it with others: as it is written, or as the answers to it look.
#pragma once

#include "policy/lint/net_lists.hpp"
#include "policy/model/policy.hpp"

#include <cstdint>
#include <vector>

namespace sluice::policy {

/// All packets that one rule, or its reply half, matches.
struct Shape {
    std::uint64_t wires = 0;         ///< bit i: packets that come in by interface i
    std::uint32_t protocol = kMixed; ///< the only one, or kMixed
    NetLists::Id sources = NetLists::kEverything;
    NetLists::Id destinations = NetLists::kEverything;
    std::vector<Transport> transports;

    static constexpr std::uint32_t kMixed = 256;
};

/// The rule as written.
Shape forward_shape(const Policy& policy, const Rule& rule, NetLists& lists);

/// Its ends swapped: what answers look like. Transports with an ICMP type become those of the answer's type.
Shape answer_shape(const Policy& policy, const Rule& rule, NetLists& lists);

/// Whether every packet of `inner` is one of `outer`. A "no" may be wrong (when only several transports together cover
/// one), a "yes" never is. Adds the comparisons it took to `steps`.
bool covers(const Shape& outer, const Shape& inner, NetLists& lists, std::uint64_t& steps);

/// Whether some packet is in both. A "yes" may be wrong (ICMP types are not looked at), a "no" never is.
bool may_overlap(const Shape& a, const Shape& b, const NetLists& lists, std::uint64_t& steps);

} // namespace sluice::policy
