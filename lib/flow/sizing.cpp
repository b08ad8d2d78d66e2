#include "flow/sizing.hpp"

#include <cmath>

namespace sluice::flow {

std::uint32_t share_of_entries(std::uint64_t entries, std::uint32_t workers) {
    const std::uint64_t even = (entries + workers - 1) / workers;
    if (workers == 1) return static_cast<std::uint32_t>(even);
    // The number of flows that one of n workers gets is binomial.
    const double deviation =
        std::sqrt(static_cast<double>(even) * (static_cast<double>(workers) - 1) / static_cast<double>(workers));
    return static_cast<std::uint32_t>(even + static_cast<std::uint64_t>(std::ceil(4 * deviation)));
}

Config share_of(const Sizing& sizing, std::uint32_t workers) {
    Config config;
    config.capacity = share_of_entries(sizing.entries, workers);
    const std::uint64_t half_open = std::uint64_t{config.capacity} * sizing.half_open_percent / 100;
    config.half_open_limit = half_open == 0 ? 1 : static_cast<std::uint32_t>(half_open);
    config.pressure.enter_percent = static_cast<std::uint8_t>(sizing.pressure_enter_percent);
    config.pressure.leave_percent = static_cast<std::uint8_t>(sizing.pressure_leave_percent);
    config.pressure.timeout_scale = static_cast<std::uint16_t>(sizing.timeout_scale_percent * 256 / 100);
    return config;
}

} // namespace sluice::flow
