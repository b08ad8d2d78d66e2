#include "net/checksum.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::net {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
    std::vector<std::byte> result;
    for (const unsigned value : values)
        result.push_back(static_cast<std::byte>(value));
    return result;
}

TEST(Checksum, agrees_with_the_example_of_rfc_1071) {
    const auto example = bytes({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); // RFC 1071, 3
    EXPECT_EQ(checksum_finish(checksum_add(example)), 0xffff ^ 0xddf2);
}

TEST(Checksum, agrees_with_a_real_ipv4_header) {
    auto header = bytes({0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                         0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7});
    EXPECT_EQ(checksum_finish(checksum_add(header)), 0xb861);
    header[10] = std::byte{0xb8};
    header[11] = std::byte{0x61};
    EXPECT_EQ(checksum_finish(checksum_add(header)), 0); // what a receiver finds
}

TEST(Checksum, pads_an_odd_last_byte_with_zero) {
    EXPECT_EQ(checksum_add(bytes({0x12})), checksum_add(bytes({0x12, 0x00})));
    EXPECT_EQ(checksum_add(bytes({0x01, 0x02, 0x03})), 0x0102u + 0x0300u);
}

// As RFC 1071, 4.1 writes it down, sixteen bits at a time.
std::uint16_t slow_checksum(std::span<const std::byte> data) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
        sum += static_cast<std::uint64_t>(data[i]) << (i % 2 == 0 ? 8 : 0);
    return checksum_finish(sum);
}

TEST(Checksum, agrees_with_the_plain_sum_at_every_length_and_alignment) {
    std::vector<std::byte> data(300);
    std::uint32_t state = 1;
    for (std::byte& byte : data)
        byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t size = 0; from + size <= data.size(); ++size) {
            const auto part = std::span(data).subspan(from, size);
            ASSERT_EQ(checksum_finish(checksum_add(part)), slow_checksum(part)) << from << " " << size;
        }
    }
}

TEST(Checksum, of_nothing_is_all_ones) {
    EXPECT_EQ(checksum_add({}), 0u);
    EXPECT_EQ(checksum_finish(0), 0xffff);
}

TEST(Checksum, goes_on_from_an_earlier_sum) {
    const auto whole = bytes({1, 2, 3, 4, 5, 6, 7, 8});
    const std::span view(whole);
    EXPECT_EQ(checksum_finish(checksum_add(view.subspan(4), checksum_add(view.first(4)))),
              checksum_finish(checksum_add(whole)));
}

TEST(Checksum, folds_every_carry) {
    EXPECT_EQ(checksum_finish(0x1ffff), 0xfffe); // 0xffff + 1 = 0x10000, which folds again to 1
    EXPECT_EQ(checksum_finish(0xffff0001ffff), 0xfffe);
    const std::vector<std::byte> ones(65536, std::byte{0xff});
    EXPECT_EQ(checksum_finish(checksum_add(ones)), 0);
}

// A UDP datagram over each family, worked out by hand: words of the pseudo-header added one by one.
TEST(Checksum, pseudo_header_of_ipv4) {
    const std::uint8_t source[4] = {10, 0, 0, 1};
    const std::uint8_t destination[4] = {192, 0, 2, 3};
    EXPECT_EQ(pseudo_header_sum(Family::ipv4, source, destination, 17, 12),
              0x0a00u + 0x0001u + 0xc000u + 0x0203u + 17u + 12u);
}

TEST(Checksum, pseudo_header_of_ipv6_counts_a_length_beyond_16_bits) {
    const std::uint8_t source[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const std::uint8_t destination[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    EXPECT_EQ(pseudo_header_sum(Family::ipv6, source, destination, 58, 0x12345),
              0x2001u + 0x0db8u + 0x0001u + 0xff02u + 0x0002u + 58u + 0x0001u + 0x2345u);
}

} // namespace
} // namespace sluice::net
