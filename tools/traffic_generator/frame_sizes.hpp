// How long frames are: one size, or a mixture of sizes in a fixed order.
#pragma once

#include "base/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::traffic {

/// Sizes count from the Ethernet header to the FCS, as RFC 2544 does: 64 to 1518.
class FrameSizes {
  public:
    /// "64", "imix" (7 of 64, 4 of 594, 1 of 1518), or "SIZE:SHARE,SIZE:SHARE,…".
    static base::Expected<FrameSizes, std::string> parse(std::string_view text);

    /// The different sizes, in the order they were given.
    [[nodiscard]] const std::vector<uint16_t>& sizes() const { return sizes_; }
    /// Which of sizes() come one after the other; a cycle, in which each is spread evenly.
    [[nodiscard]] const std::vector<uint8_t>& cycle() const { return cycle_; }
    [[nodiscard]] double mean() const;

  private:
    void spread(const std::vector<unsigned>& shares);

    std::vector<uint16_t> sizes_;
    std::vector<uint8_t> cycle_;
};

} // namespace sluice::traffic
