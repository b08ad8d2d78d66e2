// Established flows, UDP or TCP, and packets over them.
//
// A flow's number is that of its tuple. UDP packets bear when they were sent. TCP segments do as well, and their
// sequence numbers go on as those of a host that never has to wait: the windows are 1 GiB wide.
#pragma once

#include "traffic_generator/connection_frames.hpp"
#include "traffic_generator/flow_order.hpp"
#include "traffic_generator/pacer.hpp"
#include "traffic_generator/workload.hpp"

#include <vector>

namespace sluice::traffic {

/// Which of the packets that arrive were sent while it was measured: by the time that they bear.
class MeasuredTime {
  public:
    explicit MeasuredTime(uint64_t cycles_per_second)
        : nanoseconds_(1e9 / static_cast<double>(cycles_per_second)) {}
    void begin(uint64_t now) {
        begin_ = now;
        end_ = UINT64_MAX;
    }
    void end(uint64_t now) { end_ = now; }
    /// When a packet with this mark was sent, if it arrives now.
    [[nodiscard]] static uint64_t sent_at(uint64_t mark, uint64_t now) { return now - ((now - mark) & kMarkMask); }
    /// The packets of a round bear the time of its beginning; what is measured begins and ends between two rounds.
    [[nodiscard]] bool holds(uint64_t sent) const { return sent > begin_ && sent <= end_; }
    [[nodiscard]] uint64_t nanoseconds(uint64_t cycles) const {
        return static_cast<uint64_t>(static_cast<double>(cycles) * nanoseconds_);
    }

  private:
    double nanoseconds_;
    uint64_t begin_ = UINT64_MAX;
    uint64_t end_ = UINT64_MAX;
};

class Flows : public Workload {
  public:
    struct Options {
        uint8_t protocol = 0; ///< net::protocol::kTcp or kUdp
        uint32_t flows = 1000;
        double rate = 0;              ///< packets a second, both directions together; zero: as fast as possible
        double settle_seconds = 0.02; ///< how long an answer may take while flows are established
        std::vector<uint16_t> sizes;  ///< of frames with FCS, see FlowOrder::Step::shape
        uint64_t seed = 1;
        uint64_t cycles_per_second = 1;
    };
    Flows(const TuplePlan& plan, FlowOrder order, const Options& options);

    bool prepare(const Moment& moment) override;
    void generate(const Moment& moment) override;
    void receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) override;
    void begin_measuring(uint64_t now) override;
    void end_measuring(uint64_t now) override;

  private:
    enum class State : uint8_t { none, opening, answered, established };
    /// What a TCP flow's two ends know; UDP flows have none of these.
    struct Numbers {
        std::array<uint32_t, 2> next{}; ///< by side: what it sends next
        std::array<uint32_t, 2> seen{}; ///< what it has had from the other side, all in all
    };

    void open(uint32_t flow, const Moment& moment);
    void opened(Side at, uint32_t flow, const Arrival& arrival, const Moment& moment);
    void established(uint32_t flow);
    void send(uint32_t flow, Side from, std::size_t shape, const Moment& moment);
    void take_segment(Side at, uint32_t flow, const Arrival& arrival, const Moment& moment);
    void take(Side at, const Arrival& arrival, const Moment& moment);
    [[nodiscard]] bool tcp() const { return !numbers_.empty(); }

    TuplePlan plan_;
    FlowOrder order_;
    Options options_;
    ConnectionFrames handshake_;
    std::array<std::vector<FrameTemplate>, 2> frames_; ///< by side and shape
    std::vector<State> states_;
    std::vector<Numbers> numbers_;
    Pacer pacer_;
    MeasuredTime time_;
    uint32_t cursor_ = 0;     ///< the next flow to be established
    uint32_t unanswered_ = 0; ///< flows that are being established
    uint32_t passes_ = 0;
    uint32_t stalls_ = 0; ///< in a row
    uint64_t answered_at_ = 0;
    bool generating_ = false;
    bool measuring_ = false;
    double offered_before_ = 0;
};

} // namespace sluice::traffic
