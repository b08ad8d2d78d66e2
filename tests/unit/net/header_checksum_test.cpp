#include "net/header_checksum.hpp"

#include "net/checksum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <span>

namespace sluice::net {
namespace {

/// By the plain sum of net/checksum.
bool slow(std::span<const std::byte> header) {
    return checksum_finish(checksum_add(header)) == 0;
}

bool fast(std::span<const std::byte> header) {
    return header_checksum_is_right(header.data(), header.size());
}

TEST(HeaderChecksum, AKnownHeader) {
    const std::array<std::uint8_t, 20> header = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                                 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    EXPECT_TRUE(fast(std::as_bytes(std::span(header))));
    for (std::size_t i = 0; i < header.size(); ++i) {
        auto wrong = header;
        wrong[i] ^= 0x10;
        EXPECT_FALSE(fast(std::as_bytes(std::span(wrong)))) << "byte " << i;
    }
}

// RFC 1071, 3: the words 0001, f203, f4f5 and f6f7 add up to ddf2; its complement beside them makes all ones.
TEST(HeaderChecksum, TheExampleOfTheRfc) {
    std::array<std::uint8_t, 20> header = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0x22, 0x0d};
    EXPECT_TRUE(fast(std::as_bytes(std::span(header))));
    header[9] = 0x0e;
    EXPECT_FALSE(fast(std::as_bytes(std::span(header))));
}

TEST(HeaderChecksum, SaysWhatThePlainSumSays) {
    std::mt19937 random(1);
    unsigned right = 0;
    for (unsigned n = 0; n < 200'000; ++n) {
        std::array<std::uint8_t, 60> bytes;
        for (std::uint8_t& byte : bytes) {
            // Many 0x00 and 0xff: carries are where sums differ.
            const auto drawn = random();
            byte = (drawn & 3) == 0 ? 0x00 : (drawn & 3) == 1 ? 0xff : static_cast<std::uint8_t>(drawn >> 8);
        }
        bytes[0] |= 0x40;
        const auto header = std::as_writable_bytes(std::span(bytes)).first(20 + random() % 11 * 4);
        if (n % 2 == 0) {
            header[10] = header[11] = std::byte{0};
            const std::uint16_t sum = checksum_finish(checksum_add(header));
            header[10] = static_cast<std::byte>(sum >> 8);
            header[11] = static_cast<std::byte>(sum & 0xff);
        }
        ASSERT_EQ(fast(header), slow(header)) << "header " << n << " of " << header.size() << " bytes";
        right += fast(header);
    }
    EXPECT_GE(right, 100'000u);
}

} // namespace
} // namespace sluice::net
