#include "policy/model/protocols.hpp"

#include "net/protocol.hpp"
#include "packet/parse.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sluice::policy {
namespace {

struct Named {
    std::string_view name;
    std::uint8_t number;
};

constexpr std::array kProtocols = {
    Named{"icmp", 1},  Named{"igmp", 2},    Named{"ipip", 4},   Named{"tcp", 6},    Named{"udp", 17},
    Named{"dccp", 33}, Named{"ipv6", 41},   Named{"rsvp", 46},  Named{"gre", 47},   Named{"esp", 50},
    Named{"ah", 51},   Named{"icmpv6", 58}, Named{"eigrp", 88}, Named{"ospf", 89},  Named{"etherip", 97},
    Named{"pim", 103}, Named{"vrrp", 112},  Named{"l2tp", 115}, Named{"sctp", 132}, Named{"udplite", 136},
};

// RFC 792, 950, 1256, 8335.
constexpr std::array kIcmpTypes = {
    Named{"echo_reply", 0},
    Named{"destination_unreachable", 3},
    Named{"redirect", 5},
    Named{"echo_request", 8},
    Named{"router_advertisement", 9},
    Named{"router_solicitation", 10},
    Named{"time_exceeded", 11},
    Named{"parameter_problem", 12},
    Named{"timestamp_request", 13},
    Named{"timestamp_reply", 14},
    Named{"information_request", 15},
    Named{"information_reply", 16},
    Named{"address_mask_request", 17},
    Named{"address_mask_reply", 18},
};

// RFC 4443, 2710, 4861, 3810.
constexpr std::array kIcmpv6Types = {
    Named{"destination_unreachable", 1},
    Named{"packet_too_big", 2},
    Named{"time_exceeded", 3},
    Named{"parameter_problem", 4},
    Named{"echo_request", 128},
    Named{"echo_reply", 129},
    Named{"multicast_listener_query", 130},
    Named{"multicast_listener_report", 131},
    Named{"multicast_listener_done", 132},
    Named{"router_solicitation", 133},
    Named{"router_advertisement", 134},
    Named{"neighbor_solicitation", 135},
    Named{"neighbor_advertisement", 136},
    Named{"redirect", 137},
    Named{"multicast_listener_report_v2", 143},
};

std::optional<std::uint8_t> number_in(std::span<const Named> table, std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Named& n) { return n.name == name; });
    if (found == table.end()) return std::nullopt;
    return found->number;
}

std::string name_in(std::span<const Named> table, std::uint8_t number) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Named& n) { return n.number == number; });
    return found == table.end() ? std::to_string(number) : std::string(found->name);
}

std::vector<std::string_view> names_in(std::span<const Named> table) {
    std::vector<std::string_view> names;
    for (const Named& named : table) {
        names.push_back(named.name);
    }
    return names;
}

std::span<const Named> icmp_table(std::uint8_t protocol) {
    if (protocol == net::protocol::kIcmpv6) return kIcmpv6Types;
    return kIcmpTypes;
}

} // namespace

std::optional<std::uint8_t> protocol_number(std::string_view name) {
    return number_in(kProtocols, name);
}
std::string protocol_name(std::uint8_t number) {
    return name_in(kProtocols, number);
}
std::vector<std::string_view> protocol_names() {
    return names_in(kProtocols);
}

bool has_ports(std::uint8_t protocol) {
    return protocol == net::protocol::kTcp || protocol == net::protocol::kUdp || protocol == net::protocol::kSctp;
}

bool has_icmp_type(std::uint8_t protocol) {
    return protocol == net::protocol::kIcmp || protocol == net::protocol::kIcmpv6;
}

std::optional<std::uint8_t> icmp_type_number(std::uint8_t protocol, std::string_view name) {
    return number_in(icmp_table(protocol), name);
}
std::string icmp_type_name(std::uint8_t protocol, std::uint8_t type) {
    return name_in(icmp_table(protocol), type);
}
std::vector<std::string_view> icmp_type_names(std::uint8_t protocol) {
    return names_in(icmp_table(protocol));
}

std::optional<std::uint8_t> icmp_answer(std::uint8_t protocol, std::uint8_t type) {
    const net::Family family = protocol == net::protocol::kIcmpv6 ? net::Family::ipv6 : net::Family::ipv4;
    if (!packet::is_icmp_query(family, type)) return std::nullopt;
    return packet::icmp_counterpart(family, type);
}

} // namespace sluice::policy
