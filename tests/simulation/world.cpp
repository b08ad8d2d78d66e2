#include "world.hpp"

namespace sluice::simulation {
namespace {

using net::Family;
namespace protocol = net::protocol;

// Subnets: the second byte of an IPv4 address, the eighth of an IPv6 address.
constexpr std::uint8_t kClients = 0;
constexpr std::uint8_t kServers = 1;
constexpr std::uint8_t kFloodClients = 9;

void set_address(Tuple& tuple, Side side, std::uint8_t subnet, std::uint16_t host) {
    std::uint8_t* address = tuple.address[side];
    if (tuple.family == Family::ipv4) {
        const std::uint8_t bytes[4] = {10, subnet, static_cast<std::uint8_t>(host >> 8),
                                       static_cast<std::uint8_t>(host)};
        std::memcpy(address, bytes, sizeof bytes);
        return;
    }
    const std::uint8_t prefix[8] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, subnet}; // RFC 3849
    std::memcpy(address, prefix, sizeof prefix);
    address[14] = static_cast<std::uint8_t>(host >> 8);
    address[15] = static_cast<std::uint8_t>(host);
}

Tuple random_ends(Random& random, std::uint8_t subnet, std::uint16_t clients) {
    Tuple tuple;
    tuple.family = random.percent(60) ? Family::ipv4 : Family::ipv6;
    tuple.wire = static_cast<std::uint16_t>(random.below(2));
    if (random.percent(30)) tuple.vlan = static_cast<std::uint16_t>(random.between(7, 8));
    set_address(tuple, client, subnet, static_cast<std::uint16_t>(random.between(1, clients)));
    set_address(tuple, server, kServers, static_cast<std::uint16_t>(random.between(1, 3)));
    return tuple;
}

std::uint16_t random_service(Random& random, std::uint8_t of) {
    if (of == protocol::kSctp) return 5060;
    if (of == protocol::kUdp) {
        const std::uint16_t ports[] = {kDnsPort, kDnsPort, kMediaPort, kUntrackedUdpPort};
        return ports[random.below(4)];
    }
    if (random.one_in(16)) return kUntrackedTcpPort;
    return static_cast<std::uint16_t>(random.between(kFirstTcpPort, kLastTcpPort));
}

} // namespace

bool is_server_address(Family family, const std::uint8_t* address) {
    constexpr std::uint8_t kServers4[2] = {10, kServers};
    constexpr std::uint8_t kServers6[8] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, kServers};
    return family == Family::ipv4 ? std::memcmp(address, kServers4, sizeof kServers4) == 0
                                  : std::memcmp(address, kServers6, sizeof kServers6) == 0;
}

Tuple random_tuple(Random& random, std::uint8_t of) {
    Tuple tuple = random_ends(random, kClients, 4);
    tuple.protocol = of;
    switch (of) {
    case protocol::kTcp:
    case protocol::kUdp:
    case protocol::kSctp:
        tuple.port[client] = static_cast<std::uint16_t>(kFirstClientPort + random.below(16));
        tuple.port[server] = random_service(random, of);
        break;
    case protocol::kIcmp:
        tuple.port[client] = static_cast<std::uint16_t>(random.below(8));
        if (tuple.family == Family::ipv6) tuple.protocol = protocol::kIcmpv6;
        tuple.port[server] = tuple.family == Family::ipv4 ? net::icmp::kEchoRequest : net::icmpv6::kEchoRequest;
        break;
    default: break;
    }
    return tuple;
}

Tuple random_flood_tuple(Random& random) {
    Tuple tuple = random_ends(random, kFloodClients, 512);
    tuple.protocol = protocol::kTcp;
    tuple.port[client] = static_cast<std::uint16_t>(kFirstClientPort + random.below(4));
    tuple.port[server] = random_service(random, protocol::kTcp);
    return tuple;
}

} // namespace sluice::simulation
