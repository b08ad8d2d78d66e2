#include "traffic_generator/floods.hpp"

#include "memory_wire.hpp"
#include "net/protocol.hpp"
#include "traffic_generator/connections.hpp"
#include "traffic_generator/frame_sizes.hpp"
#include "traffic_generator/pacer.hpp"

#include <gtest/gtest.h>

namespace sluice::traffic {
namespace {

struct Flooded {
    Counts counts;
    Floods::Counts floods;
};

/// Connections at a modest rate, and a flood beside them.
Flooded run_beside(Floods::Options flood, const std::function<bool(Side, Bytes&)>& firewall) {
    const TuplePlan plan = small_plan();
    MemoryWire wire;
    wire.firewall = firewall;
    Connections::Options options;
    options.rate = 2000;
    options.timeout_seconds = 0.001;
    options.cycles_per_second = kHz;
    Connections connections(plan, options);
    flood.cycles_per_second = kHz;
    Floods floods(plan, flood_sources(), flood);
    const FrameReader reader(plan, flood_sources());
    Progress progress;
    Engine::Options engine_options;
    engine_options.warm_up_seconds = engine_options.seconds = 0.1;
    engine_options.cycles_per_second = kHz;
    engine_options.clock = fake_clock;
    Engine engine(wire, connections, floods, reader, engine_options, progress);
    const std::atomic<bool> stop{false};
    engine.run(stop);
    return {connections.counts(), floods.counts()};
}

bool open_door(Side, Bytes&) {
    return true;
}

TEST(FloodsTest, AreCountedApartFromTheWorkload) {
    Floods::Options options;
    options.syn_rate = 10'000;
    options.random_rate = 5'000;
    const Flooded result = run_beside(options, open_door);
    EXPECT_NEAR(static_cast<double>(result.floods.syn_sent), 1000, 2);
    EXPECT_NEAR(static_cast<double>(result.floods.random_sent), 500, 2);
    EXPECT_NEAR(static_cast<double>(result.floods.syn_passed), 1000, 4);
    EXPECT_NEAR(static_cast<double>(result.floods.random_passed), 500, 4);
    EXPECT_EQ(result.floods.answers_sent + result.floods.answers_passed + result.floods.wrong, 0u);
    EXPECT_NEAR(static_cast<double>(result.counts.begun), 200, 2);
    EXPECT_EQ(result.counts.completed, result.counts.begun);
    EXPECT_EQ(result.counts.all_wrong(), 0u);
}

TEST(FloodsTest, AreAnsweredOnRequest) {
    Floods::Options options;
    options.syn_rate = 10'000;
    options.answered = true;
    const Flooded result = run_beside(options, open_door);
    EXPECT_NEAR(static_cast<double>(result.floods.answers_sent), 1000, 4);
    EXPECT_NEAR(static_cast<double>(result.floods.answers_passed), 1000, 4);
    EXPECT_EQ(result.counts.completed, result.counts.begun);
}

TEST(FloodsTest, WhatIsDroppedDoesNotPass) {
    Floods::Options options;
    options.syn_rate = 10'000;
    const FrameReader reader(small_plan(), flood_sources());
    const Flooded result = run_beside(options, [&reader](Side from, Bytes& frame) {
        Arrival arrival;
        return reader.read(frame, from, arrival) != Reading::good || !arrival.flood;
    });
    EXPECT_GT(result.floods.syn_sent, 900u);
    EXPECT_EQ(result.floods.syn_passed, 0u);
    EXPECT_EQ(result.counts.completed, result.counts.begun);
}

TEST(PacerTest, WhatIsDueIsTakenOnceAndTheRestForgone) {
    Pacer pacer(1000, 1'000'000); // one in a thousand cycles; 10 ms are ten
    EXPECT_DOUBLE_EQ(pacer.offered(7'000'000), 0) << "its schedule begins with start()";
    pacer.start(500);
    EXPECT_EQ(pacer.take(500, 100), 0u);
    EXPECT_EQ(pacer.take(1499, 100), 0u);
    EXPECT_EQ(pacer.take(1500, 100), 1u);
    EXPECT_EQ(pacer.take(1500, 100), 0u);
    EXPECT_EQ(pacer.take(5500, 3), 3u);
    EXPECT_EQ(pacer.take(5500, 3), 1u) << "what there was no room for is still due";
    EXPECT_EQ(pacer.take(105'500, 4), 4u);
    EXPECT_EQ(pacer.take(105'500, 100), 10u) << "but not for ever";
    EXPECT_DOUBLE_EQ(pacer.offered(105'500), 105);
}

TEST(FrameSizesTest, ReadsSizesAndShares) {
    const auto imix = FrameSizes::parse("imix");
    ASSERT_TRUE(imix);
    EXPECT_EQ(imix->sizes(), (std::vector<uint16_t>{64, 594, 1518}));
    EXPECT_EQ(imix->cycle().size(), 12u);
    EXPECT_EQ(std::count(imix->cycle().begin(), imix->cycle().end(), 0), 7);
    EXPECT_EQ(std::count(imix->cycle().begin(), imix->cycle().end(), 1), 4);
    EXPECT_NEAR(imix->mean(), (7 * 64 + 4 * 594 + 1518) / 12.0, 1e-9);
    EXPECT_EQ(FrameSizes::parse("128")->cycle(), std::vector<uint8_t>{0});
    for (const char* wrong : {"", "63", "1519", "64,", "64:0", "64:x", "big", "64:65"}) {
        EXPECT_FALSE(FrameSizes::parse(wrong)) << wrong;
    }
}

} // namespace
} // namespace sluice::traffic
