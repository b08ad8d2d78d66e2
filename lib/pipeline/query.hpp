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
    std::memset(query.padding, 0, sizeof query.padding);
    query.from_zone = net::Be16::from_host(from_zone);
    query.to_zone = net::Be16::from_host(to_zone);
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

} // namespace sluice::pipeline
