// Who lives in the simulated world: two wires, a client's and a server's side of each, few addresses and few ports, so
// that tuples meet again and again.
#pragma once

#include "net/protocol.hpp"
#include "random.hpp"

#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

namespace sluice::simulation {

/// Ports 0 and 1 are the first wire, 2 and 3 the second. Clients are behind ports 0 and 3, so that flows are opened at
/// either port of a wire.
inline constexpr std::uint16_t kPorts = 4;
constexpr std::uint16_t wire_of(std::uint16_t port) {
    return port / 2;
}
constexpr std::uint16_t peer_of(std::uint16_t port) {
    return port ^ 1;
}
constexpr bool is_client_port(std::uint16_t port) {
    return port == 0 || port == 3;
}
constexpr std::uint16_t client_port(std::uint16_t wire) {
    return wire == 0 ? 0 : 3;
}

/// The two ends of a conversation.
enum Side : unsigned { client = 0, server = 1 };
constexpr Side other(Side side) {
    return side == client ? server : client;
}
constexpr std::uint16_t port_of(std::uint16_t wire, Side side) {
    return side == client ? client_port(wire) : peer_of(client_port(wire));
}

/// A conversation's ends, by side. ICMP queries: the identifier, and the type of the question. What has no ports has 0.
struct Tuple {
    std::uint8_t address[2][16] = {}; ///< network order; IPv4 in the first four bytes
    std::uint16_t port[2] = {};       ///< host order
    std::uint16_t vlan = 0;           ///< 0: untagged
    std::uint16_t wire = 0;
    net::Family family = net::Family::ipv4;
    std::uint8_t protocol = 0;
    std::uint16_t inner_vlan = 0;

    friend bool operator==(const Tuple& a, const Tuple& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
};
static_assert(sizeof(Tuple) == 44 && std::has_unique_object_representations_v<Tuple>);

struct TupleHash {
    std::size_t operator()(const Tuple& tuple) const {
        std::uint64_t hash = 0;
        for (std::size_t at = 0; at < sizeof tuple; at += 4) {
            std::uint32_t word;
            std::memcpy(&word, reinterpret_cast<const char*>(&tuple) + at, sizeof word);
            hash = (hash ^ word) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 29;
        }
        return static_cast<std::size_t>(hash);
    }
};

inline constexpr std::uint16_t kFirstTcpPort = 80; ///< to kLastTcpPort: services of every server
inline constexpr std::uint16_t kLastTcpPort = 83;
inline constexpr std::uint16_t kDnsPort = 53;
inline constexpr std::uint16_t kMediaPort = 4000;        ///< UDP, in some rulesets only
inline constexpr std::uint16_t kUntrackedTcpPort = 7777; ///< in some rulesets, mirrored
inline constexpr std::uint16_t kUntrackedUdpPort = 7778; ///< likewise, whatever comes back
inline constexpr std::uint16_t kFirstClientPort = 40000;

/// Servers are in 10.1.0.0/16 and 2001:db8:0:1::/64.
bool is_server_address(net::Family family, const std::uint8_t* address);

/// A client of the small population asks a server of it. ICMP takes the family's echo.
Tuple random_tuple(Random& random, std::uint8_t protocol);
/// TCP from one of very many clients.
Tuple random_flood_tuple(Random& random);

} // namespace sluice::simulation
