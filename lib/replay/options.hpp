// What `sluicectl replay` is asked for, and what it answers.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::replay {

struct Options {
    std::string capture_path; ///< pcap or pcapng; Ethernet, raw IP, Linux cooked, BSD loopback
    std::string policy_path;
    std::optional<std::string> output_path; ///< pcapng: every packet whose fate is known, with its verdict as a comment
    std::optional<std::string> interface;   ///< where the first packet comes in; the policy's first unless said
    /// Which interface addresses are behind, where the capture alone would not tell.
    std::vector<std::pair<std::string, net::Prefix>> sides;
};

/// One packet's way.
struct Verdict {
    std::uint64_t number = 0; ///< in the capture, from 1
    double seconds = 0;       ///< since the first packet
    std::string interface;    ///< where it was taken to come in
    std::string packet;       ///< "tcp 10.0.0.1:40000 > 10.0.0.2:80 S"
    /// What became of it at once: a fragment is held until its datagram is complete, and that one's verdict stands with
    /// the fragment that completes it.
    enum class What : std::uint8_t { forward, drop, held };
    What what = What::drop;
    std::string reason; ///< drop reason; empty unless dropped
    std::string detail; ///< why exactly, for malformed packets
    std::string rule;   ///< the rule that decided; "-" when none did
    std::string path;   ///< tracked, untracked, reply (of an untracked rule), or "-"
};

struct Count {
    std::string name;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

struct Report {
    std::string warnings; ///< diagnostics of the policy, rendered; empty when there are none
    std::uint64_t received = 0;
    std::uint64_t forwarded = 0;
    std::uint64_t dropped = 0;
    std::uint64_t held = 0;      ///< fragments of datagrams that were not complete at the end
    std::uint64_t truncated = 0; ///< captured shorter than they were: judged by what is there
    double seconds = 0;          ///< from the first packet to the last
    std::vector<Count> reasons;  ///< drop reasons met
    std::vector<Count> rules;    ///< all rules in the policy's order, the default last
    std::uint64_t flows_created = 0;
    std::uint64_t flows_left = 0; ///< in the table after the last packet
};

struct Failure {
    enum class Kind : std::uint8_t { failed, usage, policy_invalid };
    Kind kind = Kind::failed;
    std::string message; ///< one sentence; for policy_invalid the rendered diagnostics
};

} // namespace sluice::replay
