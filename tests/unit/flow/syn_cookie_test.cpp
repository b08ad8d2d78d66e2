#include "flow/syn_cookie.hpp"

#include "flow/sip_hash.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace sluice::flow {
namespace {

constexpr CookieKey kKey = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
constexpr base::Tick kPeriod = 1u << 16;

OrientedKey client_of(net::Family family = net::Family::ipv4, std::uint16_t port = 40000) {
    const std::uint8_t client[16] = {10, 0, 0, 1};
    const std::uint8_t server[16] = {10, 0, 0, 2};
    OrientedKey key = orient(client, server, port, 80);
    key.key.family = family;
    key.key.protocol = net::protocol::kTcp;
    return key;
}

/// The vectors that the authors publish: the message is 00 01 02 … of so many bytes, the key 00 … 0f.
std::uint64_t sip_hash_of(std::size_t size) {
    SipHash hash(kKey.words[0], kKey.words[1]);
    std::uint8_t message[64 + 8] = {};
    for (std::size_t i = 0; i < size; ++i) {
        message[i] = static_cast<std::uint8_t>(i);
    }
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, message + at, sizeof word);
        hash.add(word);
    }
    std::uint64_t last;
    std::memcpy(&last, message + size / 8 * 8, sizeof last);
    return hash.finish(last | std::uint64_t{size} << 56);
}

TEST(SipHash, IsThatOfItsAuthors) {
    EXPECT_EQ(sip_hash_of(0), 0x726fdb47dd0e0e31u);
    EXPECT_EQ(sip_hash_of(1), 0x74f839c593dc67fdu);
    EXPECT_EQ(sip_hash_of(7), 0xab0200f58b01d137u);
    EXPECT_EQ(sip_hash_of(8), 0x93f5f5799a932462u);
    EXPECT_EQ(sip_hash_of(15), 0xa129ca6149be45e5u);
    EXPECT_EQ(sip_hash_of(16), 0x3f2acc7f57c29bdbu);
    EXPECT_EQ(sip_hash_of(51), 0xa192d576b245165au);
    EXPECT_EQ(sip_hash_of(55), 0x245731c13ca42499u);
    EXPECT_EQ(sip_hash_of(63), 0x958a324ceb064572u);
}

TEST(SynCookie, BringsBackWhatTheSynOffered) {
    const CookieMint mint(kKey);
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        for (const int size : {0, 200, 536, 1220, 1299, 1300, 1440, 1459, 1460, 8960, 65535}) {
            const auto offered = static_cast<std::uint16_t>(size);
            for (std::uint8_t scale = 0; scale <= 15; ++scale) {
                for (const bool sack : {false, true}) {
                    const CookieOptions options{segment_size_of(family, offered), scale, sack};
                    const std::uint32_t cookie = mint.make(client_of(family), 0xfffffff0, options, 5);
                    const auto read = mint.read(client_of(family), 0xfffffff0, cookie, 5);
                    ASSERT_TRUE(read);
                    EXPECT_EQ(read->segment_size, options.segment_size);
                    EXPECT_EQ(read->window_scale, scale);
                    EXPECT_EQ(read->sack_permitted, sack);
                    const std::uint16_t smallest = family == net::Family::ipv4 ? 536 : 1220;
                    EXPECT_LE(read->segment_size, std::max(offered, smallest));
                }
            }
        }
    }
}

TEST(SynCookie, LivesForItsPeriodAndTheNext) {
    const CookieMint mint(kKey);
    const OrientedKey client = client_of();
    for (const base::Tick made : {base::Tick{0}, kPeriod - 1, base::Tick{0xffff0000}, base::Tick{0xffffffff}}) {
        const std::uint32_t cookie = mint.make(client, 7, {1460, 7, true}, made);
        const base::Tick begin = made & ~(kPeriod - 1);
        EXPECT_TRUE(mint.read(client, 7, cookie, made));
        EXPECT_TRUE(mint.read(client, 7, cookie, begin + 2 * kPeriod - 1)) << "ticks may wrap meanwhile";
        EXPECT_FALSE(mint.read(client, 7, cookie, begin + 2 * kPeriod));
        EXPECT_FALSE(mint.read(client, 7, cookie, begin - 1)) << "of a time to come";
    }
}

TEST(SynCookie, EveryBitCounts) {
    const CookieMint mint(kKey);
    const OrientedKey client = client_of();
    const std::uint32_t cookie = mint.make(client, 7, {1460, 7, true}, 5);
    for (unsigned bit = 0; bit < 32; ++bit) {
        EXPECT_FALSE(mint.read(client, 7, cookie ^ (1u << bit), 5)) << bit;
        EXPECT_FALSE(mint.read(client, 7 ^ (1u << bit), cookie, 5)) << bit;
    }
    for (std::size_t byte = 0; byte < sizeof(Key); ++byte) {
        OrientedKey other = client;
        std::uint8_t bytes[sizeof(Key)];
        std::memcpy(bytes, &other.key, sizeof bytes);
        bytes[byte] ^= 0x10;
        std::memcpy(&other.key, bytes, sizeof bytes);
        // A family that is none has the sizes of IPv6.
        EXPECT_FALSE(mint.read(other, 7, cookie, 5)) << byte;
    }
    OrientedKey turned = client;
    turned.sender_is_second = !turned.sender_is_second;
    EXPECT_FALSE(mint.read(turned, 7, cookie, 5));
    EXPECT_FALSE(CookieMint(CookieKey{{1, 2}}).read(client, 7, cookie, 5));
}

TEST(SynCookie, GuessesAreRarelyRight) {
    const CookieMint mint(kKey);
    std::mt19937 random(1);
    unsigned right = 0;
    constexpr unsigned kGuesses = 1u << 20; // 1/16 is expected to be right, for two periods
    for (unsigned i = 0; i < kGuesses; ++i) {
        right += mint.read(client_of(), static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random()), 5)
                     .has_value();
    }
    EXPECT_LE(right, 3u);
}

} // namespace
} // namespace sluice::flow
