// Ports over frames that are there from the start. As test_support::MemoryPortIo it gives every frame a fate and finds
// the one that is forgotten, sent twice or released twice; unlike it, it takes no memory while it runs.
//
// A frame lies at the end of its buffer and what is before it is poisoned, so that ASan sees a read beyond either end.
// A copy shows whether a forwarded frame still is what came in.
#pragma once

#include "frame_writer.hpp"
#include "tcp_connection.hpp"
#include "world.hpp"

#include "telemetry/drop_reason.hpp"
#include "worker/port_io.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice::simulation {

/// Who sent a frame, and what that means for its fate.
struct Origin {
    enum class Sender : std::uint8_t {
        connection, ///< TCP `slot`
        exchange,   ///< question and answer `slot`
        honest,     ///< nobody whose life is followed, but no attacker
        hostile,
    };
    Sender sender = Sender::hostile;
    Side side = client;
    std::uint16_t slot = 0; ///< hostile and blind: of the connection that it is for
    std::uint32_t life = 0; ///< of that slot: whether it still is the same conversation
    TcpSegment segment;     ///< of a connection
    bool blind = false;     ///< for a connection, but outside all its windows
};

struct Frame {
    enum class Fate : std::uint8_t { free, waiting, taken, sent, released };

    std::unique_ptr<std::byte[]> buffer;
    std::unique_ptr<std::byte[]> copy;
    std::byte* data = nullptr;
    std::uint16_t length = 0;
    std::uint16_t in_port = 0;
    std::uint16_t out_port = 0;
    Fate fate = Fate::free;
    bool has_reason = false;
    telemetry::DropReason reason{}; ///< the last that the pipeline said
    std::uint64_t step = 0;         ///< when it came
    Origin origin;

    [[nodiscard]] std::span<const std::byte> bytes() const { return {data, length}; }
    [[nodiscard]] bool unchanged() const;
};

class FramePool final : public worker::PortIo {
  public:
    FramePool(std::uint16_t queues, std::size_t frames);
    ~FramePool() override;

    /// Nothing when every frame is held somewhere.
    Frame* put_in(std::uint16_t port, std::uint16_t queue, std::span<const std::uint8_t> bytes);

    /// Frames whose fate is known, in that order; give_back() makes them free.
    [[nodiscard]] const std::vector<Frame*>& finished() const { return finished_; }
    void give_back();

    /// Frames that the workers hold.
    [[nodiscard]] std::size_t taken() const { return taken_; }
    /// Frames that no worker has received.
    [[nodiscard]] std::size_t waiting() const { return waiting_; }
    /// Handles that were sent or released without being held.
    [[nodiscard]] unsigned misuses() const { return misuses_; }

    void receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) override;
    unsigned transmit(std::uint16_t port, std::uint16_t queue, void* const* handles, unsigned count) override;
    bool link_up(std::uint16_t) override { return true; }
    void release(void* const* handles, unsigned count) override;
    /// Connections here know nothing of cookies, so none are given.
    void* make(std::span<const std::byte>) override { return nullptr; }
    void shorten(void*, std::uint16_t) override { ++misuses_; }

  private:
    struct Queue {
        std::vector<Frame*> frames;
        std::size_t next = 0;
    };
    void finish(void* handle, Frame::Fate fate, std::uint16_t out_port);

    std::vector<Frame> frames_;
    std::vector<Frame*> free_;
    std::vector<Frame*> finished_;
    std::array<std::vector<Queue>, kPorts> queues_;
    std::size_t taken_ = 0;
    std::size_t waiting_ = 0;
    unsigned misuses_ = 0;
};

} // namespace sluice::simulation
