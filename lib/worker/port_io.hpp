// Where a worker's packets come from and go to. DPDK ports are one implementation; captures and tests are others.
// Called once a burst, so virtual calls cost nothing that can be measured.
#pragma once

#include "pipeline/batch.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::worker {

class PortIo {
  public:
    PortIo() = default;
    PortIo(const PortIo&) = delete;
    PortIo& operator=(const PortIo&) = delete;
    virtual ~PortIo() = default;

    /// Takes up to kBatchSize packets from `queue` of `port` into the columns data, length, handle, port and checksum,
    /// and sets `count`. Packets that came in pieces have length 0 and are dropped by the caller as frame_in_pieces.
    virtual void receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) = 0;

    /// Sends `count` packets; returns how many were taken, from the front. The rest stays the caller's.
    virtual unsigned transmit(std::uint16_t port, std::uint16_t queue, void* const* handles, unsigned count) = 0;

    /// Whether the port's link is up; cheap, may be a second old.
    virtual bool link_up(std::uint16_t port) = 0;

    virtual void release(void* const* handles, unsigned count) = 0;

    /// A packet of the caller's own with the bytes of `frame`, to be transmitted or released; nullptr: no buffer is
    /// to be had.
    virtual void* make(std::span<const std::byte> frame) = 0;
    /// Makes a received packet `length` bytes long, which is not longer than it was.
    virtual void shorten(void* handle, std::uint16_t length) = 0;
};

} // namespace sluice::worker
