// From what a policy says about the flow table to each worker's part of it.
#pragma once

#include "flow/table.hpp"

#include <cstdint>

namespace sluice::flow {

/// `tables: { flows: … }`, for all workers together.
struct Sizing {
    std::uint64_t entries = 0;
    unsigned half_open_percent = 25;
    unsigned pressure_enter_percent = 90;
    unsigned pressure_leave_percent = 70;
    unsigned timeout_scale_percent = 25;
};

/// Entries of one of `workers` tables. Flows go to workers by their hash, which never divides them evenly: each table
/// has four standard deviations more than its share, so that with all of `entries` in use no table is full (but for one
/// time in 30,000). With two workers and 512Ki entries that is 0.6 % more memory.
std::uint32_t share_of_entries(std::uint64_t entries, std::uint32_t workers);

/// Entries that one of `workers` tables keeps of a rule's reserve. What does not divide is kept by all, or a small
/// reserve would be none.
constexpr std::uint32_t share_of_reserve(std::uint32_t entries, std::uint32_t workers) {
    return static_cast<std::uint32_t>((std::uint64_t{entries} + workers - 1) / workers);
}

/// What a worker's table is made with; seed and counters are left to the caller.
Config share_of(const Sizing& sizing, std::uint32_t workers);

} // namespace sluice::flow
