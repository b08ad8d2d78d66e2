// From which side of the wire a captured packet came: captures do not say, addresses do.
#pragma once

#include "net/address.hpp"
#include "packet/parsed.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace sluice::replay {

/// Learns which addresses are behind which of two ports. The first to speak is behind the first port, whoever it speaks
/// to behind the other; after that every packet's source, or else its destination, tells. Prefixes that were given
/// outrank what is learned. Frames without IP addresses go by their MAC addresses.
class Sides {
  public:
    /// `fixed`: prefixes behind the first (false) or the second port (true).
    explicit Sides(std::vector<std::pair<net::Prefix, bool>> fixed)
        : fixed_(std::move(fixed)) {}

    /// Whether the frame came in by the second port.
    bool from_second(const packet::Parsed& parsed, const std::vector<std::byte>& frame);

  private:
    [[nodiscard]] const bool* given(const net::IpAddress& address) const;
    template <typename End> bool learn(std::map<End, bool>& known, const End& source, const End& destination);

    std::vector<std::pair<net::Prefix, bool>> fixed_;
    std::map<net::IpAddress, bool> addresses_;
    std::map<std::uint64_t, bool> macs_;
};

} // namespace sluice::replay
