// What is legal but probably not meant, and the arithmetic operators learn the hard way.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::policy {

/// Adds errors and warnings about a policy that reads well: rules that can never match because earlier ones take all
/// their packets, untracked rules whose answers an earlier tracked rule would swallow, …
void lint(const Policy& policy, Diagnostics& diagnostics);

/// New flows a second that the table holds, if every flow ends at once and stays for its closing or unanswered time.
struct Capacity {
    std::string profile;
    std::string what; ///< "tcp_closing", "udp_new", …
    base::Tick dwell_ticks = 0;
    std::uint64_t flows_per_second = 0;
};
std::vector<Capacity> capacity(const Policy& policy);

} // namespace sluice::policy
