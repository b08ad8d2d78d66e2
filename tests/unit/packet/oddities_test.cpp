#include "packet/oddities.hpp"

#include "parse_frame.hpp"

namespace sluice::packet {
namespace {

using namespace net::oddity;
using test_support::bytes;
using test_support::PacketBuilder;

unsigned oddities(const PacketBuilder& builder) {
    const Parsed parsed = parse_frame(builder);
    EXPECT_EQ(parsed.malformed, Malformed::none);
    return parsed.oddities;
}

unsigned from(const char* source) {
    const bool v4 = std::string_view(source).find(':') == std::string_view::npos;
    return oddities(PacketBuilder().ip(source, v4 ? "198.51.100.1" : "2001:db8::2").udp());
}

TEST(Oddities, an_ordinary_packet_has_none) {
    EXPECT_EQ(oddities(PacketBuilder().ipv4().tcp()), 0u);
    EXPECT_EQ(oddities(PacketBuilder().vlan({.id = 4094}).ipv4({.dont_fragment = true}).icmp()), 0u);
    EXPECT_EQ(oddities(PacketBuilder().ipv6().extension({.protocol = 0}).tcp()), 0u);
}

TEST(Oddities, sources_of_ipv4_that_no_host_has) {
    for (const char* source : {"0.0.0.0", "0.0.0.1", "0.255.255.255", "127.0.0.1", "127.255.255.255", "224.0.0.1",
                               "239.255.255.255", "240.0.0.1", "255.255.255.254", "255.255.255.255"}) {
        EXPECT_EQ(from(source), kMartianSource) << source;
    }
    for (const char* source : {"1.0.0.0", "10.0.0.1", "126.255.255.255", "128.0.0.0", "169.254.1.1", "192.168.0.1",
                               "100.64.0.1", "223.255.255.255"}) {
        EXPECT_EQ(from(source), 0u) << source;
    }
}

TEST(Oddities, sources_of_ipv6_that_no_host_has) {
    for (const char* source :
         {"::", "::1", "::ffff:10.0.0.1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "ff02::1", "ff0e::1", "ff00::"}) {
        EXPECT_EQ(from(source), kMartianSource) << source;
    }
    for (const char* source : {"::2", "64:ff9b::a00:1", "2001:db8::1", "7f00::1", "fe80::1", "fd00::1", "feff::1",
                               "::fffe:10.0.0.1", "::1:ffff:10.0.0.1", "100::1"}) {
        EXPECT_EQ(from(source), 0u) << source;
    }
}

TEST(Oddities, a_host_without_an_address_may_ask_for_one) { // RFC 2131, 4.1
    const auto sent = [](const char* source, const char* destination, std::uint16_t port) {
        return oddities(PacketBuilder().ip(source, destination).udp({.source_port = 68, .destination_port = port}));
    };
    EXPECT_EQ(sent("0.0.0.0", "255.255.255.255", 67), 0u);
    EXPECT_EQ(sent("0.0.0.0", "255.255.255.255", 68), kMartianSource);
    EXPECT_EQ(sent("0.0.0.0", "255.255.255.254", 67), kMartianSource);
    EXPECT_EQ(sent("0.0.0.1", "255.255.255.255", 67), kMartianSource);
    EXPECT_EQ(sent("127.0.0.1", "255.255.255.255", 67), kMartianSource);
    EXPECT_EQ(oddities(PacketBuilder().ip("0.0.0.0", "255.255.255.255").tcp({.destination_port = 67})), kMartianSource);
}

TEST(Oddities, a_host_without_an_address_may_report_its_groups) { // RFC 3376, 4.2.13; RFC 3590
    const auto igmp = [](const char* destination) {
        return oddities(
            PacketBuilder().ipv4({.source = "0.0.0.0", .destination = destination, .protocol = 2}).payload_size(8));
    };
    EXPECT_EQ(igmp("224.0.0.22"), 0u);
    EXPECT_EQ(igmp("224.0.1.22"), kMartianSource);
    EXPECT_EQ(igmp("10.0.0.1"), kMartianSource);
    const auto icmpv6 = [](const char* destination) {
        return oddities(
            PacketBuilder().ipv6({.source = "::", .destination = destination}).extension({.protocol = 0}).icmp());
    };
    EXPECT_EQ(icmpv6("ff02::16"), 0u);
    EXPECT_EQ(icmpv6("ff12::1"), 0u) << "a transient group of the link";
    EXPECT_EQ(icmpv6("ff05::16"), kMartianSource);
    EXPECT_EQ(icmpv6("2001:db8::2"), kMartianSource);
    EXPECT_EQ(icmpv6("fe02::2"), kMartianSource);
    EXPECT_EQ(oddities(PacketBuilder().ip("::", "ff02::16").udp()), kMartianSource);
}

TEST(Oddities, source_routes_and_other_options) {
    const auto with = [](std::initializer_list<unsigned> options) {
        return oddities(PacketBuilder().ipv4({.options = bytes(options)}).udp());
    };
    EXPECT_EQ(with({131, 7, 4, 10, 0, 0, 9, 0}), kSourceRoute) << "loose";
    EXPECT_EQ(with({137, 7, 4, 10, 0, 0, 9, 0}), kSourceRoute) << "strict";
    EXPECT_EQ(with({1, 1, 137, 3, 4}), kSourceRoute) << "behind padding, and spent";
    EXPECT_EQ(with({0, 131, 7, 4, 10, 0, 0, 9}), 0u) << "behind the end of the options";
    EXPECT_EQ(with({1, 1, 1, 1}), 0u) << "padding alone";
    EXPECT_EQ(with({7, 7, 4, 0, 0, 0, 0, 0}), kIpv4Option) << "record route";
    EXPECT_EQ(with({68, 8, 5, 0, 0, 0, 0, 0}), kIpv4Option) << "timestamp";
    EXPECT_EQ(with({148, 4, 0, 0}), kIpv4Option) << "router alert";
    EXPECT_EQ(with({200, 4, 0, 0}), kIpv4Option) << "one that nobody knows";
    EXPECT_EQ(with({148, 4, 0, 0, 131, 3, 4}), kIpv4Option | kSourceRoute);
}

TEST(Oddities, a_fragment_has_them_too) {
    EXPECT_EQ(oddities(PacketBuilder()
                           .ipv4({.source = "127.0.0.1",
                                  .ttl = 0,
                                  .fragment_offset = 1480,
                                  .options = bytes({131, 3, 4, 0}),
                                  .protocol = 17})
                           .payload_size(64)),
              kMartianSource | kTtlZero | kSourceRoute);
    EXPECT_EQ(oddities(PacketBuilder()
                           .ipv6({.hop_limit = 0})
                           .extension({.protocol = 43, .content = bytes({0, 1})})
                           .ipv6_fragment({.offset = 1480, .next_header = 17})
                           .payload_size(64)),
              kTtlZero | kRoutingHeader0);
}

TEST(Oddities, routing_headers_of_type_0_with_segments_left) {
    const auto with = [](std::uint8_t number, std::initializer_list<unsigned> content) {
        return oddities(
            PacketBuilder().ipv6().extension({.protocol = number, .size = 24, .content = bytes(content)}).udp());
    };
    EXPECT_EQ(with(43, {0, 1}), kRoutingHeader0);
    EXPECT_EQ(with(43, {0, 255}), kRoutingHeader0);
    EXPECT_EQ(with(43, {0, 0}), 0u) << "nothing left to visit (RFC 5095, 3)";
    EXPECT_EQ(with(43, {2, 1}), 0u) << "mobility (RFC 6275, 6.4)";
    EXPECT_EQ(with(43, {4, 1}), 0u) << "segment routing (RFC 8754)";
    EXPECT_EQ(oddities(PacketBuilder()
                           .ipv6()
                           .extension({.protocol = 43, .content = bytes({0, 0})})
                           .extension({.protocol = 43, .content = bytes({0, 1})})
                           .udp()),
              kRoutingHeader0)
        << "the second one";
}

TEST(Oddities, ttl_of_zero_and_only_zero) {
    EXPECT_EQ(oddities(PacketBuilder().ipv4({.ttl = 0}).udp()), kTtlZero);
    EXPECT_EQ(oddities(PacketBuilder().ipv4({.ttl = 1}).udp()), 0u);
    EXPECT_EQ(oddities(PacketBuilder().ipv6({.hop_limit = 0}).udp()), kTtlZero);
    EXPECT_EQ(oddities(PacketBuilder().ipv6({.hop_limit = 1}).udp()), 0u);
}

TEST(Oddities, the_ipv4_header_adds_up_or_not) {
    EXPECT_EQ(oddities(PacketBuilder().ipv4({.checksum = 0}).udp()), kHeaderChecksum);
    EXPECT_EQ(oddities(PacketBuilder().ipv4({.options = bytes({148, 4, 0, 0}), .checksum = 1}).udp()),
              kHeaderChecksum | kIpv4Option);
    EXPECT_EQ(oddities(PacketBuilder().ipv4().udp({.checksum = 0x1234})), 0u) << "the transport's is not looked at";
}

TEST(Oddities, what_is_malformed_or_not_ip_has_none) {
    EXPECT_EQ(parse_frame(PacketBuilder().ipv4({.source = "127.0.0.1", .ttl = 0, .total_length = 9}).udp()).oddities,
              0);
    EXPECT_EQ(parse_frame(PacketBuilder().arp({.sender = "0.0.0.0"})).oddities, 0);
}

} // namespace
} // namespace sluice::packet
