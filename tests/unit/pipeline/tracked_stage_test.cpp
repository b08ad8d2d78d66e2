// What scenarios do not see: what stands in the entry, in the counters, and how packets of one batch meet.
#include "stage_bench.hpp"

#include <gtest/gtest.h>

namespace sluice::pipeline {
namespace {

using flow::State;
using telemetry::DropReason;
using namespace net::tcp_flag;

/// Rule 0: tracked allow from zone 0 to TCP port 80, profile 1. Rule 1: tracked drop of port 23. Default: drop.
test_support::RulesetFields rules(std::uint32_t epoch = 1) {
    test_support::RulesetFields fields;
    fields.epoch = epoch;
    fields.rules = {{.counter_slot = 3, .profile = 1, .action = ruleset::Action::allow, .tracked = true},
                    {.counter_slot = 4, .profile = 0, .action = ruleset::Action::drop, .tracked = true}};
    fields.default_rule = {.counter_slot = 5, .profile = 0, .action = ruleset::Action::drop, .tracked = true};
    fields.profiles.push_back({{1000, 2000, 3000, 3500, 4000, 5000, 6000, 7000, 8000, 9000, 10'000}});
    classifier::Row web;
    web.from_zones = {0};
    web.destination_ports = {{80, 80}};
    web.rank = 0;
    web.result = 1;
    classifier::Row telnet;
    telnet.destination_ports = {{23, 23}};
    telnet.rank = 1;
    telnet.result = 2;
    classifier::Row ping;
    ping.protocol = net::protocol::kIcmp;
    ping.from_zones = {0};
    ping.rank = 2;
    ping.result = 1;
    fields.tracked = {web, telnet, ping};
    for (classifier::Row& row : fields.tracked) {
        row.ipv6 = false;
    }
    return fields;
}

class TrackedStage : public testing::Test {
  protected:
    [[nodiscard]] const flow::Entry& only_entry() {
        const flow::Entry* found = nullptr;
        for (flow::Index i = 0; i < bench.flows().capacity(); ++i) {
            if (!bench.flows().entry(i).live()) continue;
            EXPECT_EQ(found, nullptr) << "more than one flow";
            found = &bench.flows().entry(i);
        }
        EXPECT_NE(found, nullptr);
        return *found;
    }
    [[nodiscard]] std::uint64_t ended(flow::EndReason reason) {
        return bench.flows().stats().ended[static_cast<std::size_t>(reason)].load();
    }

    StageBench bench{rules()};
};

TEST_F(TrackedStage, TheFirstPacketMakesTheEntry) {
    const auto syn = tcp("10.0.0.9", 1000, "10.0.0.2", 80, kSyn);
    bench.pass(0, syn);
    ASSERT_EQ(bench.batch.disposition[0], Disposition::forward);
    EXPECT_EQ(bench.batch.rule_slot[0], 3u);
    const flow::Entry& entry = only_entry();
    EXPECT_EQ(entry.state.load(), State::tcp_syn_sent);
    EXPECT_EQ(entry.timeout_ticks.load(), 1000u);
    EXPECT_EQ(entry.epoch.load(), 1u);
    EXPECT_EQ(entry.rule_slot.load(), 3u);
    EXPECT_EQ(entry.packets[0].load(), 1u);
    EXPECT_EQ(entry.bytes(0), syn.size());
    EXPECT_EQ(entry.packets[1].load(), 0u);
    EXPECT_TRUE(entry.original_is_second()) << "10.0.0.9 is the higher end";
    EXPECT_FALSE(entry.flags.load() & (flow::entry_flag::kReplied | flow::entry_flag::kAssured));
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 1u);
    EXPECT_EQ(bench.rule_counters[3].bytes.load(), syn.size());
    EXPECT_EQ(bench.rule_counters[3].flows_created.load(), 1u);
    EXPECT_EQ(bench.rule_counters[3].last_hit_tick.load(), 1000u);
}

TEST_F(TrackedStage, WhoOpenedItIsRemembered) {
    test_support::RulesetFields open; // the default allows
    bench.use(open);
    bench.pass(0, udp("10.0.0.1", 1000, "10.0.0.2", 53));
    EXPECT_FALSE(only_entry().flags.load() & flow::entry_flag::kOpenedAtPeer);
    bench.flows().remove(bench.flows().find(bench.batch.key[0], bench.batch.hash[0]), flow::EndReason::expired);
    bench.pass(1, udp("10.0.0.1", 1000, "10.0.0.2", 53));
    EXPECT_TRUE(only_entry().flags.load() & flow::entry_flag::kOpenedAtPeer);
}

TEST_F(TrackedStage, PacketsAreCountedByDirection) {
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    bench.context.now = 1500;
    bench.pass(1, tcp("10.0.0.2", 80, "10.0.0.1", 1000, kSyn | kAck));
    EXPECT_EQ(only_entry().state.load(), State::tcp_syn_received);
    EXPECT_TRUE(only_entry().flags.load() & flow::entry_flag::kReplied);
    EXPECT_FALSE(only_entry().flags.load() & flow::entry_flag::kAssured);
    EXPECT_EQ(only_entry().last_seen_tick.load(), 1500u);
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kAck));
    EXPECT_TRUE(only_entry().flags.load() & flow::entry_flag::kAssured) << "from the handshake's last ACK on";
    EXPECT_EQ(only_entry().packets[0].load(), 2u);
    EXPECT_EQ(only_entry().packets[1].load(), 1u);
    EXPECT_EQ(only_entry().timeout_ticks.load(), 2000u);
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 3u);
    EXPECT_EQ(bench.rule_counters[3].flows_created.load(), 1u);
}

TEST_F(TrackedStage, WhatIsRefusedChangesNothing) {
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    bench.context.now = 1900;
    for (const std::uint8_t flags : {kAck, std::uint8_t{kFin | kAck}, std::uint8_t{0}, std::uint8_t{kSyn | kFin}}) {
        bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, flags));
        EXPECT_EQ(bench.batch.disposition[0], Disposition::drop);
    }
    bench.pass(0, tcp("10.0.0.2", 80, "10.0.0.1", 1000, kSyn | kAck)); // from the wrong side
    EXPECT_EQ(bench.drops(DropReason::spoofed_source), 1u);
    const flow::Entry& entry = only_entry();
    EXPECT_EQ(entry.state.load(), State::tcp_syn_sent);
    EXPECT_EQ(entry.last_seen_tick.load(), 1000u);
    EXPECT_EQ(entry.packets[0].load(), 1u);
    EXPECT_EQ(entry.packets[1].load(), 0u);
    EXPECT_EQ(entry.flags.load() & flow::entry_flag::kReplied, 0);
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 1u) << "nothing is counted under the flow's rule";
}

TEST_F(TrackedStage, DropsCountUnderTheirRuleOnce) {
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 23, kSyn));
    EXPECT_EQ(bench.drops(DropReason::rule_drop), 1u);
    EXPECT_EQ(bench.rule_counters[4].packets.load(), 1u);
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 24, kSyn));
    EXPECT_EQ(bench.drops(DropReason::no_rule), 1u);
    EXPECT_EQ(bench.rule_counters[5].packets.load(), 1u);
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kAck));
    EXPECT_EQ(bench.drops(DropReason::not_a_syn), 1u);
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 1u);
    EXPECT_EQ(bench.rule_counters[3].flows_created.load(), 0u);
    EXPECT_EQ(bench.flows().stats().used.load(), 0u);
}

TEST_F(TrackedStage, AFullTableSaysSo) {
    StageBench small{rules(), 1};
    small.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    ASSERT_EQ(small.flows().stats().used.load(), 1u);
    small.pass(0, tcp("10.0.0.1", 1001, "10.0.0.2", 80, kSyn));
    EXPECT_EQ(small.batch.disposition[0], Disposition::forward) << "the first one made room";
    EXPECT_EQ(small.rule_counters[3].flows_created.load(), 2u);
}

TEST_F(TrackedStage, ANewEpochIsJudgedOnce) {
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    test_support::RulesetFields next = rules(2);
    next.rules[0].counter_slot = 7;
    next.rules[0].profile = 0;
    bench.use(next);
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn)); // again: the state stays
    EXPECT_EQ(bench.batch.disposition[0], Disposition::forward);
    EXPECT_EQ(bench.batch.rule_slot[0], 7u);
    EXPECT_EQ(only_entry().epoch.load(), 2u);
    EXPECT_EQ(only_entry().rule_slot.load(), 7u);
    EXPECT_EQ(only_entry().timeout_ticks.load(), 10'000u);
    EXPECT_EQ(bench.rule_counters[7].packets.load(), 1u);
    EXPECT_EQ(bench.rule_counters[7].flows_created.load(), 0u) << "it was made under the earlier policy";
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 1u);
    EXPECT_TRUE(bench.flows().consistent());
}

// The earlier policy's flow is found by its reply: the rule is asked about the opener, not about the reply.
TEST_F(TrackedStage, IsJudgedAgainAsItsOpener) {
    bench.pass(0, icmp("10.0.0.1", "10.0.0.2", 8, 7));
    ASSERT_EQ(bench.batch.disposition[0], Disposition::forward);
    test_support::RulesetFields next = rules(2);
    next.tracked[2].destination_ports = {{8 * 256, 8 * 256 + 255}}; // echo requests from zone 0, nothing else
    bench.use(next);
    bench.pass(1, icmp("10.0.0.2", "10.0.0.1", 0, 7));
    EXPECT_EQ(bench.batch.disposition[0], Disposition::forward);
    EXPECT_EQ(only_entry().epoch.load(), 2u);
}

TEST_F(TrackedStage, AFlowThatIsNoLongerAllowedGoes) {
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    test_support::RulesetFields next = rules(2);
    next.rules[0].action = ruleset::Action::drop;
    bench.use(next);
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    EXPECT_EQ(bench.drops(DropReason::policy_changed), 1u);
    EXPECT_EQ(bench.flows().stats().used.load(), 0u);
    EXPECT_EQ(ended(flow::EndReason::policy_changed), 1u);
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 2u);
}

TEST_F(TrackedStage, AFlowWhoseRuleIsUntrackedNowGoesAndItsPacketPasses) {
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    bench.pass(0, tcp("10.0.0.1", 1001, "10.0.0.2", 80, kSyn));
    test_support::RulesetFields next = rules(2);
    next.rules[0].tracked = false;
    bench.use(next);
    // An answer does not pass because its question would: it is judged as what it is.
    bench.pass(1, tcp("10.0.0.2", 80, "10.0.0.1", 1001, kSyn | kAck));
    EXPECT_EQ(bench.drops(DropReason::no_rule), 1u);
    EXPECT_EQ(bench.flows().stats().used.load(), 1u);
    bench.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    EXPECT_EQ(bench.batch.disposition[0], Disposition::forward);
    EXPECT_EQ(bench.flows().stats().used.load(), 0u);
}

// A batch is looked up ahead; what its earlier packets do must still be seen by the later ones.
/// Rule 0: tracked allow of everything.
test_support::RulesetFields everything(std::uint32_t epoch, bool brief) {
    test_support::RulesetFields fields;
    fields.epoch = epoch;
    fields.default_rule.brief = brief;
    return fields;
}

TEST_F(TrackedStage, OrdinaryPacketsOfABurstAreAllCounted) {
    bench.use(everything(1, false));
    const auto question = udp("10.0.0.1", 1000, "10.0.0.2", 53);
    const auto answer = udp("10.0.0.2", 53, "10.0.0.1", 1000);
    bench.pass(0, question);
    bench.pass(1, answer);
    bench.context.now = 2000;
    bench.clear();
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{0, 1, 1, 0, 1})
        bench.add(port, port == 0 ? question : answer);
    auto wrong = question;
    wrong[40] ^= std::byte{1}; // its checksum
    bench.add(0, wrong);
    bench.add(1, question);
    run(bench.batch, bench.context);
    for (unsigned i = 0; i < 5; ++i) {
        EXPECT_EQ(bench.batch.disposition[i], Disposition::forward) << i;
        EXPECT_EQ(bench.batch.rule_slot[i], 0u) << i;
    }
    EXPECT_EQ(bench.drops(DropReason::bad_checksum), 1u);
    EXPECT_EQ(bench.drops(DropReason::spoofed_source), 1u);
    const flow::Entry& entry = only_entry();
    EXPECT_EQ(entry.packets[0].load(), 3u);
    EXPECT_EQ(entry.packets[1].load(), 4u);
    EXPECT_EQ(entry.bytes(1), 4 * answer.size());
    EXPECT_EQ(entry.last_seen_tick.load(), 2000u);
    EXPECT_EQ(bench.rule_counters[0].packets.load(), 7u);
    EXPECT_EQ(bench.rule_counters[0].bytes.load(), 3 * question.size() + 4 * answer.size());
    EXPECT_EQ(bench.rule_counters[0].last_hit_tick.load(), 2000u);
}

TEST_F(TrackedStage, AnEstablishedFlowWhoseRuleBecomesBriefEndsWithItsNextAnswer) {
    bench.use(everything(1, false));
    bench.pass(0, udp("10.0.0.1", 1000, "10.0.0.2", 53));
    bench.pass(1, udp("10.0.0.2", 53, "10.0.0.1", 1000));
    bench.use(everything(2, true));
    bench.pass(0, udp("10.0.0.1", 1000, "10.0.0.2", 53));
    EXPECT_EQ(ended(flow::EndReason::closed), 0u);
    bench.pass(1, udp("10.0.0.2", 53, "10.0.0.1", 1000));
    EXPECT_EQ(bench.batch.disposition[0], Disposition::forward);
    EXPECT_EQ(ended(flow::EndReason::closed), 1u);
}

TEST_F(TrackedStage, LaterPacketsSeeWhatEarlierOnesOfTheBatchDid) {
    const auto syn = tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn);
    const auto rst = tcp("10.0.0.1", 1000, "10.0.0.2", 80, kRst);
    bench.clear();
    for (const auto& frame : {syn, syn, rst, syn}) {
        bench.add(0, frame);
    }
    run(bench.batch, bench.context);
    for (unsigned i = 0; i < 4; ++i) {
        EXPECT_EQ(bench.batch.disposition[i], Disposition::forward) << i;
    }
    EXPECT_EQ(bench.rule_counters[3].flows_created.load(), 2u);
    EXPECT_EQ(ended(flow::EndReason::refused), 1u) << "an RST before any answer";
    EXPECT_EQ(only_entry().state.load(), State::tcp_syn_sent);
    EXPECT_EQ(only_entry().packets[0].load(), 1u);
}

// The flow of a later packet is evicted by an earlier one, and its entry is given to another flow.
TEST_F(TrackedStage, AnEntryThatChangedHandsIsNotTakenForTheOldFlow) {
    StageBench small{rules(), 1};
    small.pass(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    small.clear();
    small.add(0, tcp("10.0.0.1", 2000, "10.0.0.2", 80, kSyn));
    small.add(1, tcp("10.0.0.2", 80, "10.0.0.1", 1000, kSyn | kAck));
    small.add(1, tcp("10.0.0.2", 80, "10.0.0.1", 2000, kSyn | kAck));
    run(small.batch, small.context);
    EXPECT_EQ(small.batch.disposition[0], Disposition::forward);
    EXPECT_EQ(small.batch.disposition[1], Disposition::drop) << "its flow is gone";
    EXPECT_EQ(small.batch.disposition[2], Disposition::forward);
    EXPECT_TRUE(small.flows().consistent());
}

} // namespace
} // namespace sluice::pipeline
