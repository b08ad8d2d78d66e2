// What a classifier says about itself: why a packet gets its result, and what each row costs.
#include "random_world.hpp"
#include "small_rows.hpp"

#include <numeric>
#include <set>

namespace sluice::classifier {
namespace {

constexpr net::Family kV4 = net::Family::ipv4;

std::shared_ptr<Compiled> built(const World& world, const BuildOptions& options = {}) {
    auto compiled = Compiled::build(world.rows, options);
    EXPECT_TRUE(compiled);
    return compiled ? *compiled : nullptr;
}

TEST(Explain, NamesTheListsTheRowAndTheRowsBefore) {
    World world = world_of({{"10.0.0.0/8"}, {"10.1.0.0/16", "2001:db8::/32"}, {"192.0.2.0/24"}, {"203.0.113.0/24"}});
    add_row(world, {0}, {2}).destination_ports = {{22, 22}}; // not for port 80
    add_row(world, {0}, {3});                                // another destination
    add_row(world, {1}, {}).protocol = 17;                   // another protocol
    add_row(world, {0}, {2}).destination_ports = {{80, 90}}; // overlaps, but does not hold the packet
    add_row(world, {1}, {2});
    world.rows.rows[3].protocol = 17;
    world.rows.rows[4].destination_ports = {{70, 85}};
    world.rows.rows[4].protocol.reset();
    const auto compiled = built(world);
    const Explanation why = compiled->explain(kV4, query("10.1.2.3", "192.0.2.9"));
    ASSERT_TRUE(why.found);
    EXPECT_EQ(why.row, 4u);
    EXPECT_EQ(why.source_lists, (std::vector<ListId>{0, 1}));
    EXPECT_EQ(why.destination_lists, std::vector<ListId>{2});
    EXPECT_NE(why.source_class, 0u);
    EXPECT_EQ(why.overlaps, (std::vector<std::size_t>{2, 3}));
}

TEST(Explain, RowsOfAnotherProtocolPortOrPairDoNotOverlap) {
    World world = world_of({{"10.0.0.0/8"}});
    add_row(world, {0}, {}).protocol = 17;
    add_row(world, {0}, {}).source_ports = {{1, 2}};
    add_row(world, {0}, {}).from_zones = {1};
    add_row(world, {0}, {}).protocol = 6;
    world.rows.rows[3].source_ports = {{3, 65'535}};
    world.rows.rows[3].from_zones = {0};
    const auto compiled = built(world);
    const Explanation why = compiled->explain(kV4, query("10.1.2.3", "192.0.2.9"));
    EXPECT_EQ(why.row, 3u);
    EXPECT_TRUE(why.overlaps.empty());
}

TEST(Explain, NothingFound) {
    World world = world_of({{"10.0.0.0/8"}});
    add_row(world, {0}, {});
    const auto compiled = built(world);
    const Explanation why = compiled->explain(kV4, query("192.0.2.1", "10.0.0.1"));
    EXPECT_FALSE(why.found);
    EXPECT_TRUE(why.source_lists.empty());
    EXPECT_TRUE(why.overlaps.empty());
    // The other family has no row for it either.
    EXPECT_FALSE(compiled->explain(net::Family::ipv6, query("2001:db8::1", "2001:db8::2")).found);
}

TEST(Explain, KnowsWhatListsHoldNow) {
    World world = world_of({{"10.0.0.0/8"}, {"192.0.2.0/24"}});
    add_row(world, {1}, {});
    add_row(world, {0}, {});
    const auto compiled = built(world);
    EXPECT_EQ(compiled->explain(kV4, query("10.1.2.3", "192.0.2.9")).row, 1u);
    ASSERT_TRUE(compiled->change({ListChange::Kind::add, 1, prefix("10.1.2.3/32")}));
    const Explanation why = compiled->explain(kV4, query("10.1.2.3", "192.0.2.9"));
    EXPECT_EQ(why.row, 0u);
    EXPECT_EQ(why.source_lists, (std::vector<ListId>{0, 1}));
    EXPECT_TRUE((why.source_class & ruleset::kLate) != 0);
    EXPECT_EQ(ask(*compiled, kV4, query("10.1.2.3", "192.0.2.9")), 10u);
}

/// Whether two rows share a packet, judged by many packets of the world.
TEST(Explain, SaysWhatClassifySays) {
    Random random(1);
    for (unsigned round = 0; round < 20; ++round) {
        const World world = random_world(random, 1 + below(random, 60), 6, 20);
        const auto compiled = built(world);
        for (unsigned i = 0; i < 100; ++i) {
            const net::Family family = below(random, 2) == 0 ? kV4 : net::Family::ipv6;
            const ruleset::Query query = random_query(random, world, family);
            const std::uint32_t result = ask(*compiled, family, query);
            const Explanation why = compiled->explain(family, query);
            ASSERT_EQ(why.found, result != 0);
            if (!why.found) continue;
            ASSERT_EQ(world.rows.rows[why.row].result, result);
            std::uint32_t before = 0;
            for (const std::size_t row : why.overlaps) {
                ASSERT_LT(world.rows.rows[row].rank, world.rows.rows[why.row].rank);
                ASSERT_LE(before, world.rows.rows[row].rank);
                before = world.rows.rows[row].rank;
            }
        }
    }
}

TEST(Explain, EveryRowBeforeThatSharesAPacketIsNamed) {
    Random random(2);
    std::size_t shared = 0;
    for (unsigned round = 0; round < 20; ++round) {
        const World world = random_world(random, 12, 4, 6);
        const auto compiled = built(world);
        // Packets that two rows match prove that they overlap.
        for (unsigned i = 0; i < 2000; ++i) {
            const ruleset::Query query = random_query(random, world, kV4);
            const Explanation why = compiled->explain(kV4, query);
            if (!why.found) continue;
            const ruleset::Query other = random_query(random, world, kV4);
            if (!matches(world, world.rows.rows[why.row], kV4, other)) continue;
            const std::set<std::size_t> named(why.overlaps.begin(), why.overlaps.end());
            for (std::size_t row = 0; row < world.rows.rows.size(); ++row) {
                if (world.rows.rows[row].rank >= world.rows.rows[why.row].rank) continue;
                if (!matches(world, world.rows.rows[row], kV4, other)) continue;
                ++shared;
                ASSERT_EQ(named.count(row), 1u) << "row " << row << " before " << why.row;
            }
        }
    }
    EXPECT_GT(shared, 100u) << "too few to tell anything";
}

TEST(Report, CountsClassesBoxesAndEntries) {
    World world = world_of({{"10.0.0.0/8"}, {"10.1.0.0/16"}, {"2001:db8::/32"}});
    add_row(world, {0}, {}); // one range of classes: 10/8 and 10.1/16
    add_row(world, {1}, {}).destination_ports = {{80, 80}, {443, 443}};
    add_row(world, {2}, {2}).ipv4 = false;
    const auto compiled = built(world);
    const BuildReport& report = compiled->report();
    EXPECT_EQ(report.ipv4.source_classes, 3u); // none, 10/8, and both
    EXPECT_EQ(report.ipv4.destination_classes, 1u);
    EXPECT_EQ(report.ipv6.source_classes, 2u);
    EXPECT_EQ(report.ipv6.destination_classes, 2u);
    EXPECT_EQ(report.row_boxes, (std::vector<std::uint32_t>{1, 2, 1}));
    EXPECT_EQ(report.row_entries, (std::vector<std::uint32_t>{1, 0, 1})) << "the second row is hidden by the first";
    EXPECT_EQ(report.ipv4.boxes, 3u);
    EXPECT_EQ(report.ipv4.entries, 1u);
    EXPECT_EQ(report.ipv4.thrift, Thrift::none);
    EXPECT_GT(report.memory_size, 0u);
}

TEST(Report, SumsAgree) {
    Random random(3);
    for (const std::size_t rows : std::initializer_list<std::size_t>{5, 60, 800}) {
        const World world = random_world(random, rows, 20, 30);
        const auto compiled = built(world);
        const BuildReport& report = compiled->report();
        const auto sum = [](const std::vector<std::uint32_t>& counts) {
            return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
        };
        EXPECT_EQ(report.row_boxes.size(), rows);
        EXPECT_EQ(report.row_entries.size(), rows);
        EXPECT_EQ(sum(report.row_boxes), report.ipv4.boxes + report.ipv6.boxes);
        EXPECT_EQ(sum(report.row_entries), report.ipv4.entries + report.ipv6.entries);
        EXPECT_GE(report.ipv4.leaves, 1u);
        EXPECT_EQ(report.memory_size, compiled->memory_size());
    }
}

} // namespace
} // namespace sluice::classifier
