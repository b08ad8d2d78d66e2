// The two ends of the wire that the firewall is in, whatever they are made of. Called once a burst.
#pragma once

#include "traffic_generator/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::traffic {

inline constexpr uint32_t kBurst = 64;

/// A frame that has arrived. Valid until it is released.
struct Frame {
    const std::byte* data = nullptr;
    uint16_t length = 0;
    void* handle = nullptr;
};

class Ports {
  public:
    virtual ~Ports() = default;
    /// Takes what has arrived at `side`, at most what there is room for.
    virtual uint32_t receive(Side side, std::span<Frame> frames) = 0;
    virtual void release(std::span<const Frame> frames) = 0;
    /// Sends what waits as far as the port takes it, and gives new rooms. Returns how many bytes and frames went.
    struct Sent {
        uint32_t frames = 0;
        uint64_t bytes = 0;
    };
    virtual Sent transmit(Side side, Outbox& outbox) = 0;
    /// Takes back all rooms, also those that wait.
    virtual void take_back(Outbox& outbox) = 0;
};

} // namespace sluice::traffic
