// What a SYN costs that is answered with a cookie, and an ACK that has a wrong one: all stages of the pipeline, without
// ports. Answers are written over the packets, so each batch is copied from a trace first, which is measured alone too.
//
//     build/tests/bench/syn_cookie_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
#include "pipeline/pipeline.hpp"
#include "pipeline/syn_proxy.hpp"
#include "support/handmade_ruleset.hpp"
#include "support/packet_builder.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

using namespace sluice;
using namespace net::tcp_flag;
using test_support::Bytes;
using test_support::PacketBuilder;

constexpr std::uint32_t kPackets = 65'536; // of so many clients
constexpr std::size_t kFrameRoom = 128;

enum class What : std::uint8_t { copy, syn_sent_again, syn_with_cookie, wrong_cookie };

class Flood {
  public:
    Flood(What what, bool ipv4)
        : what_(what)
        , ruleset_(test_support::make_ruleset({}))
        , proxy_(flow::CookieKey{{1, 2}}) {
        flow::Config config;
        config.capacity = 262'144;
        config.syn_cookies = what == What::syn_sent_again ? flow::SynCookies::never : flow::SynCookies::always;
        config.seed = {{1, 2, 3, 4}};
        const std::size_t size = (flow::Table::memory_size(config.capacity) + 63) / 64 * 64;
        memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, size)));
        std::memset(memory_.get(), 0, size);
        table_ = std::make_unique<flow::Table>(std::span(memory_.get(), size), config, 1000);
        context_.ruleset = ruleset_.get();
        context_.flows = table_.get();
        context_.syn_proxy = &proxy_;
        context_.counters = &counters_;
        context_.rule_counters = {rule_counters_, 4};
        context_.now = 1000;
        for (std::uint32_t i = 0; i < kPackets; ++i)
            add(i, ipv4);
        if (what == What::wrong_cookie) {
            step_as(kSyn);
            step_as(kAck);
        }
    }

    void step() {
        for (unsigned i = 0; i < pipeline::kBatchSize; ++i) {
            const std::size_t at = (next_++ % kPackets) * kFrameRoom;
            std::memcpy(room_ + i * kFrameRoom, trace_.data() + at, kFrameRoom);
            batch_.data[i] = room_ + i * kFrameRoom;
            batch_.length[i] = length_;
            batch_.port[i] = 0;
            batch_.checksum[i] = pipeline::Checksum::unknown;
            batch_.arrival[i] = pipeline::Arrival::port;
        }
        batch_.count = pipeline::kBatchSize;
        if (what_ != What::copy) pipeline::run(batch_, context_);
    }

    [[nodiscard]] std::uint64_t cookies() const { return counters_.cookies_sent.load(); }
    [[nodiscard]] std::uint64_t refused() const { return counters_.cookies_refused.load(); }

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };

    void add(std::uint32_t number, bool ipv4) {
        std::string client = std::to_string(number >> 8) + "." + std::to_string(number & 255);
        client = ipv4 ? "10.0." + client : "2001:db8::10.0." + client;
        const bool syn = what_ != What::wrong_cookie;
        const Bytes frame = PacketBuilder()
                                .ip(client.c_str(), ipv4 ? "192.0.2.1" : "2001:db8:1::1")
                                .tcp({.flags = syn ? kSyn : kAck,
                                      .sequence = number,
                                      .acknowledgment = number,
                                      .options = test_support::bytes({2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7})})
                                .pad_to(60)
                                .build();
        length_ = static_cast<std::uint16_t>(frame.size());
        trace_.resize((number + std::size_t{1}) * kFrameRoom);
        std::memcpy(trace_.data() + number * kFrameRoom, frame.data(), frame.size());
    }

    /// One packet with other flags, so that answers are awaited.
    void step_as(std::uint8_t flags) {
        Bytes frame = PacketBuilder().ip("10.9.9.9", "192.0.2.1").tcp({.flags = flags}).pad_to(60).build();
        batch_.count = 1;
        batch_.data[0] = frame.data();
        batch_.length[0] = static_cast<std::uint16_t>(frame.size());
        batch_.port[0] = 0;
        batch_.checksum[0] = pipeline::Checksum::unknown;
        batch_.arrival[0] = pipeline::Arrival::port;
        pipeline::run(batch_, context_);
    }

    What what_;
    std::unique_ptr<const ruleset::Ruleset> ruleset_;
    std::unique_ptr<std::byte, Free> memory_;
    std::unique_ptr<flow::Table> table_;
    pipeline::SynProxy proxy_;
    telemetry::WorkerCounters counters_;
    telemetry::RuleCounters rule_counters_[4];
    pipeline::Context context_;
    pipeline::Batch batch_{};
    alignas(64) std::byte room_[pipeline::kBatchSize * kFrameRoom];
    std::vector<std::byte> trace_;
    std::uint16_t length_ = 0;
    std::size_t next_ = 0;
};

void flood(benchmark::State& state, What what, bool ipv4) {
    Flood flood(what, ipv4);
    for ([[maybe_unused]] auto _ : state)
        flood.step();
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pipeline::kBatchSize));
    if (what == What::syn_with_cookie && flood.cookies() < static_cast<std::uint64_t>(state.iterations()))
        state.SkipWithError("no cookies were sent");
    if (what == What::wrong_cookie && flood.refused() < static_cast<std::uint64_t>(state.iterations()))
        state.SkipWithError("no cookie was refused");
}

BENCHMARK_CAPTURE(flood, copy, What::copy, true);
BENCHMARK_CAPTURE(flood, syn_with_cookie, What::syn_with_cookie, true);
BENCHMARK_CAPTURE(flood, syn_with_cookie_ipv6, What::syn_with_cookie, false);
BENCHMARK_CAPTURE(flood, wrong_cookie, What::wrong_cookie, true);
BENCHMARK_CAPTURE(flood, syn_sent_again, What::syn_sent_again, true);

} // namespace

BENCHMARK_MAIN();
