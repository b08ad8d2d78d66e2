// The loop of the generator's core: receive, judge, begin what is due, send; and the phases of a run.
#pragma once

#include "base/cell.hpp"
#include "traffic_generator/floods.hpp"
#include "traffic_generator/ports.hpp"
#include "traffic_generator/workload.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace sluice::traffic {

enum class Phase : uint8_t { waiting, preparing, warming_up, measuring, coming_to_rest, over };

/// What the thread at the terminal may look at while the generator works: written by the latter, about every
/// millisecond.
struct Progress {
    base::Cell<Phase> phase;
    base::Cell<uint64_t> sent;      ///< frames, all in all
    base::Cell<uint64_t> received;  ///< the same
    base::Cell<uint64_t> completed; ///< connections; flows that are established
    base::Cell<uint64_t> failed;
    base::Cell<uint64_t> wrong;
};

/// What went through the ports while it was measured, by side.
struct PortCounts {
    std::array<uint64_t, 2> sent{};
    std::array<uint64_t, 2> sent_bytes{}; ///< without FCS
    std::array<uint64_t, 2> received{};
    uint64_t foreign = 0; ///< frames that are not of our kind: ARP, neighbour discovery
    uint64_t refused = 0; ///< frames for which an outbox had no room: the generator's or the firewall's limit
    double seconds = 0;   ///< how long it was measured
    double preparation_seconds = 0;
};

class Engine {
  public:
    struct Options {
        double warm_up_seconds = 1;
        double seconds = 5;
        double rest_seconds = 1; ///< how long what is under way may take at the end, at most
        uint64_t cycles_per_second = 1;
        uint64_t (*clock)() = nullptr; ///< base::cycles, or a test's own
    };
    Engine(Ports& ports, Workload& workload, Floods& floods, const FrameReader& reader, const Options& options,
           Progress& progress);

    /// Runs all phases; ends early, but in order, when `stop` becomes true.
    PortCounts run(const std::atomic<bool>& stop);

  private:
    /// One round. True as long as something was received.
    bool turn(bool generate);
    /// Says how many came.
    uint32_t receive(Side at, const Moment& moment);
    bool receive_all();
    void transmit(Side side);
    void publish(uint64_t now, Phase phase);
    [[nodiscard]] uint64_t cycles(double seconds) const {
        return static_cast<uint64_t>(seconds * static_cast<double>(options_.cycles_per_second));
    }
    /// Turns for so long; false when it was stopped.
    bool turn_until(uint64_t end, Phase phase, const std::atomic<bool>& stop);

    Ports& ports_;
    Workload& workload_;
    Floods& floods_;
    const FrameReader& reader_;
    Options options_;
    Progress& progress_;
    std::array<Outbox, 2> outboxes_;
    PortCounts all_; ///< since the start
    uint64_t now_ = 0;
    uint64_t published_ = 0;
};

} // namespace sluice::traffic
