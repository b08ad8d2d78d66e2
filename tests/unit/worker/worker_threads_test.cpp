// Workers on threads of their own, with a flood between them and reloads above them. Under TSan this shows that nothing
// they share is raced for; run anywhere it shows that no packet is lost or counted twice.
#include "support/handmade_ruleset.hpp"
#include "support/memory_appliance.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::worker {
namespace {

using namespace std::chrono_literals;
using telemetry::DropReason;
using telemetry::WorkerCounters;
using test_support::MemoryAppliance;
using test_support::MemoryFrame;
using test_support::PacketBuilder;

/// Runs every worker on a thread until stop().
class Threads {
  public:
    explicit Threads(MemoryAppliance& appliance)
        : appliance_(appliance) {
        for (std::size_t w = 0; w < appliance.worker_count(); ++w) {
            threads_.emplace_back([&appliance, w] { appliance.loop(w).run(); });
        }
    }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    ~Threads() { stop(); }

    void stop() {
        for (std::size_t w = 0; w < threads_.size(); ++w) {
            appliance_.loop(w).request_stop();
        }
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

  private:
    MemoryAppliance& appliance_;
    std::vector<std::thread> threads_;
};

/// Waits until `happened` or a minute has passed.
template <typename Condition> bool wait_for(Condition happened) {
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    while (!happened()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// Flows of both directions, half of them received by a worker that does not own them.
void put_flood(MemoryAppliance& appliance, unsigned packets) {
    for (unsigned i = 0; i < packets; ++i) {
        const auto client = static_cast<std::uint16_t>(1000 + i % 500);
        const bool answer = i / 500 % 2 == 1;
        auto frame =
            answer ? PacketBuilder().ip("10.0.0.2", "10.0.0.1").udp({.source_port = 53, .destination_port = client})
                   : PacketBuilder().ip("10.0.0.1", "10.0.0.2").udp({.source_port = client, .destination_port = 53});
        appliance.ports().put_in(answer ? 1 : 0, static_cast<std::uint16_t>(i % appliance.worker_count()),
                                 frame.build());
    }
}

TEST(WorkerThreads, AFloodIsAccountedForToTheLastPacket) {
    for (const std::uint16_t transmit_queues : {std::uint16_t{2}, std::uint16_t{1}}) {
        constexpr unsigned kPackets = 40'000;
        test_support::MemoryApplianceOptions options;
        options.workers = 2;
        options.transmit_queues = transmit_queues;
        options.ring_capacity = 64; // small enough to be full now and then
        MemoryAppliance appliance(options);
        const auto ruleset = test_support::make_ruleset({});
        appliance.publish(*ruleset);
        put_flood(appliance, kPackets);
        {
            Threads threads(appliance);
            EXPECT_TRUE(wait_for([&] { return appliance.sum(&WorkerCounters::received_packets) == kPackets; }));
        }
        appliance.drain();
        EXPECT_EQ(appliance.broken_account(), "");
        EXPECT_EQ(appliance.ports().count(MemoryFrame::Fate::taken), 0u);
        EXPECT_EQ(appliance.sum(&WorkerCounters::forwarded_packets), appliance.ports().count(MemoryFrame::Fate::sent));
        EXPECT_EQ(appliance.drops(), appliance.drops(DropReason::handoff_full) + appliance.drops(DropReason::shutdown));
        EXPECT_GT(appliance.sum(&WorkerCounters::handed_off_packets), 0u);
        EXPECT_LE(appliance.flow_count(), 500u);
    }
}

TEST(WorkerThreads, ReloadsUnderLoadFreeTheOldRuleset) {
    constexpr unsigned kPackets = 40'000;
    test_support::MemoryApplianceOptions options;
    options.workers = 2;
    options.ring_capacity = 4096;
    MemoryAppliance appliance(options);
    test_support::RulesetFields fields;
    auto ruleset = test_support::make_ruleset(fields);
    appliance.publish(*ruleset);
    put_flood(appliance, kPackets);
    Threads threads(appliance);
    unsigned reloads = 0;
    while (reloads < 50 || appliance.sum(&WorkerCounters::received_packets) < kPackets) {
        ++fields.epoch;
        auto next = test_support::make_ruleset(fields);
        appliance.publish(*next);
        ASSERT_TRUE(appliance.domain().synchronize(30s)) << "workers report between rounds";
        ruleset = std::move(next); // frees the one before
        ASSERT_LT(++reloads, 1'000'000u);
    }
    // Every worker takes the last one up.
    EXPECT_TRUE(wait_for([&] {
        return appliance.counters(0).epoch.load() == fields.epoch && appliance.counters(1).epoch.load() == fields.epoch;
    }));
    threads.stop();
    appliance.drain();
    EXPECT_EQ(appliance.broken_account(), "");
    EXPECT_EQ(appliance.drops(), appliance.drops(DropReason::shutdown) + appliance.drops(DropReason::handoff_full))
        << "a reload loses nothing";
    // A worker that has stopped is waited for no longer.
    EXPECT_TRUE(appliance.domain().synchronize(0ms));
}

TEST(WorkerThreads, AnIdleWorkerThatSleepsStillReportsAndStops) {
    test_support::MemoryApplianceOptions options;
    options.sleep_when_idle = true;
    MemoryAppliance appliance(options);
    const auto ruleset = test_support::make_ruleset({});
    appliance.publish(*ruleset);
    Threads threads(appliance);
    EXPECT_TRUE(wait_for([&] { return appliance.counters(0).loops.load() > 1000; }));
    EXPECT_TRUE(appliance.domain().synchronize(30s));
    EXPECT_GT(appliance.counters(0).all_cycles.load(), 0u);
    EXPECT_EQ(appliance.counters(0).busy_cycles.load(), 0u) << "nothing came";
    threads.stop();
}

} // namespace
} // namespace sluice::worker
