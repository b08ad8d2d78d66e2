// Frames of one side that wait to be sent, in buffers that the ports have given beforehand: writing one is no
// allocation.
#pragma once

#include "traffic_generator/frame_template.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace sluice::traffic {

/// A ring: rooms are added at its end, written from the middle on, sent from its beginning.
class Outbox {
  public:
    static constexpr uint32_t kCapacity = 512;

    /// False when there is no room: the port does not take what was written before. Counted.
    bool write(const FrameTemplate& frame, const Ends& ends, const TcpNumbers& numbers, uint64_t mark) {
        if (written_ == end_) {
            ++refused_;
            return false;
        }
        Room& room = rooms_[written_ % kCapacity];
        frame.write(room.data, ends, numbers, mark);
        room.length = frame.length();
        ++written_;
        return true;
    }
    [[nodiscard]] uint32_t waiting() const { return written_ - sent_; }
    [[nodiscard]] uint32_t room() const { return end_ - written_; }
    [[nodiscard]] uint64_t refused() const { return refused_; }

    /// For the ports: what is to be sent, by index from 0 to waiting() - 1.
    [[nodiscard]] void* handle(uint32_t index) const { return rooms_[(sent_ + index) % kCapacity].handle; }
    [[nodiscard]] const std::byte* data(uint32_t index) const { return rooms_[(sent_ + index) % kCapacity].data; }
    [[nodiscard]] uint16_t length(uint32_t index) const { return rooms_[(sent_ + index) % kCapacity].length; }
    /// The first `count` have been sent; their rooms are the port's again.
    void sent(uint32_t count) { sent_ += count; }
    [[nodiscard]] uint32_t wanted() const { return kCapacity - (end_ - sent_); }
    void add_room(void* handle, std::byte* data) {
        assert(wanted() > 0);
        rooms_[end_ % kCapacity] = {handle, data, 0};
        ++end_;
    }
    /// Takes back a room that nothing was written to; none: nullptr.
    void* take_room() { return written_ == end_ ? nullptr : rooms_[--end_ % kCapacity].handle; }

  private:
    static_assert((kCapacity & (kCapacity - 1)) == 0, "counters wrap");
    struct Room {
        void* handle;
        std::byte* data;
        uint16_t length;
    };
    std::array<Room, kCapacity> rooms_{};
    uint32_t sent_ = 0;
    uint32_t written_ = 0;
    uint32_t end_ = 0;
    uint64_t refused_ = 0;
};

/// The two outboxes, and what time it is: read once a round, in cycles.
struct Moment {
    uint64_t now;
    std::array<Outbox, 2>& outboxes;

    [[nodiscard]] Outbox& of(Side side) const { return outboxes[static_cast<std::size_t>(side)]; }
};

} // namespace sluice::traffic
