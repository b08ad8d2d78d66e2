#include "net/address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::net {
namespace {

Prefix prefix(std::string_view text) {
    const auto parsed = Prefix::parse(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed ? *parsed : Prefix{};
}
IpAddress address(std::string_view text) {
    return prefix(text).address;
}

TEST(Prefix, reads_both_families) {
    EXPECT_EQ(prefix("10.0.0.0/8").length, 8);
    EXPECT_EQ(prefix("10.0.0.0/8").address.to_string(), "10.0.0.0");
    EXPECT_EQ(prefix("2001:db8::/32").length, 32);
    EXPECT_EQ(prefix("0.0.0.0/0").length, 0);
    EXPECT_EQ(prefix("::/0").length, 0);
}

TEST(Prefix, an_address_alone_has_its_full_length) {
    EXPECT_EQ(prefix("10.0.0.1").to_string(), "10.0.0.1/32");
    EXPECT_EQ(prefix("2001:db8::1").to_string(), "2001:db8::1/128");
}

TEST(Prefix, refuses_lengths_that_are_none) {
    for (const std::string_view text :
         {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ", "10.0.0.0/ 8",
          "10.0.0.0/8/8", "10.0.0.0/x", "10.0.0.0/4294967304", "10.0.0.0/255.0.0.0"}) {
        const auto parsed = Prefix::parse(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_NE(parsed.error().find("is not a number from 0 to 32"), std::string::npos) << parsed.error();
    }
    const auto v6 = Prefix::parse("::/129");
    ASSERT_FALSE(v6.has_value());
    EXPECT_NE(v6.error().find("is not a number from 0 to 128"), std::string::npos) << v6.error();
}

TEST(Prefix, refuses_addresses_that_are_none) {
    for (const std::string_view text : {"", "/8", "10.0.0/8", "10.0.0.256/8"}) {
        EXPECT_FALSE(Prefix::parse(text).has_value()) << text;
    }
}

TEST(Prefix, refuses_bits_behind_the_length_and_says_what_could_be_meant) {
    const auto parsed = Prefix::parse("10.1.2.3/12");
    ASSERT_FALSE(parsed.has_value());
    EXPECT_NE(parsed.error().find("'10.0.0.0/12'"), std::string::npos) << parsed.error();
    EXPECT_NE(parsed.error().find("'10.1.2.3'"), std::string::npos) << parsed.error();
    EXPECT_FALSE(Prefix::parse("10.0.0.1/31").has_value());
    EXPECT_FALSE(Prefix::parse("2001:db8::1/64").has_value());
    EXPECT_FALSE(Prefix::parse("0.0.0.1/0").has_value());
}

TEST(Prefix, contains_its_addresses_and_no_other) {
    const Prefix odd = prefix("10.32.0.0/11");
    EXPECT_TRUE(odd.contains(address("10.32.0.0")));
    EXPECT_TRUE(odd.contains(address("10.63.255.255")));
    EXPECT_FALSE(odd.contains(address("10.64.0.0")));
    EXPECT_FALSE(odd.contains(address("10.31.255.255")));
    EXPECT_TRUE(prefix("10.0.0.1").contains(address("10.0.0.1")));
    EXPECT_FALSE(prefix("10.0.0.1").contains(address("10.0.0.0")));
    EXPECT_TRUE(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    EXPECT_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::")));
    EXPECT_TRUE(prefix("2001:db8::1").contains(address("2001:db8::1")));
}

TEST(Prefix, of_length_zero_contains_its_own_family) {
    EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("255.255.255.255")));
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::")));
    EXPECT_FALSE(prefix("::/0").contains(address("0.0.0.0")));
}

// Every length against arithmetic on the whole number, at the borders of the prefix.
TEST(Prefix, agrees_with_arithmetic_at_every_length) {
    constexpr std::uint32_t kBase = 0xac1fd6a5;
    for (unsigned length = 0; length <= 32; ++length) {
        const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
        const auto at = [](std::uint32_t value) {
            IpAddress result;
            for (unsigned i = 0; i < 4; ++i)
                result.bytes[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
            return result;
        };
        const Prefix subject{at(kBase & mask), static_cast<std::uint8_t>(length)};
        const std::uint32_t first = kBase & mask;
        const std::uint32_t last = first | ~mask;
        EXPECT_TRUE(subject.contains(at(first))) << length;
        EXPECT_TRUE(subject.contains(at(last))) << length;
        if (length == 0) continue;
        EXPECT_FALSE(subject.contains(at(first - 1))) << length;
        EXPECT_FALSE(subject.contains(at(last + 1))) << length;
    }
}

TEST(Prefix, contains_longer_prefixes_within) {
    EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.1.0.0/16")));
    EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.0.0.0/8")));
    EXPECT_FALSE(prefix("10.1.0.0/16").contains(prefix("10.0.0.0/8")));
    EXPECT_FALSE(prefix("10.0.0.0/8").contains(prefix("11.0.0.0/16")));
}

TEST(Prefix, overlaps_only_by_containment) {
    EXPECT_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
    EXPECT_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.1.0.0/16")));
    EXPECT_FALSE(prefix("10.0.0.0/9").overlaps(prefix("10.128.0.0/9")));
    EXPECT_FALSE(prefix("0.0.0.0/0").overlaps(prefix("::/0")));
}

} // namespace
} // namespace sluice::net
