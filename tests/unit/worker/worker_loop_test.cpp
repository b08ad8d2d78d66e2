// Whole workers over ports in memory, stepped by the test: which worker does what, and that the accounts add up. The
// rulesets here are the default action alone, which allows and tracks: what rules do is for pipeline and scenarios.
#include "worker/worker_loop.hpp"

#include "support/handmade_ruleset.hpp"
#include "support/memory_appliance.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace sluice::worker {
namespace {

using telemetry::DropReason;
using telemetry::WorkerCounters;
using test_support::Bytes;
using test_support::MemoryAppliance;
using test_support::MemoryFrame;
using test_support::PacketBuilder;

Bytes udp(std::uint16_t client_port, bool answer = false) {
    if (answer) {
        return PacketBuilder()
            .ip("10.0.0.2", "10.0.0.1")
            .udp({.source_port = 53, .destination_port = client_port})
            .build();
    }
    return PacketBuilder().ip("10.0.0.1", "10.0.0.2").udp({.source_port = client_port, .destination_port = 53}).build();
}

class WorkerLoopTest : public testing::Test {
  protected:
    void make(test_support::MemoryApplianceOptions options) {
        appliance = std::make_unique<MemoryAppliance>(options);
        appliance->publish(*ruleset);
    }
    void make_with(std::uint16_t workers) {
        test_support::MemoryApplianceOptions options;
        options.workers = workers;
        make(options);
    }
    void TearDown() override {
        if (appliance == nullptr) return;
        EXPECT_EQ(appliance->broken_account(), "");
    }

    /// A client port whose flow (from 10.0.0.1 to 10.0.0.2:53) worker `owner` owns; another one for each `number`.
    std::uint16_t port_owned_by(std::uint16_t owner, unsigned number = 0) {
        pipeline::Ownership ownership;
        ownership.workers = appliance->worker_count();
        const pipeline::SymmetricToeplitz toeplitz;
        for (std::uint16_t port = 1000;; ++port) {
            const std::uint8_t client[16] = {10, 0, 0, 1};
            const std::uint8_t server[16] = {10, 0, 0, 2};
            flow::Key key =
                flow::orient(client, server, net::Be16::from_host(port).raw(), net::Be16::from_host(53).raw()).key;
            key.family = net::Family::ipv4;
            key.protocol = net::protocol::kUdp;
            if (ownership.owner(key, appliance->flows(0).hash_of(key), toeplitz) != owner) continue;
            if (number-- == 0) return port;
        }
    }
    [[nodiscard]] const WorkerCounters& counters(std::size_t worker) const { return appliance->counters(worker); }
    [[nodiscard]] std::uint64_t drops(std::size_t worker, DropReason reason) const {
        return counters(worker).drops[static_cast<std::size_t>(reason)].load();
    }

    std::unique_ptr<const ruleset::Ruleset> ruleset = test_support::make_ruleset({});
    std::unique_ptr<MemoryAppliance> appliance;
};

TEST_F(WorkerLoopTest, ForwardsToThePeerInOrder) {
    make_with(1);
    std::vector<const MemoryFrame*> frames;
    for (std::uint16_t i = 0; i < 100; ++i) {
        frames.push_back(&appliance->ports().put_in(0, 0, udp(i)));
    }
    EXPECT_EQ(appliance->step(5), 32u) << "a burst a round";
    appliance->settle(5);
    const auto& sent = appliance->ports().sent(1, 0);
    ASSERT_EQ(sent.size(), 100u);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_EQ(sent[i], frames[i]);
        EXPECT_EQ(sent[i]->bytes, udp(static_cast<std::uint16_t>(i)));
        bytes += sent[i]->bytes.size();
    }
    EXPECT_EQ(counters(0).received_packets.load(), 100u);
    EXPECT_EQ(counters(0).received_bytes.load(), bytes);
    EXPECT_EQ(counters(0).forwarded_packets.load(), 100u);
    EXPECT_EQ(counters(0).forwarded_bytes.load(), bytes);
    EXPECT_EQ(counters(0).bursts.load(), 4u);
    EXPECT_EQ(counters(0).epoch.load(), 1u);
    EXPECT_EQ(appliance->flow_count(), 100u);
}

TEST_F(WorkerLoopTest, OneBurstIn1021IsTimedByStage) {
    make_with(1);
    const telemetry::StageCycles& stages = counters(0).stages;
    const auto pass_a_burst = [&](unsigned packets) {
        for (unsigned i = 0; i < packets; ++i)
            appliance->ports().put_in(0, 0, udp(1));
        EXPECT_EQ(appliance->loop(0).step(0), packets);
        appliance->loop(0).step(0); // finds nothing, which neither counts nor takes the turn
    };
    for (unsigned burst = 1; burst < telemetry::kBurstsASample; ++burst)
        pass_a_burst(1);
    EXPECT_EQ(stages.bursts.load(), 0u);
    for (const auto& cycles : stages.cycles)
        EXPECT_EQ(cycles.load(), 0u);
    pass_a_burst(7);
    EXPECT_EQ(stages.bursts.load(), 1u);
    EXPECT_EQ(stages.packets.load(), 7u);
    for (std::size_t i = 0; i < telemetry::kStageCount; ++i)
        EXPECT_GT(stages.cycles[i].load(), 0u) << telemetry::kStageNames[i];
    const std::uint64_t before = stages.cycles[0].load();
    for (unsigned burst = 1; burst < telemetry::kBurstsASample; ++burst)
        pass_a_burst(1);
    EXPECT_EQ(stages.cycles[0].load(), before);
    pass_a_burst(3);
    EXPECT_EQ(stages.packets.load(), 10u);
}

TEST_F(WorkerLoopTest, TheOwnerJudgesAndSends) {
    make_with(2);
    const std::uint16_t client = port_owned_by(1);
    appliance->ports().put_in(0, 0, udp(client)); // received by worker 0
    EXPECT_EQ(appliance->loop(0).step(0), 1u);
    EXPECT_EQ(counters(0).received_packets.load(), 1u);
    EXPECT_EQ(counters(0).handed_off_packets.load(), 1u);
    EXPECT_EQ(counters(0).forwarded_packets.load(), 0u);
    EXPECT_EQ(appliance->broken_account(), "") << "held in the ring";
    EXPECT_EQ(appliance->flow_count(), 0u);

    EXPECT_EQ(appliance->loop(1).step(0), 1u);
    EXPECT_EQ(counters(1).handed_in_packets.load(), 1u);
    EXPECT_EQ(counters(1).received_packets.load(), 0u) << "received once, by the other";
    EXPECT_EQ(counters(1).forwarded_packets.load(), 1u);
    EXPECT_EQ(appliance->flows(1).stats().used.load(), 1u);
    EXPECT_EQ(appliance->flows(0).stats().used.load(), 0u);
    EXPECT_EQ(appliance->ports().sent(1, 1).size(), 1u) << "by its own queue";

    // The answer comes to the owner at once, and then to the other worker.
    appliance->ports().put_in(1, 1, udp(client, true));
    appliance->ports().put_in(1, 0, udp(client, true));
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(0, 1).size(), 2u);
    EXPECT_EQ(appliance->flows(1).stats().per_state[static_cast<std::size_t>(flow::State::udp_established)].load(), 1u);
}

TEST_F(WorkerLoopTest, WhatNeedsNoFlowIsNotHandedOff) {
    make_with(2);
    appliance->ports().put_in(0, 0, PacketBuilder().arp().build());
    appliance->ports().put_in(0, 0, test_support::bytes({1, 2, 3}));
    appliance->ports().put_in(0, 1, PacketBuilder().arp().build());
    appliance->settle(0);
    EXPECT_EQ(appliance->sum(&WorkerCounters::handed_off_packets), 0u);
    EXPECT_EQ(appliance->ports().sent(1, 0).size(), 1u);
    EXPECT_EQ(appliance->ports().sent(1, 1).size(), 1u);
    EXPECT_EQ(drops(0, DropReason::bad_ethernet_header), 1u);
}

TEST_F(WorkerLoopTest, AWorkerWithoutATransmitQueueSendsByWayOfAnother) {
    test_support::MemoryApplianceOptions options;
    options.workers = 2;
    options.transmit_queues = 1; // worker 0's
    make(options);
    appliance->ports().put_in(0, 1, udp(port_owned_by(1)));
    EXPECT_EQ(appliance->loop(1).step(0), 1u);
    EXPECT_EQ(appliance->flows(1).stats().used.load(), 1u) << "judged at home";
    EXPECT_EQ(counters(1).handed_off_packets.load(), 1u);
    EXPECT_EQ(counters(1).forwarded_packets.load(), 0u);
    EXPECT_EQ(appliance->loop(0).step(0), 1u);
    EXPECT_EQ(counters(0).handed_in_packets.load(), 1u);
    EXPECT_EQ(counters(0).forwarded_packets.load(), 1u);
    EXPECT_EQ(counters(0).forwarded_bytes.load(), udp(1).size());
    EXPECT_EQ(appliance->flows(0).stats().used.load(), 0u) << "not judged again";
    ASSERT_EQ(appliance->ports().sent(1, 0).size(), 1u);

    // There and back again: received by worker 0, owned by worker 1, sent by worker 0.
    appliance->ports().put_in(0, 0, udp(port_owned_by(1)));
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(1, 0).size(), 2u);
    EXPECT_EQ(appliance->sum(&WorkerCounters::handed_off_packets), 3u);
    EXPECT_EQ(appliance->sum(&WorkerCounters::handed_in_packets), 3u);
}

TEST_F(WorkerLoopTest, BothPurposesInOneRingKeepTheirWays) {
    test_support::MemoryApplianceOptions options;
    options.workers = 2;
    options.transmit_queues = 1;
    options.ring_capacity = 64;
    make(options);
    // Worker 1 receives its own flows (decided, to send) and worker 0's (to judge), in turns, by both ports.
    for (unsigned i = 0; i < 16; ++i) {
        appliance->ports().put_in(0, 1, udp(port_owned_by(i % 2 == 0 ? 1 : 0, i)));
        appliance->ports().put_in(1, 1, udp(port_owned_by(i % 2 == 0 ? 1 : 0, i + 20), true));
    }
    EXPECT_EQ(appliance->loop(1).step(0), 32u);
    EXPECT_EQ(counters(1).handed_off_packets.load(), 32u);
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(1, 0).size(), 16u);
    EXPECT_EQ(appliance->ports().sent(0, 0).size(), 16u);
    EXPECT_EQ(appliance->flows(0).stats().used.load(), 16u);
    EXPECT_EQ(appliance->flows(1).stats().used.load(), 16u);
    for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{1}}) {
        for (const MemoryFrame* frame : appliance->ports().sent(port, 0)) {
            EXPECT_NE(frame->in_port, port) << "left by the peer";
        }
    }
}

TEST_F(WorkerLoopTest, AFullRingDropsAndSaysSo) {
    test_support::MemoryApplianceOptions options;
    options.workers = 2;
    options.ring_capacity = 8;
    make(options);
    for (unsigned i = 0; i < 20; ++i) {
        appliance->ports().put_in(0, 0, udp(port_owned_by(1, i)));
    }
    appliance->loop(0).step(0);
    EXPECT_EQ(counters(0).handed_off_packets.load(), 8u);
    EXPECT_EQ(drops(0, DropReason::handoff_full), 12u);
    EXPECT_EQ(appliance->ports().count(MemoryFrame::Fate::released), 12u);
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(1, 1).size(), 8u);
    // There is room again.
    appliance->ports().put_in(0, 0, udp(port_owned_by(1)));
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(1, 1).size(), 9u);
}

TEST_F(WorkerLoopTest, WhatThePortDoesNotTakeIsDroppedFromTheEnd) {
    make_with(1);
    appliance->ports().set_transmit_limit(1, 5);
    std::uint64_t sent_bytes = 0;
    for (std::uint16_t i = 0; i < 8; ++i) {
        appliance->ports().put_in(
            0, 0, PacketBuilder().ip("10.0.0.1", "10.0.0.2").udp({.source_port = i}).payload_size(i).build());
        if (i < 5) sent_bytes += 42u + i;
    }
    appliance->settle(0);
    ASSERT_EQ(appliance->ports().sent(1, 0).size(), 5u);
    EXPECT_EQ(appliance->ports().sent(1, 0).back()->bytes.size(), 46u);
    EXPECT_EQ(counters(0).forwarded_packets.load(), 5u);
    EXPECT_EQ(counters(0).forwarded_bytes.load(), sent_bytes);
    EXPECT_EQ(drops(0, DropReason::tx_queue_full), 3u);
    EXPECT_EQ(appliance->ports().count(MemoryFrame::Fate::released), 3u);
}

TEST_F(WorkerLoopTest, APeerThatIsDownTakesNothing) {
    make_with(1);
    appliance->ports().set_link(1, false);
    appliance->ports().put_in(0, 0, udp(1));
    appliance->ports().put_in(1, 0, udp(2, true));
    appliance->settle(0);
    EXPECT_EQ(drops(0, DropReason::peer_down), 1u);
    EXPECT_EQ(appliance->ports().sent(0, 0).size(), 1u) << "the other direction passes";
    appliance->ports().set_link(1, true);
    appliance->ports().put_in(0, 0, udp(1));
    appliance->settle(0);
    EXPECT_EQ(appliance->ports().sent(1, 0).size(), 1u);
}

TEST_F(WorkerLoopTest, FramesInPiecesAreSortedOut) {
    make_with(1);
    for (std::uint16_t i = 0; i < 9; ++i) {
        appliance->ports().put_in(0, 0, udp(i), i % 3 == 0);
    }
    appliance->settle(0);
    EXPECT_EQ(drops(0, DropReason::frame_in_pieces), 3u);
    const auto& sent = appliance->ports().sent(1, 0);
    ASSERT_EQ(sent.size(), 6u);
    EXPECT_EQ(sent[0]->bytes, udp(1));
    EXPECT_EQ(sent[5]->bytes, udp(8));
    EXPECT_EQ(counters(0).received_packets.load(), 9u);
    // A burst of nothing else.
    appliance->ports().put_in(0, 0, udp(0), true);
    appliance->settle(0);
    EXPECT_EQ(drops(0, DropReason::frame_in_pieces), 4u);
}

TEST_F(WorkerLoopTest, DrainDropsWhatTheRingsHold) {
    test_support::MemoryApplianceOptions options;
    options.workers = 2;
    options.transmit_queues = 1;
    make(options);
    appliance->ports().put_in(0, 1, udp(port_owned_by(1))); // judged by worker 1, to be sent by worker 0
    appliance->ports().put_in(0, 1, udp(port_owned_by(0))); // to be judged by worker 0
    appliance->loop(1).step(0);
    ASSERT_EQ(counters(1).handed_off_packets.load(), 2u);
    appliance->drain();
    EXPECT_EQ(drops(0, DropReason::shutdown), 2u);
    EXPECT_EQ(counters(0).handed_in_packets.load(), 2u);
    EXPECT_EQ(counters(0).forwarded_packets.load(), 0u);
    EXPECT_EQ(appliance->ports().count(MemoryFrame::Fate::released), 2u);
    appliance->drain();
    EXPECT_EQ(appliance->drops(DropReason::shutdown), 2u) << "a second time there is nothing left";
}

TEST_F(WorkerLoopTest, AnIdleRoundAges) {
    make_with(1);
    for (std::uint16_t i = 0; i < 100; ++i) {
        appliance->ports().put_in(0, 0, udp(i));
    }
    appliance->settle(0);
    EXPECT_EQ(appliance->flow_count(), 100u);
    EXPECT_EQ(appliance->step(9'000), 0u);
    EXPECT_EQ(appliance->flow_count(), 100u);
    EXPECT_EQ(appliance->step(10'500), 32u) << "so many a round, to bound what a packet waits";
    EXPECT_EQ(appliance->flow_count(), 68u);
    appliance->settle(10'500);
    EXPECT_EQ(appliance->flow_count(), 0u);
}

// However many flows begin in a round, as many end: a flood does not leave behind it what is long over.
TEST_F(WorkerLoopTest, AgeingKeepsUpWithCreation) {
    test_support::MemoryApplianceOptions options;
    options.flows = flow::share_of({.entries = 16'384}, 1);
    make(options);
    constexpr unsigned kRounds = 300;
    constexpr base::Tick kRoundTicks = 100;
    constexpr unsigned kFlowsARound = 2 * pipeline::kBatchSize;
    for (unsigned round = 0; round < kRounds; ++round) {
        for (unsigned i = 0; i < pipeline::kBatchSize; ++i) {
            const auto port = static_cast<std::uint16_t>(1000 + round * pipeline::kBatchSize + i);
            appliance->ports().put_in(0, 0, udp(port));
            appliance->ports().put_in(1, 0,
                                      PacketBuilder().ip("10.0.0.9", "10.0.0.1").udp({.source_port = port}).build());
        }
        appliance->step(round * kRoundTicks);
        appliance->ports().forget();
    }
    // A flow lives for ten seconds, and is found to be over a quarter of a second later at most.
    constexpr unsigned kAlive = kFlowsARound * 10'000 / kRoundTicks;
    EXPECT_GE(appliance->flow_count(), kAlive);
    EXPECT_LE(appliance->flow_count(), kAlive + kFlowsARound * 5);
}

TEST_F(WorkerLoopTest, OneRoundUsesOneRuleset) {
    make_with(2);
    const std::uint16_t client = port_owned_by(1);
    appliance->ports().put_in(0, 0, udp(client));
    appliance->loop(0).step(0);
    // Published while the packet is in the ring: the owner judges by what it has then.
    test_support::RulesetFields fields;
    fields.epoch = 2;
    fields.default_rule.action = ruleset::Action::drop;
    const auto next = test_support::make_ruleset(fields);
    appliance->publish(*next);
    appliance->settle(0);
    EXPECT_EQ(drops(1, DropReason::no_rule), 1u);
    EXPECT_EQ(counters(0).epoch.load(), 2u);
    EXPECT_EQ(counters(1).epoch.load(), 2u);
}

class Log final : public Observer {
  public:
    void decided(const pipeline::Batch& batch) override {
        for (unsigned i = 0; i < batch.count; ++i) {
            ++seen[batch.disposition[i]];
        }
    }
    std::map<pipeline::Disposition, unsigned> seen;
};

TEST_F(WorkerLoopTest, TheObserverHearsOfEveryPacket) {
    make_with(2);
    Log log;
    appliance->set_observer(&log);
    appliance->ports().put_in(0, 0, udp(port_owned_by(0)));
    appliance->ports().put_in(0, 0, udp(port_owned_by(1)));
    appliance->ports().put_in(0, 0, test_support::bytes({1}));
    appliance->settle(0);
    EXPECT_EQ(log.seen[pipeline::Disposition::forward], 2u);
    EXPECT_EQ(log.seen[pipeline::Disposition::drop], 1u);
    EXPECT_EQ(log.seen[pipeline::Disposition::hand_off], 1u);
    EXPECT_EQ(log.seen[pipeline::Disposition::pending], 0u);
}

// Whatever comes and in whatever order workers get their turn, at every moment between rounds the accounts add up.
TEST_F(WorkerLoopTest, AccountsAlwaysAddUp) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    test_support::RulesetFields fields;
    fields.ports.push_back({.peer = 3, .zone = 0, .wire = 2, .peer_mtu = 200});
    fields.ports.push_back({.peer = 2, .zone = 1, .wire = 2, .peer_mtu = 1500});
    ruleset = test_support::make_ruleset(fields);
    test_support::MemoryApplianceOptions options;
    options.workers = 3;
    options.ports = 4;
    options.transmit_queues = 2;
    options.ring_capacity = 16;
    options.flows = flow::share_of({.entries = 64}, 1);
    make(options);
    std::map<const MemoryFrame*, Bytes> put;
    base::Tick now = 0;
    for (unsigned round = 0; round < 3000; ++round) {
        for (auto n = random() % 8; n > 0; --n) {
            const auto port = static_cast<std::uint16_t>(random() % 4);
            const auto queue = static_cast<std::uint16_t>(random() % 3);
            Bytes frame = udp(static_cast<std::uint16_t>(random() % 200), port % 2 == 1);
            if (random() % 16 == 0) frame = PacketBuilder().arp().build();
            if (random() % 16 == 0) frame.resize(1 + random() % frame.size());
            if (random() % 16 == 0) frame = PacketBuilder().ip("10.0.0.1", "10.0.0.2").udp().payload_size(300).build();
            const MemoryFrame& in = appliance->ports().put_in(port, queue, frame, random() % 32 == 0);
            put[&in] = std::move(frame);
        }
        if (random() % 8 == 0) appliance->ports().set_link(static_cast<std::uint16_t>(random() % 4), random() % 2 == 0);
        if (random() % 8 == 0) {
            appliance->ports().set_transmit_limit(static_cast<std::uint16_t>(random() % 4),
                                                  random() % 2 == 0 ? 2 : test_support::MemoryPortIo::kNoLimit);
        }
        now += static_cast<base::Tick>(random() % 200);
        appliance->loop(random() % 3).step(now);
        ASSERT_EQ(appliance->broken_account(), "") << "round " << round;
        if (round % 64 != 0) continue;
        for (const auto& [frame, bytes] : put) {
            ASSERT_EQ(frame->bytes, bytes);
            if (frame->fate == MemoryFrame::Fate::sent) {
                ASSERT_EQ(frame->out_port, frame->in_port ^ 1);
            }
            // Frames that go away with forget() are looked at above for the last time.
        }
        std::erase_if(put, [](const auto& one) {
            return one.first->fate == MemoryFrame::Fate::sent || one.first->fate == MemoryFrame::Fate::released;
        });
        appliance->ports().forget();
    }
    appliance->settle(now);
    EXPECT_GT(appliance->drops(DropReason::handoff_full), 0u) << "the test reaches every way out";
    EXPECT_GT(appliance->drops(DropReason::tx_queue_full), 0u);
    EXPECT_GT(appliance->drops(DropReason::peer_down), 0u);
    EXPECT_GT(appliance->drops(DropReason::frame_in_pieces), 0u);
    EXPECT_GT(appliance->drops(DropReason::mtu_exceeded), 0u);
    EXPECT_EQ(appliance->sum(&WorkerCounters::handed_off_packets), appliance->sum(&WorkerCounters::handed_in_packets));
}

} // namespace
} // namespace sluice::worker
