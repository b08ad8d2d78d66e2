#include "net/ones_sum.hpp"

#include "net/checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice::net {
namespace {

TEST(OnesSum, AgreesWithTheChecksumAtEverySizeAndAlignment) {
    std::mt19937 random(1);
    std::vector<std::byte> data(300);
    for (std::byte& byte : data)
        byte = static_cast<std::byte>(random());
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t size = 2; from + size <= data.size(); ++size) {
            auto part = std::span(data).subspan(from, size);
            part[0] = part[1] = std::byte{};
            const std::uint16_t checksum = checksum_finish(checksum_add(part));
            part[0] = static_cast<std::byte>(checksum >> 8);
            part[1] = static_cast<std::byte>(checksum);
            for (const bool spoiled : {false, true}) {
                if (spoiled) part[size - 1] ^= std::byte{0x40};
                OnesSum sum;
                sum.add(part.data(), size);
                EXPECT_EQ(sum.is_all_ones(), !spoiled) << from << " " << size;
            }
        }
    }
}

TEST(OnesSum, NothingAndZeroesAreNotAllOnes) {
    const std::byte zeroes[64] = {};
    OnesSum sum;
    EXPECT_FALSE(sum.is_all_ones());
    sum.add(zeroes, sizeof zeroes);
    EXPECT_FALSE(sum.is_all_ones());
    sum.add_word(0xffff);
    EXPECT_TRUE(sum.is_all_ones());
}

TEST(OnesSum, LosesNoCarry) {
    const std::vector<std::byte> ones(65'534, std::byte{0xff});
    OnesSum sum;
    for (unsigned i = 0; i < 100; ++i)
        sum.add(ones.data(), ones.size());
    EXPECT_TRUE(sum.is_all_ones());
    sum.add_word(1);
    EXPECT_FALSE(sum.is_all_ones());
}

TEST(OnesSum, PiecesAddUp) {
    const std::uint8_t data[] = {0x12, 0x34, 0x56, 0x78, 0x97, 0x53, 0, 0, 0, 0};
    for (std::size_t cut = 0; cut <= sizeof data; cut += 2) {
        OnesSum sum;
        sum.add(data, cut);
        sum.add(data + cut, sizeof data - cut);
        EXPECT_TRUE(sum.is_all_ones()) << cut;
    }
}

} // namespace
} // namespace sluice::net
