// What parsing one frame costs when the frame is in the first-level cache: the parser's own work, without the memory's.
#include "packet/parse.hpp"
#include "support/packet_builder.hpp"

#include <benchmark/benchmark.h>

#include <array>

namespace {

using namespace sluice;
using test_support::Bytes;
using test_support::PacketBuilder;

constexpr std::size_t kBurst = 32;

/// Parses a burst of copies of `frame`, as the pipeline does.
void parse_burst(benchmark::State& state, const Bytes& frame) {
    const std::array<Bytes, kBurst> frames = [&] {
        std::array<Bytes, kBurst> copies;
        copies.fill(frame);
        return copies;
    }();
    std::array<packet::Parsed, kBurst> parsed;
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < kBurst; ++i)
            packet::parse(frames[i], parsed[i]);
        benchmark::DoNotOptimize(parsed);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst));
}

BENCHMARK_CAPTURE(parse_burst, ipv4_udp, PacketBuilder().ipv4().udp().pad_to(60).build());
BENCHMARK_CAPTURE(parse_burst, ipv4_tcp, PacketBuilder().ipv4().tcp().pad_to(60).build());
BENCHMARK_CAPTURE(parse_burst, ipv4_icmp_echo, PacketBuilder().ipv4().icmp().pad_to(60).build());
BENCHMARK_CAPTURE(parse_burst, ipv4_options,
                  PacketBuilder().ipv4({.options = test_support::bytes({7, 7, 4, 0, 0, 0, 0})}).udp().build());
BENCHMARK_CAPTURE(parse_burst, vlan_ipv4_tcp, PacketBuilder().vlan({.id = 7}).ipv4().tcp().build());
BENCHMARK_CAPTURE(parse_burst, qinq_ipv4_tcp,
                  PacketBuilder().vlan({.id = 7, .tpid = 0x88a8}).vlan({.id = 8}).ipv4().tcp().build());
BENCHMARK_CAPTURE(parse_burst, ipv6_udp, PacketBuilder().ipv6().udp().build());
BENCHMARK_CAPTURE(parse_burst, ipv6_tcp, PacketBuilder().ipv6().tcp().build());
BENCHMARK_CAPTURE(parse_burst, ipv6_three_extensions,
                  PacketBuilder()
                      .ipv6()
                      .extension({.protocol = 0})
                      .extension({.protocol = 43})
                      .extension({.protocol = 60})
                      .tcp()
                      .build());
BENCHMARK_CAPTURE(parse_burst, malformed, PacketBuilder().ipv4({.total_length = 1500}).udp().build());

} // namespace

BENCHMARK_MAIN();
