// TCP, UDP, ICMP, ICMPv6, SCTP and the protocols that are known by number alone, over both families.
#include "parse_frame.hpp"

namespace sluice::packet {
namespace {

using test_support::bytes;
using test_support::Bytes;
using test_support::PacketBuilder;

class ParseTransport : public testing::TestWithParam<net::Family> {
  protected:
    static bool is_v4() { return GetParam() == net::Family::ipv4; }
    static PacketBuilder ip() {
        PacketBuilder builder;
        return is_v4() ? builder.ip("10.0.0.1", "10.0.0.2") : builder.ip("2001:db8::1", "2001:db8::2");
    }
    static PacketBuilder ip_with(std::uint8_t protocol) {
        PacketBuilder builder;
        return is_v4() ? builder.ipv4({.protocol = protocol}) : builder.ipv6({.next_header = protocol});
    }
};

INSTANTIATE_TEST_SUITE_P(Family, ParseTransport, testing::Values(net::Family::ipv4, net::Family::ipv6),
                         [](const auto& suite) { return suite.param == net::Family::ipv4 ? "ipv4" : "ipv6"; });

TEST_P(ParseTransport, tcp_gives_ports_and_flags) {
    const Parsed parsed = parse_frame(ip().tcp({.source_port = 1, .destination_port = 65535, .flags = 0xff}));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.protocol, net::protocol::kTcp);
    EXPECT_EQ(parsed.source_port.host(), 1);
    EXPECT_EQ(parsed.destination_port.host(), 65535);
    EXPECT_EQ(parsed.tcp_flags, 0xff);
}

TEST_P(ParseTransport, tcp_checks_the_data_offset) {
    const auto reason = [](test_support::TcpFields fields, std::size_t payload) {
        return parse_frame(ip().tcp(std::move(fields)).payload_size(payload)).malformed;
    };
    EXPECT_EQ(reason({.data_offset_units = 0}, 0), Malformed::tcp_header_length);
    EXPECT_EQ(reason({.data_offset_units = 4}, 100), Malformed::tcp_header_length);
    EXPECT_EQ(reason({.data_offset_units = 5}, 0), Malformed::none);
    EXPECT_EQ(reason({.data_offset_units = 6}, 3), Malformed::tcp_header_length);
    EXPECT_EQ(reason({.data_offset_units = 6}, 4), Malformed::none);
    EXPECT_EQ(reason({.options = Bytes(40, std::byte{1})}, 0), Malformed::none);
}

TEST_P(ParseTransport, udp_checks_its_length) {
    const auto reason = [](std::uint16_t length) {
        return parse_frame(ip().udp({.length = length}).payload_size(4).pad_to(120)).malformed;
    };
    EXPECT_EQ(reason(12), Malformed::none);
    EXPECT_EQ(reason(8), Malformed::none); // what follows it inside the IP packet is not UDP's
    EXPECT_EQ(reason(13), Malformed::udp_length);
    EXPECT_EQ(reason(7), Malformed::udp_length);
    EXPECT_EQ(reason(0), Malformed::udp_length);
}

TEST_P(ParseTransport, sctp_gives_ports) {
    const Parsed parsed = parse_frame(ip().sctp({.source_port = 9, .destination_port = 2905}));
    EXPECT_EQ(parsed.protocol, net::protocol::kSctp);
    EXPECT_EQ(parsed.source_port.host(), 9);
    EXPECT_EQ(parsed.destination_port.host(), 2905);
    EXPECT_EQ(parsed.tcp_flags, 0);
}

TEST_P(ParseTransport, an_icmp_query_and_its_answer_have_the_identifier_in_both_ports) {
    const std::uint8_t request = is_v4() ? net::icmp::kEchoRequest : net::icmpv6::kEchoRequest;
    const std::uint8_t reply = is_v4() ? net::icmp::kEchoReply : net::icmpv6::kEchoReply;
    for (const std::uint8_t type : {request, reply}) {
        const Parsed parsed = parse_frame(ip().icmp({.type = type, .code = 3, .identifier = 0x1234, .sequence = 9}));
        EXPECT_EQ(parsed.icmp_type, type);
        EXPECT_EQ(parsed.icmp_code, 3);
        EXPECT_EQ(parsed.source_port.host(), 0x1234);
        EXPECT_EQ(parsed.destination_port.host(), 0x1234);
    }
}

TEST_P(ParseTransport, other_icmp_messages_have_no_ports) {
    for (const std::uint8_t type :
         std::initializer_list<std::uint8_t>{1, 2, 3, 4, 5, 11, 12, 133, 134, 135, 136, 255}) {
        const Parsed parsed = parse_frame(ip().icmp({.type = type, .code = 1, .identifier = 0xffff}));
        EXPECT_EQ(parsed.icmp_type, type);
        EXPECT_EQ(parsed.icmp_code, 1);
        EXPECT_EQ(parsed.source_port.host(), 0) << unsigned{type};
        EXPECT_EQ(parsed.destination_port.host(), 0) << unsigned{type};
    }
}

TEST_P(ParseTransport, the_icmp_of_the_other_family_is_just_a_protocol) {
    const std::uint8_t foreign = is_v4() ? net::protocol::kIcmpv6 : net::protocol::kIcmp;
    const Parsed parsed = parse_frame(ip_with(foreign).payload(bytes({128, 0, 0, 0, 1, 2, 3, 4})));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.protocol, foreign);
    EXPECT_EQ(parsed.icmp_type, 0);
    EXPECT_EQ(parsed.source_port.host(), 0);
    EXPECT_EQ(parse_frame(ip_with(foreign)).kind, Kind::ip); // nor does it need a header
}

TEST_P(ParseTransport, others_are_known_by_number) {
    for (const std::uint8_t protocol : std::initializer_list<std::uint8_t>{2, 4, 41, 47, 50, 59, 89, 112, 253, 255}) {
        const Parsed parsed = parse_frame(ip_with(protocol).payload(Bytes(40, std::byte{0xff})));
        EXPECT_EQ(parsed.kind, Kind::ip);
        EXPECT_EQ(parsed.protocol, protocol);
        EXPECT_EQ(parsed.source_port.host(), 0);
        EXPECT_EQ(parsed.destination_port.host(), 0);
        EXPECT_EQ(parse_frame(ip_with(protocol)).kind, Kind::ip);
    }
}

TEST_P(ParseTransport, a_header_must_be_there_whole) {
    const std::pair<std::uint8_t, std::size_t> headers[] = {
        {net::protocol::kTcp, 20},
        {net::protocol::kUdp, 8},
        {net::protocol::kSctp, 12},
        {is_v4() ? net::protocol::kIcmp : net::protocol::kIcmpv6, 8},
    };
    for (const auto& [protocol, size] : headers) {
        for (std::size_t held = 0; held < size; ++held) {
            EXPECT_EQ(parse_frame(ip_with(protocol).payload_size(held).pad_to(120)).malformed, Malformed::truncated_l4)
                << unsigned{protocol} << ' ' << held;
        }
        EXPECT_NE(parse_frame(ip_with(protocol).payload_size(size)).malformed, Malformed::truncated_l4);
    }
}

TEST(ParseIpv4Protocol, authentication_is_known_by_number_over_ipv4) {
    const Parsed parsed = parse_frame(PacketBuilder().ipv4({.protocol = 51}).payload(bytes({17, 4, 0, 0})));
    EXPECT_EQ(parsed.kind, Kind::ip);
    EXPECT_EQ(parsed.protocol, 51);
    EXPECT_EQ(parsed.l4_offset, 34);
}

} // namespace
} // namespace sluice::packet
