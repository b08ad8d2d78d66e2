// The half that workers use, on tables made by hand. tests/unit/classifier has what is built from rows.
#include "ruleset/classifier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace sluice::ruleset {
namespace {

constexpr net::Family kFamilies[] = {net::Family::ipv4, net::Family::ipv6};

/// Zones 3 > 5 are pair 0 and 5 > 3 pair 1; a packet of pair 0 gets its destination port's row, if that is below 8.
struct Handmade : Classifier {
    Handmade() {
        pairs.fill(kNoPair);
        pairs[3 * 256 + 5] = 0;
        pairs[5 * 256 + 3] = 1;
        pair_of_zones_ = pairs.data();
        Unit& unit = units[1];
        for (unsigned i = 0; i < Unit::kBoxes; ++i) {
            unit.source_span[i] = unit.destination_span[i] = unit.source_port_span[i] = 0xffff;
            unit.destination_port[i] = static_cast<std::uint16_t>(i);
            unit.zone_pairs[i] = 1;
            unit.order[i] = i;
            results[i] = 100 + i;
        }
        ipv4_.empty = false;
        ipv4_.words = &word;
        ipv4_.units = units;
        ipv4_.pair_bit = {1, 2};
        ipv4_.results = results;
        ipv6_ = ipv4_;
    }
    /// Flat: the boxes are asked at once; otherwise through a tree that is a leaf.
    void choose(bool flat) {
        for (FamilyTables* tables : {&ipv4_, &ipv6_}) {
            tables->flat_units = flat ? 1 : 0;
            tables->tree_count = flat ? 0 : 1;
            tables->trees[0].root[0] = tables->trees[0].root[1] = flat ? 0 : Word::make_leaf(1, 1, 0, 0);
        }
    }

    std::array<std::uint8_t, 65'536> pairs;
    std::uint64_t word = 0;
    Unit units[2] = {}; ///< nothing matches in the first
    std::uint32_t results[8];
};

Query query(std::uint8_t from, std::uint8_t to, std::uint16_t port) {
    Query query;
    query.from_zone = from;
    query.to_zone = to;
    query.destination_port = net::Be16::from_host(port);
    return query;
}

TEST(Classifier, IsEmptyAtFirst) {
    const Classifier classifier;
    for (const net::Family family : kFamilies) {
        EXPECT_TRUE(classifier.empty(family));
        QueryColumns columns;
        std::uint32_t results[2] = {1, 2};
        classifier.classify(family, columns, results, 2);
        EXPECT_EQ(results[0], 0u);
        EXPECT_EQ(results[1], 0u);
    }
}

TEST(Classifier, TakesTheBestKernelThatTheProcessorHas) {
    EXPECT_EQ(best_kernel() == Kernel::avx2, __builtin_cpu_supports("avx2") != 0);
    EXPECT_EQ(look_up_of(Kernel::scalar, net::Family::ipv4), &look_up_ipv4_scalar);
    EXPECT_EQ(look_up_of(Kernel::scalar, net::Family::ipv6), &look_up_ipv6_scalar);
    EXPECT_EQ(look_up_of(Kernel::avx2, net::Family::ipv4), &look_up_ipv4_avx2);
    EXPECT_EQ(look_up_of(Kernel::avx2, net::Family::ipv6), &look_up_ipv6_avx2);
}

TEST(Classifier, KnowsThePairsThatThereAre) {
    const Handmade classifier;
    EXPECT_EQ(classifier.pair(3, 5), 0);
    EXPECT_EQ(classifier.pair(5, 3), 1);
    EXPECT_EQ(classifier.pair(3, 3), kNoPair);
    EXPECT_EQ(classifier.pair(0, 0), kNoPair);
}

TEST(Classifier, AnswersAnyNumberOfQueries) {
    Handmade classifier;
    for (const bool flat : {true, false}) {
        classifier.choose(flat);
        for (const Kernel kernel : {Kernel::scalar, best_kernel()}) {
            for (const net::Family family : kFamilies) {
                for (const unsigned count : std::initializer_list<unsigned>{0, 1, 31, 32, 33, 64, 100}) {
                    std::vector<Query> queries(count);
                    std::vector<const Query*> pointers;
                    for (unsigned i = 0; i < count; ++i) {
                        const bool known = i % 5 != 3;
                        queries[i] = query(known ? 3 : 7, 5, static_cast<std::uint16_t>(i % 11));
                        pointers.push_back(&queries[i]);
                    }
                    std::vector<std::uint32_t> results(count + 1, 7);
                    classifier.classify_with(kernel, family, pointers.data(), results.data(), count);
                    for (unsigned i = 0; i < count; ++i)
                        ASSERT_EQ(results[i], i % 5 != 3 && i % 11 < 8 ? 100 + i % 11 : 0) << i << " of " << count;
                    EXPECT_EQ(results[count], 7u) << "nothing behind the last is written";
                }
            }
        }
    }
}

TEST(Classifier, ABoxOfAnotherPairIsNone) {
    Handmade classifier;
    for (const bool flat : {true, false}) {
        classifier.choose(flat);
        EXPECT_EQ(classifier.find(net::Family::ipv4, query(5, 3, 2)).order, ~std::uint32_t{0});
        EXPECT_EQ(classifier.find(net::Family::ipv4, query(3, 5, 2)).order, 2u);
        EXPECT_EQ(classifier.find(net::Family::ipv6, query(3, 5, 2)).order, 2u);
        EXPECT_EQ(classifier.find(net::Family::ipv6, query(3, 4, 2)).order, ~std::uint32_t{0});
    }
}

TEST(Classifier, ColumnsHoldAddressesInHostOrder) {
    QueryColumns columns;
    std::uint8_t from[16];
    std::uint8_t to[16];
    for (std::uint8_t i = 0; i < 16; ++i) {
        from[i] = i;
        to[i] = static_cast<std::uint8_t>(0xf0 + i);
    }
    columns.set_ipv4(3, from, to);
    EXPECT_EQ(columns.ipv4[QueryColumns::source][3], 0x00010203u);
    EXPECT_EQ(columns.ipv4[QueryColumns::destination][3], 0xf0f1f2f3u);
    columns.set_ipv6(3, from, to);
    EXPECT_EQ(columns.upper[QueryColumns::source][3], 0x0001020304050607u);
    EXPECT_EQ(columns.lower[QueryColumns::source][3], 0x08090a0b0c0d0e0fu);
    EXPECT_EQ(columns.upper[QueryColumns::destination][3], 0xf0f1f2f3f4f5f6f7u);
    EXPECT_EQ(columns.lower[QueryColumns::destination][3], 0xf8f9fafbfcfdfeffu);
}

} // namespace
} // namespace sluice::ruleset
