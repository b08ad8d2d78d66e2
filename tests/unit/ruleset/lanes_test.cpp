// What the lanes say, against sums done one by one: plain C++ and AVX2.
#include "ruleset/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <random>
#include <type_traits>
#include <vector>

namespace sluice::ruleset {
namespace {

using Random = std::mt19937_64;

template <typename Lanes> struct LanesTest : testing::Test {
    Random random{1};
    void SetUp() override {
        if (!std::is_same_v<Lanes, ScalarLanes> && !__builtin_cpu_supports("avx2")) GTEST_SKIP();
    }
};

#ifdef __AVX2__
using AllLanes = testing::Types<ScalarLanes, Avx2Lanes>;
#else
using AllLanes = testing::Types<ScalarLanes>;
#endif
TYPED_TEST_SUITE(LanesTest, AllLanes, );

std::uint16_t edge16(Random& random) {
    static constexpr std::uint16_t kEdges[] = {0, 1, 2, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffd, 0xfffe, 0xffff};
    return random() % 2 == 0 ? kEdges[random() % 10] : static_cast<std::uint16_t>(random());
}

std::int32_t edge32(Random& random) {
    static constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
    static constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    static constexpr std::int32_t kEdges[] = {kMin, kMin + 1, -1, 0, 1, kMax - 1, kMax, 0xffff, 0x10000, -0x10000};
    return random() % 2 == 0 ? kEdges[random() % 10] : static_cast<std::int32_t>(random());
}

std::int64_t edge64(Random& random) {
    static constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    static constexpr std::int64_t kEdges[] = {kMin,     kMin + 1, -1,         0,           1,
                                              kMax - 1, kMax,     0xffffffff, 0x100000000, -0x100000000};
    return random() % 2 == 0 ? kEdges[random() % 10] : static_cast<std::int64_t>(random());
}

TYPED_TEST(LanesTest, CountsKeysOfSixteenBits) {
    for (unsigned round = 0; round < 20'000; ++round) {
        alignas(64) std::uint16_t keys[ipv4::kFanOut];
        for (std::uint16_t& key : keys)
            key = edge16(this->random);
        std::sort(std::begin(keys), std::end(keys));
        const std::uint16_t x = edge16(this->random);
        const auto wanted = std::lower_bound(std::begin(keys), std::end(keys), x) - std::begin(keys);
        ASSERT_EQ(TypeParam::below(keys, x), wanted) << x;
    }
}

TYPED_TEST(LanesTest, CountsEveryNumberOfKeys) {
    for (unsigned below = 0; below <= ipv4::kFanOut; ++below) {
        alignas(64) std::uint16_t keys[ipv4::kFanOut];
        for (unsigned i = 0; i < ipv4::kFanOut; ++i)
            keys[i] = i < below ? 99 : 100;
        EXPECT_EQ(TypeParam::below(keys, 100), below);
    }
    static_assert(ipv6::kFanOut == shallow::kFanOut);
    for (unsigned below = 0; below <= ipv6::kFanOut; ++below) {
        alignas(64) std::int32_t short_keys[shallow::kFanOut];
        for (unsigned i = 0; i < shallow::kFanOut; ++i)
            short_keys[i] = i < below ? -5 : -4;
        EXPECT_EQ(TypeParam::below(short_keys, -4), below);
        alignas(64) std::int64_t keys[ipv6::kFanOut];
        for (unsigned i = 0; i < ipv6::kFanOut; ++i)
            keys[i] = i < below ? -5 : -4;
        EXPECT_EQ(TypeParam::below(keys, -4), below);
    }
}

TYPED_TEST(LanesTest, NothingLiesAboveNone) {
    alignas(64) std::uint16_t short_keys[ipv4::kFanOut];
    std::fill(std::begin(short_keys), std::end(short_keys), ipv4::kNone);
    EXPECT_EQ(TypeParam::below(short_keys, 0xffff), 0u);
    alignas(64) std::int32_t middle_keys[shallow::kFanOut];
    std::fill(std::begin(middle_keys), std::end(middle_keys), shallow::kNone);
    EXPECT_EQ(TypeParam::below(middle_keys, std::numeric_limits<std::int32_t>::max()), 0u);
    alignas(64) std::int64_t keys[ipv6::kFanOut];
    std::fill(std::begin(keys), std::end(keys), ipv6::kNone);
    EXPECT_EQ(TypeParam::below(keys, std::numeric_limits<std::int64_t>::max()), 0u);
}

TYPED_TEST(LanesTest, CountsKeysOfThirtyTwoBits) {
    for (unsigned round = 0; round < 20'000; ++round) {
        alignas(64) std::int32_t keys[shallow::kFanOut];
        for (std::int32_t& key : keys)
            key = edge32(this->random);
        std::sort(std::begin(keys), std::end(keys));
        const std::int32_t x = edge32(this->random);
        const auto wanted = std::lower_bound(std::begin(keys), std::end(keys), x) - std::begin(keys);
        ASSERT_EQ(TypeParam::below(keys, x), wanted) << x;
    }
}

TYPED_TEST(LanesTest, CountsKeysOfSixtyFourBits) {
    for (unsigned round = 0; round < 20'000; ++round) {
        alignas(64) std::int64_t keys[ipv6::kFanOut];
        for (std::int64_t& key : keys)
            key = edge64(this->random);
        std::sort(std::begin(keys), std::end(keys));
        const std::int64_t x = edge64(this->random);
        const auto wanted = std::lower_bound(std::begin(keys), std::end(keys), x) - std::begin(keys);
        ASSERT_EQ(TypeParam::below(keys, x), wanted) << x;
    }
}

/// A box around `x`, or one that it just misses.
void put_span(Random& random, std::uint16_t x, std::uint16_t& first, std::uint16_t& span) {
    switch (random() % 6) {
    case 0:
        first = 0;
        span = 0xffff;
        break;
    case 1:
        first = x;
        span = 0;
        break;
    case 2:
        first = static_cast<std::uint16_t>(random() % (x + 1u));
        span = static_cast<std::uint16_t>(x - first);
        break;
    case 3:
        first = x;
        span = static_cast<std::uint16_t>(random() % (0x10000u - x));
        break;
    case 4: // ends right before
        first = static_cast<std::uint16_t>(random() % (x + 1u));
        span = static_cast<std::uint16_t>(std::max<int>(0, x - first - 1));
        break;
    default: // begins right behind
        first = static_cast<std::uint16_t>(std::min(x + 1, 0xffff));
        span = static_cast<std::uint16_t>(random() % (0x10000u - first));
    }
}

Unit random_unit(Random& random, const LeafKey& key) {
    Unit unit{};
    for (unsigned i = 0; i < Unit::kBoxes; ++i) {
        put_span(random, key.source, unit.source[i], unit.source_span[i]);
        put_span(random, key.destination, unit.destination[i], unit.destination_span[i]);
        put_span(random, key.source_port, unit.source_port[i], unit.source_port_span[i]);
        put_span(random, key.destination_port, unit.destination_port[i], unit.destination_port_span[i]);
        unit.zone_pairs[i] = static_cast<std::uint16_t>(random() % 4 == 0 ? random() : 0xffff);
        unit.protocol_mask[i] = random() % 2 == 0 ? 0xff : 0;
        unit.protocol[i] = unit.protocol_mask[i] == 0 ? 0
                           : random() % 4 != 0        ? key.protocol
                                                      : static_cast<std::uint8_t>(random());
        unit.order[i] = 10 * i;
    }
    return unit;
}

LeafKey random_key(Random& random) {
    return {edge16(random),
            edge16(random),
            edge16(random),
            edge16(random),
            static_cast<std::uint16_t>(1u << random() % 16),
            static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random())};
}

bool lies_in(const Unit& unit, unsigned i, const LeafKey& key) {
    const auto within = [](unsigned x, unsigned first, unsigned span) { return x >= first && x <= first + span; };
    return within(key.source, unit.source[i], unit.source_span[i]) &&
           within(key.destination, unit.destination[i], unit.destination_span[i]) &&
           within(key.source_port, unit.source_port[i], unit.source_port_span[i]) &&
           within(key.destination_port, unit.destination_port[i], unit.destination_port_span[i]) &&
           (unit.zone_pairs[i] & key.pair_bit) != 0 && (unit.protocol_mask[i] == 0 || unit.protocol[i] == key.protocol);
}

TYPED_TEST(LanesTest, MatchesBoxes) {
    unsigned matched = 0;
    for (unsigned round = 0; round < 50'000; ++round) {
        const LeafKey key = random_key(this->random);
        const Unit unit = random_unit(this->random, key);
        unsigned wanted = 0;
        for (unsigned i = 0; i < Unit::kBoxes; ++i)
            wanted |= static_cast<unsigned>(lies_in(unit, i, key)) << i;
        ASSERT_EQ(TypeParam::match(unit, key), wanted);
        matched += wanted != 0;
    }
    EXPECT_GT(matched, 5000u) << "too few to tell anything";
}

TYPED_TEST(LanesTest, AnEmptyPlaceMatchesNothing) {
    // All zero: the span of everything at 0, but no zone pair.
    const Unit unit{};
    EXPECT_EQ(TypeParam::match(unit, {0, 0, 0, 0, 0xffff, 0}), 0u);
    EXPECT_EQ(TypeParam::match(unit, {0, 0, 0, 0, 0, 0}), 0u) << "not even a packet of no zone pair";
}

TYPED_TEST(LanesTest, EachFieldCanKeepABoxFromMatching) {
    const LeafKey key = {10, 20, 30, 40, 4, 6};
    Unit all{};
    for (unsigned i = 0; i < Unit::kBoxes; ++i) {
        all.source_span[i] = all.destination_span[i] = all.source_port_span[i] = all.destination_port_span[i] = 0xffff;
        all.zone_pairs[i] = 4;
    }
    ASSERT_EQ(TypeParam::match(all, key), 0xffu);
    const auto without = [&](auto spoil) {
        Unit unit = all;
        spoil(unit);
        return TypeParam::match(unit, key);
    };
    EXPECT_EQ(without([](Unit& unit) { unit.source_span[0] = 9; }), 0xfeu);
    EXPECT_EQ(without([](Unit& unit) { unit.destination_span[1] = 19; }), 0xfdu);
    EXPECT_EQ(without([](Unit& unit) { unit.source_port_span[2] = 29; }), 0xfbu);
    EXPECT_EQ(without([](Unit& unit) { unit.destination_port_span[3] = 39; }), 0xf7u);
    EXPECT_EQ(without([](Unit& unit) { unit.zone_pairs[4] = 8; }), 0xefu);
    EXPECT_EQ(without([](Unit& unit) { unit.protocol_mask[5] = 0xff; }), 0xdfu);
}

TYPED_TEST(LanesTest, FlatMapsForEveryCountOfPacketsAndKeys) {
    for (unsigned keys = 0; keys <= Ipv4FlatMap::kMostStarts; ++keys) {
        auto ipv4 = std::make_unique<Ipv4FlatMap>();
        auto ipv6 = std::make_unique<Ipv6FlatMap>();
        ipv4->count = ipv6->count = keys;
        for (unsigned i = 0; i < Ipv4FlatMap::kMostStarts; ++i) {
            ipv4->keys[i] = edge32(this->random);
            ipv6->keys[i] = edge64(this->random);
        }
        std::sort(ipv4->keys, ipv4->keys + keys);
        std::sort(ipv6->keys, ipv6->keys + keys);
        for (unsigned i = 0; i <= Ipv4FlatMap::kMostStarts; ++i)
            ipv4->classes[i] = ipv6->classes[i] = 100 + i;
        for (unsigned count = 1; count <= kLookUpBatch; ++count) {
            alignas(64) std::uint32_t addresses[kLookUpBatch];
            alignas(64) std::int64_t upper[kLookUpBatch];
            alignas(64) Class classes[kLookUpBatch];
            for (unsigned i = 0; i < kLookUpBatch; ++i) {
                addresses[i] = static_cast<std::uint32_t>(edge32(this->random));
                upper[i] = edge64(this->random);
            }
            TypeParam::flat(*ipv4, addresses, count, classes);
            for (unsigned i = 0; i < count; ++i) {
                const auto x = static_cast<std::int32_t>(addresses[i] ^ kFlip32);
                ASSERT_EQ(classes[i], 100 + (std::lower_bound(ipv4->keys, ipv4->keys + keys, x) - ipv4->keys));
            }
            TypeParam::flat(*ipv6, upper, count, classes);
            for (unsigned i = 0; i < count; ++i)
                ASSERT_EQ(classes[i], 100 + (std::lower_bound(ipv6->keys, ipv6->keys + keys, upper[i]) - ipv6->keys));
        }
    }
}

TYPED_TEST(LanesTest, FlatBoxesForEveryCountOfPacketsAndUnits) {
    auto queries = std::make_unique<QueryColumns>();
    FamilyTables tables;
    std::vector<Unit> units(kFirstFlatUnit + 4);
    tables.units = units.data();
    for (unsigned pair = 0; pair < 16; ++pair)
        tables.pair_bit[pair] = static_cast<std::uint16_t>(1u << pair);
    for (unsigned round = 0; round < 500; ++round) {
        tables.flat_units = 1 + round % 4;
        const unsigned count = 1 + round % kLookUpBatch;
        LeafKey keys[kLookUpBatch];
        alignas(64) Class sources[kLookUpBatch];
        alignas(64) Class destinations[kLookUpBatch];
        for (unsigned i = 0; i < kLookUpBatch; ++i) {
            LeafKey& key = keys[i] = random_key(this->random);
            sources[i] = key.source;
            destinations[i] = key.destination;
            const unsigned pair = static_cast<unsigned>(std::countr_zero(key.pair_bit));
            queries->set_rest(i, key.source_port, key.destination_port, key.protocol,
                              i % 7 == 3 ? kNoPair : static_cast<std::uint8_t>(pair));
        }
        for (unsigned u = 0; u < 4; ++u) {
            Unit& unit = units[kFirstFlatUnit + u];
            unit = random_unit(this->random, keys[u % count]);
            for (unsigned i = 0; i < Unit::kBoxes; ++i)
                unit.order[i] = 1000 * u + 10 * i + 5;
        }
        alignas(64) std::uint32_t best[kLookUpBatch];
        TypeParam::flat(tables, *queries, sources, destinations, count, best);
        for (unsigned i = 0; i < count; ++i) {
            std::uint32_t wanted = kNoOrder;
            for (unsigned b = 0; b < tables.flat_units * Unit::kBoxes && wanted == kNoOrder && i % 7 != 3; ++b) {
                const Unit& unit = units[kFirstFlatUnit + b / 8];
                if (lies_in(unit, b % 8, keys[i])) wanted = unit.order[b % 8];
            }
            ASSERT_EQ(best[i], wanted) << "packet " << i << " of " << count;
        }
    }
}

} // namespace
} // namespace sluice::ruleset
