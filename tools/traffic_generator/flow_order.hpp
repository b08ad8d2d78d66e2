// Which flow the next packet belongs to.
#pragma once

#include "base/expected.hpp"
#include "traffic_generator/random.hpp"
#include "traffic_generator/tuple_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::traffic {

class FlowOrder {
  public:
    struct Step {
        uint32_t flow;
        uint16_t shape; ///< index of the frame size
        Side from;
    };

    /// Every flow as often as any other, both sides in turn.
    static FlowOrder uniform(uint32_t flows, std::vector<uint8_t> shapes, uint64_t seed);
    /// The k-th flow in proportion to 1 / k^exponent, from a sequence of 4 million draws that repeats itself.
    static FlowOrder zipf(uint32_t flows, double exponent, std::vector<uint8_t> shapes, uint64_t seed);
    /// These steps, again and again.
    static FlowOrder recorded(std::vector<Step> steps);

    /// Only what clients send.
    void one_way() { one_way_ = true; }

    Step next() {
        if (!steps_.empty()) {
            const Step step = steps_[position_];
            position_ = position_ + 1 == steps_.size() ? 0 : position_ + 1;
            return step;
        }
        const uint8_t shape = shapes_[shape_];
        shape_ = shape_ + 1 == shapes_.size() ? 0 : shape_ + 1;
        from_ = one_way_ ? Side::client : opposite(from_);
        if (draws_.empty()) return {random_.below(flows_), shape, from_};
        const uint32_t flow = draws_[position_];
        position_ = position_ + 1 == draws_.size() ? 0 : position_ + 1;
        return {flow, shape, from_};
    }

  private:
    explicit FlowOrder(uint64_t seed)
        : random_(seed) {}

    Random random_;
    uint32_t flows_ = 1;
    std::vector<uint8_t> shapes_{0}; ///< cycle of frame sizes
    std::vector<uint32_t> draws_;
    std::vector<Step> steps_;
    std::size_t position_ = 0;
    std::size_t shape_ = 0;
    Side from_ = Side::server;
    bool one_way_ = false;
};

/// What can be learned from a capture of UDP and TCP: an order of flows, directions and frame sizes.
struct CapturedOrder {
    std::vector<FlowOrder::Step> steps; ///< `shape` is an index of `sizes`
    std::vector<uint16_t> sizes;        ///< with FCS; lengths are rounded up to steps of 64 bytes
    uint32_t flows = 0;
    uint64_t skipped = 0; ///< frames that are neither UDP nor TCP over IP
};

/// Reads pcap or pcapng. A flow's client is who sent its first packet. At most 2^26 packets are taken.
base::Expected<CapturedOrder, std::string> read_order(const std::string& path);

} // namespace sluice::traffic
