#include "packet/reader.hpp"

#include "net/headers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace sluice::packet {
namespace {

TEST(Reader, hands_a_header_out_only_when_all_its_bytes_are_there) {
    std::array<std::byte, 12> bytes{};
    bytes[4] = std::byte{0x12};
    bytes[5] = std::byte{0x34};
    const Reader reader(bytes);
    ASSERT_NE(reader.at<net::UdpHeader>(0), nullptr);
    ASSERT_NE(reader.at<net::UdpHeader>(4), nullptr);
    EXPECT_EQ(reader.at<net::UdpHeader>(4)->source_port.host(), 0x1234);
    EXPECT_EQ(reader.at<net::UdpHeader>(5), nullptr);
    EXPECT_EQ(reader.at<net::UdpHeader>(12), nullptr);
}

TEST(Reader, does_not_overflow) {
    const std::array<std::byte, 12> bytes{};
    const Reader reader(bytes);
    EXPECT_EQ(reader.at<net::UdpHeader>(std::numeric_limits<std::size_t>::max()), nullptr);
    EXPECT_EQ(reader.at<net::UdpHeader>(std::numeric_limits<std::size_t>::max() - 7), nullptr);
    EXPECT_EQ(Reader({}).at<std::uint8_t>(0), nullptr);
}

TEST(Reader, before_hides_what_is_behind) {
    const std::array<std::byte, 12> bytes{};
    const Reader cut = Reader(bytes).before(8);
    EXPECT_EQ(cut.size(), 8u);
    EXPECT_NE(cut.at<net::UdpHeader>(0), nullptr);
    EXPECT_EQ(cut.at<net::UdpHeader>(1), nullptr);
}

} // namespace
} // namespace sluice::packet
