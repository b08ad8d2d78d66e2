// Stage 2: bytes to tuples.
#include "packet/parse.hpp"

#include "net/headers.hpp"
#include "packet/parse_ordinary.hpp"
#include "pipeline/pipeline.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::pipeline {
namespace {

using telemetry::DropReason;

DropReason reason_for(packet::Malformed malformed) {
    using packet::Malformed;
    switch (malformed) {
    case Malformed::truncated_ethernet:
    case Malformed::too_many_vlan_tags:
    case Malformed::vlan_id_reserved: return DropReason::bad_ethernet_header;
    case Malformed::truncated_ip:
    case Malformed::ip_version:
    case Malformed::ip_header_length:
    case Malformed::ip_total_length:
    case Malformed::ipv4_options:
    case Malformed::fragment_length: return DropReason::bad_ip_header;
    case Malformed::fragment_tiny: return DropReason::fragment_tiny;
    case Malformed::extension_truncated:
    case Malformed::extension_chain_long:
    case Malformed::extension_order:
    case Malformed::extension_options:
    case Malformed::fragment_nested: return DropReason::bad_extension_header;
    case Malformed::truncated_l4:
    case Malformed::tcp_header_length:
    case Malformed::udp_length: return DropReason::bad_l4_header;
    case Malformed::none: break;
    }
    return DropReason::internal_error;
}

/// Of several oddities the one that says most; `refused` is not empty.
[[gnu::cold]] DropReason reason_for_oddities(std::uint16_t refused) {
    namespace oddity = net::oddity;
    if (refused & oddity::kHeaderChecksum) return DropReason::bad_checksum; // then nothing else is sure
    if (refused & oddity::kStackedVlan) return DropReason::stacked_vlan;
    if (refused & oddity::kMartianSource) return DropReason::martian_source;
    if (refused & oddity::kSourceRoute) return DropReason::source_route;
    if (refused & oddity::kRoutingHeader0) return DropReason::routing_header;
    if (refused & oddity::kTtlZero) return DropReason::ttl_expired;
    if (refused & oddity::kIpv4Option) return DropReason::ipv4_options;
    return DropReason::internal_error;
}

/// Whether a packet stays on its link: to a link-local or link-scope multicast address (RFC 4291, 2.5.6 and 2.7), or
/// between two addresses of one /64, as unicast reachability probes go (RFC 4861, 7.2.5).
bool stays_on_link(const packet::Parsed& parsed) {
    const std::uint8_t* to = parsed.destination;
    const bool link_local = to[0] == 0xfe && (to[1] & 0xc0) == 0x80;
    const bool link_multicast = to[0] == 0xff && (to[1] & 0x0f) == 0x02;
    return link_local || link_multicast || std::memcmp(parsed.source, to, 8) == 0;
}

/// IPv6 neighbour discovery is to IPv6 what ARP is to IPv4: without it no host behind a wire finds another. RFC 4861,
/// 7.1: a hop limit other than 255 means that it crossed a router, and it is then not neighbour discovery. One that a
/// router behind the wire would forward is not either, but a way out that no rule knows of: that is for the rules.
bool is_neighbor_discovery(const packet::Parsed& parsed) {
    return stays_on_link(parsed) && parsed.extension_headers == 0 && parsed.protocol == net::protocol::kIcmpv6 &&
           parsed.family == net::Family::ipv6 && parsed.ttl == 255 && parsed.icmp_code == 0 &&
           parsed.icmp_type >= net::icmpv6::kRouterSolicitation &&
           parsed.icmp_type <= net::icmpv6::kNeighborAdvertisement;
}

void decide_by_kind(Batch& batch, unsigned i, const ruleset::Sanity& sanity) {
    const packet::Parsed& parsed = batch.parsed[i];
    const auto refused = static_cast<std::uint16_t>(parsed.oddities & sanity.refused);
    if (refused != 0) [[unlikely]] {
        batch.drop(i, reason_for_oddities(refused));
        return;
    }
    switch (parsed.kind) {
    case packet::Kind::malformed: batch.drop(i, reason_for(parsed.malformed)); break;
    case packet::Kind::arp:
    case packet::Kind::other:
        if (sanity.passes(parsed.ether_type))
            batch.disposition[i] = Disposition::forward;
        else
            batch.drop(i, DropReason::unknown_ethertype);
        break;
    case packet::Kind::ip:
        if (std::memcmp(parsed.source, parsed.destination, sizeof parsed.source) == 0) {
            batch.drop(i, DropReason::spoofed_source); // "LAND" (CVE-1999-0016); its two directions are one
        } else if (is_neighbor_discovery(parsed)) {
            batch.disposition[i] = Disposition::forward;
        }
        break;
    }
}

/// Whether what a port vouches for can be the checksum that counts. Several controllers say "good" of all that they
/// found no fault with: of ICMP, of protocols behind extension headers and tags that they do not walk, of UDP datagrams
/// without a checksum. Whoever sends those would choose himself what is believed.
bool port_verifies(const std::byte* frame, const packet::Parsed& parsed) {
    const auto& ethernet = *reinterpret_cast<const net::EthernetHeader*>(frame);
    const bool untagged = parsed.l3_offset == sizeof ethernet;
    const bool one_tag = parsed.l3_offset == sizeof ethernet + sizeof(net::VlanTag) &&
                         ethernet.ether_type.host() == static_cast<std::uint16_t>(net::EtherType::vlan);
    if (!(untagged || one_tag) || parsed.extension_headers != 0) return false;
    switch (parsed.protocol) {
    case net::protocol::kTcp:
    case net::protocol::kSctp: return true;
    case net::protocol::kUdp:
        return reinterpret_cast<const net::UdpHeader*>(frame + parsed.l4_offset)->checksum != net::Be16{};
    default: return false;
    }
}

/// Whether no frame can be too long for the peer, and no port has said anything about a checksum.
bool nothing_to_look_at(const Batch& batch, const ruleset::Ruleset& ruleset) {
    if (batch.count == 0) return true;
    std::uint16_t longest = 0;
    for (unsigned i = 0; i < batch.count; ++i) {
        longest = std::max(longest, batch.length[i]);
    }
    return longest <= ruleset.port(batch.port[0]).peer_mtu && all_are(batch.port, batch.count, batch.port[0]) &&
           all_are(batch.checksum, batch.count, Checksum::unknown);
}

} // namespace

void parse(Batch& batch, const Context& context) {
    const ruleset::Ruleset& ruleset = *context.ruleset;
    const unsigned count = batch.count;
    for (unsigned i = 0; i < count; ++i) {
        base::prefetch(batch.data[i]);
    }
    batch.rule_slot.fill(kNoRule);
    batch.path.fill(ruleset::Path::none);
    batch.datagram.fill(reassembly::kNone);
    batch.disposition.fill(Disposition::pending);
    Selection& others = batch.not_ordinary;
    others.clear();
    for (unsigned i = 0; i < count; ++i) {
        if (packet::parse_ordinary({batch.data[i], batch.length[i]}, batch.parsed[i])) [[likely]]
            continue;
        packet::parse({batch.data[i], batch.length[i]}, batch.parsed[i]);
        others.add(i);
    }
    // What is ordinary has nothing that is decided here. The others in a round of their own: addresses that were just
    // written in parts cannot be read as wholes without waiting.
    for (unsigned k = 0; k < others.count; ++k) {
        decide_by_kind(batch, others.row[k], ruleset.sanity());
    }
    if (nothing_to_look_at(batch, ruleset)) [[likely]]
        return;
    for (unsigned i = 0; i < count; ++i) {
        if (batch.disposition[i] == Disposition::drop) continue;
        // Before any flow is touched: a packet that cannot be forwarded must not move a state.
        if (batch.length[i] > ruleset.port(batch.port[i]).peer_mtu + batch.parsed[i].l3_offset) [[unlikely]] {
            batch.drop(i, DropReason::mtu_exceeded);
            continue;
        }
        if (batch.checksum[i] == Checksum::unknown || batch.disposition[i] != Disposition::pending) continue;
        const bool whole = batch.parsed[i].fragment == packet::FragmentState::whole;
        if (!whole || !port_verifies(batch.data[i], batch.parsed[i])) batch.checksum[i] = Checksum::unknown;
    }
}

} // namespace sluice::pipeline
