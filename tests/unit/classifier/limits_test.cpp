// Where a classifier comes to an end of something: memory, zone pairs, classes, patience.
#include "random_world.hpp"
#include "small_rows.hpp"

namespace sluice::classifier {
namespace {

constexpr net::Family kV4 = net::Family::ipv4;

std::shared_ptr<Compiled> built(const World& world, const BuildOptions& options = {}) {
    auto compiled = Compiled::build(world.rows, options);
    EXPECT_TRUE(compiled);
    return compiled ? *compiled : nullptr;
}

/// How many of so many random packets get another result than the rows say.
std::size_t wrong_in(const Compiled& compiled, const World& world, Random& random, unsigned count) {
    std::size_t wrong = 0;
    for (unsigned i = 0; i < count; ++i) {
        const ruleset::Query query = random_query(random, world, kV4);
        wrong += ask(compiled, kV4, query) != first_match(world, kV4, query);
    }
    return wrong;
}

/// Rows of one source network and rows of one destination network, in turn: a tree has to multiply them, or be two.
World crossed_world(unsigned each) {
    World world = world_of({});
    world.rows.zone_pairs = {{0, 1}, {1, 0}, {0, 2}, {2, 0}};
    for (unsigned n = 0; n < each; ++n) {
        world.lists.push_back({prefix("10." + std::to_string(n / 250) + "." + std::to_string(n % 250) + ".0/24")});
        add_row(world, {n}, {}).ipv6 = false;
        add_row(world, {}, {n}).ipv6 = false;
    }
    world.show_lists();
    return world;
}

TEST(Limits, LessMemoryMeansMoreThriftAndTheSameResults) {
    Random random(1);
    const World world = crossed_world(400);
    const auto plenty = built(world);
    ASSERT_EQ(plenty->report().ipv4.thrift, Thrift::none);
    // What is taken however frugal the tree is.
    const std::size_t least = built(world, {.memory_budget = 1, .progress = {}})->memory_size();
    const std::size_t most = plenty->memory_size();
    ASSERT_GT(most, least);
    Thrift before = Thrift::none;
    for (std::size_t spare = most - least; spare > 1000; spare /= 3) {
        const std::size_t budget = least + spare;
        const auto compiled = built(world, {.memory_budget = budget, .progress = {}});
        ASSERT_GE(compiled->report().ipv4.thrift, before) << budget;
        before = compiled->report().ipv4.thrift;
        ASSERT_EQ(wrong_in(*compiled, world, random, 500), 0u);
        // A node may be begun before it is known to be too much.
        ASSERT_LE(compiled->memory_size(), budget + (std::size_t{64} << 10));
        ASSERT_LE(compiled->report().ipv4.trees, ruleset::kMaxTrees);
    }
    EXPECT_GT(before, Thrift::none);
}

TEST(Limits, WithoutMemoryTheRowsAreAskedOneByOne) {
    Random random(2);
    World world = random_world(random, 200, 40, 20);
    const auto compiled = built(world, {.memory_budget = 1, .progress = {}});
    EXPECT_EQ(compiled->report().ipv4.thrift, Thrift::list);
    EXPECT_EQ(compiled->report().ipv6.thrift, Thrift::list);
    EXPECT_EQ(compiled->report().ipv4.entries, 0u);
    EXPECT_EQ(wrong_in(*compiled, world, random, 2000), 0u);
}

TEST(Limits, BuildingIsGivenUpWhenItsProgressSaysSo) {
    Random random(3);
    const World world = random_world(random, 2000, 200, 20);
    std::vector<double> told;
    const auto whole = Compiled::build(world.rows, {.progress = [&told](double done) {
                                           told.push_back(done);
                                           return true;
                                       }});
    ASSERT_TRUE(whole);
    ASSERT_GT(told.size(), 4u);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_GT(told.back(), 0.8); // zone pairs without rows tell nothing
    for (const double end : {0.1, 0.7}) {
        const auto part = Compiled::build(world.rows, {.progress = [end](double done) { return done < end; }});
        ASSERT_FALSE(part);
        EXPECT_EQ(part.error().kind, BuildError::Kind::given_up);
    }
}

TEST(Limits, ARowOfTooManyBoxesIsNamed) {
    World world = world_of({{"10.0.0.0/8"}});
    add_row(world, {0}, {});
    Row& row = add_row(world, {}, {});
    for (std::uint16_t port = 0; port < 2100; ++port) {
        row.source_ports.push_back({static_cast<std::uint16_t>(2 * port), static_cast<std::uint16_t>(2 * port)});
        row.destination_ports.push_back(row.source_ports.back());
    }
    const auto compiled = Compiled::build(world.rows);
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.error().kind, BuildError::Kind::too_many_boxes);
    EXPECT_EQ(compiled.error().row, 1u);
}

/// Pairs of zones 2n and 2n + 1, and a row for each.
World zoned_world(std::uint8_t pairs, bool shared) {
    World world = world_of({{"10.0.0.0/8"}, {"10.1.0.0/16"}});
    world.rows.zone_pairs.clear();
    for (std::uint8_t n = 0; n < pairs; ++n) {
        world.rows.zone_pairs.push_back({static_cast<std::uint8_t>(2 * n), static_cast<std::uint8_t>(2 * n + 1)});
        Row& row = add_row(world, {n % 2u}, {});
        row.from_zones = {static_cast<std::uint8_t>(2 * n)};
        row.destination_ports = {{n, n}};
    }
    // Rows for all pairs keep them in trees together.
    for (std::uint16_t port = 0; shared && port < 200; ++port)
        add_row(world, {}, {}).destination_ports = {
            {static_cast<std::uint16_t>(3 * port), static_cast<std::uint16_t>(3 * port)}};
    return world;
}

TEST(Limits, ZonePairsAloneAndInGroups) {
    Random random(4);
    for (const bool shared : {false, true}) {
        for (const std::uint8_t pairs : std::initializer_list<std::uint8_t>{1, 2, 16, 17, 31, 32}) {
            SCOPED_TRACE(testing::Message() << unsigned{pairs} << " pairs, " << shared);
            const World world = zoned_world(pairs, shared);
            const auto compiled = built(world);
            for (unsigned i = 0; i < 3000; ++i) {
                const auto n = static_cast<std::uint8_t>(below(random, pairs));
                auto asked = query(below(random, 2) == 0 ? "10.1.2.3" : "10.2.3.4", "192.0.2.1",
                                   below(random, 2) == 0 ? n : static_cast<std::uint16_t>(below(random, 600)));
                asked.from_zone = static_cast<std::uint8_t>(2 * n);
                asked.to_zone = static_cast<std::uint8_t>(2 * n + 1);
                ASSERT_EQ(ask(*compiled, kV4, asked), first_match(world, kV4, asked));
            }
        }
    }
}

TEST(Limits, AQueryOfNoKnownPairMatchesNothing) {
    const World world = zoned_world(3, true);
    const auto compiled = built(world);
    auto asked = query("10.1.2.3", "192.0.2.1", 3);
    asked.from_zone = 0;
    asked.to_zone = 1;
    EXPECT_NE(ask(*compiled, kV4, asked), 0u);
    asked.to_zone = 3; // zones there are, but no such pair
    EXPECT_EQ(compiled->pair(0, 3), ruleset::kNoPair);
    EXPECT_EQ(ask(*compiled, kV4, asked), 0u);
    EXPECT_FALSE(compiled->explain(kV4, asked).found);
    // The same when rows are asked one by one.
    const auto list = built(world, {.memory_budget = 1, .progress = {}});
    ASSERT_EQ(list->report().ipv4.thrift, Thrift::list);
    EXPECT_EQ(ask(*list, kV4, asked), 0u);
}

/// Lists 0 to 16 hold the addresses of 10.0.0.0/15 with that bit set.
World many_classes(bool destination, ListId rows) {
    World world;
    world.lists.resize(17);
    for (unsigned bit = 0; bit < 17; ++bit) {
        for (std::uint32_t upper = 0; upper < 1u << bit; ++upper) {
            const std::uint32_t address = 0x0a00'0000u | (upper << 1 | 1) << (16 - bit);
            net::Prefix prefix;
            for (unsigned byte = 0; byte < 4; ++byte)
                prefix.address.bytes[byte] = static_cast<std::uint8_t>(address >> (24 - 8 * byte));
            prefix.length = static_cast<std::uint8_t>(16 + bit);
            world.lists[bit].push_back(prefix);
        }
    }
    world.rows.zone_pairs = {{0, 1}};
    std::vector<ListId> all;
    for (ListId list = 0; list < 17; ++list) {
        all.push_back(list);
        if (list >= rows) continue;
        const std::vector<ListId> one = {list};
        const auto port = static_cast<std::uint16_t>(80 + list);
        add_row(world, destination ? std::vector<ListId>{} : one, destination ? one : std::vector<ListId>{})
            .destination_ports = {{port, port}};
    }
    add_row(world, destination ? std::vector<ListId>{} : all, destination ? all : std::vector<ListId>{});
    world.show_lists();
    return world;
}

/// As first_match() would say, of whose prefixes there are too many here.
std::uint32_t wanted_of(std::uint32_t bits, std::uint16_t port, ListId rows) {
    for (ListId list = 0; list < rows; ++list) {
        if ((bits >> (16 - list) & 1) != 0 && port == 80 + list) return 10 * (list + 1);
    }
    return bits != 0 ? 10 * (rows + 1) : 0;
}

void ask_many(const Compiled& compiled, bool destination, ListId rows, Random& random) {
    for (unsigned i = 0; i < 5000; ++i) {
        const auto port = static_cast<std::uint16_t>(79 + below(random, rows + 3));
        auto asked = query("192.0.2.1", "192.0.2.2", port);
        std::uint8_t* end = destination ? asked.destination : asked.source;
        end[0] = 10;
        end[1] = static_cast<std::uint8_t>(below(random, 3));
        end[2] = static_cast<std::uint8_t>(random());
        end[3] = static_cast<std::uint8_t>(random());
        const std::uint32_t bits = end[1] < 2 ? std::uint32_t{end[1]} << 16 | std::uint32_t{end[2]} << 8 | end[3] : 0;
        ASSERT_EQ(ask(compiled, kV4, asked), wanted_of(bits, port, rows)) << bits;
    }
}

TEST(Limits, MoreClassesThanSixteenBitsCanName) {
    Random random(5);
    // So few boxes that they would be asked without a tree, and many.
    for (const ListId rows : {3u, 12u}) {
        for (const bool destination : {false, true}) {
            const auto compiled = built(many_classes(destination, rows));
            const BuildReport::Family& report = compiled->report().ipv4;
            EXPECT_EQ(destination ? report.destination_classes : report.source_classes, std::size_t{1} << 17);
            ask_many(*compiled, destination, rows, random);
        }
    }
}

TEST(Limits, AChangeThatOneSideHasNoRoomForChangesNeither) {
    World world = many_classes(true, 0);
    // 131,072 classes, each of which would come up again with one list more.
    world.lists.emplace_back();
    world.lists.emplace_back();
    world.show_lists();
    add_row(world, {18}, {});
    add_row(world, {}, {17}).destination_ports = {{7, 7}};
    add_row(world, {}, {18}).destination_ports = {{8, 8}};
    const auto compiled = built(world);
    EXPECT_FALSE(compiled->change({ListChange::Kind::add, 18, prefix("10.0.0.0/15")}));
    EXPECT_EQ(ask(*compiled, kV4, query("10.0.0.1", "192.0.2.1", 9)), 0u) << "the source's side was changed back";
    EXPECT_EQ(ask(*compiled, kV4, query("192.0.2.1", "10.0.0.1", 8)), 10u);
    EXPECT_FALSE(compiled->change({ListChange::Kind::remove, 18, prefix("10.0.0.0/15")}));
    EXPECT_TRUE(compiled->change({ListChange::Kind::add, 18, prefix("192.0.2.1/32")}));
    EXPECT_EQ(ask(*compiled, kV4, query("192.0.2.1", "10.9.0.1", 8)), 20u);
}

TEST(Limits, ChangesThatChangeNothingAreRefused) {
    World world = world_of({{"10.0.0.0/8"}, {"10.1.0.0/16"}});
    add_row(world, {0}, {1});
    add_row(world, {1}, {0});
    const auto compiled = built(world);
    const auto add = ListChange::Kind::add;
    const auto remove = ListChange::Kind::remove;
    EXPECT_FALSE(compiled->change({add, 0, prefix("10.0.0.0/8")}));
    EXPECT_FALSE(compiled->change({remove, 0, prefix("10.1.0.0/16")}));
    EXPECT_FALSE(compiled->change({remove, 1, prefix("2001:db8::/32")}));
    EXPECT_EQ(ask(*compiled, kV4, query("10.2.2.2", "10.1.1.1")), 10u);
    EXPECT_TRUE(compiled->change({remove, 1, prefix("10.1.0.0/16")}));
    EXPECT_FALSE(compiled->change({remove, 1, prefix("10.1.0.0/16")}));
    EXPECT_EQ(ask(*compiled, kV4, query("10.2.2.2", "10.1.1.1")), 0u);
    EXPECT_EQ(ask(*compiled, kV4, query("10.1.1.1", "10.2.2.2")), 0u);
    EXPECT_TRUE(compiled->change({add, 1, prefix("10.2.2.2/32")}));
    EXPECT_EQ(ask(*compiled, kV4, query("10.1.1.1", "10.2.2.2")), 10u);
    EXPECT_EQ(ask(*compiled, kV4, query("10.2.2.2", "10.1.1.1")), 20u);
    // A list that no row names, or that is none at all, concerns nobody.
    EXPECT_TRUE(compiled->change({add, 7, prefix("10.2.2.2/32")}));
}

/// A look-up goes through all trees as deep as the deepest wants, whichever zone pair has it.
TEST(Limits, TheTreeOfOneZonePairMayBeDeeperThanTheLastOnes) {
    World world = world_of({});
    for (std::uint16_t n = 0; n < 600; ++n) {
        Row& row = add_row(world, {}, {});
        const auto first = static_cast<std::uint16_t>(100 * n);
        row.destination_ports = {{first, static_cast<std::uint16_t>(first + 49)}};
        row.from_zones = {0};
        row.to_zones = {1};
    }
    Row& back = add_row(world, {}, {});
    back.from_zones = {1};
    back.to_zones = {0};
    const auto compiled = built(world);
    for (std::uint16_t n = 0; n < 600; ++n) {
        const auto port = static_cast<std::uint16_t>(100 * n);
        EXPECT_EQ(ask(*compiled, kV4, query("192.0.2.1", "192.0.2.2", port)), 10u * (n + 1u));
        EXPECT_EQ(ask(*compiled, kV4, query("192.0.2.1", "192.0.2.2", static_cast<std::uint16_t>(port + 50))), 0u);
    }
}

} // namespace
} // namespace sluice::classifier
