// Lists change while readers look: every result is that of before or of after. For ThreadSanitizer above all.
#include "rcu/domain.hpp"
#include "small_rows.hpp"

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace sluice::classifier {
namespace {

using namespace std::chrono_literals;

/// Addresses of which list 2 gets some and loses them again, one that it never gets, and what each may be answered.
struct Watched {
    ruleset::Query query;
    std::uint32_t without;
    std::uint32_t with;
};

World racing_world(bool flat) {
    World world = world_of({{"10.0.0.0/8", "2001:db8::/32"}, {"10.1.0.0/16", "2001:db8:1::/48"}, {}});
    // Beside what is watched, so many prefixes that there is no smaller map while they change.
    for (unsigned n = 0; !flat && n < 640; ++n) {
        world.lists[1].push_back(
            prefix("10.1." + std::to_string(n / 4) + "." + std::to_string(64 + n % 4 * 32) + "/28"));
        world.lists[1].push_back(prefix("2001:db8:1:" + std::to_string(n) + ":1::/80"));
    }
    world.show_lists();
    add_row(world, {2}, {}).destination_ports = {{80, 90}};
    add_row(world, {1}, {2});
    add_row(world, {0}, {});
    return world;
}

std::vector<Watched> watched(net::Family family) {
    const bool v4 = family == net::Family::ipv4;
    const std::string changing = v4 ? "10.1.2.3" : "2001:db8:1::3";
    const std::string beside = v4 ? "10.1.2.4" : "2001:db8:1::4";
    const std::string outside = v4 ? "192.0.2.1" : "2001:db9::1";
    return {{query(changing, outside), 30, 10},
            {query(changing, outside, 91), 30, 30},
            {query(beside, changing), 30, 20},
            {query(beside, outside), 30, 30},
            {query(outside, changing), 0, 0}};
}

void look(const Compiled& compiled, rcu::Domain& domain, std::size_t reader, net::Family family, ruleset::Kernel kernel,
          const std::atomic<bool>& done, std::atomic<unsigned>& wrong, std::atomic<unsigned>& seen) {
    const std::vector<Watched> cases = watched(family);
    std::vector<const ruleset::Query*> queries;
    for (unsigned i = 0; i < 40; ++i)
        queries.push_back(&cases[i % cases.size()].query);
    std::vector<std::uint32_t> results(queries.size());
    domain.online(reader);
    while (!done.load(std::memory_order_relaxed)) {
        compiled.classify_with(kernel, family, queries.data(), results.data(), static_cast<unsigned>(queries.size()));
        domain.quiescent(reader);
        for (unsigned i = 0; i < results.size(); ++i) {
            const Watched& one = cases[i % cases.size()];
            wrong += results[i] != one.with && results[i] != one.without;
        }
        seen += results[0] == cases[0].with;
    }
    domain.offline(reader);
}

void race(bool flat) {
    const World world = racing_world(flat);
    auto built = Compiled::build(world.rows);
    ASSERT_TRUE(built);
    const auto compiled = *built;
    rcu::Domain domain;
    std::atomic<bool> done{false};
    std::atomic<unsigned> wrong{0};
    std::atomic<unsigned> seen[4]{};
    std::vector<std::thread> readers;
    for (std::size_t reader = 0; reader < 4; ++reader) {
        const auto family = reader % 2 == 0 ? net::Family::ipv4 : net::Family::ipv6;
        const auto kernel = reader < 2 ? ruleset::Kernel::scalar : ruleset::best_kernel();
        readers.emplace_back([&, reader, family, kernel] {
            look(*compiled, domain, reader, family, kernel, done, wrong, seen[reader]);
        });
    }
    std::mt19937_64 random(1);
    // Single addresses and what holds them; the changing ones must have been seen by every reader.
    const char* held[] = {"10.1.2.3/32", "2001:db8:1::3/128"};
    bool in[2] = {};
    const auto everyone_saw = [&] { return seen[0] != 0 && seen[1] != 0 && seen[2] != 0 && seen[3] != 0; };
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (unsigned step = 0; step < 1000 || (!everyone_saw() && std::chrono::steady_clock::now() < end); ++step) {
        const unsigned which = step % 2;
        const auto kind = in[which] ? ListChange::Kind::remove : ListChange::Kind::add;
        EXPECT_TRUE(compiled->change({kind, 2, prefix(held[which])}));
        in[which] = !in[which];
        if (random() % 4 != 0) continue;
        EXPECT_TRUE(domain.synchronize(60'000ms));
        compiled->reclaim();
        if (step > 1000) std::this_thread::yield();
    }
    done = true;
    for (std::thread& reader : readers)
        reader.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_TRUE(everyone_saw());
}

TEST(ChangeRace, ReadersOfFlatMapsSeeBeforeOrAfter) {
    race(true);
}

TEST(ChangeRace, ReadersOfChunksSeeBeforeOrAfter) {
    race(false);
}

} // namespace
} // namespace sluice::classifier
