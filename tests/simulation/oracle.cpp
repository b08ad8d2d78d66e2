#include "oracle.hpp"

#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "packet/parse.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::simulation {
namespace {

using net::Family;
using packet::FragmentState;
using packet::Parsed;
namespace protocol = net::protocol;

/// A flow is ended a timer slot or so after its time.
constexpr std::uint64_t kLate = 1'000;
/// What holds fragments together, at most.
constexpr std::uint64_t kDatagramLife = 120'000;

bool is_icmp(std::uint8_t of) {
    return of == protocol::kIcmp || of == protocol::kIcmpv6;
}

bool is_link_control(const Parsed& parsed) {
    if (parsed.kind == packet::Kind::arp) return true;
    return parsed.family == Family::ipv6 && parsed.protocol == protocol::kIcmpv6 && parsed.ttl == 255 &&
           parsed.icmp_code == 0 && parsed.icmp_type >= net::icmpv6::kRouterSolicitation &&
           parsed.icmp_type <= net::icmpv6::kNeighborAdvertisement;
}

/// Neither asks nor answers.
bool is_icmp_error(const Parsed& parsed) {
    return is_icmp(parsed.protocol) && !packet::is_icmp_query(parsed.family, parsed.icmp_type) &&
           !packet::is_icmp_answer(parsed.family, parsed.icmp_type);
}

/// Of TCP, UDP, ICMP and ICMPv6 (RFC 1071): the sum over a sound segment is all ones.
bool is_checksum_right(const Frame& frame, const Parsed& parsed) {
    const std::size_t end = std::size_t{parsed.l3_offset} + parsed.ip_length;
    std::span<const std::byte> segment = frame.bytes().subspan(parsed.l4_offset, end - parsed.l4_offset);
    std::uint64_t pseudo_header = 0;
    switch (parsed.protocol) {
    case protocol::kUdp: {
        net::UdpHeader udp;
        std::memcpy(&udp, segment.data(), sizeof udp);
        if (udp.checksum.host() == 0) return parsed.family == Family::ipv4;
        segment = segment.first(udp.length.host());
        break;
    }
    case protocol::kTcp:
    case protocol::kIcmp:
    case protocol::kIcmpv6: break;
    default: return true;
    }
    if (parsed.protocol != protocol::kIcmp)
        pseudo_header = net::pseudo_header_sum(parsed.family, parsed.source, parsed.destination, parsed.protocol,
                                               static_cast<std::uint32_t>(segment.size()));
    return net::checksum_finish(net::checksum_add(segment, pseudo_header)) == 0;
}

/// Of the fragment header of a packet that was parsed as a fragment.
std::uint32_t ipv6_identification(const std::byte* header) {
    net::Ipv6Header ip;
    std::memcpy(&ip, header, sizeof ip);
    std::uint8_t next = ip.next_header;
    std::size_t at = sizeof ip;
    while (next != protocol::kFragment) {
        net::Ipv6ExtensionHeader extension;
        std::memcpy(&extension, header + at, sizeof extension);
        at +=
            next == protocol::kAuthentication ? (extension.length_units + 2u) * 4u : (extension.length_units + 1u) * 8u;
        next = extension.next_header;
    }
    net::Ipv6FragmentHeader fragment;
    std::memcpy(&fragment, header + at, sizeof fragment);
    return fragment.identification.host();
}

/// The datagram of a fragment, as far as its fragments agree: no ports, the identification instead.
Tuple datagram_of(const Frame& frame, const Parsed& parsed) {
    Tuple tuple = tuple_of(parsed, frame.in_port);
    const bool from_client = is_client_port(frame.in_port);
    const std::byte* header = frame.data + parsed.l3_offset;
    std::uint32_t identification = 0;
    if (parsed.family == Family::ipv4) {
        net::Ipv4Header ip;
        std::memcpy(&ip, header, sizeof ip);
        identification = ip.identification.host();
    } else {
        identification = ipv6_identification(header);
    }
    tuple.port[0] = static_cast<std::uint16_t>(identification >> 16);
    tuple.port[1] = static_cast<std::uint16_t>(identification);
    tuple.protocol = from_client ? 1 : 2; // the two directions are different datagrams
    return tuple;
}

/// The tuple of the packet that an ICMP error quotes; the error came in by `in_port`, so its sender's side got it.
bool quoted_tuple(const Frame& frame, const Parsed& outer, Tuple& tuple) {
    const std::size_t from = outer.l4_offset + sizeof(net::IcmpHeader);
    const std::size_t end = std::size_t{outer.l3_offset} + outer.ip_length;
    if (end <= from || end > frame.length) return false;
    const std::byte* quote = frame.data + from;
    const std::size_t size = end - from;
    const bool to_client = !is_client_port(frame.in_port);
    const Side sender = to_client ? client : server; // of the quoted packet: whom the error goes to
    tuple = tuple_of(outer, frame.in_port);
    std::memset(tuple.address, 0, sizeof tuple.address);
    tuple.port[0] = tuple.port[1] = 0;
    std::size_t header = 0;
    std::size_t width = 0;
    const std::byte* addresses = nullptr;
    if (outer.family == Family::ipv4) {
        net::Ipv4Header ip;
        if (size < sizeof ip + 8) return false;
        std::memcpy(&ip, quote, sizeof ip);
        header = ip.header_size();
        tuple.protocol = ip.protocol;
        addresses = quote + offsetof(net::Ipv4Header, source);
        width = 4;
    } else {
        net::Ipv6Header ip;
        if (size < sizeof ip + 8) return false;
        std::memcpy(&ip, quote, sizeof ip);
        header = sizeof ip;
        tuple.protocol = ip.next_header;
        addresses = quote + offsetof(net::Ipv6Header, source);
        width = 16;
    }
    if (size < header + 8) return false;
    std::memcpy(tuple.address[sender], addresses, width);
    std::memcpy(tuple.address[other(sender)], addresses + width, width);
    const std::byte* transport = quote + header;
    const auto half_at = [transport](std::size_t at) {
        net::Be16 half;
        std::memcpy(&half, transport + at, sizeof half);
        return half.host();
    };
    if (is_icmp(tuple.protocol)) {
        const auto type = static_cast<std::uint8_t>(transport[0]);
        tuple.port[client] = half_at(4);
        tuple.port[server] =
            packet::is_icmp_answer(tuple.family, type) ? packet::icmp_counterpart(tuple.family, type) : type;
    } else if (tuple.protocol == protocol::kTcp || tuple.protocol == protocol::kUdp ||
               tuple.protocol == protocol::kSctp) {
        tuple.port[sender] = half_at(0);
        tuple.port[other(sender)] = half_at(2);
    }
    // RFC 792, RFC 4443 2.4: an error goes to the sender of what it quotes.
    return std::memcmp(addresses, outer.destination, width) == 0;
}

} // namespace

Tuple tuple_of(const Parsed& parsed, std::uint16_t in_port) {
    Tuple tuple;
    const Side sender = is_client_port(in_port) ? client : server;
    std::memcpy(tuple.address[sender], parsed.source, 16);
    std::memcpy(tuple.address[other(sender)], parsed.destination, 16);
    tuple.vlan = parsed.outer_vlan & 0x0fff;
    tuple.inner_vlan = parsed.inner_vlan & 0x0fff;
    tuple.wire = wire_of(in_port);
    tuple.family = parsed.family;
    tuple.protocol = parsed.protocol;
    if (is_icmp(parsed.protocol)) {
        tuple.port[client] = parsed.source_port.host();
        tuple.port[server] = packet::is_icmp_answer(parsed.family, parsed.icmp_type)
                                 ? packet::icmp_counterpart(parsed.family, parsed.icmp_type)
                                 : parsed.icmp_type;
    } else {
        tuple.port[sender] = parsed.source_port.host();
        tuple.port[other(sender)] = parsed.destination_port.host();
    }
    return tuple;
}

void Oracle::use(const NamedRuleset& ruleset) {
    ruleset_ = &ruleset;
    for (auto& [tuple, conversation] : known_) {
        if (!ruleset.allows(tuple)) conversation.doubtful = true;
    }
}

bool Oracle::is_recent(const Tuple& tuple, const Conversation& conversation, std::uint64_t now) {
    return conversation.last_passed != 0 && now <= conversation.last_passed + longest_life(tuple.protocol) + kLate;
}

bool Oracle::may_have_flow(const Tuple& tuple, const Conversation& conversation, std::uint64_t now) {
    const std::uint64_t last = std::max(conversation.last_passed, conversation.last_used);
    return last != 0 && now <= last + longest_life(tuple.protocol) + kLate;
}

Conversation* Oracle::find(const Tuple& tuple) {
    const auto found = known_.find(tuple);
    return found == known_.end() ? nullptr : &found->second;
}

void Oracle::forget_old(std::uint64_t now) {
    std::erase_if(
        known_, [now](const auto& one) { return one.second.owner == 0 && !may_have_flow(one.first, one.second, now); });
    std::erase_if(datagrams_, [now](const auto& one) { return now > one.second + kDatagramLife; });
}

bool Oracle::is_untracked_service(const Tuple& tuple) const {
    if (!ruleset_->untracked) return false;
    return (tuple.protocol == protocol::kUdp && tuple.port[server] == kUntrackedUdpPort) ||
           (tuple.protocol == protocol::kTcp && tuple.port[server] == kUntrackedTcpPort);
}

bool Oracle::is_untracked(const Parsed& parsed, const Tuple& tuple, bool from_client) const {
    if (!is_untracked_service(tuple)) return false;
    return from_client || tuple.protocol == protocol::kUdp ||
           (parsed.tcp_flags & (net::tcp_flag::kAck | net::tcp_flag::kRst)) != 0;
}

std::string Oracle::judge_error(const Frame& frame, const Parsed& parsed, std::uint64_t now) {
    Tuple tuple;
    if (!quoted_tuple(frame, parsed, tuple)) return "an ICMP error that quotes nothing it may quote was forwarded";
    if (is_untracked_service(tuple)) return {};
    const Conversation* about = find(tuple);
    if (about == nullptr || !is_recent(tuple, *about, now)) return "an ICMP error about no flow was forwarded";
    return {};
}

void Oracle::remember_datagram(const Frame& frame, const Parsed& parsed, std::uint64_t now) {
    if (parsed.fragment == FragmentState::first) datagrams_[datagram_of(frame, parsed)] = now;
}

std::string Oracle::judge_later_fragment(const Frame& frame, const Parsed& parsed, std::uint64_t now) {
    const auto found = datagrams_.find(datagram_of(frame, parsed));
    if (found == datagrams_.end() || now > found->second + kDatagramLife)
        return "a fragment was forwarded whose first fragment was not";
    return {};
}

std::string Oracle::judge_tracked(const Frame& frame, const Parsed& parsed, std::uint64_t now) {
    const bool from_client = is_client_port(frame.in_port);
    const Tuple tuple = tuple_of(parsed, frame.in_port);
    if (is_untracked(parsed, tuple, from_client)) return {};
    if (parsed.fragment == FragmentState::whole && !is_checksum_right(frame, parsed))
        return "a packet with a wrong checksum was forwarded";
    if (!ruleset_->allows(tuple)) return "what the policy allows nobody to open was forwarded";
    if (is_icmp(tuple.protocol) && packet::is_icmp_query(parsed.family, parsed.icmp_type) != from_client)
        return from_client ? "an ICMP answer of a client was forwarded" : "an ICMP query of a server was forwarded";
    Conversation* about = nullptr;
    if (from_client) {
        about = &known_[tuple];
    } else {
        about = find(tuple);
        if (about == nullptr || !is_recent(tuple, *about, now))
            return "a server's packet that answers nothing was forwarded";
    }
    about->last_passed = now;
    about->pressure = pressure_;
    if (from_client) about->doubtful = false;
    const Origin& origin = frame.origin;
    const bool of_owner = origin.sender == Origin::Sender::connection && origin.slot + 1u == about->owner;
    if (!of_owner) {
        about->disturbed = true;
        disturbed_owner_ = about->owner;
    }
    return {};
}

std::string Oracle::judge_forwarded(const Frame& frame, std::uint64_t now) {
    disturbed_owner_ = 0;
    if (frame.out_port != peer_of(frame.in_port)) return "a frame left by a port that is not its peer";
    if (!frame.unchanged()) return "a frame was changed on its way";
    Parsed parsed;
    packet::parse({frame.copy.get(), frame.length}, parsed);
    if (parsed.kind == packet::Kind::malformed) return "a malformed frame was forwarded";
    if (is_link_control(parsed)) return {};
    if (parsed.kind != packet::Kind::ip) return "a frame that is neither IP nor ARP was forwarded";
    if (std::memcmp(parsed.source, parsed.destination, sizeof parsed.source) == 0)
        return "a packet from its own destination was forwarded";
    if (parsed.fragment == FragmentState::later) return judge_later_fragment(frame, parsed, now);
    remember_datagram(frame, parsed, now);
    return is_icmp_error(parsed) ? judge_error(frame, parsed, now) : judge_tracked(frame, parsed, now);
}

} // namespace sluice::simulation
