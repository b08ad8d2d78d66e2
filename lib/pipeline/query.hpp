// What a packet looks like to the rules.
#pragma once

#include "packet/parsed.hpp"
#include "ruleset/classifier.hpp"

#include <cstring>
#include <utility>

namespace sluice::pipeline {

constexpr bool is_icmp(std::uint8_t protocol) {
    return protocol == net::protocol::kIcmp || protocol == net::protocol::kIcmpv6;
}

/// The packet as it travels, from one zone to another.
inline void fill_query(const packet::Parsed& parsed, std::uint16_t from_zone, std::uint16_t to_zone,
                       ruleset::Query& query) {
    query.protocol = parsed.protocol;
    query.from_zone = static_cast<std::uint8_t>(from_zone);
    query.to_zone = static_cast<std::uint8_t>(to_zone);
    query.padding = 0;
    if (is_icmp(parsed.protocol)) {
        query.source_port = net::Be16{};
        query.destination_port =
            net::Be16::from_host(static_cast<std::uint16_t>(parsed.icmp_type << 8 | parsed.icmp_code));
    } else {
        query.source_port = parsed.source_port;
        query.destination_port = parsed.destination_port;
    }
    std::memcpy(query.source, parsed.source, sizeof query.source);
    std::memcpy(query.destination, parsed.destination, sizeof query.destination);
}

/// The same as one of many that are looked up together.
inline void fill_column(const packet::Parsed& parsed, std::uint8_t zone_pair, ruleset::QueryColumns& columns,
                        unsigned column) {
    if (parsed.family == net::Family::ipv4)
        columns.set_ipv4(column, parsed.source, parsed.destination);
    else
        columns.set_ipv6(column, parsed.source, parsed.destination);
    if (is_icmp(parsed.protocol)) [[unlikely]]
        columns.set_rest(column, 0, static_cast<std::uint16_t>(parsed.icmp_type << 8 | parsed.icmp_code),
                         parsed.protocol, zone_pair);
    else
        columns.set_rest(column, parsed.source_port.host(), parsed.destination_port.host(), parsed.protocol, zone_pair);
}

} // namespace sluice::pipeline
