// What the generator does with two ports: a workload makes frames and judges those that come back.
//
// A run has phases: the workload is prepared (flows are established), warms up, is measured, and comes to rest: nothing
// new is begun, but what is under way may arrive. Counted is what began while it was measured.
#pragma once

#include "loadgen/histogram.hpp"
#include "traffic_generator/arrival.hpp"
#include "traffic_generator/outbox.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::traffic {

/// What can be wrong with a frame that came out of the firewall.
enum class Wrong : uint8_t {
    damaged,    ///< a length or checksum
    stranger,   ///< no flow or connection has this tuple
    flags,      ///< no frame with these TCP flags was sent
    numbers,    ///< sequence or acknowledgment number
    payload,    ///< bytes
    unexpected, ///< right in itself, but not in this state
};
inline constexpr std::size_t kWrongs = 6;
std::string_view name_of(Wrong wrong);

/// Packets of one direction that were sent while it was measured, and what became of them.
struct PacketCounts {
    uint64_t sent = 0;
    uint64_t delivered = 0;
};

/// What a workload counts. Lost packets are those sent and not delivered.
struct Counts {
    std::array<PacketCounts, 2> packets{}; ///< by the side that sent them; flows and new flows only
    double offered = 0; ///< packets or connections that the schedule had; as many as begun without one
    uint64_t flows = 0; ///< to be established
    uint64_t established = 0;
    uint64_t begun = 0; ///< connections
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t reset = 0;       ///< of the failed ones, by an RST
    uint64_t retransmits = 0; ///< segments sent again
    uint64_t late = 0;        ///< segments that came again, or after their connection was over
    uint64_t reordered = 0;   ///< packets of a TCP flow that were overtaken
    std::array<uint64_t, kWrongs> wrong{};
    loadgen::Histogram latency; ///< nanoseconds

    [[nodiscard]] uint64_t all_wrong() const;
    void add_wrong(Wrong which) { ++wrong[static_cast<std::size_t>(which)]; }
};

class Workload {
  public:
    virtual ~Workload() = default;

    /// Makes progress towards a state in which it can be measured; true once it is there.
    virtual bool prepare(const Moment& moment) = 0;
    /// Begins what is due.
    virtual void generate(const Moment& moment) = 0;
    /// Frames that arrived at `at`, the other side's.
    virtual void receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) = 0;
    /// What must be done again after some time, in every phase.
    virtual void look_after(const Moment&) {}
    /// Whether nothing is under way that may still arrive, as far as the workload knows.
    [[nodiscard]] virtual bool at_rest() const { return false; }

    virtual void begin_measuring(uint64_t now) = 0;
    virtual void end_measuring(uint64_t now) = 0;

    [[nodiscard]] Counts& counts() { return counts_; }
    [[nodiscard]] const Counts& counts() const { return counts_; }

  protected:
    Counts counts_;
};

} // namespace sluice::traffic
