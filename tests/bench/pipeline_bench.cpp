// What the stages cost a packet of an established flow, with all of its memory around: N two-way flows, packets in
// random order, frames in memory as a port would leave them. No port, so that what is measured is the pipeline's own.
//
//     build/tests/bench/pipeline_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
#include "pipeline/pipeline.hpp"
#include "support/handmade_ruleset.hpp"
#include "support/packet_builder.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace {

using namespace sluice;
using namespace net::tcp_flag;
using test_support::Bytes;
using test_support::PacketBuilder;

enum class Kind : std::uint8_t { udp, tcp, tcp_ipv6 };

constexpr std::uint16_t kClients = 0;
constexpr std::uint16_t kServers = 1;
constexpr std::size_t kFrameRoom = 128; // every frame in lines of its own

struct Packet {
    std::byte* data;
    std::uint16_t length;
    std::uint16_t port;
};

/// N established flows, and a packet of each in both directions that leaves them as they are.
class Traffic {
  public:
    Traffic(Kind kind, std::uint32_t flows)
        : kind_(kind)
        , ruleset_(test_support::make_ruleset({})) {
        flow::Config config;
        config.capacity = flows + flows / 4 + 64;
        config.seed = {{1, 2, 3, 4}};
        memory_ = allocate(flow::Table::memory_size(config.capacity));
        table_ = std::make_unique<flow::Table>(std::span(memory_.get(), flow::Table::memory_size(config.capacity)),
                                               config, 1000);
        context_.ruleset = ruleset_.get();
        context_.flows = table_.get();
        context_.counters = &counters_;
        context_.rule_counters = {rule_counters_, 4};
        context_.now = 1000;
        frames_ = allocate(std::size_t{flows} * 2 * kFrameRoom);
        for (std::uint32_t i = 0; i < flows; ++i)
            establish(i);
        std::shuffle(packets_.begin(), packets_.end(), std::mt19937(1));
    }

    /// The next batch of the trace, through all stages.
    void step() {
        batch_.count = pipeline::kBatchSize;
        for (unsigned i = 0; i < pipeline::kBatchSize; ++i) {
            const Packet& packet = packets_[next_];
            next_ = next_ + 1 == packets_.size() ? 0 : next_ + 1;
            batch_.data[i] = packet.data;
            batch_.length[i] = packet.length;
            batch_.port[i] = packet.port;
            batch_.checksum[i] = pipeline::Checksum::unknown;
            batch_.arrival[i] = pipeline::Arrival::port;
        }
        pipeline::run(batch_, context_);
    }

    [[nodiscard]] std::uint64_t dropped() const {
        std::uint64_t sum = 0;
        for (const auto& drop : counters_.drops)
            sum += drop.load();
        return sum;
    }

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    using Memory = std::unique_ptr<std::byte, Free>;

    static Memory allocate(std::size_t size) {
        constexpr std::size_t kHugePage = std::size_t{2} << 20;
        const std::size_t rounded = (size + kHugePage - 1) / kHugePage * kHugePage;
        Memory memory(static_cast<std::byte*>(std::aligned_alloc(kHugePage, rounded)));
        std::memset(memory.get(), 0, rounded);
        return memory;
    }

    [[nodiscard]] Bytes frame(std::uint32_t number, bool from_client, std::uint8_t flags, std::uint32_t sequence,
                              std::uint32_t acknowledgment) const {
        const std::array<unsigned, 4> client = {10, number >> 16 & 255, number >> 8 & 255, number & 255};
        std::string text;
        for (const unsigned part : client)
            text += (text.empty() ? "" : ".") + std::to_string(part);
        std::string server = "192.0.2.1";
        if (kind_ == Kind::tcp_ipv6) {
            text = "2001:db8::" + text;
            server = "2001:db8:1::1";
        }
        PacketBuilder builder;
        builder.ip(from_client ? text.c_str() : server.c_str(), from_client ? server.c_str() : text.c_str());
        const std::uint16_t source = from_client ? 40'000 : 80;
        const std::uint16_t destination = from_client ? 80 : 40'000;
        if (kind_ == Kind::udp)
            builder.udp({.source_port = source, .destination_port = destination});
        else
            builder.tcp({.source_port = source,
                         .destination_port = destination,
                         .flags = flags,
                         .sequence = sequence,
                         .acknowledgment = acknowledgment});
        return builder.pad_to(60).build();
    }

    void pass(Bytes bytes, std::uint16_t port) {
        batch_.count = 1;
        batch_.data[0] = bytes.data();
        batch_.length[0] = static_cast<std::uint16_t>(bytes.size());
        batch_.port[0] = port;
        batch_.checksum[0] = pipeline::Checksum::unknown;
        batch_.arrival[0] = pipeline::Arrival::port;
        pipeline::run(batch_, context_);
    }

    void keep(const Bytes& bytes, std::uint16_t port) {
        std::byte* room = frames_.get() + packets_.size() * kFrameRoom;
        std::memcpy(room, bytes.data(), bytes.size());
        packets_.push_back({room, static_cast<std::uint16_t>(bytes.size()), port});
    }

    void establish(std::uint32_t number) {
        pass(frame(number, true, kSyn, 1'000, 0), kClients);
        pass(frame(number, false, kSyn | kAck, 5'000, 1'001), kServers);
        const Bytes client = frame(number, true, kAck, 1'001, 5'001);
        const Bytes server = frame(number, false, kAck, 5'001, 1'001);
        pass(client, kClients);
        pass(server, kServers);
        keep(client, kClients);
        keep(server, kServers);
    }

    Kind kind_;
    std::unique_ptr<const ruleset::Ruleset> ruleset_;
    Memory memory_;
    Memory frames_;
    std::unique_ptr<flow::Table> table_;
    telemetry::WorkerCounters counters_;
    telemetry::RuleCounters rule_counters_[4];
    pipeline::Context context_;
    pipeline::Batch batch_{};
    std::vector<Packet> packets_;
    std::size_t next_ = 0;
};

void established(benchmark::State& state, Kind kind) {
    Traffic traffic(kind, static_cast<std::uint32_t>(state.range(0)));
    const std::uint64_t before = traffic.dropped();
    for ([[maybe_unused]] auto _ : state)
        traffic.step();
    if (traffic.dropped() != before) state.SkipWithError("packets of established flows were dropped");
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pipeline::kBatchSize));
}

BENCHMARK_CAPTURE(established, udp, Kind::udp)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(established, tcp, Kind::tcp)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(established, tcp_ipv6, Kind::tcp_ipv6)->Arg(1'000)->Arg(100'000);

} // namespace

BENCHMARK_MAIN();
