// What the flow table's operations cost with N flows in it, in bursts of 32 and in random order; beside them rte_hash
// with the same keys, and what the memory alone would take: one random line of an entry, or a bucket's line and then
// the entry's that it names. All in one program and on huge pages, so that ratios within a run can be believed.
//
//     build/tests/bench/flow_bench --benchmark_filter=ipv4/1000000
//
// 10,000,000 entries want 1.8 GB of hugepages: sysctl vm.nr_hugepages=1024.
#include "bench_eal.hpp"
#include "flow/table.hpp"
#include "flow_keys.hpp"
#include "hash_peer.hpp"
#include "huge_memory.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::bench;

constexpr base::Tick kLong = 100'000'000;
constexpr base::Tick kShort = 128;
/// Words as an appliance draws them: small ones make a poor hash.
constexpr flow::HashSeed kSeed = {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}};

std::uint32_t capacity_for(std::uint32_t flows) {
    return flows + flows / 4 + 64;
}

/// N flows in a table.
struct Flows {
    Flows(net::Family family, std::uint32_t flows)
        : maker(family)
        , order(shuffled(flows, 1))
        , index_of(flows)
        , count(flows)
        , memory(flow::Table::memory_size(capacity_for(flows)))
        , table(memory.bytes(), {.capacity = capacity_for(flows), .seed = kSeed}, now) {
        for (std::uint32_t number = 0; number < count; ++number) {
            flow::OrientedKey key{};
            maker.write(number, true, key.key);
            index_of[number] = table.create(
                {.key = key, .hash = table.hash_of(key.key), .state = flow::State::udp_new, .timeout_ticks = kLong},
                now);
        }
    }

    KeyMaker maker;
    std::vector<std::uint32_t> order;
    std::vector<flow::Index> index_of; ///< by number
    std::uint32_t count;
    base::Tick now = 1000;
    HugeMemory memory;
    flow::Table table;
};

/// The same in rte_hash.
struct HashedFlows {
    HashedFlows(net::Family family, std::uint32_t flows)
        : maker(family)
        , order(shuffled(flows, 1))
        , count(flows)
        , hash(capacity_for(flows)) {
        if (!hash.valid()) return;
        for (std::uint32_t number = 0; number < count; ++number) {
            flow::Key key;
            maker.write(number, true, key);
            complete &= hash.add(key);
        }
    }

    KeyMaker maker;
    std::vector<std::uint32_t> order;
    std::uint32_t count;
    HashPeer hash;
    bool complete = true;
};

std::shared_ptr<void> kept_world;

/// The one made last is kept: google-benchmark calls a function several times to find out how long it takes. No more
/// than one: each is up to 1.8 GB.
template <typename World> World& world_of(net::Family family, std::uint32_t count) {
    static net::Family kept_family;
    static World* mine = nullptr;
    if (mine == nullptr || kept_world.get() != mine || mine->count != count || kept_family != family) {
        kept_world.reset();
        auto made = std::make_shared<World>(family, count);
        mine = made.get();
        kept_family = family;
        kept_world = made;
    }
    return *mine;
}

HashedFlows* hashed_flows(benchmark::State& state, net::Family family) {
    auto& world = world_of<HashedFlows>(family, static_cast<std::uint32_t>(state.range(0)));
    if (world.hash.valid() && world.complete) return &world;
    state.SkipWithError("not enough hugepages for rte_hash: raise vm.nr_hugepages");
    return nullptr;
}

/// What google-benchmark's own columns say is about a burst, or a chunk of flows: this is about one.
void say_time_each(benchmark::State& state, std::uint32_t per_iteration) {
    state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations()) * per_iteration,
                                                benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void bursts_done(benchmark::State& state) {
    say_time_each(state, kBurst);
}

// -- look-up

/// What dispatch() and look_up_flows() do, then 16 bytes of state are written into the entry's first line, and with
/// `counted` its packets and bytes into the second.
void table_hit(benchmark::State& state, net::Family family, bool counted) {
    auto& world = world_of<Flows>(family, static_cast<std::uint32_t>(state.range(0)));
    Round round(world.order);
    flow::Key keys[kBurst];
    std::uint64_t hashes[kBurst];
    flow::Index found[kBurst];
    std::uint64_t missed = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (flow::Key& key : keys)
            world.maker.write(round.next(), true, key);
        for (unsigned i = 0; i < kBurst; ++i)
            hashes[i] = world.table.hash_of(keys[i]);
        world.table.find_batch(keys, hashes, kBurst, found);
        for (const flow::Index index : found) {
            if (index == flow::kNone) {
                ++missed;
                continue;
            }
            flow::Entry& entry = world.table.entry(index);
            entry.last_seen_tick.store(world.now);
            entry.timeout_ticks.store(kLong);
            entry.epoch.store(1);
            entry.rule_slot.store(1);
            if (counted) entry.count(flow::Direction::original, 1, 60);
        }
    }
    if (missed != 0) state.SkipWithError("flows were not found");
    bursts_done(state);
}

void table_miss(benchmark::State& state, net::Family family) {
    auto& world = world_of<Flows>(family, static_cast<std::uint32_t>(state.range(0)));
    Round round(world.order);
    flow::Key keys[kBurst];
    std::uint64_t hashes[kBurst];
    flow::Index found[kBurst];
    for ([[maybe_unused]] auto _ : state) {
        for (flow::Key& key : keys)
            world.maker.write(round.next(), false, key);
        for (unsigned i = 0; i < kBurst; ++i)
            hashes[i] = world.table.hash_of(keys[i]);
        world.table.find_batch(keys, hashes, kBurst, found);
        benchmark::DoNotOptimize(found);
        benchmark::ClobberMemory();
    }
    bursts_done(state);
}

void hash_find(benchmark::State& state, net::Family family, bool present) {
    HashedFlows* world = hashed_flows(state, family);
    if (world == nullptr) return;
    Round round(world->order);
    flow::Key keys[kBurst];
    const flow::Key* pointers[kBurst];
    std::int32_t places[kBurst];
    std::uint64_t hits = 0;
    for (unsigned i = 0; i < kBurst; ++i)
        pointers[i] = &keys[i];
    for ([[maybe_unused]] auto _ : state) {
        for (flow::Key& key : keys)
            world->maker.write(round.next(), present, key);
        world->hash.find(pointers, kBurst, places);
        for (const std::int32_t place : places)
            hits += place >= 0;
    }
    if (hits != (present ? static_cast<std::uint64_t>(state.iterations()) * kBurst : 0))
        state.SkipWithError("rte_hash found other keys than it has");
    bursts_done(state);
}

// -- coming and going

/// Times `work` alone: what has to be put back in between does not count.
class Churn {
  public:
    Churn(benchmark::State& state, std::uint32_t flows)
        : state_(state)
        , chunk_(std::max(kBurst, std::min(flows / 4, 256u << 10) / kBurst * kBurst)) {}
    /// Flows that go and come back in one iteration: as many as the table has caches for, or more.
    [[nodiscard]] std::uint32_t chunk() const { return chunk_; }
    template <typename Work> void time(Work&& work) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        state_.SetIterationTime(took.count());
    }
    void done() { say_time_each(state_, chunk_); }

  private:
    benchmark::State& state_;
    std::uint32_t chunk_;
};

/// `chunk` flows from `round` are opened, as for packets that come in bursts and find none.
void open_flows(Flows& world, Round& round, std::uint32_t chunk, base::Tick timeout) {
    std::uint32_t numbers[kBurst];
    flow::OrientedKey oriented[kBurst]{};
    flow::Key keys[kBurst];
    std::uint64_t hashes[kBurst];
    flow::Index found[kBurst];
    for (std::uint32_t done = 0; done < chunk; done += kBurst) {
        for (unsigned i = 0; i < kBurst; ++i) {
            numbers[i] = round.next();
            world.maker.write(numbers[i], true, keys[i]);
            oriented[i].key = keys[i];
        }
        for (unsigned i = 0; i < kBurst; ++i)
            hashes[i] = world.table.hash_of(keys[i]);
        world.table.find_batch(keys, hashes, kBurst, found);
        world.table.prefetch_free(kBurst);
        for (unsigned i = 0; i < kBurst; ++i) {
            if (found[i] == flow::kNone)
                world.index_of[numbers[i]] = world.table.create(
                    {.key = oriented[i], .hash = hashes[i], .state = flow::State::udp_new, .timeout_ticks = timeout},
                    world.now);
        }
    }
}

void close_flows(Flows& world, Round& round, std::uint32_t chunk) {
    for (std::uint32_t done = 0; done < chunk; ++done)
        world.table.remove(world.index_of[round.next()], flow::EndReason::replaced);
}

void table_insert(benchmark::State& state, net::Family family) {
    auto& world = world_of<Flows>(family, static_cast<std::uint32_t>(state.range(0)));
    Churn churn(state, world.count);
    Round leaving(world.order);
    Round coming(world.order);
    for ([[maybe_unused]] auto _ : state) {
        close_flows(world, leaving, churn.chunk());
        churn.time([&] { open_flows(world, coming, churn.chunk(), kLong); });
    }
    if (world.table.stats().used.load() != world.count) state.SkipWithError("flows were lost");
    churn.done();
}

void table_remove(benchmark::State& state, net::Family family) {
    auto& world = world_of<Flows>(family, static_cast<std::uint32_t>(state.range(0)));
    Churn churn(state, world.count);
    Round leaving(world.order);
    Round coming(world.order);
    for ([[maybe_unused]] auto _ : state) {
        churn.time([&] { close_flows(world, leaving, churn.chunk()); });
        open_flows(world, coming, churn.chunk(), kLong);
    }
    if (world.table.stats().used.load() != world.count) state.SkipWithError("flows were lost");
    churn.done();
}

/// Flows whose time is over, all of them in one slot of the wheel.
void table_expire(benchmark::State& state, net::Family family) {
    auto& world = world_of<Flows>(family, static_cast<std::uint32_t>(state.range(0)));
    Churn churn(state, world.count);
    Round leaving(world.order);
    Round short_lived(world.order);
    Round coming(world.order);
    for ([[maybe_unused]] auto _ : state) {
        close_flows(world, leaving, churn.chunk());
        open_flows(world, short_lived, churn.chunk(), kShort);
        world.now += 3 * kShort;
        const std::uint32_t left = world.count - churn.chunk();
        churn.time([&] {
            while (world.table.stats().used.load() != left)
                world.table.age(world.now, kBurst);
        });
        open_flows(world, coming, churn.chunk(), kLong);
    }
    churn.done();
}

void hash_churn(benchmark::State& state, net::Family family, bool insert) {
    HashedFlows* world = hashed_flows(state, family);
    if (world == nullptr) return;
    Churn churn(state, world->count);
    Round leaving(world->order);
    Round coming(world->order);
    bool right = true;
    flow::Key keys[kBurst];
    const auto through = [&](Round& round, auto&& each) {
        for (std::uint32_t done = 0; done < churn.chunk(); done += kBurst) {
            for (flow::Key& key : keys)
                world->maker.write(round.next(), true, key);
            for (const flow::Key& key : keys)
                right &= each(key);
        }
    };
    const auto remove = [&] { through(leaving, [&](const flow::Key& key) { return world->hash.remove(key); }); };
    const auto add = [&] { through(coming, [&](const flow::Key& key) { return world->hash.add(key); }); };
    for ([[maybe_unused]] auto _ : state) {
        insert ? remove() : churn.time(remove);
        insert ? churn.time(add) : add();
    }
    if (!right) state.SkipWithError("rte_hash refused a key");
    churn.done();
}

// -- the memory's own limit

struct Line {
    std::uint32_t words[16];
};

/// As much memory as N entries take, two lines each, and their buckets.
struct Memory {
    Memory(net::Family, std::uint32_t flows)
        : order(shuffled(flows, 1))
        , count(flows)
        , bucket_count(flows * 10ull / 64 + 1)
        , entry_memory(sizeof(Line) * 2 * flows)
        , bucket_memory(sizeof(Line) * bucket_count)
        , entries(entry_memory.as<Line>())
        , buckets(bucket_memory.as<Line>()) {
        std::mt19937 random(2);
        for (std::size_t b = 0; b < bucket_count; ++b)
            for (std::uint32_t& word : buckets[b].words)
                word = static_cast<std::uint32_t>(random() % count);
    }
    [[nodiscard]] std::size_t bucket_of(std::uint32_t number) const {
        return static_cast<std::size_t>(std::uint64_t{number * 2654435761u} * bucket_count >> 32);
    }

    std::vector<std::uint32_t> order;
    std::uint32_t count;
    std::size_t bucket_count;
    HugeMemory entry_memory;
    HugeMemory bucket_memory;
    Line* entries;
    Line* buckets;
};

/// A random line of each entry, or by way of a random bucket; 32 on their way at once; 16 bytes written.
void memory_lines(benchmark::State& state, bool dependent) {
    auto& world = world_of<Memory>(net::Family::ipv4, static_cast<std::uint32_t>(state.range(0)));
    Round round(world.order);
    std::uint32_t numbers[kBurst];
    for ([[maybe_unused]] auto _ : state) {
        for (std::uint32_t& number : numbers) {
            number = round.next();
            base::prefetch(dependent ? &world.buckets[world.bucket_of(number)] : &world.entries[2 * number]);
        }
        if (dependent) {
            for (std::uint32_t& number : numbers) {
                number = world.buckets[world.bucket_of(number)].words[number & 15];
                base::prefetch(&world.entries[2 * number]);
            }
        }
        for (const std::uint32_t number : numbers) {
            std::uint32_t* words = world.entries[2 * number].words;
            for (unsigned i = 0; i < 4; ++i)
                words[12 + i] = words[i] + number;
        }
        benchmark::ClobberMemory();
    }
    bursts_done(state);
}

// -- which of them there are

using Family = net::Family;

void add(const std::string& name, std::uint32_t count, const std::function<void(benchmark::State&)>& run,
         bool manual = false) {
    auto* one = benchmark::RegisterBenchmark(name.c_str(), run)->Arg(count)->MinTime(0.3);
    if (manual) one->UseManualTime();
}

/// In the order that needs the fewest tables to be filled.
void add_all(std::uint32_t count) {
    add("memory/one_line", count, [](auto& state) { memory_lines(state, false); });
    add("memory/two_lines", count, [](auto& state) { memory_lines(state, true); });
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const std::string name = family == Family::ipv4 ? "ipv4" : "ipv6";
        add("table/hit/" + name, count, [=](auto& state) { table_hit(state, family, false); });
        add("table/hit_and_count/" + name, count, [=](auto& state) { table_hit(state, family, true); });
        add("table/miss/" + name, count, [=](auto& state) { table_miss(state, family); });
        add(
            "table/insert/" + name, count, [=](auto& state) { table_insert(state, family); }, true);
        add(
            "table/remove/" + name, count, [=](auto& state) { table_remove(state, family); }, true);
        add(
            "table/expire/" + name, count, [=](auto& state) { table_expire(state, family); }, true);
        add("rte_hash/hit/" + name, count, [=](auto& state) { hash_find(state, family, true); });
        add("rte_hash/miss/" + name, count, [=](auto& state) { hash_find(state, family, false); });
        add(
            "rte_hash/insert/" + name, count, [=](auto& state) { hash_churn(state, family, true); }, true);
        add(
            "rte_hash/remove/" + name, count, [=](auto& state) { hash_churn(state, family, false); }, true);
    }
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    try {
        start_eal();
        for (const std::uint32_t count : {1'000u, 100'000u, 1'000'000u, 10'000'000u})
            add_all(count);
        benchmark::RunSpecifiedBenchmarks();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "flow_bench: %s\n", error.what());
        return 1;
    }
    if (!HugeMemory::set_aside_only)
        std::fprintf(stderr, "flow_bench: some of the memory is on pages that madvise() asked for, not on hugepages\n");
    benchmark::Shutdown();
    return 0;
}
