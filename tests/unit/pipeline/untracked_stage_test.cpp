#include "stage_bench.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pipeline {
namespace {

using ruleset::Path;
using ruleset::UntrackedResult;
using telemetry::DropReason;
using namespace net::tcp_flag;

/// Rule 0 is an untracked allow for port 11211 at the server (port 1 of the wire), with a mirror; rule 1 an untracked
/// drop of UDP port 9; rule 2 is tracked and takes TCP port 22 before anything else does.
test_support::RulesetFields rules(Path mirror = Path::mirror) {
    test_support::RulesetFields fields;
    fields.rules = {{.counter_slot = 3, .profile = 0, .action = ruleset::Action::allow, .tracked = false},
                    {.counter_slot = 4, .profile = 0, .action = ruleset::Action::drop, .tracked = false},
                    {.counter_slot = 5, .profile = 0, .action = ruleset::Action::allow, .tracked = true}};
    classifier::Row there;
    there.destination_ports = {{11211, 11211}};
    there.to_zones = {1};
    there.rank = 10;
    there.result = UntrackedResult{Path::direct, 0}.encode();
    classifier::Row back;
    back.source_ports = {{11211, 11211}};
    back.from_zones = {1};
    back.rank = 11;
    back.result = UntrackedResult{mirror, 0}.encode();
    classifier::Row discard;
    discard.protocol = net::protocol::kUdp;
    discard.destination_ports = {{9, 9}};
    discard.ipv6 = false;
    discard.rank = 20;
    discard.result = UntrackedResult{Path::direct, 1}.encode();
    classifier::Row first;
    first.protocol = net::protocol::kTcp;
    first.destination_ports = {{22, 22}};
    first.ipv6 = false;
    first.rank = 0;
    first.result = UntrackedResult{Path::tracked, 0}.encode();
    // What answers an ICMP query: rule 0 again, for its mirror's sake.
    classifier::Row icmp;
    icmp.protocol = net::protocol::kIcmp;
    icmp.from_zones = {1};
    icmp.ipv6 = false;
    icmp.rank = 12;
    icmp.result = UntrackedResult{mirror, 0}.encode();
    classifier::Row icmpv6 = icmp;
    icmpv6.ipv4 = false;
    icmpv6.ipv6 = true;
    icmpv6.protocol = net::protocol::kIcmpv6;
    fields.untracked = {there, back, discard, first, icmp, icmpv6};
    return fields;
}

class UntrackedStage : public testing::Test {
  protected:
    void judge(std::uint16_t port, test_support::Bytes frame) {
        bench.clear();
        bench.add(port, std::move(frame));
        parse(bench.batch, bench.context);
        judge_untracked(bench.batch, bench.context);
    }
    [[nodiscard]] std::string verdict() const {
        switch (bench.batch.disposition[0]) {
        case Disposition::pending: return "pending";
        case Disposition::forward: return "forward";
        case Disposition::hand_off: return "hand_off";
        case Disposition::held: return "held";
        case Disposition::answer: return "answer";
        case Disposition::absorb: return "absorb";
        case Disposition::drop: break;
        }
        return std::string(telemetry::name(bench.batch.reason[0]));
    }
    [[nodiscard]] std::uint64_t packets(unsigned slot) const { return bench.rule_counters[slot].packets.load(); }

    StageBench bench{rules()};
};

TEST_F(UntrackedStage, DirectIsForwardedAndCounted) {
    const auto frame = tcp("10.0.0.1", 1000, "10.0.0.2", 11211, kSyn);
    judge(0, frame);
    EXPECT_EQ(verdict(), "forward");
    EXPECT_EQ(bench.batch.path[0], Path::direct);
    EXPECT_EQ(bench.batch.rule_slot[0], 3u);
    EXPECT_EQ(packets(3), 1u);
    EXPECT_EQ(bench.rule_counters[3].bytes.load(), frame.size());
    EXPECT_EQ(bench.rule_counters[3].last_hit_tick.load(), bench.context.now);
    EXPECT_EQ(bench.rule_counters[3].flows_created.load(), 0u);
}

TEST_F(UntrackedStage, MirrorWantsAckOrRst) {
    const auto answer = [this](std::uint8_t flags) {
        judge(1, tcp("10.0.0.2", 11211, "10.0.0.1", 1000, flags));
        EXPECT_EQ(bench.batch.path[0], Path::mirror);
        EXPECT_EQ(bench.batch.rule_slot[0], 3u);
        return verdict();
    };
    for (unsigned flags = 0; flags < 256; ++flags) {
        const std::string wanted = flags & (kAck | kRst) ? "forward" : "untracked_syn_on_reply";
        EXPECT_EQ(answer(static_cast<std::uint8_t>(flags)), wanted) << flags;
    }
    EXPECT_EQ(packets(3), 256u) << "refused ones are counted under the rule too";
}

TEST_F(UntrackedStage, MirrorRefusesQueries) {
    judge(1, icmp("10.0.0.2", "10.0.0.1", 8, 7));
    EXPECT_EQ(verdict(), "untracked_query_on_reply");
    judge(1, icmp("10.0.0.2", "10.0.0.1", 0, 7));
    EXPECT_EQ(verdict(), "forward");
    judge(1, icmp("2001:db8::2", "2001:db8::1", 128, 7));
    EXPECT_EQ(verdict(), "untracked_query_on_reply");
    judge(1, icmp("2001:db8::2", "2001:db8::1", 129, 7));
    EXPECT_EQ(verdict(), "forward");
}

TEST_F(UntrackedStage, MirrorLetsUdpBack) {
    judge(1, udp("10.0.0.2", 11211, "10.0.0.1", 1000));
    EXPECT_EQ(verdict(), "forward");
}

TEST_F(UntrackedStage, MirrorAnyRefusesNothing) {
    bench.use(rules(Path::mirror_any));
    judge(1, tcp("10.0.0.2", 11211, "10.0.0.1", 1000, kSyn));
    EXPECT_EQ(verdict(), "forward");
    EXPECT_EQ(bench.batch.path[0], Path::mirror_any);
    judge(1, icmp("10.0.0.2", "10.0.0.1", 8, 7));
    EXPECT_EQ(verdict(), "forward");
}

TEST_F(UntrackedStage, DropEndsHere) {
    judge(0, udp("10.0.0.1", 1000, "10.0.0.2", 9));
    EXPECT_EQ(verdict(), "rule_drop");
    EXPECT_EQ(packets(4), 1u);
}

TEST_F(UntrackedStage, AnEarlierTrackedRuleLeavesThePacketToTheFlows) {
    // TCP from the mirror's port to port 22: the mirror would take it.
    judge(1, tcp("10.0.0.2", 11211, "10.0.0.1", 22, kAck));
    EXPECT_EQ(verdict(), "pending");
    EXPECT_EQ(bench.batch.path[0], Path::tracked);
    EXPECT_EQ(bench.batch.rule_slot[0], kNoRule);
    EXPECT_EQ(packets(3) + packets(5), 0u);
}

TEST_F(UntrackedStage, WhatNoRowMatchesIsPending) {
    judge(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    EXPECT_EQ(verdict(), "pending");
    EXPECT_EQ(bench.batch.path[0], Path::none);
    judge(1, tcp("10.0.0.2", 11212, "10.0.0.1", 1000, kAck));
    EXPECT_EQ(verdict(), "pending");
    judge(0, tcp("10.0.0.2", 11211, "10.0.0.1", 1000, kAck));
    EXPECT_EQ(verdict(), "pending") << "the mirror is for the server's side";
}

TEST_F(UntrackedStage, LeavesDecidedPacketsAlone) {
    judge(0, udp("10.0.0.1", 11211, "10.0.0.1", 11211));
    EXPECT_EQ(verdict(), "spoofed_source");
    EXPECT_EQ(packets(3), 0u);
}

// Families take turns in one batch: rows must not be mixed up.
TEST_F(UntrackedStage, AMixedBatchKeepsItsRows) {
    bench.clear();
    for (unsigned i = 0; i < kBatchSize; ++i) {
        const bool v6 = i % 3 == 0;
        const std::uint16_t port = i % 2 == 0 ? 11211 : 80;
        bench.add(0, tcp(v6 ? "2001:db8::1" : "10.0.0.1", 1000, v6 ? "2001:db8::2" : "10.0.0.2", port, kSyn));
    }
    parse(bench.batch, bench.context);
    judge_untracked(bench.batch, bench.context);
    for (unsigned i = 0; i < kBatchSize; ++i) {
        EXPECT_EQ(bench.batch.disposition[i] == Disposition::forward, i % 2 == 0) << i;
    }
    EXPECT_EQ(packets(3), kBatchSize / 2);
}

} // namespace
} // namespace sluice::pipeline
