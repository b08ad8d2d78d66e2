#include "net/address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::net {
namespace {

IpAddress address(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed ? *parsed : IpAddress{};
}

TEST(IpAddress, reads_ipv4_into_the_first_four_bytes) {
    const IpAddress parsed = address("192.0.2.254");
    EXPECT_EQ(parsed.family, Family::ipv4);
    EXPECT_EQ(parsed.width(), 32u);
    EXPECT_EQ(parsed.bytes, (std::array<std::uint8_t, 16>{192, 0, 2, 254}));
}

TEST(IpAddress, reads_ipv6) {
    const IpAddress parsed = address("2001:db8::c0:ffee");
    EXPECT_EQ(parsed.family, Family::ipv6);
    EXPECT_EQ(parsed.width(), 128u);
    EXPECT_EQ(parsed.bytes,
              (std::array<std::uint8_t, 16>{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xee}));
}

TEST(IpAddress, writes_what_it_reads_in_the_canonical_form) {
    EXPECT_EQ(address("0.0.0.0").to_string(), "0.0.0.0");
    EXPECT_EQ(address("255.255.255.255").to_string(), "255.255.255.255");
    EXPECT_EQ(address("::").to_string(), "::");
    EXPECT_EQ(address("2001:0DB8:0:0:0:0:0:1").to_string(), "2001:db8::1"); // RFC 5952, 4.1, 4.2, 4.3
    EXPECT_EQ(address("::ffff:192.0.2.1").to_string(), "::ffff:192.0.2.1"); // RFC 5952, 5
    EXPECT_EQ(address("::ffff:192.0.2.1").family, Family::ipv6);
}

TEST(IpAddress, refuses_what_is_none) {
    for (const std::string_view text : {"",
                                        " ",
                                        "10",
                                        "10.0.0",
                                        "10.0.0.256",
                                        "10.0.0.1.2",
                                        "10.0.0.01",
                                        "010.0.0.1",
                                        "0x0a.0.0.1",
                                        "10.0.0.-1",
                                        "10.0.0.1 ",
                                        " 10.0.0.1",
                                        "10.0.0.1/8",
                                        "10.0.0.1:80",
                                        "localhost",
                                        ":",
                                        ":::",
                                        "2001:db8::1::2",
                                        "2001:db8:1:2:3:4:5:6:7",
                                        "2001:db8::12345",
                                        "fe80::1%eth0",
                                        "[::1]",
                                        "::1 ",
                                        "::256.0.0.1",
                                        "::g"}) {
        const auto parsed = IpAddress::parse(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_EQ(parsed.error(), "'" + std::string(text) + "' is not an IPv4 or IPv6 address");
    }
}

TEST(IpAddress, refuses_text_with_a_zero_byte_behind_an_address) {
    EXPECT_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0x", 10)).has_value());
    EXPECT_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0", 9)).has_value());
}

TEST(IpAddress, takes_bytes_as_they_stand_in_a_packet) {
    const std::uint8_t wire[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    EXPECT_EQ(IpAddress::from_wire(Family::ipv6, wire), address("2001:db8::9"));
    EXPECT_EQ(IpAddress::from_wire(Family::ipv4, wire), address("32.1.13.184")); // only four of them
}

TEST(IpAddress, compares_family_and_bytes) {
    EXPECT_EQ(address("10.0.0.1"), address("10.0.0.1"));
    EXPECT_NE(address("10.0.0.1"), address("10.0.0.2"));
    EXPECT_NE(address("0.0.0.0"), address("::"));
    EXPECT_LT(address("10.0.0.1"), address("10.0.1.0"));
}

TEST(PortRange, includes_both_ends) {
    const PortRange range{1000, 2000};
    EXPECT_FALSE(range.contains(999));
    EXPECT_TRUE(range.contains(1000));
    EXPECT_TRUE(range.contains(2000));
    EXPECT_FALSE(range.contains(2001));
}

TEST(PortRange, any_is_all_ports_and_nothing_less) {
    EXPECT_TRUE(PortRange{}.is_any());
    EXPECT_FALSE((PortRange{1, 65535}).is_any());
    EXPECT_FALSE((PortRange{0, 65534}).is_any());
}

TEST(PortRange, overlaps_when_one_port_is_in_both) {
    const PortRange range{1000, 2000};
    EXPECT_TRUE(range.overlaps({2000, 3000}));
    EXPECT_TRUE(range.overlaps({500, 1000}));
    EXPECT_TRUE(range.overlaps({1200, 1300}));
    EXPECT_TRUE(range.overlaps({0, 65535}));
    EXPECT_FALSE(range.overlaps({2001, 3000}));
    EXPECT_FALSE(range.overlaps({0, 999}));
}

} // namespace
} // namespace sluice::net
