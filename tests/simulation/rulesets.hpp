// The policies that a simulation publishes in turn, and what of them the oracles must know.
#pragma once

#include "ruleset/ruleset.hpp"
#include "world.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::simulation {

/// A compiled policy and, said once more, what it allows: only clients open flows, to a few services.
struct NamedRuleset {
    std::unique_ptr<const ruleset::Ruleset> compiled;
    std::uint16_t last_tcp_port = 0; ///< from kFirstTcpPort on
    bool media = false;              ///< UDP to kMediaPort
    bool untracked = false;          ///< kUntrackedTcpPort and kUntrackedUdpPort

    /// Whether a client may open a tracked flow so.
    [[nodiscard]] bool allows(const Tuple& tuple) const;
};

/// Compiled for a simulation's four interfaces. Throws when one is not valid. The EAL must be up.
/// `evict`: what new flows do when the table is full.
std::vector<NamedRuleset> make_rulesets(bool evict);

// Timeouts over all of them, in milliseconds: what a flow surely lives, and what it lives at most.
inline constexpr std::uint64_t kTcpNew = 20'000;
inline constexpr std::uint64_t kLeastTcpEstablished = 240'000;
inline constexpr std::uint64_t kTcpClosing = 30'000;
inline constexpr std::uint64_t kMostTcp = 7'200'000;
inline constexpr std::uint64_t kLeastUdp = 10'000;
inline constexpr std::uint64_t kMostUdp = 60'000;
inline constexpr std::uint64_t kIcmp = 10'000;
inline constexpr std::uint64_t kOther = 60'000;

/// How long a flow of that protocol may be forgotten by both ends and still be there.
constexpr std::uint64_t longest_life(std::uint8_t protocol) {
    switch (protocol) {
    case net::protocol::kTcp: return kMostTcp;
    case net::protocol::kUdp: return kMostUdp;
    case net::protocol::kIcmp:
    case net::protocol::kIcmpv6: return kIcmp;
    case net::protocol::kSctp: return 3'600'000;
    default: return kOther;
    }
}

} // namespace sluice::simulation
