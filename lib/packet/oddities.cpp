#include "packet/oddities.hpp"

#include <cstring>

namespace sluice::packet {
namespace {

constexpr std::uint8_t kUnspecified[16] = {};

bool is_martian_ipv4(const Parsed& parsed) {
    if (std::memcmp(parsed.source, kUnspecified, 4) != 0) return true; // 0/8, 127/8, 224/4, 240/4
    constexpr std::uint8_t kIgmp = 2;
    constexpr std::uint8_t kBroadcast[4] = {255, 255, 255, 255};
    constexpr std::uint8_t kLinkMulticast[3] = {224, 0, 0};
    const std::uint16_t dhcp_server = 67;
    const bool asks_for_an_address = parsed.protocol == net::protocol::kUdp &&
                                     parsed.destination_port.host() == dhcp_server &&
                                     std::memcmp(parsed.destination, kBroadcast, sizeof kBroadcast) == 0;
    const bool reports_a_group =
        parsed.protocol == kIgmp && std::memcmp(parsed.destination, kLinkMulticast, sizeof kLinkMulticast) == 0;
    return !asks_for_an_address && !reports_a_group;
}

bool is_martian_ipv6(const Parsed& parsed) {
    constexpr std::uint8_t kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (parsed.source[0] == 0xff) return true;
    if (std::memcmp(parsed.source, kMapped, sizeof kMapped) == 0) return true;
    if (std::memcmp(parsed.source, kLoopback, sizeof kLoopback) == 0) return true;
    if (std::memcmp(parsed.source, kUnspecified, sizeof kUnspecified) != 0) return false;
    return parsed.protocol != net::protocol::kIcmpv6 || parsed.destination[0] != 0xff ||
           (parsed.destination[1] & 0x0f) != 0x02;
}

} // namespace

bool is_martian_source(const Parsed& parsed) {
    return parsed.family == net::Family::ipv4 ? is_martian_ipv4(parsed) : is_martian_ipv6(parsed);
}

} // namespace sluice::packet
