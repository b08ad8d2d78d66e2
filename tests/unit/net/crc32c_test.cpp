#include "net/crc32c.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace sluice::net {
namespace {

std::uint32_t crc_of(std::span<const std::byte> bytes) {
    return crc32c_finish(crc32c_add(bytes, crc32c_begin()));
}

TEST(Crc32c, agrees_with_the_check_value_of_the_polynomial) {
    constexpr std::string_view kCheck = "123456789";
    EXPECT_EQ(crc_of(std::as_bytes(std::span(kCheck))), 0xe3069283u);
}

// RFC 3720, B.4: the same polynomial for iSCSI.
TEST(Crc32c, agrees_with_the_examples_of_rfc_3720) {
    EXPECT_EQ(crc_of(std::vector<std::byte>(32, std::byte{0})), 0x8a9136aau);
    EXPECT_EQ(crc_of(std::vector<std::byte>(32, std::byte{0xff})), 0x62a8ab43u);
}

TEST(Crc32c, pieces_add_up) {
    std::vector<std::byte> data(37);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::byte>(i * 7);
    const std::span whole(data);
    for (std::size_t cut = 0; cut <= data.size(); ++cut) {
        const std::uint32_t first = crc32c_add(whole.first(cut), crc32c_begin());
        EXPECT_EQ(crc32c_finish(crc32c_add(whole.subspan(cut), first)), crc_of(whole));
    }
}

} // namespace
} // namespace sluice::net
