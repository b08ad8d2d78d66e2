// A classifier against the rows read one by one, on random worlds: both families, all kernels, while lists change.
#include "classifier/compiled.hpp"
#include "random_world.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::classifier {
namespace {

constexpr net::Family kFamilies[] = {net::Family::ipv4, net::Family::ipv6};

std::string show(net::Family family, const ruleset::Query& query) {
    return net::IpAddress::from_wire(family, query.source).to_string() + ":" +
           std::to_string(query.source_port.host()) + " > " +
           net::IpAddress::from_wire(family, query.destination).to_string() + ":" +
           std::to_string(query.destination_port.host()) + " protocol " + std::to_string(query.protocol) + " zones " +
           std::to_string(query.from_zone) + " > " + std::to_string(query.to_zone);
}

/// A batch of random packets through every kernel. False at the first difference.
bool agree(Random& random, const World& world, const Compiled& compiled) {
    for (const net::Family family : kFamilies) {
        std::vector<ruleset::Query> queries(1 + below(random, 70));
        std::vector<const ruleset::Query*> pointers;
        const bool one_pair =
            below(random, 2) == 0; // as a burst has, and then ends that no row asks for are not looked up
        for (ruleset::Query& query : queries) {
            query = random_query(random, world, family);
            if (one_pair) {
                query.from_zone = queries[0].from_zone;
                query.to_zone = queries[0].to_zone;
            }
            pointers.push_back(&query);
        }
        std::vector<std::uint32_t> scalar(queries.size(), 77);
        std::vector<std::uint32_t> avx2(queries.size(), 78);
        const auto count = static_cast<unsigned>(queries.size());
        compiled.classify_with(ruleset::Kernel::scalar, family, pointers.data(), scalar.data(), count);
        if (ruleset::best_kernel() == ruleset::Kernel::avx2)
            compiled.classify_with(ruleset::Kernel::avx2, family, pointers.data(), avx2.data(), count);
        else
            avx2 = scalar;
        for (std::size_t i = 0; i < queries.size(); ++i) {
            const std::uint32_t wanted = first_match(world, family, queries[i]);
            EXPECT_EQ(scalar[i], wanted) << show(family, queries[i]);
            EXPECT_EQ(avx2[i], wanted) << show(family, queries[i]);
            if (scalar[i] != wanted || avx2[i] != wanted) return false;
        }
    }
    return true;
}

std::shared_ptr<Compiled> built(const World& world, const BuildOptions& options = {}) {
    auto compiled = Compiled::build(world.rows, options);
    EXPECT_TRUE(compiled);
    return compiled ? *compiled : nullptr;
}

TEST(Compiled, NothingMatchesWithoutRows) {
    const auto compiled = built({});
    EXPECT_TRUE(compiled->empty(net::Family::ipv4));
    const ruleset::Query query;
    const ruleset::Query* pointer = &query;
    std::uint32_t result = 1;
    compiled->classify(net::Family::ipv4, &pointer, &result, 1);
    EXPECT_EQ(result, 0u);
}

TEST(Compiled, AgreesWithTheRowsReadOneByOne) {
    Random random(1);
    for (unsigned round = 0; round < 30; ++round) {
        SCOPED_TRACE(round);
        const World world = random_world(random, below(random, 60), below(random, 12), 1 + below(random, 40));
        const auto compiled = built(world);
        for (unsigned batch = 0; batch < 20; ++batch)
            ASSERT_TRUE(agree(random, world, *compiled));
    }
}

TEST(Compiled, AgreesWithManyRowsAndPrefixes) {
    Random random(2);
    for (unsigned round = 0; round < 3; ++round) {
        SCOPED_TRACE(round);
        const World world = random_world(random, 600, 300, 60);
        const auto compiled = built(world);
        for (unsigned batch = 0; batch < 20; ++batch)
            ASSERT_TRUE(agree(random, world, *compiled));
    }
}

TEST(Compiled, AgreesHoweverLittleMemoryItMayTake) {
    Random random(3);
    bool by_list = false;
    for (const std::size_t budget :
         std::initializer_list<std::size_t>{std::size_t{1}, std::size_t{3} << 20, std::size_t{2} << 20}) {
        SCOPED_TRACE(budget);
        const World world = random_world(random, 300, 60, 20);
        const auto compiled = built(world, {.memory_budget = budget, .progress = {}});
        by_list = by_list || compiled->report().ipv4.thrift == Thrift::list;
        for (unsigned batch = 0; batch < 20; ++batch)
            ASSERT_TRUE(agree(random, world, *compiled));
    }
    EXPECT_TRUE(by_list);
}

TEST(Compiled, AgreesWhileListsChange) {
    Random random(4);
    for (unsigned round = 0; round < 15; ++round) {
        SCOPED_TRACE(round);
        World world = random_world(random, 1 + below(random, 40), 1 + below(random, 8), 1 + below(random, 200));
        const auto compiled = built(world);
        for (unsigned step = 0; step < 60; ++step) {
            const auto list = static_cast<ListId>(below(random, world.lists.size()));
            auto& held = world.lists[list];
            ListChange change{ListChange::Kind::add, list, random_prefix(random, kFamilies[below(random, 2)])};
            if (!held.empty() && below(random, 2) == 0) {
                change.kind = ListChange::Kind::remove;
                change.prefix = held[below(random, held.size())];
                std::erase(held, change.prefix);
            } else {
                if (std::find(held.begin(), held.end(), change.prefix) != held.end()) continue;
                held.push_back(change.prefix);
            }
            ASSERT_TRUE(compiled->change(change));
            if (below(random, 3) == 0) compiled->reclaim();
            ASSERT_TRUE(agree(random, world, *compiled)) << "step " << step;
        }
    }
}

} // namespace
} // namespace sluice::classifier
