// Captures for ports that replay them for ever (net_pcap with infinite_rx=1): one file for the clients' side of a
// firewall, one for the servers'.
#pragma once

#include "traffic_generator/connection_frames.hpp"
#include "traffic_generator/frame_sizes.hpp"
#include "traffic_generator/tuple_plan.hpp"

#include <cstdint>
#include <string>

namespace sluice::traffic {

struct Trace {
    std::string clients; ///< path of the file; empty: not written
    std::string servers;
    uint64_t frames = 0;      ///< in each file
    uint32_t connections = 0; ///< or flows: how many different tuples there are
};

/// One frame a flow and side, each file in an order of its own; if there are fewer than 1,024 flows, again and again.
/// TCP frames are acknowledgments without data: in the windows for ever, but they open nothing (pickup: loose).
base::Expected<Trace, std::string> write_flows(const TuplePlan& plan, uint8_t protocol, uint32_t flows,
                                               const FrameSizes& sizes, uint64_t seed, const std::string& folder);

/// Frames that a replay port hands out at once, and connections that take a step in each of these bursts.
inline constexpr uint32_t kReplayBurst = 32;
inline constexpr uint32_t kConnectionsABurst = 8;

/// Complete TCP connections of eight frames: SYN, SYN/ACK, request, its ACK, response, FIN, FIN, ACK. The files are
/// in lock step: when bursts of 32 are taken from both in turn, each frame comes when what it answers has passed. For
/// as long as `lag` bursts more of one file than of the other have been taken, this stays so. `connections` is made a
/// multiple of 8; the last ones end when the files begin again, so of the first pass a few are not complete.
base::Expected<Trace, std::string> write_connections(const TuplePlan& plan, uint32_t connections, uint32_t lag,
                                                     const Exchange& exchange, uint64_t seed,
                                                     const std::string& folder);

/// Each frame a flow of its own, clients' side alone.
base::Expected<Trace, std::string> write_new_udp(const TuplePlan& plan, uint32_t flows, const FrameSizes& sizes,
                                                 uint64_t seed, const std::string& folder);

} // namespace sluice::traffic
