#include "net/byte_order.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <type_traits>

namespace sluice::net {
namespace {

template <typename Wire> auto bytes_of(Wire wire) {
    std::array<unsigned, sizeof(Wire)> result;
    std::array<unsigned char, sizeof(Wire)> raw;
    std::memcpy(raw.data(), &wire, sizeof wire);
    for (std::size_t i = 0; i < raw.size(); ++i)
        result[i] = raw[i];
    return result;
}

TEST(WireInt, lies_in_memory_most_significant_byte_first) {
    EXPECT_EQ(bytes_of(Be16::from_host(0x0102)), (std::array{1u, 2u}));
    EXPECT_EQ(bytes_of(Be32::from_host(0x01020304)), (std::array{1u, 2u, 3u, 4u}));
    EXPECT_EQ(bytes_of(Be64::from_host(0x0102030405060708)), (std::array{1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}));
}

TEST(WireInt, gives_back_what_it_was_given) {
    for (const std::uint16_t value : std::initializer_list<std::uint16_t>{0, 1, 80, 0x00ff, 0xff00, 0xffff}) {
        EXPECT_EQ(Be16::from_host(value).host(), value);
    }
    EXPECT_EQ(Be32::from_host(0xdeadbeef).host(), 0xdeadbeefu);
    EXPECT_EQ(Be64::from_host(0xdeadbeef01020304).host(), 0xdeadbeef01020304u);
}

TEST(WireInt, raw_is_the_stored_word) {
    std::uint16_t stored = 0;
    const Be16 wire = Be16::from_host(0x1234);
    std::memcpy(&stored, &wire, sizeof stored);
    EXPECT_EQ(wire.raw(), stored);
}

TEST(WireInt, is_zero_unless_told) {
    EXPECT_EQ(Be32().host(), 0u);
}

TEST(WireInt, compares_by_value) {
    EXPECT_EQ(Be16::from_host(443), Be16::from_host(443));
    EXPECT_NE(Be16::from_host(443), Be16::from_host(0xbb01)); // its bytes swapped
}

TEST(WireInt, reads_at_any_alignment) {
    const unsigned char bytes[] = {0xff, 0x01, 0x02, 0x03, 0x04};
    Be32 wire;
    std::memcpy(&wire, bytes + 1, sizeof wire);
    EXPECT_EQ(wire.host(), 0x01020304u);
}

TEST(WireInt, does_not_convert_silently) {
    static_assert(!std::is_convertible_v<std::uint16_t, Be16> && !std::is_convertible_v<Be16, std::uint16_t>);
    static_assert(!std::is_constructible_v<Be16, std::uint16_t>);
    static_assert(std::is_trivially_copyable_v<Be16>);
}

TEST(ByteSwap, reverses_the_bytes_of_every_width) {
    static_assert(byte_swap(std::uint16_t{0x0102}) == 0x0201);
    static_assert(byte_swap(std::uint32_t{0x01020304}) == 0x04030201);
    static_assert(byte_swap(std::uint64_t{0x0102030405060708}) == 0x0807060504030201);
}

} // namespace
} // namespace sluice::net
