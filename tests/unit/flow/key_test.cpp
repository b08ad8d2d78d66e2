#include "flow/key.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::flow {
namespace {

constexpr HashSeed kSeed{{1, 2, 3, 4}};

Key random_key(std::mt19937_64& random, net::Family family) {
    std::uint8_t ends[2][16] = {};
    const unsigned width = family == net::Family::ipv4 ? 4 : 16;
    for (auto& end : ends) {
        for (unsigned i = 0; i < width; ++i) {
            end[i] = static_cast<std::uint8_t>(random());
        }
    }
    Key key = orient(ends[0], ends[1], static_cast<std::uint16_t>(random()), static_cast<std::uint16_t>(random())).key;
    key.family = family;
    key.protocol = net::protocol::kUdp;
    return key;
}

TEST(Key, BothDirectionsMakeTheSameKey) {
    const std::uint8_t a[16] = {10, 0, 0, 1};
    const std::uint8_t b[16] = {10, 0, 0, 2};
    const OrientedKey there = orient(a, b, 1000, 80);
    const OrientedKey back = orient(b, a, 80, 1000);
    EXPECT_EQ(there.key, back.key);
    EXPECT_NE(there.sender_is_second, back.sender_is_second);
}

TEST(Key, EqualAddressesAreOrderedByPort) {
    const std::uint8_t a[16] = {10, 0, 0, 1};
    EXPECT_EQ(orient(a, a, 1000, 80).key, orient(a, a, 80, 1000).key);
    EXPECT_NE(orient(a, a, 1000, 80).sender_is_second, orient(a, a, 80, 1000).sender_is_second);
}

TEST(Key, PortsStayWithTheirAddress) {
    const std::uint8_t a[16] = {10, 0, 0, 1};
    const std::uint8_t b[16] = {10, 0, 0, 2};
    EXPECT_FALSE(orient(a, b, 1000, 80).key == orient(a, b, 80, 1000).key);
}

TEST(KeyHash, EveryBitOfTheKeyCounts) {
    std::mt19937_64 random(7);
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        const Key key = random_key(random, family);
        const std::uint64_t before = hash(key, kSeed);
        for (unsigned byte = 0; byte < sizeof(Key); ++byte) {
            const bool unused = family == net::Family::ipv4 && byte < 32 && byte % 16 >= 4;
            if (unused || byte == offsetof(Key, family)) continue;
            for (unsigned bit = 0; bit < 8; ++bit) {
                Key other = key;
                reinterpret_cast<std::uint8_t*>(&other)[byte] ^= static_cast<std::uint8_t>(1u << bit);
                EXPECT_NE(hash(other, kSeed), before) << "byte " << byte << " bit " << bit;
            }
        }
    }
}

TEST(KeyHash, DependsOnTheSeed) {
    std::mt19937_64 random(8);
    const Key key = random_key(random, net::Family::ipv4);
    for (unsigned word = 0; word < 4; ++word) {
        HashSeed other = kSeed;
        other.words[word] ^= 1;
        EXPECT_NE(hash(key, other), hash(key, kSeed)) << "word " << word;
    }
}

// Sequential addresses and ports are what networks are made of: both halves of the hash, which choose the buckets,
// must spread them. A thousand balls in a thousand boxes leave about 632 boxes used.
TEST(KeyHash, SequentialTuplesSpread) {
    std::set<std::uint32_t> low;
    std::set<std::uint32_t> high;
    for (unsigned i = 0; i < 1000; ++i) {
        const std::uint8_t a[16] = {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
        const std::uint8_t b[16] = {10, 1, 0, 1};
        Key key = orient(a, b, static_cast<std::uint16_t>(1024 + i), 80).key;
        key.family = net::Family::ipv4;
        const std::uint64_t h = hash(key, kSeed);
        low.insert(static_cast<std::uint32_t>((h & 0xffffffff) * 1000 >> 32));
        high.insert(static_cast<std::uint32_t>((h >> 32) * 1000 >> 32));
    }
    EXPECT_NEAR(static_cast<double>(low.size()), 632, 60);
    EXPECT_NEAR(static_cast<double>(high.size()), 632, 60);
}

} // namespace
} // namespace sluice::flow
