// What becomes of a datagram's fragments between workers, on full rings and queues, and at the end.
#include "support/fragments.hpp"
#include "support/handmade_ruleset.hpp"
#include "support/memory_appliance.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::worker {
namespace {

using telemetry::DropReason;
using telemetry::WorkerCounters;
using test_support::Bytes;
using test_support::fragments_of;
using test_support::MemoryAppliance;
using test_support::MemoryFrame;
using test_support::PacketBuilder;

class WorkerFragments : public testing::Test {
  protected:
    void make(std::uint16_t workers, std::uint32_t ring_capacity = 256, std::uint16_t transmit_queues = 0) {
        test_support::MemoryApplianceOptions options;
        options.workers = workers;
        options.ring_capacity = ring_capacity;
        options.transmit_queues = transmit_queues;
        appliance = std::make_unique<MemoryAppliance>(options);
        appliance->publish(*ruleset);
    }
    void TearDown() override { EXPECT_EQ(appliance->broken_account(), ""); }

    static Bytes datagram(std::uint16_t port = 1000, std::size_t size = 200) {
        return PacketBuilder().ipv4().udp({.source_port = port}).payload_size(size).build();
    }
    MemoryFrame& put(const Bytes& frame, std::uint16_t queue = 0) { return appliance->ports().put_in(0, queue, frame); }
    [[nodiscard]] std::size_t sent() {
        std::size_t count = 0;
        for (std::uint16_t queue = 0; queue < appliance->worker_count(); ++queue) {
            count += appliance->ports().sent(1, queue).size();
        }
        return count;
    }

    std::unique_ptr<const ruleset::Ruleset> ruleset = test_support::make_ruleset({});
    std::unique_ptr<MemoryAppliance> appliance;
};

TEST_F(WorkerFragments, LeaveInTheOrderOfTheirOffsets) {
    make(1);
    const auto frames = fragments_of(datagram(), 64);
    ASSERT_EQ(frames.size(), 4u);
    std::vector<const MemoryFrame*> put_in(4);
    for (const std::size_t i : {3u, 1u, 0u}) {
        put_in[i] = &put(frames[i]);
    }
    const MemoryFrame& other = put(datagram(2000, 10));
    appliance->settle(0);
    EXPECT_EQ(appliance->sum(&WorkerCounters::held_fragments), 3u);
    EXPECT_EQ(appliance->broken_account(), "") << "while some are held";
    put_in[2] = &put(frames[2]);
    const MemoryFrame& after = put(datagram(2001, 10));
    appliance->settle(0);
    const auto& out = appliance->ports().sent(1, 0);
    ASSERT_EQ(out.size(), 6u);
    EXPECT_EQ(out[0], &other);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(out[1 + i], put_in[i]);
    }
    EXPECT_EQ(out[5], &after) << "what came later leaves later";
    EXPECT_EQ(appliance->flow_count(), 3u);
}

TEST_F(WorkerFragments, AsManyAsADatagramMayHaveLeaveTogether) {
    make(1);
    const auto frames = fragments_of(datagram(1000, 64 * 8 - 8), 8);
    ASSERT_EQ(frames.size(), 64u) << "more than a batch";
    for (const Bytes& frame : frames) {
        put(frame);
    }
    appliance->settle(0);
    EXPECT_EQ(sent(), 64u);
}

TEST_F(WorkerFragments, OfManyDatagramsMeetWhoeverReceivesThem) {
    for (const std::uint16_t workers : {std::uint16_t{2}, std::uint16_t{3}, std::uint16_t{8}}) {
        make(workers);
        std::uint16_t queue = 0;
        for (std::uint16_t port = 1000; port < 1040; ++port) {
            for (const Bytes& frame : fragments_of(datagram(port), 64, port)) {
                put(frame, queue++ % workers);
                if (queue % 16 == 0) appliance->settle(0);
            }
        }
        appliance->settle(0);
        EXPECT_EQ(sent(), 160u) << workers;
        EXPECT_EQ(appliance->flow_count(), 40u);
        EXPECT_EQ(appliance->broken_account(), "");
        std::size_t users = 0;
        for (std::uint16_t w = 0; w < workers; ++w) {
            users += appliance->flows(w).stats().used.load() != 0;
        }
        EXPECT_GT(users, 1u) << "flows stay where their owner is";
    }
}

/// By way of a worker with a transmit queue, after judging: three workers may have had them.
TEST_F(WorkerFragments, LeaveByAnothersQueue) {
    make(4, 256, 1);
    for (std::uint16_t port = 1000; port < 1010; ++port) {
        std::uint16_t queue = 0;
        for (const Bytes& frame : fragments_of(datagram(port), 64, port)) {
            put(frame, queue++);
        }
    }
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(1, 0).size(), 40u);
}

TEST_F(WorkerFragments, AFullRingLosesTheRest) {
    make(2, 4);
    for (std::uint16_t port = 1000; port < 1016; ++port) {
        for (const Bytes& frame : fragments_of(datagram(port), 64, port)) {
            put(frame);
        }
    }
    appliance->settle(0);
    EXPECT_GT(appliance->drops(DropReason::handoff_full), 0u);
    EXPECT_EQ(appliance->broken_account(), "");
    appliance->settle(30'000);
    EXPECT_EQ(appliance->sum(&WorkerCounters::held_fragments), 0u);
    EXPECT_EQ(appliance->drops(DropReason::handoff_full) + appliance->drops(DropReason::fragment_timeout) + sent(),
              64u);
}

TEST_F(WorkerFragments, AFullQueueLosesTheRest) {
    make(1);
    appliance->ports().set_transmit_limit(1, 3);
    for (const Bytes& frame : fragments_of(datagram(), 64)) {
        put(frame);
    }
    appliance->settle(0);
    EXPECT_EQ(sent(), 3u);
    EXPECT_EQ(appliance->drops(DropReason::tx_queue_full), 1u);
}

TEST_F(WorkerFragments, AreDroppedWhenTheWorkerStops) {
    make(2);
    for (std::uint16_t port = 1000; port < 1020; ++port) {
        put(fragments_of(datagram(port), 64, port).front(), port % 2);
    }
    appliance->settle(0);
    EXPECT_EQ(appliance->sum(&WorkerCounters::held_fragments), 20u);
    appliance->drain();
    EXPECT_EQ(appliance->sum(&WorkerCounters::held_fragments), 0u);
    EXPECT_EQ(appliance->drops(DropReason::shutdown), 20u);
}

TEST_F(WorkerFragments, TimeOutAFewAtATime) {
    make(1);
    for (std::uint16_t port = 1000; port < 1020; ++port) {
        put(fragments_of(datagram(port), 64, port).front());
    }
    appliance->settle(0);
    EXPECT_EQ(appliance->step(29'999), 0u);
    EXPECT_EQ(appliance->step(30'000), 8u);
    appliance->settle(30'000);
    EXPECT_EQ(appliance->drops(DropReason::fragment_timeout), 20u);
}

} // namespace
} // namespace sluice::worker
