// Ports made of memory: a test puts frames in, workers take, send and release them, the test looks at what became of
// each.
//
// Every frame has a buffer of exactly its size, so that ASan sees a read beyond it, and a fate, so that a frame that is
// forgotten, sent twice or released twice is found.
//
// Threads: each input queue and each output queue belongs to one worker, and a frame to whoever holds its handle, as
// with real ports; nothing here locks but make(), so that TSan sees what a worker does to another's frames. The test's
// side (put_in, sent, count, forget) is for when no worker runs; links and limits may be changed at any time.
#pragma once

#include "support/packet_builder.hpp"
#include "worker/port_io.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::test_support {

struct MemoryFrame {
    enum class Fate : std::uint8_t { waiting, taken, sent, released };

    Bytes bytes;
    std::uint16_t in_port = 0;
    bool made = false;      ///< by a worker; `in_port` says nothing then
    bool in_pieces = false; ///< received as a frame that did not fit one buffer
    Fate fate = Fate::waiting;
    std::uint16_t out_port = 0; ///< when sent
    std::uint16_t out_queue = 0;
};

class MemoryPortIo final : public worker::PortIo {
  public:
    MemoryPortIo(std::uint16_t ports, std::uint16_t queues);

    /// The frame stays where it is until forget().
    MemoryFrame& put_in(std::uint16_t port, std::uint16_t queue, Bytes bytes, bool in_pieces = false);
    /// What left by a port's queue since the last forget(), in order.
    [[nodiscard]] const std::vector<MemoryFrame*>& sent(std::uint16_t port, std::uint16_t queue) const {
        return queue_of(port, queue).sent;
    }
    [[nodiscard]] std::size_t count(MemoryFrame::Fate fate) const;
    /// Handles that were sent or released without being held; 0, or a bug.
    [[nodiscard]] unsigned misuses() const { return misuses_.load(); }
    /// Throws away the frames that are sent or released.
    void forget();

    void set_link(std::uint16_t port, bool up) { ports_[port]->up.store(up, std::memory_order_relaxed); }
    /// How many frames one transmit() of that port takes at most.
    void set_transmit_limit(std::uint16_t port, unsigned frames) {
        ports_[port]->transmit_limit.store(frames, std::memory_order_relaxed);
    }
    static constexpr unsigned kNoLimit = ~0u;

    void receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) override;
    unsigned transmit(std::uint16_t port, std::uint16_t queue, void* const* handles, unsigned count) override;
    bool link_up(std::uint16_t port) override { return ports_[port]->up.load(std::memory_order_relaxed); }
    void release(void* const* handles, unsigned count) override;
    void* make(std::span<const std::byte> frame) override;
    void shorten(void* handle, std::uint16_t length) override;
    /// How many more frames make() has buffers for.
    void set_buffers(unsigned frames) { buffers_.store(frames, std::memory_order_relaxed); }

  private:
    struct Queue {
        std::vector<MemoryFrame*> waiting;
        std::size_t next = 0; ///< of `waiting`
        std::vector<MemoryFrame*> sent;
    };
    struct Port {
        std::vector<Queue> queues;
        std::atomic<bool> up{true};
        std::atomic<unsigned> transmit_limit{kNoLimit};
    };
    [[nodiscard]] Queue& queue_of(std::uint16_t port, std::uint16_t queue) const { return ports_[port]->queues[queue]; }
    bool take_back(MemoryFrame& frame, MemoryFrame::Fate fate);

    std::vector<std::unique_ptr<Port>> ports_;
    std::vector<std::unique_ptr<MemoryFrame>> frames_;
    std::mutex made_;
    std::vector<std::unique_ptr<MemoryFrame>> made_frames_; ///< by whichever worker: behind `made_`
    std::atomic<unsigned> buffers_{kNoLimit};
    std::atomic<unsigned> misuses_{0};
};

} // namespace sluice::test_support
