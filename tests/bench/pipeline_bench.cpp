// What the stages cost a packet, with all of the memory around it: of an established flow, N two-way flows in random
// order, and of connections that begin and end, as many as a worker has to forget in the end. Frames lie in memory as a
// port would leave them. No port, so that what is measured is the pipeline's own.
//
//     build/tests/bench/pipeline_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
#include "base/clock.hpp"
#include "pipeline/pipeline.hpp"
#include "support/handmade_ruleset.hpp"
#include "support/packet_builder.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include <sys/mman.h>

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

struct Stage {
    const char* name;
    void (*run)(pipeline::Batch&, pipeline::Context&);
};
constexpr Stage kStageList[] = {
    {"parse", [](pipeline::Batch& batch, pipeline::Context& context) { pipeline::parse(batch, context); }},
    {"reassemble", pipeline::reassemble},
    {"untracked", pipeline::judge_untracked},
    {"dispatch", [](pipeline::Batch& batch, pipeline::Context& context) { pipeline::dispatch(batch, context); }},
    {"look_up", [](pipeline::Batch& batch, pipeline::Context& context) { pipeline::look_up_flows(batch, context); }},
    {"tracked", pipeline::judge_tracked},
};
constexpr std::size_t kStages = std::size(kStageList);

/// A worker's part of the pipeline, and packets for it.
class Traffic {
  public:
    /// The next batch of the trace, through all stages.
    void step() {
        receive();
        pipeline::run(batch_, context_);
    }

    /// The same stage by stage, with the cycles that each takes added to `cycles`.
    void step(std::array<std::uint64_t, kStages>& cycles) {
        receive();
        std::uint64_t before = base::cycles();
        for (std::size_t i = 0; i < kStages; ++i) {
            kStageList[i].run(batch_, context_);
            const std::uint64_t after = base::cycles();
            cycles[i] += after - before;
            before = after;
        }
    }

    [[nodiscard]] std::uint64_t dropped() const {
        std::uint64_t sum = 0;
        for (const auto& drop : counters_.drops)
            sum += drop.load();
        return sum;
    }

  protected:
    Traffic(Kind kind, std::uint32_t capacity, std::size_t frames, const test_support::RulesetFields& fields)
        : kind_(kind)
        , ruleset_(test_support::make_ruleset(fields)) {
        flow::Config config;
        config.capacity = capacity;
        config.seed = {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}};
        memory_ = allocate(flow::Table::memory_size(config.capacity));
        table_ = std::make_unique<flow::Table>(std::span(memory_.get(), flow::Table::memory_size(config.capacity)),
                                               config, 1000);
        context_.ruleset = ruleset_.get();
        context_.flows = table_.get();
        context_.counters = &counters_;
        context_.rule_counters = {rule_counters_, 4};
        context_.now = 1000;
        frames_ = allocate(frames * kFrameRoom);
    }

    struct Segment {
        bool from_client = true;
        std::uint8_t flags = 0;
        std::uint32_t sequence = 0;
        std::uint32_t acknowledgment = 0;
        std::size_t data = 0;
    };

    [[nodiscard]] Bytes frame(std::uint32_t number, const Segment& segment) const {
        std::string client;
        for (const unsigned part : {10u, number >> 16 & 255, number >> 8 & 255, number & 255})
            client += (client.empty() ? "" : ".") + std::to_string(part);
        std::string server = "192.0.2.1";
        if (kind_ == Kind::tcp_ipv6) {
            client = "2001:db8::" + client;
            server = "2001:db8:1::1";
        }
        PacketBuilder builder;
        builder.ip(segment.from_client ? client.c_str() : server.c_str(),
                   segment.from_client ? server.c_str() : client.c_str());
        const std::uint16_t source = segment.from_client ? 40'000 : 80;
        const std::uint16_t destination = segment.from_client ? 80 : 40'000;
        if (kind_ == Kind::udp)
            builder.udp({.source_port = source, .destination_port = destination});
        else
            builder.tcp({.source_port = source,
                         .destination_port = destination,
                         .flags = segment.flags,
                         .sequence = segment.sequence,
                         .acknowledgment = segment.acknowledgment});
        builder.payload_size(segment.data);
        return builder.pad_to(60).build();
    }

    void keep(const Bytes& bytes, std::uint16_t port) {
        std::byte* room = frames_.get() + packets_.size() * kFrameRoom;
        std::memcpy(room, bytes.data(), bytes.size());
        packets_.push_back({room, static_cast<std::uint16_t>(bytes.size()), port});
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

    flow::Table& table() { return *table_; }
    pipeline::Context& context() { return context_; }
    std::vector<Packet>& packets() { return packets_; }

  private:
    void receive() {
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
    }

    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    using Memory = std::unique_ptr<std::byte, Free>;

    static Memory allocate(std::size_t size) {
        constexpr std::size_t kHugePage = std::size_t{2} << 20;
        const std::size_t rounded = (size + kHugePage - 1) / kHugePage * kHugePage;
        Memory memory(static_cast<std::byte*>(std::aligned_alloc(kHugePage, rounded)));
        madvise(memory.get(), rounded, MADV_HUGEPAGE); // as an appliance has it
        std::memset(memory.get(), 0, rounded);
        return memory;
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

/// N established flows, and a packet of each in both directions that leaves them as they are.
class EstablishedFlows : public Traffic {
  public:
    EstablishedFlows(Kind kind, std::uint32_t flows)
        : Traffic(kind, flows + flows / 4 + 64, std::size_t{flows} * 2, {}) {
        for (std::uint32_t i = 0; i < flows; ++i)
            establish(i);
        std::shuffle(packets().begin(), packets().end(), std::mt19937(1));
    }

    void end_round() {}

  private:
    void establish(std::uint32_t number) {
        pass(frame(number, {true, kSyn, 1'000, 0}), kClients);
        pass(frame(number, {false, kSyn | kAck, 5'000, 1'001}), kServers);
        const Bytes client = frame(number, {true, kAck, 1'001, 5'001});
        const Bytes server = frame(number, {false, kAck, 5'001, 1'001});
        pass(client, kClients);
        pass(server, kServers);
        keep(client, kClients);
        keep(server, kServers);
    }
};

/// N connections from SYN to the last ACK, again and again: a batch has a quarter of its packets from each of four
/// steps of as many connections, and comes from the clients and from the servers in turn.
class Connections : public Traffic {
  public:
    Connections(Kind kind, std::uint32_t connections)
        : Traffic(kind, kCapacity, std::size_t{connections} * 8, rules()) {
        constexpr std::uint32_t kAtOnce = pipeline::kBatchSize / 4;
        constexpr std::uint32_t kLag = 4; // batches from what is said to what is answered
        const std::uint32_t bursts = connections / kAtOnce;
        for (std::uint32_t burst = 0; burst < bursts; ++burst) {
            for (const std::uint32_t number : {0u, 2u, 5u, 7u, 1u, 3u, 4u, 6u}) {
                const std::uint32_t begun = (burst + bursts - number * kLag) % bursts * kAtOnce;
                for (std::uint32_t i = begun; i < begun + kAtOnce; ++i)
                    keep(frame(i, kSteps[number]), kSteps[number].from_client ? kClients : kServers);
            }
        }
        // Those that the end of the trace begins end at its beginning: only from the second time on are all complete.
        for (std::uint32_t burst = 0; burst < bursts; ++burst) {
            step();
            step();
            end_round();
        }
    }

    /// What the worker does behind both ports' bursts, at half a million connections a second.
    void end_round() {
        constexpr unsigned kRoundsATick = 62;
        if (++rounds_ % kRoundsATick == 0) ++context().now;
        table().age(context().now, 32 + 2 * 2 * pipeline::kBatchSize);
    }

  private:
    static constexpr std::uint32_t kCapacity = 800'000;
    static constexpr Segment kSteps[8] = {{true, kSyn, 1'000, 0},
                                          {false, kSyn | kAck, 5'000, 1'001},
                                          {true, kAck, 1'001, 5'001, 6},
                                          {false, kAck, 5'001, 1'007},
                                          {false, kAck, 5'001, 1'007, 6},
                                          {true, kFin | kAck, 1'007, 5'007},
                                          {false, kFin | kAck, 5'007, 1'008},
                                          {true, kAck, 1'008, 5'008}};

    static test_support::RulesetFields rules() {
        test_support::RulesetFields fields;
        fields.profiles[0].ticks[static_cast<std::size_t>(flow::TimeoutClass::tcp_closing)] = 100;
        return fields;
    }

    unsigned rounds_ = 0;
};

template <typename Trace> void whole(benchmark::State& state, Kind kind) {
    Trace trace(kind, static_cast<std::uint32_t>(state.range(0)));
    const std::uint64_t before = trace.dropped();
    for ([[maybe_unused]] auto _ : state) {
        trace.step();
        trace.step();
        trace.end_round();
    }
    if (trace.dropped() != before) state.SkipWithError("packets were dropped that should have passed");
    state.SetItemsProcessed(state.iterations() * 2 * static_cast<std::int64_t>(pipeline::kBatchSize));
}

/// Nanoseconds a packet by stage. Reading the clock costs each stage about one more.
template <typename Trace> void staged(benchmark::State& state, Kind kind) {
    Trace trace(kind, static_cast<std::uint32_t>(state.range(0)));
    std::array<std::uint64_t, kStages> cycles{};
    std::uint64_t ageing = 0;
    const std::uint64_t start = base::cycles();
    const auto begin = std::chrono::steady_clock::now();
    for ([[maybe_unused]] auto _ : state) {
        trace.step(cycles);
        trace.step(cycles);
        const std::uint64_t before = base::cycles();
        trace.end_round();
        ageing += base::cycles() - before;
    }
    const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - begin;
    const double scale = passed.count() / static_cast<double>(base::cycles() - start) /
                         static_cast<double>(state.iterations() * 2 * pipeline::kBatchSize);
    for (std::size_t i = 0; i < kStages; ++i)
        state.counters[kStageList[i].name] = static_cast<double>(cycles[i]) * scale;
    state.counters["ageing"] = static_cast<double>(ageing) * scale;
}

constexpr auto established = whole<EstablishedFlows>;
BENCHMARK_CAPTURE(established, udp, Kind::udp)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(established, tcp, Kind::tcp)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(established, tcp_ipv6, Kind::tcp_ipv6)->Arg(1'000)->Arg(100'000);
constexpr auto connections = whole<Connections>;
BENCHMARK_CAPTURE(connections, tcp, Kind::tcp)->Arg(10'000)->Arg(100'000);

constexpr auto by_stage = staged<EstablishedFlows>;
BENCHMARK_CAPTURE(by_stage, udp, Kind::udp)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(by_stage, tcp, Kind::tcp)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
constexpr auto connections_by_stage = staged<Connections>;
BENCHMARK_CAPTURE(connections_by_stage, tcp, Kind::tcp)->Arg(10'000)->Arg(100'000);

} // namespace

BENCHMARK_MAIN();
