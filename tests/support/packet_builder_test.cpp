// The builder is what other tests stand on, so its frames are compared with bytes written out by hand, and every
// checksum is verified the way a receiver does it.
#include "support/packet_builder.hpp"

#include "net/checksum.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace sluice::test_support {
namespace {

using net::Family;

std::string hex(std::span<const std::byte> content) {
    std::string text;
    for (const std::byte byte : content) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(byte));
        text += digits;
    }
    return text;
}

unsigned u16(const Bytes& frame, std::size_t offset) {
    return static_cast<unsigned>(frame.at(offset)) << 8 | static_cast<unsigned>(frame.at(offset + 1));
}

/// What a receiver computes over a transport header and all behind it: 0 when the checksum is right.
unsigned transport_check(const Bytes& frame, std::size_t ip, std::size_t l4, std::uint8_t protocol) {
    const bool v4 = static_cast<unsigned>(frame.at(ip)) >> 4 == 4;
    const auto* wire = reinterpret_cast<const std::uint8_t*>(frame.data());
    const std::size_t source = ip + (v4 ? 12 : 8);
    const std::size_t destination = ip + (v4 ? 16 : 24);
    const auto behind = std::span(frame).subspan(l4);
    const auto pseudo = net::pseudo_header_sum(v4 ? Family::ipv4 : Family::ipv6, wire + source, wire + destination,
                                               protocol, static_cast<std::uint32_t>(behind.size()));
    return net::checksum_finish(net::checksum_add(behind, pseudo));
}

TEST(PacketBuilder, writes_ethernet_ipv4_udp) {
    const Bytes frame = PacketBuilder()
                            .ipv4({.source = "192.168.0.1", .destination = "192.168.0.199", .dont_fragment = true})
                            .udp({.source_port = 1000, .destination_port = 53})
                            .payload("hi")
                            .build();
    EXPECT_EQ(hex(frame), "020000000002"
                          "020000000001"
                          "0800"
                          "4500001e000040004011b8b6c0a80001c0a800c7"
                          "03e80035000a113b"
                          "6869");
}

TEST(PacketBuilder, writes_ethernet_ipv6_tcp) {
    const Bytes frame = PacketBuilder()
                            .ipv6({.hop_limit = 1, .traffic_class = 0xab, .flow_label = 0xcdef1})
                            .tcp({.source_port = 1,
                                  .destination_port = 2,
                                  .flags = 0x12,
                                  .sequence = 0x01020304,
                                  .acknowledgment = 0x05060708,
                                  .window = 0x1111,
                                  .urgent_pointer = 0x2222,
                                  .options = bytes({2, 4, 5, 0xb4, 1}),
                                  .checksum = 0x3333})
                            .build();
    EXPECT_EQ(hex(frame), "020000000002"
                          "020000000001"
                          "86dd"
                          "6abcdef1001c0601"
                          "20010db8000000000000000000000001"
                          "20010db8000000000000000000000002"
                          "000100020102030405060708"
                          "7012111133332222"
                          "020405b401000000");
}

TEST(PacketBuilder, writes_vlan_tags_and_arp) {
    const Bytes frame = PacketBuilder({.destination = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
                            .vlan({.id = 0x123, .priority = 5, .tpid = 0x88a8})
                            .vlan({.id = 7})
                            .arp()
                            .build();
    EXPECT_EQ(hex(frame), "ffffffffffff"
                          "020000000001"
                          "88a8a123"
                          "81000007"
                          "0806"
                          "0001080006040001"
                          "0200000000010a000001"
                          "0000000000000a000002");
}

TEST(PacketBuilder, chains_ipv6_extension_headers) {
    const Bytes frame = PacketBuilder()
                            .ipv6()
                            .extension({.protocol = 0})
                            .extension({.protocol = 43, .size = 16})
                            .extension({.protocol = 51, .size = 24})
                            .ipv6_fragment({.offset = 0, .more_fragments = true, .identification = 0xa1b2c3d4})
                            .extension({.protocol = 60})
                            .udp()
                            .build();
    EXPECT_EQ(u16(frame, 18), 8u + 16 + 24 + 8 + 8 + 8);
    EXPECT_EQ(hex(std::span(frame).subspan(20, 1)), "00");
    EXPECT_EQ(hex(std::span(frame).subspan(54)), "2b00010400000000"
                                                 "33010000000000000000000000000000"
                                                 "2c0400000000000000000000000000000000000000000000"
                                                 "3c000001a1b2c3d4"
                                                 "1100010400000000" +
                                                     hex(std::span(frame).last(8)));
}

TEST(PacketBuilder, writes_fragments) {
    const Bytes v4 = PacketBuilder()
                         .ipv4({.identification = 9, .more_fragments = true, .fragment_offset = 1480, .protocol = 17})
                         .payload_size(8)
                         .build();
    EXPECT_EQ(u16(v4, 18), 9u);
    EXPECT_EQ(u16(v4, 20), 0x2000u | 1480 / 8);
    EXPECT_EQ(static_cast<unsigned>(v4[23]), 17u);
    const Bytes v6 =
        PacketBuilder().ipv6().ipv6_fragment({.offset = 1448, .more_fragments = true, .next_header = 6}).build();
    EXPECT_EQ(u16(v6, 56), 1448u | 1);
    EXPECT_EQ(static_cast<unsigned>(v6[54]), 6u);
}

TEST(PacketBuilder, checksums_satisfy_a_receiver) {
    const Bytes v4_tcp = PacketBuilder().ipv4({.options = bytes({1, 1, 1})}).tcp().payload("odd").build();
    EXPECT_EQ(net::checksum_finish(net::checksum_add(std::span(v4_tcp).subspan(14, 24))), 0);
    EXPECT_EQ(transport_check(v4_tcp, 14, 38, 6), 0u);
    const Bytes v6_udp = PacketBuilder().vlan({.id = 2}).ipv6().udp().payload_size(33).build();
    EXPECT_EQ(transport_check(v6_udp, 18, 58, 17), 0u);
    const Bytes v6_icmp = PacketBuilder().ipv6().icmp({.identifier = 77, .sequence = 1}).payload("ping").build();
    EXPECT_EQ(transport_check(v6_icmp, 14, 54, 58), 0u);
    const Bytes v4_icmp = PacketBuilder().ipv4().icmp({.identifier = 77}).payload("pong!").build();
    EXPECT_EQ(net::checksum_finish(net::checksum_add(std::span(v4_icmp).subspan(34))), 0);
}

TEST(PacketBuilder, writes_a_udp_checksum_of_zero_as_all_ones) {
    // Some source port makes the sum come out as zero, which would mean "no checksum" (RFC 768).
    bool found = false;
    for (unsigned port = 0; port < 65536 && !found; ++port) {
        const Bytes frame = PacketBuilder().ipv4().udp({.source_port = static_cast<std::uint16_t>(port)}).build();
        ASSERT_NE(u16(frame, 40), 0u);
        found = u16(frame, 40) == 0xffff;
    }
    EXPECT_TRUE(found);
}

TEST(PacketBuilder, writes_the_crc_of_sctp) {
    // The value is that of the table-driven algorithm in RFC 9260, appendix A, over "12345678" and four zeros.
    const Bytes frame = PacketBuilder()
                            .ipv4()
                            .sctp({.source_port = 0x3132, .destination_port = 0x3334, .verification_tag = 0x35363738})
                            .build();
    EXPECT_EQ(static_cast<unsigned>(frame[23]), 132u);
    EXPECT_EQ(hex(std::span(frame).last(4)), "3fa4cfd1");
}

TEST(PacketBuilder, lets_every_derived_field_be_wrong) {
    const Bytes frame =
        PacketBuilder({.ether_type = 0x1234})
            .ipv4({.protocol = 99, .version = 5, .header_length_units = 7, .total_length = 0xabcd, .checksum = 0xbeef})
            .udp({.length = 3, .checksum = 0})
            .build();
    EXPECT_EQ(u16(frame, 12), 0x1234u);
    EXPECT_EQ(hex(std::span(frame).subspan(14, 1)), "57");
    EXPECT_EQ(u16(frame, 16), 0xabcdu);
    EXPECT_EQ(hex(std::span(frame).subspan(23, 1)), "63");
    EXPECT_EQ(u16(frame, 24), 0xbeefu);
    EXPECT_EQ(u16(frame, 38), 3u);
    EXPECT_EQ(u16(frame, 40), 0u);
}

TEST(PacketBuilder, pads_behind_the_ip_packet) {
    const Bytes frame = PacketBuilder().ipv4().udp().pad_to(60).build();
    EXPECT_EQ(frame.size(), 60u);
    EXPECT_EQ(u16(frame, 16), 28u);
    EXPECT_EQ(PacketBuilder().ipv4().udp().payload_size(100).pad_to(60).build().size(), 142u);
}

TEST(PacketBuilder, makes_the_transport_header_that_a_tuple_wants) {
    const auto protocol_of = [](Address source, Address destination, std::uint8_t protocol) {
        const Bytes frame =
            PacketBuilder().ip(source, destination).transport({.protocol = protocol, .source_port = 1}).build();
        return static_cast<unsigned>(frame.at(source.family == Family::ipv4 ? 23 : 20));
    };
    for (const std::uint8_t protocol : std::initializer_list<std::uint8_t>{1, 6, 17, 47, 50, 58, 132, 200}) {
        EXPECT_EQ(protocol_of("10.0.0.1", "10.0.0.2", protocol), protocol);
        EXPECT_EQ(protocol_of("::1", "::2", protocol), protocol);
    }
}

TEST(PacketBuilder, refuses_addresses_of_the_other_family_and_none_at_all) {
    EXPECT_THROW(PacketBuilder().ipv4({.source = "::1"}), std::invalid_argument);
    EXPECT_THROW(PacketBuilder().ipv6({.destination = "10.0.0.1"}), std::invalid_argument);
    EXPECT_THROW(PacketBuilder().ip("10.0.0.1", "::1"), std::invalid_argument);
    EXPECT_THROW(Address("10.0.0"), std::invalid_argument);
}

} // namespace
} // namespace sluice::test_support
