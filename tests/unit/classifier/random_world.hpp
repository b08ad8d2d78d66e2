// Random rows and packets from a small world, so that they overlap and meet often.
#pragma once

#include "row_oracle.hpp"

#include <algorithm>
#include <random>

namespace sluice::classifier {

using Random = std::mt19937_64;

inline std::uint64_t below(Random& random, std::uint64_t end) {
    return random() % end;
}

/// A few networks, nested and side by side, and addresses at their edges.
inline net::IpAddress random_address(Random& random, net::Family family) {
    net::IpAddress address;
    address.family = family;
    const unsigned width = address.width() / 8;
    static constexpr std::uint8_t kBytes[] = {0, 1, 10, 127, 128, 192, 254, 255};
    for (unsigned i = 0; i < width; ++i)
        address.bytes[i] =
            below(random, 16) == 0 ? static_cast<std::uint8_t>(random()) : kBytes[below(random, i < 3 ? 3 : 8)];
    return address;
}

inline net::Prefix random_prefix(Random& random, net::Family family) {
    net::Prefix prefix;
    prefix.address = random_address(random, family);
    const unsigned width = prefix.address.width();
    prefix.length = static_cast<std::uint8_t>(below(random, 4) == 0 ? width : below(random, width + 1));
    for (unsigned bit = prefix.length; bit < width; ++bit)
        prefix.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
    return prefix;
}

inline std::vector<net::PortRange> random_ports(Random& random) {
    std::vector<net::PortRange> ranges;
    for (std::uint64_t n = below(random, 3) == 0 ? 1 + below(random, 3) : 0; n > 0; --n) {
        const std::uint16_t edges[] = {0, 22, 53, 80, 1023, 1024, 8000, 65'535};
        std::uint16_t a = edges[below(random, 8)];
        std::uint16_t b = below(random, 2) == 0 ? a : edges[below(random, 8)];
        if (a > b) std::swap(a, b);
        ranges.push_back({a, b});
    }
    return ranges;
}

inline std::vector<ListId> random_lists(Random& random, std::size_t count) {
    std::vector<ListId> lists;
    if (count == 0) return lists;
    for (std::uint64_t n = below(random, 4); n > 0; --n)
        lists.push_back(static_cast<ListId>(below(random, count)));
    std::sort(lists.begin(), lists.end());
    lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
    return lists;
}

inline Row random_row(Random& random, std::size_t lists, std::uint32_t rank) {
    Row row;
    row.ipv4 = below(random, 8) != 0;
    row.ipv6 = below(random, 8) != 0;
    if (below(random, 2) == 0) row.protocol = static_cast<std::uint8_t>(below(random, 2) == 0 ? 6 : 17);
    if (below(random, 3) == 0) row.from_zones = {static_cast<std::uint8_t>(below(random, 3))};
    if (below(random, 3) == 0) row.to_zones = {static_cast<std::uint8_t>(below(random, 3)), 2};
    row.sources = random_lists(random, lists);
    row.destinations = random_lists(random, lists);
    row.source_ports = random_ports(random);
    row.destination_ports = random_ports(random);
    row.rank = rank;
    row.result = rank + 1;
    return row;
}

/// No prefix twice in a list.
inline void add_prefix(std::vector<net::Prefix>& list, const net::Prefix& prefix) {
    if (std::find(list.begin(), list.end(), prefix) == list.end()) list.push_back(prefix);
}

inline World random_world(Random& random, std::size_t rows, std::size_t lists, std::size_t most_prefixes) {
    World world;
    world.lists.resize(lists);
    for (auto& list : world.lists) {
        for (std::uint64_t n = below(random, most_prefixes + 1); n > 0; --n)
            add_prefix(list, random_prefix(random, below(random, 2) == 0 ? net::Family::ipv4 : net::Family::ipv6));
    }
    for (std::uint32_t rank = 0; rank < rows; ++rank)
        world.rows.rows.push_back(random_row(random, lists, rank));
    std::shuffle(world.rows.rows.begin(), world.rows.rows.end(), random);
    world.rows.zone_pairs = {{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 0}};
    world.show_lists();
    return world;
}

/// At the edge of a list's prefix, or anywhere.
inline net::IpAddress random_end(Random& random, const World& world, net::Family family) {
    if (!world.lists.empty() && below(random, 4) != 0) {
        const auto& list = world.lists[below(random, world.lists.size())];
        if (!list.empty()) {
            const net::Prefix& prefix = list[below(random, list.size())];
            if (prefix.address.family == family) {
                net::IpAddress address = prefix.address;
                const bool last = below(random, 2) == 0;
                for (unsigned bit = prefix.length; last && bit < address.width(); ++bit)
                    address.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80u >> bit % 8);
                std::uint8_t& end = address.bytes[address.width() / 8 - 1];
                if (below(random, 3) == 0) end = static_cast<std::uint8_t>(last ? end + 1 : end - 1);
                return address;
            }
        }
    }
    return random_address(random, family);
}

inline ruleset::Query random_query(Random& random, const World& world, net::Family family) {
    static constexpr ZonePair kPairs[] = {{0, 1}, {1, 0}, {0, 2}, {2, 0}};
    ruleset::Query query;
    const ZonePair pair = kPairs[below(random, 4)];
    query.from_zone = pair.from;
    query.to_zone = pair.to;
    query.protocol = static_cast<std::uint8_t>(below(random, 3) == 0 ? 1 : below(random, 2) == 0 ? 6 : 17);
    static constexpr std::uint16_t kPorts[] = {0, 21, 22, 23, 53, 80, 81, 1023, 1024, 8000, 8001, 65'534, 65'535};
    query.source_port = net::Be16::from_host(kPorts[below(random, 13)]);
    query.destination_port = net::Be16::from_host(kPorts[below(random, 13)]);
    const net::IpAddress source = random_end(random, world, family);
    const net::IpAddress destination = random_end(random, world, family);
    std::copy(source.bytes.begin(), source.bytes.end(), query.source);
    std::copy(destination.bytes.begin(), destination.bytes.end(), query.destination);
    return query;
}

} // namespace sluice::classifier
