// What lint claims of a rule, against every packet of a small world judged one rule after the other.
#include "policy/diagnostic/text.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/protocols.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sluice::policy {
namespace {

constexpr unsigned kSeed = 20'240'607;
constexpr int kPolicies = 1500;
constexpr std::size_t kRules = 7;

struct Packet {
    std::size_t interface = 0;
    net::IpAddress source;
    net::IpAddress destination;
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t icmp_type = 0;
};

const std::vector<std::string> kAddresses = {"10.0.0.0", "10.0.0.1", "10.0.0.2", "::1"};
const std::vector<std::string> kPrefixes = {"0.0.0.0/0", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1", "::1", "::/0"};

/// Two wires, 0-1 and 2-3, every interface its own zone.
Policy world() {
    Policy policy;
    policy.timeouts.push_back({"default", kDefaultTimeouts, false, {}});
    for (std::size_t i = 0; i < 4; ++i) {
        Interface interface;
        interface.name = "i" + std::to_string(i);
        interface.peer = i ^ 1u;
        interface.zone = i;
        policy.interfaces.push_back(interface);
        policy.zones.push_back({interface.name, {i}, {}});
    }
    return policy;
}

std::vector<Packet> all_packets() {
    std::vector<Packet> packets;
    for (std::size_t interface = 0; interface < 3; ++interface) {
        for (const std::string& source : kAddresses) {
            for (const std::string& destination : kAddresses) {
                Packet packet{interface, *net::IpAddress::parse(source), *net::IpAddress::parse(destination)};
                if (packet.source.family != packet.destination.family) continue;
                for (std::uint16_t ports = 0; ports < 9; ++ports) {
                    packet.source_port = ports / 3;
                    packet.destination_port = ports % 3;
                    for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
                        packet.protocol = protocol;
                        packets.push_back(packet);
                    }
                }
                packet.protocol = packet.source.family == net::Family::ipv4 ? 1 : 58;
                for (const std::uint8_t type :
                     {std::uint8_t{0}, std::uint8_t{8}, std::uint8_t{128}, std::uint8_t{129}}) {
                    packet.icmp_type = type;
                    packets.push_back(packet);
                }
            }
        }
    }
    return packets;
}

class Random {
  public:
    explicit Random(unsigned seed)
        : engine_(seed) {}
    unsigned below(unsigned bound) { return std::uniform_int_distribution<unsigned>(0, bound - 1)(engine_); }
    bool one_in(unsigned n) { return below(n) == 0; }

    Endpoint endpoint() {
        Endpoint endpoint;
        if (!one_in(2)) endpoint.zones = {below(4)};
        if (!one_in(2)) endpoint.nets = {*net::Prefix::parse(kPrefixes[below(6)])};
        if (one_in(4) && !endpoint.nets.empty()) endpoint.nets.push_back(*net::Prefix::parse(kPrefixes[below(6)]));
        return endpoint;
    }
    std::vector<net::PortRange> ports() {
        const auto first = static_cast<std::uint16_t>(below(3));
        if (one_in(2)) return {};
        return {{first, static_cast<std::uint16_t>(first + below(3))}};
    }
    Transport transport() {
        Transport transport;
        switch (below(5)) {
        case 0: break;
        case 1:
            transport.protocol = one_in(2) ? 1 : 58;
            if (one_in(2)) transport.icmp_type = transport.protocol == 1 ? 8 : 128;
            break;
        default:
            transport.protocol = one_in(2) ? 6 : 17;
            transport.source_ports = ports();
            transport.destination_ports = ports();
        }
        return transport;
    }
    Rule rule(std::size_t number) {
        Rule rule;
        rule.name = "r" + std::to_string(number);
        rule.where.line = static_cast<std::uint32_t>(number + 1);
        rule.from = endpoint();
        rule.to = endpoint();
        rule.transports.push_back(transport());
        if (one_in(3)) rule.transports.push_back(transport());
        rule.action = one_in(3) ? Action::drop : Action::allow;
        rule.tracked = one_in(2);
        if (!rule.tracked && rule.action == Action::allow) rule.reply = static_cast<Reply>(below(3));
        return rule;
    }

  private:
    std::mt19937 engine_;
};

bool in(const std::vector<net::PortRange>& ranges, std::uint16_t port) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.contains(port); });
}

bool in(const Endpoint& endpoint, std::size_t zone, const net::IpAddress& address) {
    const bool zone_fits =
        endpoint.zones.empty() || std::find(endpoint.zones.begin(), endpoint.zones.end(), zone) != endpoint.zones.end();
    return zone_fits && (endpoint.nets.empty() || std::any_of(endpoint.nets.begin(), endpoint.nets.end(),
                                                              [&](const auto& net) { return net.contains(address); }));
}

bool matches(const Rule& rule, const Packet& packet) {
    if (!in(rule.from, packet.interface, packet.source) || !in(rule.to, packet.interface ^ 1u, packet.destination)) {
        return false;
    }
    return std::any_of(rule.transports.begin(), rule.transports.end(), [&](const Transport& transport) {
        return (!transport.protocol || transport.protocol == packet.protocol) &&
               in(transport.source_ports, packet.source_port) &&
               in(transport.destination_ports, packet.destination_port) &&
               (!transport.icmp_type || transport.icmp_type == packet.icmp_type);
    });
}

/// The packet that this one answers, if it is an answer. A packet of a type that answers nothing answers nothing.
Packet turned(Packet packet) {
    std::swap(packet.source, packet.destination);
    std::swap(packet.source_port, packet.destination_port);
    packet.interface ^= 1u;
    constexpr std::array<std::uint8_t, 4> kTypes = {0, 8, 128, 129};
    constexpr std::array<std::uint8_t, 4> kOthers = {8, 0, 129, 128};
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
        if (packet.icmp_type == kTypes[i] && (packet.protocol == 1 || packet.protocol == 58)) {
            packet.icmp_type = kOthers[i];
            break;
        }
    }
    return packet;
}

/// Which rule a packet goes to, by the order that the handbook gives.
struct Taken {
    std::size_t rule = kRules; ///< kRules: none
    bool as_answer = false;    ///< by the rule's reply half
};

Taken judge(const Policy& policy, const Packet& packet) {
    const Packet question = turned(packet);
    std::size_t first_direct = kRules;
    for (std::size_t i = policy.rules.size(); i-- > 0;) {
        if (matches(policy.rules[i], packet)) first_direct = i;
    }
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        const Rule& rule = policy.rules[i];
        const bool direct = matches(rule, packet);
        const bool answer = matches(rule, question) && (rule.tracked || rule.reply != Reply::none);
        if (!direct && !answer) continue;
        if (rule.tracked) break; // the flow's, or else the first rule that says something of the packet itself
        return {i, !direct};
    }
    return {first_direct, false};
}

TEST(ShadowProperty, WhatLintSaysIsTrueOfEveryPacket) {
    SCOPED_TRACE("seed " + std::to_string(kSeed));
    Random random(kSeed);
    const auto packets = all_packets();
    unsigned never = 0;
    unsigned answers_gone = 0;
    for (int round = 0; round < kPolicies; ++round) {
        Policy policy = world();
        for (std::size_t i = 0; i < kRules; ++i) {
            policy.rules.push_back(random.rule(i));
        }
        std::array<bool, kRules + 1> taken_direct{};
        std::array<bool, kRules + 1> taken_answer{};
        for (const Packet& packet : packets) {
            const Taken taken = judge(policy, packet);
            (taken.as_answer ? taken_answer : taken_direct)[taken.rule] = true;
        }
        Diagnostics diagnostics;
        lint(policy, diagnostics);
        for (const Diagnostic& diagnostic : diagnostics.all()) {
            if (diagnostic.where.line == 0) continue;
            const std::size_t rule = diagnostic.where.line - 1;
            const std::string what = std::to_string(round) + ": " + diagnostic.message;
            if (diagnostic.code == "W105") {
                ++never;
                EXPECT_FALSE(taken_direct[rule]) << what;
                if (diagnostic.message.find("can never match") != std::string::npos) {
                    EXPECT_FALSE(taken_answer[rule]) << what;
                }
            } else if (diagnostic.code == "W103") {
                EXPECT_FALSE(taken_direct[rule]) << what;
            }
        }
        for (const Diagnostic& diagnostic : diagnostics.all()) {
            if (diagnostic.code != "W106") continue;
            // Its place is that of `track`, which these rules do not have: find the rule by name.
            const auto rule = std::find_if(policy.rules.begin(), policy.rules.end(), [&](const Rule& r) {
                return diagnostic.message.find("rule " + in_quotes(r.name)) != std::string::npos;
            });
            ASSERT_NE(rule, policy.rules.end());
            ++answers_gone;
            EXPECT_FALSE(taken_answer[static_cast<std::size_t>(rule - policy.rules.begin())]) << diagnostic.message;
        }
    }
    EXPECT_GT(never, 100u) << "too few to prove anything";
    EXPECT_GT(answers_gone, 20u) << "too few to prove anything";
}

} // namespace
} // namespace sluice::policy
