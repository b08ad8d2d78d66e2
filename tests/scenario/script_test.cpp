#include "script.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::scenario {
namespace {

std::string errors_of(const std::string& text) {
    const auto script = read_script("steps.txt", text);
    if (script) return {};
    std::string all;
    for (const std::string& error : script.error()) {
        all += error + "\n";
    }
    return all;
}

template <typename What> What only_step(const std::string& text) {
    const auto script = read_script("steps.txt", text);
    if (!script) {
        ADD_FAILURE() << script.error().front();
        return {};
    }
    EXPECT_EQ(script->steps.size(), 1u);
    return std::get<What>(script->steps.at(0).what);
}

TEST(Script, CommentsAndBlankLinesCountAsLines) {
    const auto script = read_script("steps.txt", "# one\n\n  flows 0 # three\r\n");
    ASSERT_TRUE(script);
    ASSERT_EQ(script->steps.size(), 1u);
    EXPECT_EQ(script->steps[0].line, 3u);
}

TEST(Script, PacketAndOutcome) {
    const Burst step = only_step<Burst>("lan > udp 10.0.0.1:1 > 10.0.0.2:53 -> drop no_rule rule default");
    ASSERT_EQ(step.packets.size(), 1u);
    const Packet& packet = step.packets[0];
    EXPECT_EQ(packet.interface, "lan");
    EXPECT_EQ(packet.drop, telemetry::DropReason::no_rule);
    EXPECT_EQ(packet.rule, "default");
    EXPECT_EQ(packet.text, "lan > udp 10.0.0.1:1 > 10.0.0.2:53");
    EXPECT_FALSE(only_step<Burst>("lan > arp 10.0.0.1 > 10.0.0.2 -> forward").packets.at(0).drop);
    EXPECT_TRUE(
        only_step<Burst>("lan > arp 10.0.0.1 > 10.0.0.2 pieces -> drop frame_in_pieces").packets.at(0).in_pieces);
}

TEST(Script, ARangeIsStepsOfOnePacketEach) {
    const auto script = read_script("steps.txt", "lan > udp 10.0.0.1:1-5 > 10.0.0.2:53 -> forward");
    ASSERT_TRUE(script);
    EXPECT_EQ(script->steps.size(), 5u);
}

TEST(Script, TogetherIsOneBurst) {
    const Burst step = only_step<Burst>("together\n"
                                        "lan > udp 10.0.0.1:1-3 > 10.0.0.2:53 -> forward\n"
                                        "wan > udp 10.0.0.2:53 > 10.0.0.1:1 -> forward\n"
                                        "end\n");
    EXPECT_EQ(step.packets.size(), 4u);
}

TEST(Script, TimesAreAbsoluteOrRelative) {
    const auto script = read_script("steps.txt", "@ 10s\nwait 500ms\nwait 1m\n@ 1h\n");
    ASSERT_TRUE(script);
    const base::Tick expected[] = {10'000, 10'500, 70'500, 3'600'000};
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(std::get<Wait>(script->steps.at(i).what).until, expected[i]);
    }
    EXPECT_EQ(errors_of("@ 10s\n@ 9s"), "steps.txt:2: the clock does not go back\n");
    for (const char* text : {"wait 10", "wait s", "wait 10 s", "wait -1s", "wait 99999999h", "@"}) {
        EXPECT_NE(errors_of(text), "") << text;
    }
}

TEST(Script, Checks) {
    EXPECT_EQ(only_step<FlowCount>("flows 3").count, 3u);
    EXPECT_EQ(only_step<FlowCount>("flows 1 udp_new").state, flow::State::udp_new);
    EXPECT_EQ(only_step<EndedCount>("ended policy_changed 2").reason, flow::EndReason::policy_changed);
    EXPECT_EQ(only_step<RuleCount>("rule web flows 2").what, RuleCount::What::flows);
    EXPECT_EQ(only_step<RuleCount>("rule web packets 2").what, RuleCount::What::packets);
    EXPECT_FALSE(only_step<Link>("link wan down").up);
    EXPECT_EQ(only_step<TransmitLimit>("transmit wan 2").frames, 2u);
    EXPECT_FALSE(only_step<TransmitLimit>("transmit wan all").frames);
    EXPECT_EQ(only_step<Reload>("reload other.yaml").file, "other.yaml");
}

TEST(Script, MayHoldForOneNumberOfWorkersOnly) {
    EXPECT_EQ(read_script("steps.txt", "workers 1\nflows 0")->only_with_workers, 1);
    EXPECT_EQ(errors_of("flows 0\nworkers 1"), "steps.txt:2: 'workers' comes before the first step\n");
    EXPECT_EQ(errors_of("workers 3"), "steps.txt:1: write 'workers 1' or 'workers 2'\n");
}

TEST(Script, EveryErrorHasItsLine) {
    EXPECT_EQ(errors_of("flows 0\n"
                        "lan > udp 10.0.0.1:1 > 10.0.0.2:53\n"
                        "lan > udp 10.0.0.1:1 > 10.0.0.2:53 -> pass\n"
                        "lan > udp 10.0.0.1:1 > 10.0.0.2:53 -> drop bad_luck\n"
                        "lan > udp 10.0.0.1 > 10.0.0.2:53 -> forward\n"
                        "lan > udp 10.0.0.1:1 > 10.0.0.2:53 -> forward web\n"
                        "flows many\n"
                        "flows 1 established\n"
                        "ended badly 1\n"
                        "rule web\n"
                        "link lan sideways\n"
                        "end\n"),
              "steps.txt:2: what must become of it? '-> forward' or '-> drop REASON'\n"
              "steps.txt:3: an outcome is written as: -> [held] forward [rule NAME], -> [held] drop REASON [rule NAME] "
              "or -> held\n"
              "steps.txt:4: there is no drop reason 'bad_luck'\n"
              "steps.txt:5: '10.0.0.1' has no port\n"
              "steps.txt:6: an outcome is written as: -> [held] forward [rule NAME], -> [held] drop REASON [rule NAME] "
              "or -> held\n"
              "steps.txt:7: write 'flows 2' or 'flows 1 tcp_established'\n"
              "steps.txt:8: no flow has a state 'established'\n"
              "steps.txt:9: no flow ends for 'badly'\n"
              "steps.txt:10: write 'rule NAME packets 3' or 'rule NAME flows 1'\n"
              "steps.txt:11: write 'link INTERFACE up' or 'down'\n"
              "steps.txt:12: 'end' without 'together'\n");
    EXPECT_EQ(errors_of("together\nflows 0\n"), "steps.txt:2: only packets may stand between 'together' and 'end'\n"
                                                "steps.txt:2: 'together' without 'end'\n");
    EXPECT_EQ(errors_of("together\nlan > udp 10.0.0.1:1-33 > 10.0.0.2:53 -> forward\nend\n"),
              "steps.txt:3: more than 32 packets in one burst\n");
    EXPECT_NE(errors_of("sleep 10s").find("steps.txt:1: no step begins like 'sleep'"), std::string::npos);
}

} // namespace
} // namespace sluice::scenario
