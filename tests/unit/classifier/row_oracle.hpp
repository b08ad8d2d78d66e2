// First match over rows, one by one: what every classifier is compared with. Shares nothing with lib/classifier but the
// rows.
#pragma once

#include "classifier/rows.hpp"
#include "ruleset/query.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace sluice::classifier {

/// Rows, and the prefixes that their lists show.
struct World {
    std::vector<std::vector<net::Prefix>> lists;
    Rows rows;

    void show_lists() { rows.lists.assign(lists.begin(), lists.end()); }
};

inline bool in_lists(const World& world, const std::vector<ListId>& lists, const net::IpAddress& address) {
    if (lists.empty()) return true;
    for (const ListId list : lists) {
        for (const net::Prefix& prefix : world.lists[list]) {
            if (prefix.contains(address)) return true;
        }
    }
    return false;
}

inline bool in_ports(const std::vector<net::PortRange>& ranges, std::uint16_t port) {
    if (ranges.empty()) return true;
    for (const net::PortRange& range : ranges) {
        if (range.contains(port)) return true;
    }
    return false;
}

inline bool in_zones(const std::vector<std::uint8_t>& zones, std::uint8_t zone) {
    if (zones.empty()) return true;
    for (const std::uint8_t one : zones) {
        if (one == zone) return true;
    }
    return false;
}

inline bool matches(const World& world, const Row& row, net::Family family, const ruleset::Query& query) {
    return (family == net::Family::ipv4 ? row.ipv4 : row.ipv6) && (!row.protocol || *row.protocol == query.protocol) &&
           in_zones(row.from_zones, query.from_zone) && in_zones(row.to_zones, query.to_zone) &&
           in_ports(row.source_ports, query.source_port.host()) &&
           in_ports(row.destination_ports, query.destination_port.host()) &&
           in_lists(world, row.sources, net::IpAddress::from_wire(family, query.source)) &&
           in_lists(world, row.destinations, net::IpAddress::from_wire(family, query.destination));
}

/// Result of the matching row of the lowest rank, 0 for none.
inline std::uint32_t first_match(const World& world, net::Family family, const ruleset::Query& query) {
    const Row* best = nullptr;
    for (const Row& row : world.rows.rows) {
        if ((best == nullptr || row.rank < best->rank) && matches(world, row, family, query)) best = &row;
    }
    return best != nullptr ? best->result : 0;
}

} // namespace sluice::classifier
