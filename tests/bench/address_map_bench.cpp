// From addresses to what a table of prefixes says of them, in batches of 32: the classifier's maps beside rte_fib
// (DIR-24-8) and rte_fib6 (a trie of 24 bits, then 8 at a time). Sixteen lists share the prefixes in turns; half of the
// addresses lie in a prefix, half anywhere. Before anything is measured, both say the same of every address.
//
// `bytes` is what each takes: the map with its sorted prefixes here, all that was taken from DPDK's heap there.
//
//     build/tests/bench/address_map_bench          (as root, with 3 GiB in hugepages)
#include "bench_eal.hpp"

#include "classifier/side.hpp"
#include "rule_sets/generate.hpp"
#include "rule_sets/random.hpp"
#include "ruleset/address_look_up.hpp"

#include <benchmark/benchmark.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_malloc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

namespace {

using namespace sluice;
using rule_sets::Random;

constexpr unsigned kBatch = ruleset::kLookUpBatch;
constexpr std::size_t kLists = 16;
constexpr std::size_t kAsked = 65'536;

#ifdef __AVX2__
using Lanes = ruleset::Avx2Lanes;
#else
using Lanes = ruleset::ScalarLanes;
#endif

std::vector<net::IpAddress> asked_of(const std::vector<net::Prefix>& prefixes, net::Family family) {
    Random random(1);
    std::vector<net::IpAddress> asked(kAsked);
    for (std::size_t i = 0; i < kAsked; ++i) {
        net::IpAddress& address = asked[i];
        address.family = family;
        const unsigned size = family == net::Family::ipv4 ? 4 : 16;
        for (unsigned byte = 0; byte < size; ++byte)
            address.bytes[byte] = static_cast<std::uint8_t>(random());
        if (i % 2 == 0) {
            const net::Prefix& prefix = prefixes[rule_sets::below(random, prefixes.size())];
            for (unsigned bit = 0; bit < prefix.length; ++bit) {
                const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
                std::uint8_t& byte = address.bytes[bit / 8];
                byte = static_cast<std::uint8_t>((byte & ~mask) | (prefix.address.bytes[bit / 8] & mask));
            }
        } else if (family == net::Family::ipv6) {
            address.bytes[0] = static_cast<std::uint8_t>(0x20 | (address.bytes[0] & 0x1f)); // 2000::/3
        }
    }
    return asked;
}

/// The classifier's side with its sixteen lists.
template <typename Map> class ProjectMap {
  public:
    explicit ProjectMap(const std::vector<net::Prefix>& prefixes) {
        std::vector<std::vector<net::Prefix>> lists(kLists);
        for (std::size_t i = 0; i < prefixes.size(); ++i)
            lists[i % kLists].push_back(prefixes[i]);
        const std::vector<std::span<const net::Prefix>> spans(lists.begin(), lists.end());
        side_ = std::make_unique<classifier::Side<Map>>(spans, std::vector<bool>(kLists, true));
    }

    void load(const std::vector<net::IpAddress>& asked) {
        for (const net::IpAddress& address : asked) {
            std::uint64_t halves[2];
            std::memcpy(halves, address.bytes.data(), sizeof halves);
            upper_.push_back(net::byte_swap(halves[0]));
            lower_.push_back(net::byte_swap(halves[1]));
            short_.push_back(static_cast<std::uint32_t>(upper_.back() >> 32));
        }
    }

    void look_up(std::size_t at, ruleset::Class* classes) const {
        const ruleset::AddressMap map = side_->view();
        if constexpr (std::is_same_v<Map, classifier::Ipv4Map>)
            ruleset::Ipv4LookUp<Lanes>::run(map, &short_[at], kBatch, classes);
        else
            ruleset::Ipv6LookUp<Lanes>::run(map, &upper_[at], &lower_[at], kBatch, classes);
    }

    /// 1 + the list; 0: in none.
    [[nodiscard]] std::uint64_t answer(ruleset::Class class_) const {
        const auto& lists = side_->lists_of(class_);
        return lists.empty() ? 0 : 1 + lists.front();
    }
    [[nodiscard]] std::size_t memory_size() const { return side_->memory_size(); }

  private:
    std::unique_ptr<classifier::Side<Map>> side_;
    std::vector<std::uint64_t> upper_, lower_;
    std::vector<std::uint32_t> short_;
};

/// Bytes of DPDK's heap that are in use.
std::size_t heap_size() {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(static_cast<int>(rte_socket_id()), &stats);
    return stats.heap_allocsz_bytes;
}

/// Tables of 256 entries that prefixes longer than 24 bits need, level by level.
std::uint32_t tables_for(const std::vector<net::Prefix>& prefixes) {
    std::set<std::pair<unsigned, std::array<std::uint8_t, 16>>> tables;
    for (const net::Prefix& prefix : prefixes) {
        for (unsigned bits = 24; bits < prefix.length; bits += 8) {
            std::array<std::uint8_t, 16> upper{};
            std::copy_n(prefix.address.bytes.begin(), bits / 8, upper.begin());
            tables.emplace(bits, upper);
        }
    }
    return static_cast<std::uint32_t>(tables.size() + 256);
}

class FibPeer {
  public:
    FibPeer(const std::vector<net::Prefix>& prefixes, net::Family family)
        : family_(family) {
        const std::size_t before = heap_size();
        const auto routes = static_cast<int>(2 * prefixes.size() + 1024);
        // The trie counts with more than it takes in the end.
        family == net::Family::ipv4 ? create4(routes, tables_for(prefixes)) : create6(routes, 2 * tables_for(prefixes));
        for (std::size_t i = 0; i < prefixes.size() && ok(); ++i) {
            if (!add(prefixes[i], 1 + i % kLists)) failed_ = true;
        }
        memory_size_ = heap_size() - before;
    }
    FibPeer(const FibPeer&) = delete;
    FibPeer& operator=(const FibPeer&) = delete;
    ~FibPeer() {
        rte_fib_free(fib4_);
        rte_fib6_free(fib6_);
    }

    [[nodiscard]] bool ok() const { return !failed_; }
    [[nodiscard]] std::size_t memory_size() const { return memory_size_; }

    void load(const std::vector<net::IpAddress>& asked) {
        for (const net::IpAddress& address : asked) {
            std::uint32_t word;
            std::memcpy(&word, address.bytes.data(), sizeof word);
            short_.push_back(net::byte_swap(word));
            std::copy(address.bytes.begin(), address.bytes.end(), long_.emplace_back().begin());
        }
    }
    void look_up(std::size_t at, std::uint64_t* hops) {
        if (family_ == net::Family::ipv4)
            rte_fib_lookup_bulk(fib4_, &short_[at], hops, kBatch);
        else
            rte_fib6_lookup_bulk(fib6_, reinterpret_cast<std::uint8_t(*)[16]>(&long_[at]), hops, kBatch);
    }

  private:
    void create4(int routes, std::uint32_t tables) {
        rte_fib_conf conf{};
        conf.type = RTE_FIB_DIR24_8;
        conf.max_routes = routes;
        conf.dir24_8 = {RTE_FIB_DIR24_8_4B, tables};
        fib4_ = rte_fib_create("peer4", static_cast<int>(rte_socket_id()), &conf);
        failed_ = fib4_ == nullptr;
    }
    void create6(int routes, std::uint32_t tables) {
        rte_fib6_conf conf{};
        conf.type = RTE_FIB6_TRIE;
        conf.max_routes = routes;
        conf.trie = {RTE_FIB6_TRIE_4B, tables};
        fib6_ = rte_fib6_create("peer6", static_cast<int>(rte_socket_id()), &conf);
        failed_ = fib6_ == nullptr;
    }
    bool add(const net::Prefix& prefix, std::uint64_t hop) {
        std::uint32_t word;
        std::memcpy(&word, prefix.address.bytes.data(), sizeof word);
        return (family_ == net::Family::ipv4
                    ? rte_fib_add(fib4_, net::byte_swap(word), prefix.length, hop)
                    : rte_fib6_add(fib6_, prefix.address.bytes.data(), prefix.length, hop)) == 0;
    }

    net::Family family_;
    rte_fib* fib4_ = nullptr;
    rte_fib6* fib6_ = nullptr;
    bool failed_ = false;
    std::size_t memory_size_ = 0;
    std::vector<std::uint32_t> short_;
    std::vector<std::array<std::uint8_t, 16>> long_;
};

template <typename Map>
constexpr net::Family kFamilyOf = std::is_same_v<Map, classifier::Ipv4Map> ? net::Family::ipv4 : net::Family::ipv6;

template <typename Map> void project(benchmark::State& state) {
    const auto prefixes = rule_sets::generate_prefixes(kFamilyOf<Map>, static_cast<std::size_t>(state.range(0)), 1);
    ProjectMap<Map> map(prefixes);
    map.load(asked_of(prefixes, kFamilyOf<Map>));
    alignas(64) ruleset::Class classes[kBatch];
    std::size_t at = 0;
    for (auto _ : state) {
        map.look_up(at, classes);
        benchmark::DoNotOptimize(classes);
        at = (at + kBatch) % kAsked;
    }
    state.SetItemsProcessed(state.iterations() * kBatch);
    state.counters["bytes"] = static_cast<double>(map.memory_size());
}

/// Whether both say the same of every address.
template <typename Map> bool agree(FibPeer& fib, ProjectMap<Map>& map) {
    for (std::size_t at = 0; at < kAsked; at += kBatch) {
        alignas(64) ruleset::Class classes[kBatch];
        std::uint64_t hops[kBatch];
        map.look_up(at, classes);
        fib.look_up(at, hops);
        for (unsigned i = 0; i < kBatch; ++i)
            if (map.answer(classes[i]) != hops[i]) return false;
    }
    return true;
}

template <typename Map> void rte_fib_of(benchmark::State& state) {
    const auto prefixes = rule_sets::generate_prefixes(kFamilyOf<Map>, static_cast<std::size_t>(state.range(0)), 1);
    const auto asked = asked_of(prefixes, kFamilyOf<Map>);
    FibPeer fib(prefixes, kFamilyOf<Map>);
    if (!fib.ok()) return state.SkipWithError("it has not enough memory: reserve more hugepages");
    fib.load(asked);
    {
        ProjectMap<Map> map(prefixes);
        map.load(asked);
        if (!agree(fib, map)) return state.SkipWithError("it says something else than the classifier's map");
    }
    std::uint64_t hops[kBatch];
    std::size_t at = 0;
    for (auto _ : state) {
        fib.look_up(at, hops);
        benchmark::DoNotOptimize(hops);
        at = (at + kBatch) % kAsked;
    }
    state.SetItemsProcessed(state.iterations() * kBatch);
    state.counters["bytes"] = static_cast<double>(fib.memory_size());
}

void by_prefixes(benchmark::internal::Benchmark* each) {
    each->Arg(10)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
}

BENCHMARK(project<classifier::Ipv4Map>)->Name("address_map/ipv4")->Apply(by_prefixes);
BENCHMARK(rte_fib_of<classifier::Ipv4Map>)->Name("rte_fib/ipv4")->Apply(by_prefixes);
BENCHMARK(project<classifier::Ipv6Map>)->Name("address_map/ipv6")->Apply(by_prefixes);
// A million of them did not fit into 4 GiB.
BENCHMARK(rte_fib_of<classifier::Ipv6Map>)->Name("rte_fib/ipv6")->Arg(10)->Arg(1'000)->Arg(100'000);

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    sluice::bench::start_eal();
    benchmark::RunSpecifiedBenchmarks();
}
