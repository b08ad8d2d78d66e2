#include "traffic_generator/flows.hpp"

#include "memory_wire.hpp"
#include "net/protocol.hpp"
#include "traffic_generator/new_flows.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

namespace sluice::traffic {
namespace {

Flows::Options options(uint8_t protocol, uint32_t flows = 100) {
    Flows::Options result;
    result.protocol = protocol;
    result.flows = flows;
    result.sizes = {64};
    result.settle_seconds = 0.001;
    result.cycles_per_second = kHz;
    return result;
}

FlowOrder uniform(uint32_t flows = 100) {
    return FlowOrder::uniform(flows, {0}, 1);
}

class BothProtocols : public testing::TestWithParam<std::tuple<uint8_t, net::Family>> {};

TEST_P(BothProtocols, EverythingSentIsDelivered) {
    const auto [protocol, family] = GetParam();
    const TuplePlan plan = small_plan(family);
    MemoryWire wire;
    Flows flows(plan, uniform(), options(protocol));
    const PortCounts ports = run_over(wire, flows, 0.05, {}, plan);
    const Counts& counts = flows.counts();
    EXPECT_EQ(counts.established, 100u);
    for (const PacketCounts& packets : counts.packets) {
        EXPECT_GT(packets.sent, 1000u);
        EXPECT_EQ(packets.delivered, packets.sent);
    }
    EXPECT_EQ(counts.latency.count(), counts.packets[0].sent + counts.packets[1].sent);
    EXPECT_EQ(counts.all_wrong() + counts.reordered, 0u);
    EXPECT_EQ(ports.sent[0], counts.packets[0].sent);
}

INSTANTIATE_TEST_SUITE_P(All, BothProtocols,
                         testing::Combine(testing::Values(net::protocol::kTcp, net::protocol::kUdp),
                                          testing::Values(net::Family::ipv4, net::Family::ipv6)));

TEST(FlowsTest, LossIsCountedExactly) {
    MemoryWire wire;
    uint64_t frames = 0;
    uint64_t dropped = 0;
    Flows flows(small_plan(), uniform(), options(net::protocol::kUdp));
    wire.firewall = [&](Side, Bytes&) {
        const bool measuring = flows.counts().packets[0].sent > 0;
        if (!measuring || ++frames % 10 != 0) return true;
        ++dropped;
        return false;
    };
    run_over(wire, flows, 0.05);
    const auto& [to_server, to_client] = flows.counts().packets;
    EXPECT_GT(dropped, 100u);
    EXPECT_EQ(to_server.sent + to_client.sent - to_server.delivered - to_client.delivered, dropped);
}

TEST(FlowsTest, FlowsThatWereLostAtFirstAreTriedAgain) {
    for (const uint8_t protocol : {net::protocol::kTcp, net::protocol::kUdp}) {
        MemoryWire wire;
        uint64_t frames = 0;
        wire.firewall = [&](Side, Bytes&) { return mix(++frames) % 5 != 0; };
        Flows flows(small_plan(), uniform(), options(protocol));
        run_over(wire, flows, 0.001);
        EXPECT_GT(flows.counts().established, 95u);
    }
}

TEST(FlowsTest, BehindAClosedDoorPreparationEnds) {
    MemoryWire wire;
    wire.firewall = [](Side, Bytes&) { return false; };
    Flows flows(small_plan(), uniform(100'000), options(net::protocol::kUdp, 100'000));
    run_over(wire, flows, 0.01);
    EXPECT_EQ(flows.counts().established, 0u);
    EXPECT_GT(flows.counts().packets[0].sent, 0u);
    EXPECT_EQ(flows.counts().packets[0].delivered, 0u);
}

TEST(FlowsTest, TcpSequenceNumbersGoOnAndAreAcknowledged) {
    MemoryWire wire;
    wire.keep = true;
    Flows flows(small_plan(), uniform(1), options(net::protocol::kTcp, 1));
    run_over(wire, flows, 0.01);
    const FrameReader reader(small_plan(), flood_sources());
    std::array<std::optional<uint32_t>, 2> next;
    std::array<uint32_t, 2> acknowledged{};
    for (const auto& [from, frame] : wire.passed) {
        Arrival arrival;
        ASSERT_EQ(reader.read(frame, from, arrival), Reading::good);
        const auto side = static_cast<std::size_t>(from);
        if (next[side]) {
            EXPECT_EQ(arrival.sequence, *next[side]);
        }
        const bool syn = (arrival.flags & net::tcp_flag::kSyn) != 0;
        next[side] = arrival.sequence + arrival.payload_length + (syn ? 1 : 0);
        if (next[1 - side] && !syn) {
            EXPECT_LE(static_cast<int32_t>(arrival.acknowledgment - *next[1 - side]), 0);
        }
        acknowledged[side] = arrival.acknowledgment;
    }
    EXPECT_LE(*next[1] - acknowledged[0], kBurst * kMarkSize) << "all but what was under way";
}

TEST(FlowsTest, APacketOfNoFlowIsWrong) {
    MemoryWire wire;
    Flows flows(small_plan(), uniform(), options(net::protocol::kUdp));
    FrameTemplate::Options other = template_options(small_plan(), Side::client, net::protocol::kUdp);
    other.payload = 18;
    Bytes bytes(kFrameRoom);
    FrameTemplate(other).write(bytes.data(), small_plan().ends(100), {}, 0); // the first number that is no flow's
    bytes.resize(60);
    wire.inject(Side::client, bytes);
    run_over(wire, flows, 0.01);
    EXPECT_EQ(flows.counts().wrong[static_cast<std::size_t>(Wrong::stranger)], 1u);
    EXPECT_EQ(flows.counts().all_wrong(), 1u);
}

TEST(FlowsTest, ARateIsKept) {
    MemoryWire wire;
    Flows::Options at_a_rate = options(net::protocol::kUdp);
    at_a_rate.rate = 10'000;
    Flows flows(small_plan(), uniform(), at_a_rate);
    const PortCounts ports = run_over(wire, flows, 0.4);
    const auto& packets = flows.counts().packets;
    EXPECT_NEAR(static_cast<double>(packets[0].sent + packets[1].sent), 10'000 * ports.seconds, 2);
    EXPECT_EQ(packets[0].delivered + packets[1].delivered, packets[0].sent + packets[1].sent);
}

TEST(FlowOrderTest, UniformVisitsAllAlike) {
    FlowOrder order = FlowOrder::uniform(10, {0, 1, 1}, 3);
    std::array<int, 10> visits{};
    std::array<int, 2> sides{};
    std::array<int, 2> shapes{};
    for (int i = 0; i < 30'000; ++i) {
        const FlowOrder::Step step = order.next();
        ++visits[step.flow];
        ++sides[static_cast<std::size_t>(step.from)];
        ++shapes[step.shape];
    }
    for (const int count : visits) {
        EXPECT_NEAR(count, 3000, 300);
    }
    EXPECT_EQ(sides[0], sides[1]);
    EXPECT_EQ(shapes[1], 2 * shapes[0]);
}

TEST(FlowOrderTest, ZipfFollowsItsLaw) {
    for (const double exponent : {0.7, 1.0, 1.5}) {
        constexpr uint32_t kFlows = 1000;
        FlowOrder order = FlowOrder::zipf(kFlows, exponent, {0}, 1);
        std::vector<double> visits(kFlows);
        constexpr int kDraws = 1'000'000;
        for (int i = 0; i < kDraws; ++i) {
            const uint32_t flow = order.next().flow;
            ASSERT_LT(flow, kFlows);
            ++visits[flow];
        }
        double norm = 0;
        for (uint32_t k = 1; k <= kFlows; ++k) {
            norm += std::pow(k, -exponent);
        }
        for (const uint32_t k : {1u, 2u, 3u, 10u, 30u}) {
            const double expected = kDraws * std::pow(k, -exponent) / norm;
            EXPECT_NEAR(visits[k - 1], expected, 5 * std::sqrt(expected) + 2) << exponent << " " << k;
        }
    }
}

TEST(FlowOrderTest, ARecordingIsRepeated) {
    FlowOrder order = FlowOrder::recorded({{3, 1, Side::server}, {4, 0, Side::client}});
    for (int i = 0; i < 3; ++i) {
        const FlowOrder::Step first = order.next();
        EXPECT_EQ(first.flow, 3u);
        EXPECT_EQ(first.from, Side::server);
        EXPECT_EQ(first.shape, 1);
        EXPECT_EQ(order.next().flow, 4u);
    }
}

TEST(NewFlowsTest, EveryPacketHasATupleOfItsOwn) {
    MemoryWire wire;
    wire.keep = true;
    NewFlows::Options new_options;
    new_options.sizes = {64};
    new_options.cycle = {0};
    new_options.cycles_per_second = kHz;
    NewFlows flows(small_plan(), new_options);
    run_over(wire, flows, 0.01);
    std::set<Bytes> tuples;
    for (const auto& [from, frame] : wire.passed) {
        tuples.insert(Bytes(frame.begin() + 26, frame.begin() + 38));
    }
    EXPECT_EQ(tuples.size(), wire.passed.size());
    EXPECT_GT(flows.counts().packets[0].sent, 1000u);
    EXPECT_EQ(flows.counts().packets[0].delivered, flows.counts().packets[0].sent);
    EXPECT_EQ(flows.counts().packets[1].sent, 0u);
}

TEST(NewFlowsTest, AnswersComeBack) {
    MemoryWire wire;
    NewFlows::Options new_options;
    new_options.answer = true;
    new_options.sizes = {64};
    new_options.cycle = {0};
    new_options.cycles_per_second = kHz;
    NewFlows flows(small_plan(), new_options);
    run_over(wire, flows, 0.01);
    const auto& [to_server, to_client] = flows.counts().packets;
    EXPECT_EQ(to_client.sent, to_server.sent);
    EXPECT_EQ(to_client.delivered, to_server.sent);
    EXPECT_EQ(flows.counts().latency.count(), to_client.delivered);
    EXPECT_EQ(flows.counts().all_wrong(), 0u);
}

} // namespace
} // namespace sluice::traffic
