#include "parse_frame.hpp"

namespace sluice::packet {
namespace {

using test_support::Address;
using test_support::Bytes;
using test_support::PacketBuilder;

PacketBuilder ipv6() {
    PacketBuilder builder;
    builder.ipv6();
    return builder;
}

TEST(ParseIpv6, fills_every_field) {
    const Parsed parsed = parse_frame(PacketBuilder()
                                          .ipv6({.source = "2001:db8::a",
                                                 .destination = "2001:db8:ffff::b",
                                                 .hop_limit = 3,
                                                 .traffic_class = 0xff,
                                                 .flow_label = 0xfffff})
                                          .tcp({.source_port = 5555, .destination_port = 22, .flags = 0x12})
                                          .payload("data"));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.family, net::Family::ipv6);
    EXPECT_EQ(source_of(parsed), Address("2001:db8::a"));
    EXPECT_EQ(destination_of(parsed), Address("2001:db8:ffff::b"));
    EXPECT_EQ(parsed.protocol, 6);
    EXPECT_EQ(parsed.source_port.host(), 5555);
    EXPECT_EQ(parsed.destination_port.host(), 22);
    EXPECT_EQ(parsed.tcp_flags, 0x12);
    EXPECT_EQ(parsed.ttl, 3);
    EXPECT_EQ(parsed.ether_type, 0x86dd);
    EXPECT_EQ(parsed.l4_offset, 54);
    EXPECT_EQ(parsed.ip_length, 64);
    EXPECT_EQ(parsed.extension_headers, 0);
}

TEST(ParseIpv6, checks_version_and_length) {
    const auto reason = [](test_support::Ipv6Fields fields) {
        return parse_frame(PacketBuilder().ipv6(fields).udp()).malformed;
    };
    EXPECT_EQ(reason({.version = 4}), Malformed::ip_version);
    EXPECT_EQ(reason({.payload_length = 8}), Malformed::none);
    EXPECT_EQ(reason({.payload_length = 9}), Malformed::ip_total_length);
    EXPECT_EQ(reason({.payload_length = 65535}), Malformed::ip_total_length);
    EXPECT_EQ(reason({.payload_length = 7}), Malformed::truncated_l4);
}

TEST(ParseIpv6, refuses_a_packet_longer_than_16_bits_can_say) {
    EXPECT_EQ(parse_frame(ipv6().payload_size(65495)).ip_length, 65535);
    EXPECT_EQ(parse_frame(ipv6().payload_size(65496)).malformed, Malformed::ip_total_length);
}

TEST(ParseIpv6, refuses_jumbograms) {
    const auto jumbo = PacketBuilder().ipv6({.payload_length = 0}).extension({.protocol = 0}).payload_size(100);
    EXPECT_EQ(parse_frame(jumbo).malformed, Malformed::ip_total_length); // RFC 2675, 3
    const auto transport = PacketBuilder().ipv6({.payload_length = 0}).tcp();
    EXPECT_EQ(parse_frame(transport).malformed, Malformed::truncated_l4);
}

TEST(ParseIpv6, a_header_alone_with_padding_is_whole) {
    const Parsed parsed = parse_frame(ipv6().pad_to(60)); // next header 59: nothing follows
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.protocol, 59);
    EXPECT_EQ(parsed.ip_length, 40);
    EXPECT_EQ(parsed.l4_offset, 54);
}

TEST(ParseIpv6Extension, walks_every_kind) {
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{0, 43, 60}) {
        const Parsed parsed =
            parse_frame(ipv6().extension({.protocol = number, .size = 24}).udp({.destination_port = 53}));
        EXPECT_EQ(parsed.kind, Kind::ip) << unsigned{number};
        EXPECT_EQ(parsed.protocol, 17);
        EXPECT_EQ(parsed.l4_offset, 54 + 24);
        EXPECT_EQ(parsed.destination_port.host(), 53);
        EXPECT_EQ(parsed.extension_headers, 1);
    }
}

TEST(ParseIpv6Extension, authentication_counts_its_length_in_words) {
    const Parsed parsed = parse_frame(ipv6().extension({.protocol = 51, .size = 28}).udp({.destination_port = 53}));
    EXPECT_EQ(parsed.protocol, 17); // RFC 4302, 2.2
    EXPECT_EQ(parsed.l4_offset, 54 + 28);
    EXPECT_EQ(parsed.destination_port.host(), 53);
}

TEST(ParseIpv6Extension, stops_at_what_it_cannot_look_into) {
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{47, 50, 59, 4, 41, 253}) {
        const Parsed parsed = parse_frame(ipv6().extension({.next_header = number}).payload(Bytes(32)));
        EXPECT_EQ(parsed.kind, Kind::ip);
        EXPECT_EQ(parsed.protocol, number);
        EXPECT_EQ(parsed.l4_offset, 62);
        EXPECT_EQ(parsed.source_port.host(), 0);
    }
}

// Linux takes Mobility, HIP and Shim6 for the transport: what follows one must not be judged as TCP.
TEST(ParseIpv6Extension, stops_at_headers_that_are_protocols_of_their_own) {
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{135, 139, 140}) {
        const Parsed parsed = parse_frame(ipv6().extension({}).extension({.protocol = number}).tcp());
        EXPECT_EQ(parsed.kind, Kind::ip) << unsigned{number};
        EXPECT_EQ(parsed.protocol, number);
        EXPECT_EQ(parsed.l4_offset, 54 + 8);
        EXPECT_EQ(parsed.source_port.host(), 0);
        EXPECT_EQ(parsed.tcp_flags, 0);
        EXPECT_EQ(parsed.extension_headers, 1);
    }
}

TEST(ParseIpv6Extension, options_end_with_their_header) {
    for (const std::uint8_t number : {net::protocol::kHopByHop, net::protocol::kDestinationOptions}) {
        const auto reason = [number](std::initializer_list<unsigned> content) {
            return parse_frame(ipv6()
                                   .extension({.protocol = number, .content = test_support::bytes(content)})
                                   .udp()
                                   .payload("x"))
                .malformed;
        };
        EXPECT_EQ(reason({1, 4, 0, 0, 0, 0}), Malformed::none) << "PadN to the end";
        EXPECT_EQ(reason({0, 0, 0, 0, 0, 0}), Malformed::none) << "Pad1";
        EXPECT_EQ(reason({0x05, 2, 0, 0, 1, 0}), Malformed::none) << "router alert and empty PadN";
        EXPECT_EQ(reason({0xc2, 4, 0, 0, 0, 1}), Malformed::none) << "one that nobody here knows";
        EXPECT_EQ(reason({1, 5, 0, 0, 0, 0}), Malformed::extension_options) << "one byte too long";
        EXPECT_EQ(reason({1, 255, 0, 0, 0, 0}), Malformed::extension_options);
        EXPECT_EQ(reason({1, 3, 0, 0, 0, 1}), Malformed::extension_options) << "no room for its length";
        EXPECT_EQ(reason({0, 0, 0, 0, 7, 1}), Malformed::extension_options);
    }
}

TEST(ParseIpv6Extension, options_are_counted) {
    const auto pads = [](std::size_t count) { // one-byte ones, and what is left of 80 bytes in one PadN
        test_support::Bytes content(count, std::byte{0});
        content.push_back(std::byte{1});
        content.push_back(static_cast<std::byte>(80 - 2 - count - 2));
        return parse_frame(ipv6().extension({.size = 80, .content = content}).udp()).malformed;
    };
    EXPECT_EQ(pads(kMaxExtensionOptions - 1), Malformed::none);
    EXPECT_EQ(pads(kMaxExtensionOptions), Malformed::extension_options);
}

TEST(ParseIpv6Extension, bounds_the_chain) {
    const auto chain = [](unsigned count) {
        PacketBuilder builder = ipv6();
        for (unsigned i = 0; i < count; ++i)
            builder.extension({});
        return parse_frame(builder.tcp());
    };
    EXPECT_EQ(chain(kMaxExtensionHeaders).extension_headers, kMaxExtensionHeaders);
    EXPECT_EQ(chain(kMaxExtensionHeaders).protocol, 6);
    EXPECT_EQ(chain(kMaxExtensionHeaders + 1).malformed, Malformed::extension_chain_long);
}

TEST(ParseIpv6Extension, takes_the_longest_headers) {
    const Parsed parsed = parse_frame(ipv6().extension({.size = 2048}).extension({.size = 2048}).tcp());
    EXPECT_EQ(parsed.l4_offset, 54 + 4096);
}

TEST(ParseIpv6Extension, hop_by_hop_options_come_first_or_not_at_all) {
    EXPECT_EQ(parse_frame(ipv6().extension({}).extension({.protocol = 0}).udp()).malformed, Malformed::extension_order);
    EXPECT_EQ(parse_frame(ipv6().extension({.protocol = 0}).extension({.protocol = 0}).udp()).malformed,
              Malformed::extension_order);
    EXPECT_EQ(parse_frame(ipv6().ipv6_fragment({.offset = 8, .next_header = 0}).payload_size(8)).malformed,
              Malformed::extension_order);
}

TEST(ParseIpv6Extension, none_runs_over_the_end_of_the_packet) {
    const auto reason = [](test_support::ExtensionFields fields) {
        return parse_frame(ipv6().extension(fields).pad_to(400)).malformed; // padding does not help it
    };
    EXPECT_EQ(reason({.size = 16, .length_units = 1}), Malformed::none);
    EXPECT_EQ(reason({.size = 16, .length_units = 2}), Malformed::extension_truncated);
    EXPECT_EQ(reason({.size = 16, .length_units = 255}), Malformed::extension_truncated);
    EXPECT_EQ(reason({.protocol = 51, .size = 16, .length_units = 2}), Malformed::none);
    EXPECT_EQ(reason({.protocol = 51, .size = 16, .length_units = 3}), Malformed::extension_truncated);
}

TEST(ParseIpv6Fragment, an_atomic_one_is_whole) {
    const Parsed parsed = parse_frame(ipv6().ipv6_fragment({.identification = 7}).udp({.destination_port = 53}));
    EXPECT_EQ(parsed.kind, Kind::ip); // RFC 6946
    EXPECT_EQ(parsed.fragment, FragmentState::whole);
    EXPECT_EQ(parsed.destination_port.host(), 53);
    EXPECT_EQ(parsed.extension_headers, 1);
}

TEST(ParseIpv6Fragment, the_length_of_an_atomic_one_is_free_but_its_headers_are_checked) {
    EXPECT_EQ(parse_frame(ipv6().ipv6_fragment({}).udp().payload_size(3)).malformed, Malformed::none);
    EXPECT_EQ(parse_frame(ipv6().ipv6_fragment({}).udp({.length = 4000})).malformed, Malformed::udp_length);
}

TEST(ParseIpv6Fragment, the_first_one_is_read_to_the_end_of_its_chain) {
    const Parsed parsed = parse_frame(ipv6()
                                          .extension({.protocol = 43})
                                          .ipv6_fragment({.more_fragments = true})
                                          .extension({})
                                          .udp({.destination_port = 53, .length = 3000})
                                          .payload_size(16));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.fragment, FragmentState::first);
    EXPECT_EQ(parsed.protocol, 17);
    EXPECT_EQ(parsed.destination_port.host(), 53);
    EXPECT_EQ(parsed.extension_headers, 3);
}

TEST(ParseIpv6Fragment, the_first_one_must_hold_the_whole_chain) { // RFC 7112
    const auto first = [](std::uint8_t next) {
        return ipv6().ipv6_fragment({.more_fragments = true, .next_header = next});
    };
    EXPECT_EQ(parse_frame(first(6).payload_size(16)).malformed, Malformed::truncated_l4);
    EXPECT_EQ(parse_frame(first(60)).malformed, Malformed::fragment_length) << "nothing at all";
    EXPECT_EQ(parse_frame(ipv6().ipv6_fragment({.more_fragments = true}).extension({.length_units = 1})).malformed,
              Malformed::extension_truncated);
    EXPECT_EQ(parse_frame(ipv6().ipv6_fragment({.more_fragments = true}).extension({.next_header = 17})).malformed,
              Malformed::truncated_l4);
}

TEST(ParseIpv6Fragment, a_later_one_has_a_protocol_and_no_ports) {
    const Parsed parsed = parse_frame(ipv6().ipv6_fragment({.offset = 8, .next_header = 17}).payload(Bytes(24)));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.fragment, FragmentState::later);
    EXPECT_EQ(parsed.protocol, 17);
    EXPECT_EQ(parsed.source_port.host(), 0);
    EXPECT_EQ(parsed.l4_offset, 62);
}

TEST(ParseIpv6Fragment, the_data_of_a_later_one_is_not_read_as_headers) {
    const Parsed parsed =
        parse_frame(ipv6().ipv6_fragment({.offset = 8, .next_header = 60}).payload(Bytes(3, std::byte{0xff})));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.protocol, 60);
    EXPECT_EQ(parsed.extension_headers, 1);
}

TEST(ParseIpv6Fragment, a_second_header_is_refused_wherever_it_stands) { // CVE-2023-4809
    const std::uint16_t offsets[] = {0, 8};
    for (const std::uint16_t offset : offsets) {
        for (const bool more : {false, true}) {
            const auto nested =
                ipv6().ipv6_fragment({.offset = offset, .more_fragments = more}).ipv6_fragment({}).udp();
            EXPECT_EQ(parse_frame(nested).malformed, Malformed::fragment_nested) << offset << more;
        }
    }
    EXPECT_EQ(parse_frame(ipv6().ipv6_fragment({}).extension({}).ipv6_fragment({.offset = 8}).udp()).malformed,
              Malformed::fragment_nested);
}

TEST(ParseIpv6Fragment, all_but_the_last_are_multiples_of_eight_long) {
    const auto reason = [](bool more, std::size_t size) {
        return parse_frame(
                   ipv6().ipv6_fragment({.offset = 80, .more_fragments = more, .next_header = 17}).payload_size(size))
            .malformed;
    };
    EXPECT_EQ(reason(true, 16), Malformed::none);
    EXPECT_EQ(reason(true, 15), Malformed::fragment_length);
    EXPECT_EQ(reason(false, 15), Malformed::none);
}

TEST(ParseIpv6Fragment, none_ends_beyond_the_longest_datagram) { // RFC 8200, 4.5
    const auto reason = [](PacketBuilder builder, std::size_t size) {
        builder.ipv6_fragment({.offset = 65528, .next_header = 253}).payload_size(size);
        return parse_frame(builder).malformed;
    };
    EXPECT_EQ(reason(ipv6(), 7), Malformed::none);
    EXPECT_EQ(reason(ipv6(), 8), Malformed::fragment_length);
    EXPECT_EQ(reason(ipv6().extension({.protocol = 43}), 0), Malformed::fragment_length); // stays in front of it
}

} // namespace
} // namespace sluice::packet
