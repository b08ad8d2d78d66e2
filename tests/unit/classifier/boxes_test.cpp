// Rows as boxes against rows as they are.
#include "classifier/boxes.hpp"

#include "random_world.hpp"
#include "ruleset/late_classes.hpp"

#include <gtest/gtest.h>

namespace sluice::classifier {
namespace {

using namespace ruleset;

constexpr std::size_t kLists = 6;
constexpr Class kClasses = 16;

struct Point {
    Class source;
    Class destination;
    std::uint16_t source_port;
    std::uint16_t destination_port;
    std::uint8_t protocol;
    std::uint8_t pair;
};

Point random_point(Random& random) {
    static constexpr std::uint16_t kPorts[] = {0, 21, 22, 23, 53, 80, 81, 1023, 1024, 8000, 8001, 65'534, 65'535};
    return {static_cast<Class>(below(random, kClasses)),
            static_cast<Class>(below(random, kClasses)),
            kPorts[below(random, 13)],
            kPorts[below(random, 13)],
            static_cast<std::uint8_t>(below(random, 2) == 0 ? 6 : 17),
            static_cast<std::uint8_t>(below(random, 4))};
}

bool contains(const Box& box, const Point& point) {
    const std::uint32_t at[] = {point.source, point.destination, point.source_port, point.destination_port,
                                point.protocol};
    for (unsigned d = 0; d < kDimensions; ++d) {
        if (at[d] < box.first[d] || at[d] > box.last[d]) return false;
    }
    return (box.zone_pairs >> point.pair & 1) != 0;
}

struct Boxes : testing::Test {
    Random random{1};
    World world = random_world(random, 60, kLists, 1);
    /// Which classes a list is in, for each end.
    std::vector<std::vector<Class>> classes_of[2];

    Boxes() {
        world.rows.zone_pairs.pop_back(); // was there twice
        for (auto& end : classes_of) {
            end.resize(kLists);
            for (auto& classes : end) {
                for (Class class_ = 1; class_ < kClasses; ++class_) {
                    if (below(random, 3) == 0) classes.push_back(class_);
                }
            }
        }
    }
    PlainRows plain(net::Family family) {
        PlainRows rows(world.rows, family);
        rows.fill([this](bool destination, ListId list) -> const std::vector<Class>& {
            return classes_of[destination][list];
        });
        return rows;
    }
    [[nodiscard]] bool in_end(const std::vector<ListId>& lists, bool destination, Class class_) const {
        if (lists.empty()) return true;
        return std::any_of(lists.begin(), lists.end(), [&](ListId list) {
            const auto& classes = classes_of[destination][list];
            return std::find(classes.begin(), classes.end(), class_) != classes.end();
        });
    }
    [[nodiscard]] bool matches(const Row& row, const Point& point) const {
        const ZonePair& pair = world.rows.zone_pairs[point.pair];
        return (!row.protocol || *row.protocol == point.protocol) && in_zones(row.from_zones, pair.from) &&
               in_zones(row.to_zones, pair.to) && in_ports(row.source_ports, point.source_port) &&
               in_ports(row.destination_ports, point.destination_port) && in_end(row.sources, false, point.source) &&
               in_end(row.destinations, true, point.destination);
    }
};

TEST_F(Boxes, RowsOfAFamilyStandBestFirst) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        const PlainRows rows = plain(family);
        std::size_t wanted = 0;
        for (const Row& row : world.rows.rows)
            wanted += (family == net::Family::ipv4 ? row.ipv4 : row.ipv6) ? 1 : 0;
        ASSERT_EQ(rows.size(), wanted);
        for (std::uint32_t order = 0; order < rows.size(); ++order) {
            const Row& row = world.rows.rows[rows.row(order)];
            EXPECT_TRUE(family == net::Family::ipv4 ? row.ipv4 : row.ipv6);
            EXPECT_EQ(rows.results()[order], row.result);
            if (order > 0) {
                EXPECT_LT(world.rows.rows[rows.row(order - 1)].rank, row.rank);
            }
        }
    }
}

TEST_F(Boxes, OfRowsOfOneRankTheFirstIsBest) {
    world.rows.rows.resize(3);
    for (Row& row : world.rows.rows) {
        row.rank = 5;
        row.ipv4 = true;
    }
    const PlainRows rows = plain(net::Family::ipv4);
    EXPECT_EQ(rows.row(0), 0u);
    EXPECT_EQ(rows.row(2), 2u);
}

TEST_F(Boxes, NamingTellsTheRowsOfAList) {
    PlainRows rows(world.rows, net::Family::ipv4);
    for (const bool destination : {false, true}) {
        const auto naming = rows.naming(destination, kLists);
        for (ListId list = 0; list < kLists; ++list) {
            std::vector<std::uint32_t> wanted;
            for (std::uint32_t order = 0; order < rows.size(); ++order) {
                const Row& row = world.rows.rows[rows.row(order)];
                const auto& lists = destination ? row.destinations : row.sources;
                if (std::find(lists.begin(), lists.end(), list) != lists.end()) wanted.push_back(order);
            }
            EXPECT_EQ(naming[list], wanted);
        }
    }
}

TEST_F(Boxes, BoxesAndPlainRowsHoldWhatTheRowMatches) {
    const PlainRows rows = plain(net::Family::ipv4);
    const Bits bits = {4, 4, 16, 16, 8};
    std::size_t matched = 0;
    for (std::uint32_t order = 0; order < rows.size(); ++order) {
        const Row& row = world.rows.rows[rows.row(order)];
        std::vector<Box> boxes;
        emit_boxes(rows.data()[order], order, bits, boxes);
        ASSERT_EQ(boxes.size(), box_count(rows.data()[order]));
        for (const Box& box : boxes)
            ASSERT_EQ(box.order, order);
        for (unsigned i = 0; i < 2000; ++i) {
            const Point point = random_point(random);
            const bool wanted = matches(row, point);
            matched += wanted;
            const bool in_box =
                std::any_of(boxes.begin(), boxes.end(), [&](const Box& box) { return contains(box, point); });
            ASSERT_EQ(in_box, wanted) << "row " << rows.row(order);
            const PlainPacket packet = {point.source,           point.destination, point.source_port,
                                        point.destination_port, point.protocol,    point.pair};
            ASSERT_EQ(packet.lies_in(rows.data()[order], nullptr, nullptr), wanted) << "row " << rows.row(order);
        }
    }
    EXPECT_GT(matched, 1000u) << "too few to tell anything";
}

TEST_F(Boxes, NeighbouringClassesAreOneRange) {
    world.rows.rows = {random_row(random, 0, 0)};
    Row& row = world.rows.rows[0];
    row = Row{};
    row.sources = {0, 1};
    classes_of[0] = {{1, 2, 5}, {3, 9}, {}, {}, {}, {}};
    const PlainRows rows = plain(net::Family::ipv4);
    ASSERT_EQ(rows.data()[0].source.classes.count, 3u);
    EXPECT_EQ(rows.data()[0].source.classes.data[0].first, 1u);
    EXPECT_EQ(rows.data()[0].source.classes.data[0].last, 3u);
    EXPECT_EQ(box_count(rows.data()[0]), 3u);
}

TEST_F(Boxes, ARowThatNoPacketCanMeetHasNone) {
    world.rows.rows.resize(1);
    Row& row = world.rows.rows[0];
    row = Row{};
    row.from_zones = {77};
    EXPECT_EQ(box_count(plain(net::Family::ipv4).data()[0]), 0u);
    row = Row{};
    row.sources = {0};
    classes_of[0][0].clear(); // no prefix of this family
    EXPECT_EQ(box_count(plain(net::Family::ipv4).data()[0]), 0u);
    row = Row{};
    row.source_ports = {{5, 6}, {0, 65'535}};
    EXPECT_EQ(box_count(plain(net::Family::ipv4).data()[0]), 1u) << "one range of all makes the others needless";
}

} // namespace
} // namespace sluice::classifier
