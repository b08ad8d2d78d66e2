// Whoever knows the source but not the seed: he can make any number of keys with one and the same hash under a seed of
// his own. Under the table's seed they must be keys like all others.
#include "flow/index.hpp"
#include "table_bench.hpp"

#include <bit>
#include <cmath>
#include <random>
#include <set>
#include <vector>

namespace sluice::flow {
namespace {

constexpr std::uint32_t kCapacity = 8192;
constexpr unsigned kKeys = 4096;
constexpr unsigned kSeeds = 16;

HashSeed random_seed(std::mt19937_64& random) {
    return {{random(), random(), random(), random()}};
}

Key bare_key(net::Family family, std::uint16_t first_port, std::uint16_t second_port) {
    Key key{};
    key.family = family;
    key.protocol = net::protocol::kUdp;
    key.port[0] = first_port;
    key.port[1] = second_port;
    return key;
}

/// The last multiplication of an IPv4 hash has a factor that is 0 for one pair of addresses, which the seed gives away:
/// all of its ports meet.
std::vector<Key> colliding_ipv4(const HashSeed& guess) {
    const std::uint64_t both = std::rotr(guess.words[3], 29);
    std::vector<Key> keys;
    for (unsigned i = 0; i < kKeys; ++i) {
        Key key = bare_key(net::Family::ipv4, static_cast<std::uint16_t>(i * 16), 80);
        std::memcpy(key.address[0], &both, 4);
        std::memcpy(key.address[1], reinterpret_cast<const char*>(&both) + 4, 4);
        keys.push_back(key);
    }
    return keys;
}

/// The same with half of an IPv6 address: whatever the other half is, ports and protocol with it, is multiplied by 0.
std::vector<Key> colliding_ipv6(const HashSeed& guess) {
    std::vector<Key> keys;
    for (unsigned i = 0; i < kKeys; ++i) {
        Key key = bare_key(net::Family::ipv6, static_cast<std::uint16_t>(1024 + i), 80);
        std::memcpy(key.address[0], &i, sizeof i);
        std::memcpy(key.address[0] + 8, &guess.words[3], 8);
        key.address[1][0] = 0x20;
        key.address[1][15] = 1;
        keys.push_back(key);
    }
    return keys;
}

/// Tuples that meet in one bucket of his table, found by trying.
std::vector<Key> meeting_in_one_bucket(const HashSeed& guess) {
    std::mt19937_64 random(11);
    const std::uint32_t buckets = BucketIndex::bucket_count(kCapacity);
    std::vector<Key> keys;
    while (keys.size() < kKeys / 4) {
        Key key =
            bare_key(net::Family::ipv4, static_cast<std::uint16_t>(random()), static_cast<std::uint16_t>(random()));
        const std::uint64_t addresses = random();
        std::memcpy(key.address[0], &addresses, 4);
        std::memcpy(key.address[1], reinterpret_cast<const char*>(&addresses) + 4, 4);
        if ((hash(key, guess) & 0xffffffff) * buckets >> 32 == 7) keys.push_back(key);
    }
    return keys;
}

/// Chi-square of the first bucket's load, whose expectation is the number of buckets and its deviation √(2 × that).
double unevenness(const std::vector<Key>& keys, const HashSeed& seed, std::uint32_t buckets) {
    std::vector<unsigned> load(buckets);
    for (const Key& key : keys) {
        ++load[(hash(key, seed) & 0xffffffff) * buckets >> 32];
    }
    const double expected = static_cast<double>(keys.size()) / buckets;
    double sum = 0;
    for (const unsigned its : load) {
        sum += (its - expected) * (its - expected) / expected;
    }
    return sum;
}

std::uint64_t refused(const std::vector<Key>& keys, const HashSeed& seed) {
    Config config;
    config.capacity = kCapacity;
    config.seed = seed;
    const Room room(Table::memory_size(kCapacity));
    Table table(room.bytes(), config, kStart);
    for (const Key& key : keys) {
        const OrientedKey oriented{key, false};
        (void)table.create(
            {.key = oriented, .hash = table.hash_of(key), .state = State::udp_new, .timeout_ticks = 1000}, kStart);
    }
    EXPECT_TRUE(table.consistent());
    return table.stats().refused.load();
}

class Collisions : public testing::Test {
  protected:
    void check_harmless(const std::vector<Key>& keys) {
        const std::uint32_t buckets = BucketIndex::bucket_count(kCapacity);
        const double bound = buckets + 6 * std::sqrt(2.0 * buckets);
        for (unsigned i = 0; i < kSeeds; ++i) {
            const HashSeed seed = random_seed(random_);
            EXPECT_LT(unevenness(keys, seed, buckets), bound) << "seed " << i;
            EXPECT_EQ(refused(keys, seed), 0u) << "seed " << i;
        }
    }

    std::mt19937_64 random_{2026};
    HashSeed guess_ = random_seed(random_);
};

TEST_F(Collisions, BiteWhoeverHasTheSeed) {
    const std::uint32_t buckets = BucketIndex::bucket_count(kCapacity);
    for (const auto& keys : {colliding_ipv4(guess_), colliding_ipv6(guess_)}) {
        std::set<std::uint64_t> hashes;
        for (const Key& key : keys) {
            hashes.insert(hash(key, guess_));
        }
        EXPECT_EQ(hashes.size(), 1u);
        EXPECT_GT(unevenness(keys, guess_, buckets), 100.0 * buckets);
        EXPECT_EQ(refused(keys, guess_), kKeys - 2 * BucketIndex::kSlots) << "two buckets, and no third";
    }
    EXPECT_GT(unevenness(meeting_in_one_bucket(guess_), guess_, buckets), 100.0 * buckets);
}

TEST_F(Collisions, OfIpv4AreNoneUnderAnotherSeed) {
    check_harmless(colliding_ipv4(guess_));
}

TEST_F(Collisions, OfIpv6AreNoneUnderAnotherSeed) {
    check_harmless(colliding_ipv6(guess_));
}

TEST_F(Collisions, FoundByTryingAreNoneUnderAnotherSeed) {
    check_harmless(meeting_in_one_bucket(guess_));
}

/// One word of the seed that he does not know is enough.
TEST_F(Collisions, EveryWordOfTheSeedIsNeeded) {
    const std::uint32_t buckets = BucketIndex::bucket_count(kCapacity);
    const double bound = buckets + 6 * std::sqrt(2.0 * buckets);
    const auto keys = meeting_in_one_bucket(guess_);
    for (unsigned word = 0; word < 4; ++word) {
        HashSeed seed = guess_;
        seed.words[word] = random_();
        EXPECT_LT(unevenness(keys, seed, buckets), bound) << "word " << word;
    }
}

} // namespace
} // namespace sluice::flow
