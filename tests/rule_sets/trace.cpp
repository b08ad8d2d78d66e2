#include "rule_sets/trace.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

namespace sluice::rule_sets {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;

struct ProtocolWeight {
    std::uint8_t protocol;
    double weight;
};
/// Of packets to which a rule leaves the choice.
constexpr ProtocolWeight kProtocols[] = {{kTcp, 0.6}, {kUdp, 0.3}, {1, 0.05}, {kSctp, 0.02}, {50, 0.03}};

bool is_icmp(std::uint8_t protocol) {
    return protocol == 1 || protocol == 58;
}

bool has_ports(std::uint8_t protocol) {
    return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

/// What a packet of that family and protocol cannot have is taken from it.
void make_possible(Random& random, net::Family family, Packet& packet) {
    if (is_icmp(packet.protocol)) packet.protocol = family == net::Family::ipv4 ? 1 : 58;
    if (has_ports(packet.protocol)) return;
    packet.source_port = 0;
    if (!is_icmp(packet.protocol)) {
        packet.destination_port = 0;
    } else if (packet.destination_port == 0 || packet.destination_port == 0xffff) {
        static constexpr std::array<std::uint16_t, 4> kIpv4 = {0x0000, 0x0301, 0x0800, 0x0b00};
        static constexpr std::array<std::uint16_t, 4> kIpv6 = {0x0100, 0x0304, 0x8000, 0x8100};
        packet.destination_port = (family == net::Family::ipv4 ? kIpv4 : kIpv6)[below(random, 4)];
    }
}

template <typename BitOf> void set_rest(net::IpAddress& address, unsigned length, BitOf bit_of) {
    for (unsigned bit = length; bit < address.width(); ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
        std::uint8_t& byte = address.bytes[bit / 8];
        byte = static_cast<std::uint8_t>(bit_of(bit) ? byte | mask : byte & ~mask);
    }
}

net::IpAddress inside(Random& random, const net::Prefix& prefix) {
    net::IpAddress address = prefix.address;
    std::array<std::uint64_t, 2> bits = {random(), random()};
    set_rest(address, prefix.length, [&bits](unsigned bit) { return (bits[bit / 64] >> bit % 64 & 1) != 0; });
    return address;
}

net::IpAddress edge(const net::Prefix& prefix, bool last) {
    net::IpAddress address = prefix.address;
    set_rest(address, prefix.length, [last](unsigned) { return last; });
    return address;
}

std::uint16_t inside(Random& random, const net::PortRange& range) {
    return static_cast<std::uint16_t>(range.first + below(random, range.last - range.first + std::size_t{1}));
}

std::uint16_t edge(const net::PortRange& range, bool last) {
    return last ? range.last : range.first;
}

std::uint8_t protocol_of(Random& random, const Rule& rule) {
    return rule.protocol.value_or(weighted(random, std::span<const ProtocolWeight>(kProtocols)).protocol);
}

Packet corner_of(Random& random, const Rule& rule, std::uint64_t which) {
    Packet packet;
    packet.protocol = protocol_of(random, rule);
    packet.source = edge(rule.source, (which & 1) != 0);
    packet.destination = edge(rule.destination, (which & 2) != 0);
    packet.source_port = edge(rule.source_ports, (which & 4) != 0);
    packet.destination_port = edge(rule.destination_ports, (which & 8) != 0);
    make_possible(random, rule.source.address.family, packet);
    return packet;
}

/// One up or down, as a number of as many bytes as the address has; goes round at the ends.
void step(net::IpAddress& address, bool up) {
    for (unsigned byte = address.width() / 8; byte-- > 0;) {
        address.bytes[byte] = static_cast<std::uint8_t>(address.bytes[byte] + (up ? 1 : 0xff));
        if (address.bytes[byte] != (up ? 0 : 0xff)) return;
    }
}

void shuffle(Random& random, Trace& trace) {
    for (std::size_t i = trace.size(); i > 1; --i)
        std::swap(trace[i - 1], trace[below(random, i)]);
}

template <typename Draw> Trace different(Random& random, std::size_t count, Draw draw) {
    std::set<Packet> seen;
    Trace trace;
    // Rules that take few packets give up after a while.
    for (std::size_t tries = 0; trace.size() < count && tries < 8 * count; ++tries) {
        const Packet packet = draw();
        if (seen.insert(packet).second) trace.push_back(packet);
    }
    shuffle(random, trace);
    return trace;
}

} // namespace

Packet inside(Random& random, const Rule& rule) {
    Packet packet;
    packet.protocol = protocol_of(random, rule);
    packet.source = inside(random, rule.source);
    packet.destination = inside(random, rule.destination);
    packet.source_port = inside(random, rule.source_ports);
    packet.destination_port = inside(random, rule.destination_ports);
    make_possible(random, rule.source.address.family, packet);
    return packet;
}

Packet corner(Random& random, const Rule& rule) {
    return corner_of(random, rule, random());
}

Packet beside(Random& random, const Rule& rule) {
    const std::uint64_t which = random();
    Packet packet = corner_of(random, rule, which);
    switch (which >> 4 & 3) {
    case 0: step(packet.source, (which & 1) != 0); break;
    case 1: step(packet.destination, (which & 2) != 0); break;
    case 2:
        if (has_ports(packet.protocol))
            packet.source_port = static_cast<std::uint16_t>(packet.source_port + ((which & 4) != 0 ? 1 : -1));
        break;
    default:
        if (has_ports(packet.protocol))
            packet.destination_port = static_cast<std::uint16_t>(packet.destination_port + ((which & 8) != 0 ? 1 : -1));
        break;
    }
    return packet;
}

Packet any_packet(Random& random, net::Family family) {
    Rule everything;
    everything.source.address.family = family;
    everything.destination.address.family = family;
    return inside(random, everything);
}

Trace spread_over_rules(const RuleSet& set, std::size_t count, std::uint64_t seed) {
    Random random(seed);
    return different(random, count, [&] {
        const Rule& rule = set.rules[below(random, set.rules.size())];
        return with_probability(random, 0.5) ? corner(random, rule) : inside(random, rule);
    });
}

Trace random_packets(net::Family family, std::size_t count, std::uint64_t seed) {
    Random random(seed);
    return different(random, count, [&] { return any_packet(random, family); });
}

Trace all_corners(const RuleSet& set, std::size_t count, std::uint64_t seed) {
    Random random(seed);
    Trace trace;
    trace.reserve(count);
    while (trace.size() < count) {
        const Rule& rule = set.rules[trace.size() / 2 % set.rules.size()];
        trace.push_back(trace.size() % 2 == 0 ? corner(random, rule) : beside(random, rule));
    }
    return trace;
}

Trace sweep(const RuleSet& set, Field field, std::size_t count, std::uint64_t seed) {
    Random random(seed);
    Packet packet = inside(random, set.rules[below(random, set.rules.size())]);
    if (!has_ports(packet.protocol) && field != Field::protocol) packet.protocol = kTcp;
    const std::size_t values = field == Field::protocol ? std::min<std::size_t>(count, 256) : count;
    Trace trace;
    for (std::size_t i = 0; i < values; ++i) {
        // The whole range in even steps: 32 leading bits of an address, of which IPv6 keeps the three of 2000::/3.
        const auto at = static_cast<std::uint32_t>((static_cast<std::uint64_t>(i) << 32) / values);
        const auto put = [&](net::IpAddress& address) {
            const std::uint32_t bits = set.family == net::Family::ipv4 ? at : 0x20000000u | at >> 3;
            for (unsigned byte = 0; byte < 4; ++byte)
                address.bytes[byte] = static_cast<std::uint8_t>(bits >> (24 - 8 * byte));
        };
        switch (field) {
        case Field::source: put(packet.source); break;
        case Field::destination: put(packet.destination); break;
        case Field::source_port: packet.source_port = static_cast<std::uint16_t>(at >> 16); break;
        case Field::destination_port: packet.destination_port = static_cast<std::uint16_t>(at >> 16); break;
        case Field::protocol: packet.protocol = static_cast<std::uint8_t>(at >> 24); break;
        }
        trace.push_back(packet);
    }
    return trace;
}

} // namespace sluice::rule_sets
