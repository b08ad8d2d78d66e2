// What has come out of the firewall: read, and verified to the last checksum.
#pragma once

#include "traffic_generator/tuple_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::traffic {

/// A frame that was read as one of ours.
struct Arrival {
    Ends ends;
    uint64_t mark = 0;     ///< the payload's first six bytes, zero if it is shorter
    uint32_t sequence = 0; ///< of TCP, in host order
    uint32_t acknowledgment = 0;
    uint16_t window = 0;
    uint16_t payload_length = 0;
    uint8_t flags = 0;
    uint8_t protocol = 0;
    bool flood = false; ///< its client address is of the range that floods use
    const std::byte* payload = nullptr;
};

enum class Reading : uint8_t {
    good,
    foreign, ///< not of our kind: ARP, ICMP, another family, an address that nobody here has
    damaged, ///< a length or a checksum is wrong
};

class FrameReader {
  public:
    FrameReader(const TuplePlan& plan, const AddressRange& floods);

    /// Reads a frame that `from` must have sent.
    [[nodiscard]] Reading read(std::span<const std::byte> frame, Side from, Arrival& arrival) const;

    /// Whether the payload is what FrameTemplate writes, from `first` on.
    [[nodiscard]] static bool payload_is_right(const Arrival& arrival);

  private:
    template <net::Family kFamily>
    [[nodiscard]] Reading read_ip(std::span<const std::byte> frame, Side from, Arrival& arrival) const;
    [[nodiscard]] bool same_network(const std::byte* address, const AddressRange& range) const;

    net::Family family_;
    AddressRange clients_;
    AddressRange servers_;
    AddressRange floods_;
};

} // namespace sluice::traffic
