// What the classifier costs a packet, by rules: bursts of 32 queries over 65,536 different ones, spread over the rules
// as traffic that asks all of them. The access list is the one of tools/benchlab/rules.py. Larger and more varied sets,
// beside other designs: tools/bench classifier.
//
// masks_calm and masks_attacked: rules with 625 different pairs of prefix lengths, asked by 64 packets again and again,
// and by an attacker who knows them all: each packet goes to the edge of another rule.
//
//     build/tests/bench/classify_bench
#include "classifier/project.hpp"

#include "rule_sets/random.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>

namespace {

using namespace sluice;
using namespace sluice::bench;
using rule_sets::Packet;
using rule_sets::Random;
using rule_sets::Rule;
using rule_sets::RuleSet;
using rule_sets::Trace;

constexpr std::uint32_t kClients = 10u << 24 | 16u << 16; // 10.16.0.0
constexpr std::uint32_t kServers = 10u << 24 | 32u << 16; // 10.32.0.0
constexpr std::uint32_t kBlock = 16;                      // servers that a rule is about
constexpr net::PortRange kPorts{80, 95};
constexpr std::uint32_t kQueries = 65'536;
constexpr std::uint8_t kUdp = 17;

net::IpAddress address_of(std::uint32_t number) {
    net::IpAddress address;
    for (unsigned byte = 0; byte < 4; ++byte)
        address.bytes[byte] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    return address;
}

Rule to_servers(std::uint32_t address, std::uint8_t length, net::PortRange ports) {
    Rule rule;
    rule.protocol = kUdp;
    rule.destination = {address_of(address), length};
    rule.destination_ports = ports;
    return rule;
}

/// Each rule is about a block of servers: its first, its first four, all of it, all of it at one port; the last rule
/// takes the rest.
RuleSet access_list(std::uint32_t count) {
    RuleSet set;
    for (std::uint32_t number = 0; number + 1 < count; ++number) {
        const std::uint32_t block = kServers + kBlock * number;
        const auto port = static_cast<std::uint16_t>(kPorts.first + number / 4 % 16);
        switch (number % 4) {
        case 0: set.rules.push_back(to_servers(block, 32, kPorts)); break;
        case 1: set.rules.push_back(to_servers(block, 30, kPorts)); break;
        case 2: set.rules.push_back(to_servers(block, 28, kPorts)); break;
        default: set.rules.push_back(to_servers(block, 28, {port, port})); break;
        }
    }
    set.rules.push_back(to_servers(kServers, 12, kPorts));
    return set;
}

Trace to_all_servers(std::uint32_t rules) {
    Random random(1);
    const std::size_t servers = std::size_t{std::bit_ceil(std::max(rules, 2u) - 1)} * kBlock;
    Trace trace(kQueries);
    for (Packet& packet : trace) {
        packet.protocol = kUdp;
        packet.source = address_of(kClients + static_cast<std::uint32_t>(rule_sets::below(random, 65'536)));
        packet.destination = address_of(kServers + static_cast<std::uint32_t>(rule_sets::below(random, servers)));
        packet.source_port = static_cast<std::uint16_t>(1024 + rule_sets::below(random, 60'000));
        packet.destination_port = static_cast<std::uint16_t>(kPorts.first + rule_sets::below(random, 16));
    }
    return trace;
}

constexpr std::uint8_t kShortest = 8; // prefix
constexpr unsigned kLengths = 25;     // prefix lengths, of sources and of destinations

/// Rule n has the n-th pair of prefix lengths, and a range of ports; the last one takes the rest.
RuleSet many_masks(std::uint32_t count) {
    Random random(2);
    const auto masked = [&random](std::uint8_t length) {
        return static_cast<std::uint32_t>(random()) & ~std::uint32_t{0} << (32 - length);
    };
    RuleSet set;
    for (std::uint32_t number = 0; number + 1 < count; ++number) {
        const auto from = static_cast<std::uint8_t>(kShortest + number % kLengths);
        const auto to = static_cast<std::uint8_t>(kShortest + number / kLengths % kLengths);
        const auto port = static_cast<std::uint16_t>(random());
        const auto last = static_cast<std::uint16_t>(std::min(65'535u, port + (1u << number % 12)));
        set.rules.push_back(to_servers(masked(to), to, {port, last}));
        set.rules.back().source = {address_of(masked(from)), from};
    }
    set.rules.push_back(to_servers(0, 0, {}));
    return set;
}

/// Each goes to the edge of another rule, or a step beside it.
Trace edges_of(const RuleSet& set, std::size_t count) {
    Random random(3);
    Trace trace;
    for (std::size_t i = 0; i < count; ++i) {
        const Rule& rule = set.rules[i * 7919 % set.rules.size()];
        trace.push_back(i % 4 == 0 ? beside(random, rule) : corner(random, rule));
    }
    return trace;
}

void ask(benchmark::State& state, const RuleSet& set, const Trace& trace) {
    Project project(set, ruleset::best_kernel());
    project.load(trace);
    std::size_t at = 0;
    std::uint32_t results[kBatch];
    std::uint64_t unmatched = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto count = static_cast<unsigned>(std::min<std::size_t>(kBatch, trace.size() - at));
        project.classify(at, count, results);
        at = at + count == trace.size() ? 0 : at + count;
        unmatched += static_cast<std::uint64_t>(std::count(results, results + count, 0u));
    }
    if (unmatched != 0) state.SkipWithError("queries matched no rule");
    state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations()) * kBatch,
                                                benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void classify(benchmark::State& state) {
    const auto rules = static_cast<std::uint32_t>(state.range(0));
    ask(state, access_list(rules), to_all_servers(rules));
}

void masks_calm(benchmark::State& state) {
    const RuleSet set = many_masks(static_cast<std::uint32_t>(state.range(0)));
    ask(state, set, edges_of(set, 64));
}

void masks_attacked(benchmark::State& state) {
    const RuleSet set = many_masks(static_cast<std::uint32_t>(state.range(0)));
    ask(state, set, edges_of(set, kQueries));
}

BENCHMARK(classify)->Arg(1)->Arg(100)->Arg(1'000)->Arg(10'000)->MinTime(0.3);
BENCHMARK(masks_calm)->Arg(100)->Arg(1'000)->Arg(10'000)->MinTime(0.3);
BENCHMARK(masks_attacked)->Arg(100)->Arg(1'000)->Arg(10'000)->MinTime(0.3);

} // namespace

BENCHMARK_MAIN();
