// Ethernet, VLAN tags, ARP, other EtherTypes, and what is left of a frame that is refused.
#include "parse_frame.hpp"

#include "net/oddity.hpp"

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::PacketBuilder;

TEST(ParseEthernet, recognises_arp) {
    const Parsed parsed = parse_frame(PacketBuilder().arp());
    EXPECT_EQ(parsed.kind, Kind::arp);
    EXPECT_EQ(parsed.malformed, Malformed::none);
    EXPECT_EQ(parsed.ether_type, 0x0806);
    EXPECT_EQ(parsed.l3_offset, 14);
    EXPECT_EQ(parsed.l4_offset, 0);
    EXPECT_EQ(parsed.ip_length, 0);
    EXPECT_EQ(parsed.protocol, 0);
}

TEST(ParseEthernet, other_types_are_other) {
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{0x88cc, 0x9100, 0x05dc, 0x0000, 0xffff}) {
        const Parsed parsed = parse_frame(PacketBuilder({.ether_type = type}).payload_size(46));
        EXPECT_EQ(parsed.kind, Kind::other) << type;
        EXPECT_EQ(parsed.ether_type, type);
    }
}

TEST(ParseEthernet, a_header_alone_is_enough_for_arp_and_others) {
    EXPECT_EQ(parse_frame(PacketBuilder({.ether_type = 0x0806})).kind, Kind::arp);
    EXPECT_EQ(parse_frame(PacketBuilder({.ether_type = 0x88cc})).kind, Kind::other);
}

TEST(ParseEthernet, no_bytes_are_truncated) {
    const Parsed parsed = parse_frame(Bytes{});
    EXPECT_EQ(parsed.kind, Kind::malformed);
    EXPECT_EQ(parsed.malformed, Malformed::truncated_ethernet);
}

TEST(ParseVlan, no_tag_differs_from_priority_tag_zero) {
    const Parsed none = parse_frame(PacketBuilder().ipv4().udp());
    const Parsed zero = parse_frame(PacketBuilder().vlan({.id = 0, .priority = 5}).ipv4().udp());
    EXPECT_EQ(none.outer_vlan, 0);
    EXPECT_EQ(zero.outer_vlan, 0x1000);
    EXPECT_EQ(zero.inner_vlan, 0);
}

TEST(ParseVlan, priority_is_not_part_of_the_id) {
    EXPECT_EQ(parse_frame(PacketBuilder().vlan({.id = 0xfff, .priority = 7}).arp()).outer_vlan, 0x1fff);
}

TEST(ParseVlan, takes_two_tags_of_either_kind) {
    for (const std::uint16_t outer : std::initializer_list<std::uint16_t>{0x8100, 0x88a8}) {
        for (const std::uint16_t inner : std::initializer_list<std::uint16_t>{0x8100, 0x88a8}) {
            const Parsed parsed = parse_frame(
                PacketBuilder().vlan({.id = 100, .tpid = outer}).vlan({.id = 200, .tpid = inner}).ipv4().udp());
            EXPECT_EQ(parsed.kind, Kind::ip);
            EXPECT_EQ(parsed.outer_vlan, 0x1000 + 100);
            EXPECT_EQ(parsed.inner_vlan, 0x1000 + 200);
            EXPECT_EQ(parsed.l3_offset, 22);
            EXPECT_EQ(parsed.l4_offset, 42);
            EXPECT_EQ(parsed.ether_type, 0x0800);
            EXPECT_EQ((parsed.oddities & net::oddity::kStackedVlan) != 0, outer == 0x8100) << "802.1ad's is outside";
        }
    }
}

TEST(ParseVlan, refuses_a_third_tag_even_when_it_is_cut) {
    const auto two = PacketBuilder().vlan({.id = 1}).vlan({.id = 2, .ether_type = 0x88a8}).build();
    EXPECT_EQ(parse_frame(two).malformed, Malformed::too_many_vlan_tags);
}

TEST(ParseVlan, refuses_a_frame_cut_inside_a_tag) {
    const Bytes frame = PacketBuilder().vlan({.id = 1}).vlan({.id = 2}).ipv4().udp().build();
    for (std::size_t size = 14; size < 22; ++size) {
        EXPECT_EQ(parse_frame(std::span(frame).first(size)).malformed, Malformed::truncated_ethernet) << size;
    }
    EXPECT_EQ(parse_frame(std::span(frame).first(22)).malformed, Malformed::truncated_ip);
}

// A later stage that forgets to ask for the kind must not find half a packet.
TEST(ParseRefused, keeps_the_link_layer_and_nothing_else) {
    const Parsed parsed = parse_frame(PacketBuilder().vlan({.id = 5}).ipv4().tcp({.data_offset_units = 15}));
    Parsed expected{};
    expected.kind = Kind::malformed;
    expected.malformed = Malformed::tcp_header_length;
    expected.outer_vlan = 0x1005;
    expected.ether_type = 0x0800;
    expected.l3_offset = 18;
    EXPECT_EQ(test_support::describe(parsed), test_support::describe(expected));
}

} // namespace
} // namespace sluice::packet
