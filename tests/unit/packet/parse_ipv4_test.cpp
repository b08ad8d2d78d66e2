#include "parse_frame.hpp"

namespace sluice::packet {
namespace {

using test_support::Address;
using test_support::bytes;
using test_support::Bytes;
using test_support::Ipv4Fields;
using test_support::PacketBuilder;

Malformed reason_for(Ipv4Fields fields) {
    return parse_frame(PacketBuilder().ipv4(std::move(fields)).udp()).malformed;
}

TEST(ParseIpv4, fills_every_field) {
    const Parsed parsed = parse_frame(PacketBuilder()
                                          .ipv4({.source = "192.0.2.1", .destination = "198.51.100.2", .ttl = 63})
                                          .udp({.source_port = 1234, .destination_port = 53})
                                          .payload("question"));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.malformed, Malformed::none);
    EXPECT_EQ(parsed.family, net::Family::ipv4);
    EXPECT_EQ(source_of(parsed), Address("192.0.2.1"));
    EXPECT_EQ(destination_of(parsed), Address("198.51.100.2"));
    EXPECT_EQ(parsed.source[4] | parsed.source[15] | parsed.destination[4] | parsed.destination[15], 0);
    EXPECT_EQ(parsed.protocol, 17);
    EXPECT_EQ(parsed.source_port.host(), 1234);
    EXPECT_EQ(parsed.destination_port.host(), 53);
    EXPECT_EQ(parsed.ttl, 63);
    EXPECT_EQ(parsed.ether_type, 0x0800);
    EXPECT_EQ(parsed.l3_offset, 14);
    EXPECT_EQ(parsed.l4_offset, 34);
    EXPECT_EQ(parsed.ip_length, 36);
    EXPECT_EQ(parsed.fragment, FragmentState::whole);
    EXPECT_EQ(parsed.extension_headers, 0);
    EXPECT_EQ(parsed.outer_vlan, 0);
}

TEST(ParseIpv4, takes_its_length_from_the_header_not_from_the_frame) {
    const Parsed parsed = parse_frame(PacketBuilder().ipv4().udp().payload_size(3).pad_to(60));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.ip_length, 31);
}

TEST(ParseIpv4, padding_does_not_complete_a_header) {
    const auto builder = PacketBuilder().ipv4({.protocol = 6}).payload_size(19).pad_to(60);
    EXPECT_EQ(parse_frame(builder).malformed, Malformed::truncated_l4);
}

TEST(ParseIpv4, checks_the_version) {
    EXPECT_EQ(reason_for({.version = 6}), Malformed::ip_version);
    EXPECT_EQ(reason_for({.version = 0}), Malformed::ip_version);
}

TEST(ParseIpv4, checks_the_header_length) {
    EXPECT_EQ(reason_for({.header_length_units = 0}), Malformed::ip_header_length);
    EXPECT_EQ(reason_for({.header_length_units = 4}), Malformed::ip_header_length);
    EXPECT_EQ(reason_for({.header_length_units = 6, .total_length = 23}), Malformed::ip_header_length);
    EXPECT_EQ(reason_for({.header_length_units = 15}), Malformed::truncated_ip); // beyond the frame itself
}

TEST(ParseIpv4, checks_the_total_length) {
    EXPECT_EQ(reason_for({.total_length = 28}), Malformed::none);
    EXPECT_EQ(reason_for({.total_length = 29}), Malformed::ip_total_length);
    EXPECT_EQ(reason_for({.total_length = 65535}), Malformed::ip_total_length);
    EXPECT_EQ(reason_for({.total_length = 19}), Malformed::ip_header_length);
    EXPECT_EQ(reason_for({.total_length = 0}), Malformed::ip_header_length);
}

TEST(ParseIpv4, does_not_look_at_checksums) {
    EXPECT_EQ(reason_for({.checksum = 0xdead}), Malformed::none);
}

TEST(ParseIpv4, finds_the_transport_header_behind_options) {
    const Parsed parsed = parse_frame(PacketBuilder()
                                          .ipv4({.options = bytes({7, 7, 4, 0, 0, 0, 0})}) // record route, padded to 8
                                          .tcp({.destination_port = 443}));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.l4_offset, 14 + 28);
    EXPECT_EQ(parsed.destination_port.host(), 443);
}

TEST(ParseIpv4, takes_options_that_fill_the_header) {
    EXPECT_EQ(reason_for({.options = Bytes(40, std::byte{1})}), Malformed::none);
    EXPECT_EQ(reason_for({.options = bytes({0x88, 4, 0, 1, 1, 0x94, 2, 0})}), Malformed::none);
    EXPECT_EQ(reason_for({.options = bytes({1, 1, 0x88, 2})}), Malformed::none);
}

TEST(ParseIpv4, does_not_look_behind_the_end_of_options) {
    EXPECT_EQ(reason_for({.options = bytes({0, 7, 99, 99})}), Malformed::none);
}

TEST(ParseIpv4, refuses_options_that_leave_the_header) {
    EXPECT_EQ(reason_for({.options = bytes({7, 5, 0, 0})}), Malformed::ipv4_options);
    EXPECT_EQ(reason_for({.options = bytes({1, 1, 1, 7})}), Malformed::ipv4_options); // no room for a length
    EXPECT_EQ(reason_for({.options = bytes({7, 0, 0, 0})}), Malformed::ipv4_options); // would never end
    EXPECT_EQ(reason_for({.options = bytes({7, 1, 0, 0})}), Malformed::ipv4_options);
    EXPECT_EQ(reason_for({.options = bytes({1, 7, 3, 0, 7, 255, 0, 0})}), Malformed::ipv4_options);
}

TEST(ParseIpv4Fragment, dont_fragment_and_the_reserved_bit_make_none) {
    EXPECT_EQ(parse_frame(PacketBuilder().ipv4({.dont_fragment = true}).udp()).fragment, FragmentState::whole);
    Bytes frame = PacketBuilder().ipv4().udp().build();
    frame[20] = std::byte{0x80};
    EXPECT_EQ(parse_frame(frame).fragment, FragmentState::whole);
}

TEST(ParseIpv4Fragment, the_first_carries_ports) {
    const Parsed parsed = parse_frame(
        PacketBuilder().ipv4({.more_fragments = true}).udp({.destination_port = 53, .length = 3000}).payload_size(8));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.fragment, FragmentState::first);
    EXPECT_EQ(parsed.destination_port.host(), 53);
}

TEST(ParseIpv4Fragment, a_later_one_has_a_protocol_and_no_ports) {
    for (const bool more : {false, true}) {
        const Parsed parsed = parse_frame(PacketBuilder()
                                              .ipv4({.more_fragments = more, .fragment_offset = 16, .protocol = 6})
                                              .payload(Bytes(64, std::byte{0xff})));
        EXPECT_EQ(parsed.kind, Kind::ip);
        EXPECT_EQ(parsed.fragment, FragmentState::later);
        EXPECT_EQ(parsed.protocol, 6);
        EXPECT_EQ(parsed.source_port.host(), 0);
        EXPECT_EQ(parsed.destination_port.host(), 0);
        EXPECT_EQ(parsed.tcp_flags, 0);
        EXPECT_EQ(parsed.l4_offset, 34);
    }
}

TEST(ParseIpv4Fragment, a_first_one_too_small_for_the_transport_header_is_refused) {
    const auto tiny = PacketBuilder().ipv4({.more_fragments = true, .protocol = 6}).payload_size(16);
    EXPECT_EQ(parse_frame(tiny).malformed, Malformed::truncated_l4); // RFC 1858
}

TEST(ParseIpv4Fragment, all_but_the_last_are_multiples_of_eight_long) {
    const auto reason = [](bool more, std::uint16_t offset, std::size_t size) {
        return parse_frame(PacketBuilder()
                               .ipv4({.more_fragments = more, .fragment_offset = offset, .protocol = 253})
                               .payload_size(size))
            .malformed;
    };
    EXPECT_EQ(reason(true, 0, 16), Malformed::none);
    EXPECT_EQ(reason(true, 0, 17), Malformed::fragment_length);
    EXPECT_EQ(reason(true, 800, 15), Malformed::fragment_length);
    EXPECT_EQ(reason(false, 800, 15), Malformed::none);
}

TEST(ParseIpv4Fragment, none_ends_beyond_the_longest_datagram) {
    const auto reason = [](std::uint16_t offset, std::size_t size, Bytes options) {
        return parse_frame(PacketBuilder()
                               .ipv4({.fragment_offset = offset, .options = std::move(options), .protocol = 253})
                               .payload_size(size))
            .malformed;
    };
    EXPECT_EQ(reason(65512, 3, {}), Malformed::none); // 20 + 65512 + 3 = 65535
    EXPECT_EQ(reason(65512, 4, {}), Malformed::fragment_length);
    EXPECT_EQ(reason(65512, 0, Bytes(4, std::byte{1})), Malformed::fragment_length); // the header counts
    EXPECT_EQ(reason(65528, 1480, {}), Malformed::fragment_length);                  // the ping of death
}

} // namespace
} // namespace sluice::packet
