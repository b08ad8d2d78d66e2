// Packets on their way from one worker to another: to the one that owns their flow, or to the one that has a transmit
// queue of the port they leave by.
#pragma once

#include "pipeline/batch.hpp"
#include "worker/spsc_ring.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::worker {

/// What travels: the columns that port I/O fills.
struct HandedPacket {
    /// Why it travels.
    enum class Purpose : std::uint8_t {
        judge,    ///< the other worker owns the flow. It parses and judges the packet anew, by the policy it has then,
                  ///< so that a reload between the two workers cannot mix two policies in one verdict. Fragments of
                  ///< a datagram come one after the other, all of them, and are put together again
        collect,  ///< a fragment: the other worker collects those of its datagram
        transmit, ///< decided already; the other worker has the transmit queue
    };

    std::byte* data;
    void* handle;
    std::uint16_t length;
    std::uint16_t port; ///< to judge or collect: where it came in; to transmit: where it leaves
    Purpose purpose;
    pipeline::Checksum checksum; ///< to judge: what the port found out
};

/// A ring for every ordered pair of workers.
class HandoffMatrix {
  public:
    HandoffMatrix(std::uint16_t workers, std::uint32_t ring_capacity)
        : workers_(workers) {
        for (unsigned i = 0; i < unsigned{workers} * workers; ++i) {
            rings_.push_back(std::make_unique<SpscRing<HandedPacket>>(ring_capacity));
        }
    }

    [[nodiscard]] SpscRing<HandedPacket>& ring(std::uint16_t from, std::uint16_t to) {
        return *rings_[std::size_t{from} * workers_ + to];
    }
    [[nodiscard]] std::uint16_t workers() const { return workers_; }

  private:
    std::uint16_t workers_;
    std::vector<std::unique_ptr<SpscRing<HandedPacket>>> rings_;
};

} // namespace sluice::worker
