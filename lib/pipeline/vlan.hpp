// Which VLAN a packet is in, for keys.
#pragma once

#include <cstdint>

namespace sluice::pipeline {

/// VLAN id 0 marks a priority, not a VLAN (IEEE 802.1Q, 6.9): its answers may come without a tag.
constexpr std::uint16_t vlan_of(std::uint16_t parsed) {
    constexpr std::uint16_t kPriorityTag = 0x1000;
    return parsed == kPriorityTag ? std::uint16_t{0} : parsed;
}

} // namespace sluice::pipeline
