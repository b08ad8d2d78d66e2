// Sends numbered UDP packets at a constant rate.
#pragma once

#include "loadgen/endpoint.hpp"
#include "loadgen/schedule.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::loadgen {

struct UdpSendOptions {
    Endpoint target;
    std::optional<Endpoint> source; ///< its port is the first source port; none: the kernel chooses
    uint16_t streams = 1;           ///< source ports in use, in turn, a batch each
    double rate = 100'000;          ///< packets a second
    uint64_t count = 0;             ///< packets in all
    uint32_t payload_length = 64;   ///< bytes, at least sizeof(UdpPayload)
    uint32_t max_burst = 64;        ///< packets at most in one call
};

struct UdpSendResults {
    uint64_t sent = 0;
    std::vector<uint64_t> sent_by_stream;
    std::map<std::string, uint64_t> errors; ///< refused by the kernel, by errno name; not in `sent`
    Nanoseconds elapsed = 0;
    Nanoseconds shifted = 0;   ///< by how much the schedule was moved instead of bursting, see Pacer
    Nanoseconds max_pause = 0; ///< longest time between two calls
};

/// Sends until the count or `stop`, then tells the receiver each stream's total, several times.
[[nodiscard]] Result<UdpSendResults> udp_send(const UdpSendOptions& options, const std::atomic<bool>& stop);

/// One line a fact.
[[nodiscard]] std::string summary(const UdpSendResults& results);
/// One JSON object, schema sluice.udpblast.send/1.
[[nodiscard]] std::string to_json(const UdpSendResults& results);

} // namespace sluice::loadgen
