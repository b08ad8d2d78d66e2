// Receives numbered UDP packets and says which never came.
#pragma once

#include "loadgen/endpoint.hpp"
#include "loadgen/histogram.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/sequence_tracker.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace sluice::loadgen {

struct UdpReceiveOptions {
    Endpoint listen;
    Nanoseconds idle_timeout = 3 * kNanosecondsPerSecond; ///< gives up this long after the last packet
    std::optional<Nanoseconds> first_timeout;             ///< the same before the first one; none: waits for ever
    uint32_t buffer_size = 64U << 20;                     ///< bytes, of the socket
};

struct UdpReceiveResults {
    std::map<uint16_t, SequenceTracker> streams;
    uint64_t foreign = 0;      ///< packets that are not of this run, or of no run
    uint64_t socket_drops = 0; ///< lost in this host's own socket buffer, not on the way (SO_RXQ_OVFL)
    bool all_ended = false;    ///< every stream told its total
    Histogram delay;           ///< ns from sendmmsg to recvmmsg
    Nanoseconds max_gap = 0;   ///< longest time between two arrivals
    uint32_t buffer_size = 0;  ///< bytes that the kernel granted

    [[nodiscard]] uint64_t received() const;
    [[nodiscard]] uint64_t missing() const;
    [[nodiscard]] uint64_t duplicated() const;
    [[nodiscard]] uint64_t reordered() const;
};

/// Calls `ready` once packets can come; returns when all streams have told their totals (and a little later, for
/// stragglers), after the idle timeout, or on `stop`.
[[nodiscard]] Result<UdpReceiveResults> udp_receive(const UdpReceiveOptions& options, const std::atomic<bool>& stop,
                                                    const std::function<void()>& ready);

[[nodiscard]] std::string summary(const UdpReceiveResults& results);
/// One JSON object, schema sluice.udpblast.receive/1.
[[nodiscard]] std::string to_json(const UdpReceiveResults& results);

} // namespace sluice::loadgen
