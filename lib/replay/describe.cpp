#include "replay/describe.hpp"

#include "net/address.hpp"
#include "packet/parse.hpp"

#include <fmt/format.h>

namespace sluice::replay {
namespace {

std::string flags_text(std::uint8_t flags) {
    using namespace net::tcp_flag;
    static constexpr std::pair<std::uint8_t, char> kLetters[] = {{kSyn, 'S'}, {kFin, 'F'}, {kRst, 'R'}, {kPsh, 'P'},
                                                                 {kAck, 'A'}, {kUrg, 'U'}, {kEce, 'E'}, {kCwr, 'C'}};
    std::string text;
    for (const auto& [flag, letter] : kLetters) {
        if (flags & flag) text += letter;
    }
    return text.empty() ? "none" : text;
}

std::string end_text(const packet::Parsed& parsed, const std::uint8_t* address, net::Be16 port) {
    const std::string text = net::IpAddress::from_wire(parsed.family, address).to_string();
    if (parsed.family == net::Family::ipv4) return fmt::format("{}:{}", text, port.host());
    return fmt::format("[{}]:{}", text, port.host());
}

std::string protocol_text(std::uint8_t protocol) {
    switch (protocol) {
    case net::protocol::kTcp: return "tcp";
    case net::protocol::kUdp: return "udp";
    case net::protocol::kIcmp: return "icmp";
    case net::protocol::kIcmpv6: return "icmpv6";
    case net::protocol::kSctp: return "sctp";
    case net::protocol::kGre: return "gre";
    case net::protocol::kEsp: return "esp";
    default: return fmt::format("protocol {}", protocol);
    }
}

std::string ip_text(const packet::Parsed& parsed) {
    const std::string protocol = protocol_text(parsed.protocol);
    const std::string source = net::IpAddress::from_wire(parsed.family, parsed.source).to_string();
    const std::string destination = net::IpAddress::from_wire(parsed.family, parsed.destination).to_string();
    if (parsed.fragment == packet::FragmentState::later) {
        return fmt::format("{} {} > {} later fragment", protocol, source, destination);
    }
    switch (parsed.protocol) {
    case net::protocol::kTcp:
    case net::protocol::kUdp:
    case net::protocol::kSctp: {
        std::string text = fmt::format("{} {} > {}", protocol, end_text(parsed, parsed.source, parsed.source_port),
                                       end_text(parsed, parsed.destination, parsed.destination_port));
        if (parsed.protocol == net::protocol::kTcp) text += " " + flags_text(parsed.tcp_flags);
        return text;
    }
    case net::protocol::kIcmp:
    case net::protocol::kIcmpv6:
        return fmt::format("{} {} > {} type {} code {}", protocol, source, destination, parsed.icmp_type,
                           parsed.icmp_code);
    default: return fmt::format("{} {} > {}", protocol, source, destination);
    }
}

} // namespace

std::string describe(const packet::Parsed& parsed) {
    std::string text;
    switch (parsed.kind) {
    case packet::Kind::malformed: return fmt::format("malformed: {}", packet::text(parsed.malformed));
    case packet::Kind::arp: text = "arp"; break;
    case packet::Kind::other: text = fmt::format("ethertype 0x{:04x}", parsed.ether_type); break;
    case packet::Kind::ip: text = ip_text(parsed); break;
    }
    if (parsed.fragment == packet::FragmentState::first) text += " first fragment";
    if (parsed.outer_vlan != 0) text += fmt::format(" vlan {}", parsed.outer_vlan & 0x0fff);
    if (parsed.inner_vlan != 0) text += fmt::format(".{}", parsed.inner_vlan & 0x0fff);
    return text;
}

} // namespace sluice::replay
