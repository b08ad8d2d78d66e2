#include "support/sample_frames.hpp"

namespace sluice::test_support {
namespace {

PacketBuilder frame() {
    return PacketBuilder();
}

/// An IPv6 packet with `count` destination options headers.
PacketBuilder chain(unsigned count) {
    PacketBuilder builder;
    builder.ipv6();
    for (unsigned i = 0; i < count; ++i)
        builder.extension({.protocol = 60});
    return builder;
}

std::vector<SampleFrame> ipv4_frames() {
    return {
        {"ipv4_tcp", frame().ipv4().tcp({.flags = 0x18}).payload("GET /").build()},
        {"ipv4_tcp_options", frame().ipv4().tcp({.options = bytes({2, 4, 5, 0xb4, 3, 3, 7})}).build()},
        {"ipv4_udp", frame().ipv4().udp().payload("query").build()},
        {"ipv4_udp_empty", frame().ipv4().udp().build()},
        {"ipv4_udp_length_short", frame().ipv4().udp({.length = 12}).payload_size(20).build()},
        {"ipv4_icmp_echo_request", frame().ipv4().icmp({.identifier = 77}).payload_size(32).build()},
        {"ipv4_icmp_echo_reply", frame().ipv4().icmp({.type = 0, .identifier = 77}).build()},
        {"ipv4_icmp_unreachable", frame().ipv4().icmp({.type = 3, .code = 4}).payload_size(28).build()},
        {"ipv4_sctp", frame().ipv4().sctp().payload_size(20).build()},
        {"ipv4_gre", frame().ipv4({.protocol = 47}).payload_size(24).build()},
        {"ipv4_esp", frame().ipv4({.protocol = 50}).payload_size(24).build()},
        {"ipv4_ah", frame().ipv4({.protocol = 51}).payload_size(24).build()},
        {"ipv4_no_payload", frame().ipv4({.protocol = 253}).build()},
        {"ipv4_options", frame().ipv4({.options = bytes({1, 7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0})}).udp().build()},
        {"ipv4_options_longest", frame().ipv4({.options = Bytes(40, std::byte{1})}).tcp().build()},
        {"ipv4_source_route", frame().ipv4({.options = bytes({131, 7, 4, 10, 0, 0, 9})}).udp().build()},
        {"ipv4_header_checksum", frame().ipv4({.checksum = 0x1234}).udp().build()},
        {"ipv4_martian_source", frame().ipv4({.source = "127.0.0.1", .ttl = 0}).udp().build()},
        {"ipv4_first_fragment", frame().ipv4({.more_fragments = true}).udp({.length = 4000}).payload_size(64).build()},
        {"ipv4_later_fragment",
         frame().ipv4({.more_fragments = true, .fragment_offset = 1480, .protocol = 17}).payload_size(64).build()},
        {"ipv4_last_fragment", frame().ipv4({.fragment_offset = 2960, .protocol = 6}).payload_size(13).build()},
    };
}

std::vector<SampleFrame> ipv6_frames() {
    return {
        {"ipv6_tcp", frame().ipv6().tcp({.flags = 0x10}).payload("data").build()},
        {"ipv6_udp", frame().ipv6().udp().payload("query").build()},
        {"ipv6_icmpv6_echo_request", frame().ipv6().icmp({.identifier = 77}).payload_size(8).build()},
        {"ipv6_neighbor_solicitation", frame().ipv6().icmp({.type = 135}).payload_size(24).build()},
        {"ipv6_sctp", frame().ipv6().sctp().build()},
        {"ipv6_no_next_header", frame().ipv6().build()},
        {"ipv6_hop_by_hop_icmpv6", frame().ipv6().extension({.protocol = 0}).icmp({.type = 143}).build()},
        {"ipv6_extensions_tcp", frame()
                                    .ipv6()
                                    .extension({.protocol = 0, .size = 16})
                                    .extension({.protocol = 43, .size = 24})
                                    .extension({.protocol = 60})
                                    .tcp()
                                    .build()},
        {"ipv6_ah_udp", frame().ipv6().extension({.protocol = 51, .size = 24}).udp().build()},
        {"ipv6_mobility", frame().ipv6().extension({.protocol = 135}).build()},
        {"ipv6_hip_shim6", frame().ipv6().extension({.protocol = 139}).extension({.protocol = 140}).tcp().build()},
        {"ipv6_routing_header_0",
         frame().ipv6().extension({.protocol = 43, .size = 24, .content = bytes({0, 1})}).tcp().build()},
        {"ipv6_martian_source", frame().ip("::ffff:10.0.0.1", "2001:db8::2").udp().build()},
        {"ipv6_multicast_listener_report",
         frame().ip("::", "ff02::16").extension({.protocol = 0}).icmp({.type = 143}).build()},
        {"ipv6_longest_chain", chain(8).udp().build()},
        {"ipv6_atomic_fragment", frame().ipv6().ipv6_fragment({.identification = 5}).udp().build()},
        {"ipv6_first_fragment",
         frame().ipv6().ipv6_fragment({.more_fragments = true}).udp({.length = 4000}).payload_size(64).build()},
        {"ipv6_first_fragment_extensions", frame()
                                               .ipv6()
                                               .extension({.protocol = 43})
                                               .ipv6_fragment({.more_fragments = true})
                                               .extension({.protocol = 60})
                                               .tcp({.options = bytes({1, 1, 1, 1})})
                                               .build()},
        {"ipv6_later_fragment", frame()
                                    .ipv6()
                                    .ipv6_fragment({.offset = 1448, .more_fragments = true, .next_header = 17})
                                    .payload_size(64)
                                    .build()},
        {"ipv6_later_fragment_of_options",
         frame().ipv6().ipv6_fragment({.offset = 1448, .next_header = 60}).payload_size(3).build()},
    };
}

std::vector<SampleFrame> link_frames() {
    return {
        {"arp", frame().arp().build()},
        {"lldp", PacketBuilder({.ether_type = 0x88cc}).payload_size(30).build()},
        {"ieee_802_3", PacketBuilder({.ether_type = 38}).payload_size(38).build()},
        {"vlan_ipv4_tcp", frame().vlan({.id = 7, .priority = 3}).ipv4().tcp().build()},
        {"vlan_priority_tag_ipv6_udp", frame().vlan({.id = 0, .priority = 7}).ipv6().udp().build()},
        {"vlan_arp", frame().vlan({.id = 4094}).arp().build()},
        {"qinq_ipv4_udp", frame().vlan({.id = 100, .tpid = 0x88a8}).vlan({.id = 200}).ipv4().udp().build()},
        {"vlan_stacked_ipv6_tcp", frame().vlan({.id = 1}).vlan({.id = 2}).ipv6().tcp().build()},
    };
}

} // namespace

std::vector<SampleFrame> well_formed_frames() {
    std::vector<SampleFrame> all = link_frames();
    for (auto& each : ipv4_frames())
        all.push_back(std::move(each));
    for (auto& each : ipv6_frames())
        all.push_back(std::move(each));
    return all;
}

std::vector<SampleFrame> malformed_frames() {
    return {
        {"truncated_ethernet", bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8})},
        {"truncated_ethernet.tag", bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0, 7, 8})},
        {"vlan_id_reserved", frame().vlan({.id = 4095}).ipv4().udp().build()},
        {"vlan_id_reserved.inner", frame().vlan({.id = 1}).vlan({.id = 4095}).ipv4().udp().build()},
        {"too_many_vlan_tags", frame().vlan({.id = 1}).vlan({.id = 2}).vlan({.id = 3}).ipv4().udp().build()},
        {"truncated_ip", PacketBuilder({.ether_type = 0x0800}).payload_size(19).build()},
        {"truncated_ip.v6", PacketBuilder({.ether_type = 0x86dd}).payload_size(39).build()},
        {"truncated_ip.options", frame().ipv4({.header_length_units = 8, .total_length = 60}).udp().build()},
        {"ip_version", frame().ipv4({.version = 6}).udp().build()},
        {"ip_version.v6", frame().ipv6({.version = 4}).udp().build()},
        {"ip_version.ether_type", PacketBuilder({.ether_type = 0x86dd}).ipv4().udp().payload_size(20).build()},
        {"ip_header_length.short", frame().ipv4({.header_length_units = 4}).udp().build()},
        {"ip_header_length.beyond", frame().ipv4({.header_length_units = 7, .total_length = 27}).udp().build()},
        {"ip_header_length.zero_total", frame().ipv4({.total_length = 0}).udp().build()},
        {"ip_total_length", frame().ipv4({.total_length = 29}).udp().build()},
        {"ip_total_length.v6", frame().ipv6({.payload_length = 9}).udp().build()},
        {"ip_total_length.jumbogram",
         frame().ipv6({.payload_length = 0}).extension({.protocol = 0}).udp({.length = 0}).build()},
        {"ipv4_options.beyond", frame().ipv4({.options = bytes({7, 5, 4, 0})}).udp().build()},
        {"ipv4_options.zero_length", frame().ipv4({.options = bytes({7, 0, 0, 0})}).udp().build()},
        {"ipv4_options.no_length", frame().ipv4({.options = bytes({1, 1, 1, 7})}).udp().build()},
        {"extension_truncated", frame().ipv6().extension({.protocol = 60, .length_units = 2}).udp().build()},
        {"extension_truncated.start", frame().ipv6({.next_header = 60}).payload_size(1).build()},
        {"extension_truncated.empty", frame().ipv6({.next_header = 43}).build()},
        {"extension_truncated.fragment", frame().ipv6({.next_header = 44}).payload_size(7).build()},
        {"extension_truncated.ah", frame().ipv6().extension({.protocol = 51, .size = 12, .length_units = 2}).build()},
        {"extension_options", frame().ipv6().extension({.protocol = 60, .content = bytes({1, 5})}).udp().build()},
        {"extension_options.length_missing",
         frame().ipv6().extension({.protocol = 0, .content = bytes({1, 3, 0, 0, 0, 5})}).udp().build()},
        {"extension_options.many",
         frame().ipv6().extension({.protocol = 60, .size = 72, .content = Bytes(70)}).udp().build()},
        {"extension_chain_long", chain(9).udp().build()},
        {"extension_order", frame().ipv6().extension({.protocol = 60}).extension({.protocol = 0}).udp().build()},
        {"extension_order.twice", frame().ipv6().extension({.protocol = 0}).extension({.protocol = 0}).udp().build()},
        {"fragment_length", frame().ipv4({.more_fragments = true, .protocol = 253}).payload_size(9).build()},
        {"fragment_length.beyond", frame().ipv4({.fragment_offset = 65528, .protocol = 253}).payload_size(8).build()},
        {"fragment_length.v6",
         frame().ipv6().ipv6_fragment({.more_fragments = true, .next_header = 253}).payload_size(9).build()},
        {"fragment_length.v6_beyond",
         frame().ipv6().ipv6_fragment({.offset = 65528, .next_header = 253}).payload_size(8).build()},
        {"fragment_length.empty", frame().ipv4({.fragment_offset = 64, .protocol = 17}).build()},
        {"fragment_tiny", frame().ipv4({.fragment_offset = 8, .protocol = 6}).payload_size(24).build()},
        {"fragment_tiny.v6", frame().ipv6().ipv6_fragment({.offset = 8, .next_header = 6}).payload_size(24).build()},
        {"fragment_nested", frame().ipv6().ipv6_fragment({}).ipv6_fragment({}).udp().build()},
        {"fragment_nested.apart",
         frame().ipv6().ipv6_fragment({.more_fragments = true}).extension({}).ipv6_fragment({}).udp().build()},
        {"fragment_nested.later",
         frame().ipv6().ipv6_fragment({.offset = 8, .next_header = 44}).payload_size(8).build()},
        {"truncated_l4.tcp", frame().ipv4({.protocol = 6}).payload_size(19).build()},
        {"truncated_l4.udp", frame().ipv6({.next_header = 17}).payload_size(7).build()},
        {"truncated_l4.icmp", frame().ipv4({.protocol = 1}).payload_size(7).build()},
        {"truncated_l4.sctp", frame().ipv6({.next_header = 132}).payload_size(11).build()},
        {"truncated_l4.first_fragment", frame().ipv4({.more_fragments = true, .protocol = 6}).payload_size(8).build()},
        {"tcp_header_length.short", frame().ipv4().tcp({.data_offset_units = 4}).build()},
        {"tcp_header_length.beyond", frame().ipv6().tcp({.data_offset_units = 6}).build()},
        {"udp_length.short", frame().ipv4().udp({.length = 7}).build()},
        {"udp_length.beyond", frame().ipv4().udp({.length = 9}).build()},
        {"udp_length.zero_v6", frame().ipv6().udp({.length = 0}).build()},
        {"udp_length.first_fragment", frame().ipv4({.more_fragments = true}).udp({.length = 7}).build()},
    };
}

} // namespace sluice::test_support
