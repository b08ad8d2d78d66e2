// What a classifier is built from: rows over lists of addresses. Lists are looked up, never multiplied into rows.
#pragma once

#include "net/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::classifier {

/// Position of a list of addresses in Rows::lists.
using ListId = std::uint32_t;

/// One row: a packet matches when every field does. Empty and absent fields match everything.
struct Row {
    bool ipv4 = true; ///< whether packets of that family are meant
    bool ipv6 = true;
    std::optional<std::uint8_t> protocol;
    std::vector<std::uint8_t> from_zones;
    std::vector<std::uint8_t> to_zones;
    std::vector<ListId> sources;      ///< in any of these lists
    std::vector<ListId> destinations; ///< in any of these lists
    std::vector<net::PortRange> source_ports;
    std::vector<net::PortRange> destination_ports; ///< ICMP: type * 256 + code
    std::uint32_t rank = 0;                        ///< the lowest rank that matches wins
    std::uint32_t result = 0;                      ///< what classify() answers; not 0
};

/// The zones that a packet can come from and go to: one for each interface, most of them alike.
struct ZonePair {
    std::uint8_t from = 0;
    std::uint8_t to = 0;

    bool operator==(const ZonePair&) const = default;
};

/// A wire has two directions: as many pairs as interfaces.
inline constexpr std::size_t kMaxZonePairs = 32;

struct Rows {
    /// Prefixes of both families, each once in its list; one may lie inside another.
    std::vector<std::span<const net::Prefix>> lists;
    std::vector<Row> rows; ///< in any order
    /// Those that queries may have; a query of another pair matches no row. At most kMaxZonePairs different ones.
    std::vector<ZonePair> zone_pairs;
};

} // namespace sluice::classifier
