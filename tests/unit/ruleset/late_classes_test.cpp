// Packets of late classes beside plain rows.
#include "ruleset/late_classes.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sluice::ruleset {
namespace {

template <typename T, std::size_t kCount> View<T> view_of(const T (&array)[kCount]) {
    return {array, kCount};
}

constexpr ClassRange kRanges[] = {{2, 4}, {7, 7}};
constexpr std::uint32_t kLists[] = {3, 5, 9};
constexpr PortSpan kPorts[] = {{80, 90}, {443, 443}};

constexpr std::uint32_t kNothing = ~std::uint32_t{0}; // no row matches

PlainRow any_row() {
    PlainRow row;
    row.zone_pairs = 0b100;
    return row;
}

PlainPacket packet() {
    return {0, 0, 1000, 80, 6, 2};
}

LateClass late_of(Class base, const std::vector<std::uint32_t>& lists, const std::vector<std::uint32_t>& orders) {
    return {base, lists.data(), static_cast<std::uint32_t>(lists.size()), orders.data(),
            static_cast<std::uint32_t>(orders.size())};
}

TEST(PlainPacket, LiesInARowOfItsZonePair) {
    PlainPacket one = packet();
    EXPECT_TRUE(one.lies_in(any_row(), nullptr, nullptr));
    one.pair = 1;
    EXPECT_FALSE(one.lies_in(any_row(), nullptr, nullptr));
}

TEST(PlainPacket, OfItsProtocol) {
    PlainRow row = any_row();
    row.protocol = 17;
    row.protocol_mask = 0xff;
    EXPECT_FALSE(packet().lies_in(row, nullptr, nullptr));
    row.protocol = 6;
    EXPECT_TRUE(packet().lies_in(row, nullptr, nullptr));
}

TEST(PlainPacket, OfOneOfItsPorts) {
    for (const bool destination : {false, true}) {
        PlainRow row = any_row();
        (destination ? row.destination : row.source).ports = view_of(kPorts);
        for (const unsigned port : std::initializer_list<unsigned>{79, 80, 85, 90, 91, 442, 443, 444}) {
            PlainPacket one = packet();
            (destination ? one.destination_port : one.source_port) = static_cast<std::uint16_t>(port);
            EXPECT_EQ(one.lies_in(row, nullptr, nullptr), (port >= 80 && port <= 90) || port == 443) << port;
        }
    }
}

TEST(PlainPacket, OfOneOfItsClasses) {
    for (const bool destination : {false, true}) {
        PlainRow row = any_row();
        PlainRow::End& end = destination ? row.destination : row.source;
        end.any = false;
        end.classes = view_of(kRanges);
        for (Class class_ = 0; class_ < 10; ++class_) {
            PlainPacket one = packet();
            (destination ? one.destination : one.source) = class_;
            EXPECT_EQ(one.lies_in(row, nullptr, nullptr), (class_ >= 2 && class_ <= 4) || class_ == 7) << class_;
        }
    }
}

TEST(PlainPacket, OrOfAListThatItsLateClassHasBeyondTheBase) {
    for (const bool destination : {false, true}) {
        PlainRow row = any_row();
        PlainRow::End& end = destination ? row.destination : row.source;
        end.any = false;
        end.classes = view_of(kRanges);
        end.lists = view_of(kLists);
        const auto lies_in = [&](const std::vector<std::uint32_t>& lists) {
            const LateClass late = late_of(0, lists, {});
            return packet().lies_in(row, destination ? nullptr : &late, destination ? &late : nullptr);
        };
        EXPECT_FALSE(lies_in({}));
        EXPECT_FALSE(lies_in({4}));
        EXPECT_TRUE(lies_in({3}));
        EXPECT_TRUE(lies_in({1, 5}));
        EXPECT_TRUE(lies_in({6, 9}));
        EXPECT_FALSE(lies_in({1, 4, 6, 10}));
    }
}

struct Late : testing::Test {
    std::vector<std::uint32_t> lists = {3};
    std::vector<std::uint32_t> orders = {1, 4};
    LateClass late = late_of(2, lists, orders);
    const LateClass* table[1] = {&late};
    PlainRow rows[6];
    FamilyTables tables;
    std::unique_ptr<QueryColumns> queries = std::make_unique<QueryColumns>();

    Late() {
        tables.source_late = tables.destination_late = table;
        tables.rows = rows;
        tables.row_count = 6;
        for (PlainRow& row : rows)
            row.zone_pairs = 1;
        for (const unsigned order : std::initializer_list<unsigned>{1, 4}) {
            rows[order].source.any = false;
            rows[order].source.lists = view_of(kLists);
        }
        rows[1].protocol = 17;
        rows[1].protocol_mask = 0xff;
        for (unsigned i = 0; i < kLookUpBatch; ++i)
            queries->set_rest(i, 1000, 80, 6, 0);
    }
};

TEST_F(Late, NoneInABatchIsSaidAtOnce) {
    Class sources[] = {1, 2};
    Class destinations[] = {3, 4};
    const LatePackets packets(tables, sources, destinations, 2);
    EXPECT_FALSE(packets.any());
}

TEST_F(Late, TheTreeIsAskedForTheBase) {
    Class sources[] = {1, kLate};
    Class destinations[] = {3, 4};
    const LatePackets packets(tables, sources, destinations, 2);
    EXPECT_TRUE(packets.any());
    EXPECT_EQ(sources[0], 1u);
    EXPECT_EQ(sources[1], 2u);
    EXPECT_EQ(destinations[1], 4u);
    Class late_destinations[] = {3, kLate};
    Class plain_sources[] = {1, 1};
    EXPECT_TRUE(LatePackets(tables, plain_sources, late_destinations, 2).any());
    EXPECT_EQ(late_destinations[1], 2u);
}

TEST_F(Late, TheBetterOfTreeAndRowsWins) {
    Class sources[] = {kLate, kLate, kLate, 5};
    Class destinations[] = {0, 0, 0, 0};
    const LatePackets packets(tables, sources, destinations, 4);
    queries->protocol[2] = 17;
    std::uint32_t best[] = {kNothing, 3, kNothing, kNothing};
    packets.ask(*queries, best);
    EXPECT_EQ(best[0], 4u) << "row 1 is of another protocol";
    EXPECT_EQ(best[1], 3u) << "the tree's answer comes before";
    EXPECT_EQ(best[2], 1u);
    EXPECT_EQ(best[3], kNothing) << "of a compiled class: not asked";
}

TEST_F(Late, APacketOfNoZonePairMatchesNothing) {
    Class sources[] = {kLate};
    Class destinations[] = {0};
    const LatePackets packets(tables, sources, destinations, 1);
    queries->pair[0] = kNoPair;
    std::uint32_t best[] = {kNothing};
    packets.ask(*queries, best);
    EXPECT_EQ(best[0], kNothing);
}

} // namespace
} // namespace sluice::ruleset
