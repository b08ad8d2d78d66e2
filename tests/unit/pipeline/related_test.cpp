// ICMP errors: what they quote decides about them, on the tracked and on the untracked path, and about their owner.
#include "stage_bench.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::pipeline {
namespace {

using ruleset::Path;
using ruleset::UntrackedResult;
using telemetry::DropReason;
using test_support::Address;
using test_support::Bytes;
using test_support::PacketBuilder;
using namespace net::tcp_flag;

constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kPacketTooBig = 2;

/// An error of the type from `router` to `to` about the IP packet in `frame`.
Bytes error(std::uint8_t type, Address router, Address to, const Bytes& frame) {
    constexpr std::ptrdiff_t kEthernet = 14;
    return PacketBuilder()
        .ip(router, to)
        .icmp({.type = type})
        .payload(Bytes(frame.begin() + kEthernet, frame.end()))
        .build();
}

/// Rule 0: tracked, from zone 0 to UDP port 53 and TCP port 80. Rule 1: untracked, port 11211 and echo requests, with
/// a mirror. Default: drop.
test_support::RulesetFields rules(std::uint32_t epoch = 1) {
    test_support::RulesetFields fields;
    fields.epoch = epoch;
    fields.rules = {{.counter_slot = 3, .profile = 0, .action = ruleset::Action::allow, .tracked = true},
                    {.counter_slot = 4, .profile = 0, .action = ruleset::Action::allow, .tracked = false}};
    fields.default_rule = {.counter_slot = 5, .profile = 0, .action = ruleset::Action::drop, .tracked = true};
    for (const std::uint16_t port : {std::uint16_t{53}, std::uint16_t{80}}) {
        classifier::Row row;
        row.from_zones = {0};
        row.destination_ports = {{port, port}};
        row.rank = port;
        row.result = 1;
        fields.tracked.push_back(row);
    }
    classifier::Row there;
    there.from_zones = {0};
    there.destination_ports = {{11211, 11211}};
    there.ipv6 = false;
    there.rank = 100;
    there.result = UntrackedResult{Path::direct, 1}.encode();
    classifier::Row back;
    back.from_zones = {1};
    back.source_ports = {{11211, 11211}};
    back.ipv6 = false;
    back.rank = 101;
    back.result = UntrackedResult{Path::mirror, 1}.encode();
    classifier::Row ping;
    ping.from_zones = {0};
    ping.protocol = net::protocol::kIcmp;
    ping.destination_ports = {{8 * 256, 8 * 256 + 255}};
    ping.ipv6 = false;
    ping.rank = 102;
    ping.result = UntrackedResult{Path::direct, 1}.encode();
    classifier::Row questions_back = ping;
    questions_back.from_zones = {1};
    questions_back.rank = 103;
    questions_back.result = UntrackedResult{Path::mirror, 1}.encode();
    fields.untracked = {there, back, ping, questions_back};
    return fields;
}

class Related : public testing::Test {
  protected:
    void expect_forwarded(std::uint16_t port, const Bytes& frame, std::uint32_t slot) {
        bench.pass(port, frame);
        EXPECT_EQ(bench.batch.disposition[0], Disposition::forward) << name(bench.batch.reason[0]);
        EXPECT_EQ(bench.batch.rule_slot[0], slot);
    }
    void expect_dropped(std::uint16_t port, const Bytes& frame, DropReason why) {
        bench.pass(port, frame);
        EXPECT_EQ(bench.batch.disposition[0], Disposition::drop);
        EXPECT_EQ(name(bench.batch.reason[0]), name(why));
    }

    StageBench bench{rules()};
};

TEST_F(Related, AnErrorIsCountedUnderTheRuleOfItsFlowAndLeavesTheEntryAlone) {
    const Bytes question = udp("10.0.0.1", 1000, "10.0.0.2", 53);
    bench.pass(0, question);
    const flow::Entry& entry = bench.flows().entry(bench.flows().find(bench.batch.key[0], bench.batch.hash[0]));
    const std::uint8_t flags = entry.flags.load();
    bench.context.now = 3000;
    const Bytes unreachable = error(kUnreachable, "10.9.9.9", "10.0.0.1", question);
    expect_forwarded(1, unreachable, 3);
    EXPECT_EQ(bench.rule_counters[3].packets.load(), 2u);
    EXPECT_EQ(bench.rule_counters[3].bytes.load(), question.size() + unreachable.size());
    EXPECT_EQ(bench.rule_counters[3].flows_created.load(), 1u);
    EXPECT_EQ(entry.last_seen_tick.load(), 1000u);
    EXPECT_EQ(entry.state.load(), flow::State::udp_new);
    EXPECT_EQ(entry.flags.load(), flags);
    EXPECT_EQ(entry.packets[0].load(), 1u);
    EXPECT_EQ(entry.packets[1].load(), 0u);
    EXPECT_TRUE(bench.flows().consistent());
}

TEST_F(Related, BothFamiliesAndBothDirections) {
    const Bytes question = udp("2001:db8:1::1", 1000, "2001:db8:2::2", 53);
    const Bytes answer = udp("2001:db8:2::2", 53, "2001:db8:1::1", 1000);
    bench.pass(0, question);
    expect_forwarded(1, error(kPacketTooBig, "2001:db8:9::9", "2001:db8:1::1", question), 3);
    expect_forwarded(0, error(kPacketTooBig, "2001:db8:9::9", "2001:db8:2::2", answer), 3);
    expect_dropped(0, error(kPacketTooBig, "2001:db8:9::9", "2001:db8:1::1", question), DropReason::spoofed_source);
    expect_dropped(1, error(kPacketTooBig, "2001:db8:9::9", "2001:db8:1::2", question), DropReason::no_rule);
    EXPECT_EQ(bench.flows().stats().used.load(), 1u);
}

// The flow that the quote is about was made by an earlier packet of the same batch, and ended by another.
TEST_F(Related, AnErrorSeesWhatEarlierPacketsOfItsBatchDid) {
    const Bytes syn = tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn);
    const Bytes unreachable = error(kUnreachable, "10.9.9.9", "10.0.0.1", syn);
    bench.clear();
    bench.add(1, unreachable);
    bench.add(0, syn);
    bench.add(1, unreachable);
    bench.add(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kRst));
    bench.add(1, unreachable);
    run(bench.batch, bench.context);
    const std::array wanted = {Disposition::drop, Disposition::forward, Disposition::forward, Disposition::forward,
                               Disposition::drop};
    for (unsigned i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(bench.batch.disposition[i], wanted[i]) << i;
    }
    EXPECT_TRUE(bench.flows().consistent());
}

TEST_F(Related, AStaleFlowIsNotJudgedByItsErrors) {
    const Bytes question = udp("10.0.0.1", 1000, "10.0.0.2", 53);
    bench.pass(0, question);
    const flow::Index index = bench.flows().find(bench.batch.key[0], bench.batch.hash[0]);
    bench.use(rules(2));
    expect_forwarded(1, error(kUnreachable, "10.9.9.9", "10.0.0.1", question), 3);
    EXPECT_EQ(bench.flows().entry(index).epoch.load(), 1u);
    test_support::RulesetFields none = rules(3);
    none.tracked.clear();
    bench.use(none);
    expect_dropped(1, error(kUnreachable, "10.9.9.9", "10.0.0.1", question), DropReason::policy_changed);
    EXPECT_EQ(bench.flows().stats().used.load(), 1u);
    bench.pass(0, question);
    EXPECT_EQ(bench.flows().stats().used.load(), 0u);
}

TEST_F(Related, UntrackedErrorsPassWhereTheirPacketMayHavePassed) {
    const Bytes question = tcp("10.0.0.1", 1000, "10.0.0.2", 11211, kAck);
    const Bytes answer = tcp("10.0.0.2", 11211, "10.0.0.1", 1000, kAck);
    expect_forwarded(1, error(kUnreachable, "10.9.9.9", "10.0.0.1", question), 4);
    EXPECT_EQ(bench.batch.path[0], Path::direct);
    expect_forwarded(0, error(kUnreachable, "10.9.9.9", "10.0.0.2", answer), 4);
    EXPECT_EQ(bench.batch.path[0], Path::mirror);
    EXPECT_EQ(bench.rule_counters[4].packets.load(), 2u);
    // Not the other way round, not for somebody else, and not about another port.
    expect_dropped(0, error(kUnreachable, "10.9.9.9", "10.0.0.1", question), DropReason::no_rule);
    expect_dropped(1, error(kUnreachable, "10.9.9.9", "10.0.0.3", question), DropReason::no_rule);
    expect_dropped(1, error(kUnreachable, "10.9.9.9", "10.0.0.1", tcp("10.0.0.1", 1000, "10.0.0.2", 11212, kAck)),
                   DropReason::no_rule);
    EXPECT_EQ(bench.flows().stats().used.load(), 0u);
}

// The mirror lets answers back and no questions, so there is no question of that side that an error could be about.
TEST_F(Related, NoErrorIsAboutAQuestionThatTheMirrorRefuses) {
    expect_forwarded(1, error(kUnreachable, "10.9.9.9", "10.0.0.1", icmp("10.0.0.1", "10.0.0.2", 8, 7)), 4);
    expect_dropped(0, error(kUnreachable, "10.9.9.9", "10.0.0.2", icmp("10.0.0.2", "10.0.0.1", 8, 7)),
                   DropReason::no_rule);
}

TEST_F(Related, AnUntrackedDropIsNoWayForErrors) {
    test_support::RulesetFields fields = rules();
    fields.rules[1].action = ruleset::Action::drop;
    bench.use(fields);
    expect_dropped(1, error(kUnreachable, "10.9.9.9", "10.0.0.1", tcp("10.0.0.1", 1000, "10.0.0.2", 11211, kAck)),
                   DropReason::no_rule);
}

/// Two workers with a table each.
class RelatedOverWorkers : public testing::TestWithParam<Ownership::By> {
  protected:
    RelatedOverWorkers() {
        for (std::uint16_t self = 0; self < 2; ++self) {
            workers[self].context.ownership.self = self;
            workers[self].context.ownership.workers = 2;
            workers[self].context.ownership.by = GetParam();
        }
    }

    /// As received by worker `first`: who judges it in the end.
    std::uint16_t pass(std::uint16_t first, std::uint16_t port, const Bytes& frame) {
        workers[first].pass(port, frame);
        if (workers[first].batch.disposition[0] != Disposition::hand_off) return first;
        const std::uint16_t owner = workers[first].batch.owner[0];
        EXPECT_NE(owner, first);
        workers[owner].clear();
        workers[owner].add(port, frame);
        workers[owner].batch.arrival[0] = Arrival::judge;
        run(workers[owner].batch, workers[owner].context);
        return owner;
    }

    std::array<StageBench, 2> workers{StageBench{rules()}, StageBench{rules()}};
};

// RSS looks at the error's own addresses, so the port delivers it anywhere; its quote says whose it is.
TEST_P(RelatedOverWorkers, AnErrorReachesTheOwnerOfTheFlowThatItQuotes) {
    std::array<unsigned, 2> owned{};
    for (std::uint16_t port = 1000; port < 1032; ++port) {
        const Bytes question = udp("10.0.0.1", port, "10.0.0.2", 53);
        const std::uint16_t owner = pass(0, 0, question);
        ++owned[owner];
        for (std::uint16_t first = 0; first < 2; ++first) {
            EXPECT_EQ(pass(first, 1, error(kUnreachable, "10.9.9.9", "10.0.0.1", question)), owner);
            EXPECT_EQ(workers[owner].batch.disposition[0], Disposition::forward);
            EXPECT_EQ(
                pass(first, 0, error(kUnreachable, "10.9.9.9", "10.0.0.2", udp("10.0.0.2", 53, "10.0.0.1", port))),
                owner);
            EXPECT_EQ(workers[owner].batch.disposition[0], Disposition::forward);
        }
    }
    EXPECT_GT(owned[0], 0u);
    EXPECT_GT(owned[1], 0u);
}

// Untracked errors are judged where they are: they have no owner.
TEST_P(RelatedOverWorkers, UntrackedErrorsStayWhereTheyAre) {
    for (std::uint16_t port = 1000; port < 1032; ++port) {
        const Bytes question = udp("10.0.0.1", port, "10.0.0.2", 11211);
        EXPECT_EQ(pass(0, 1, error(kUnreachable, "10.9.9.9", "10.0.0.1", question)), 0);
        EXPECT_EQ(workers[0].batch.disposition[0], Disposition::forward);
    }
}

INSTANTIATE_TEST_SUITE_P(By, RelatedOverWorkers, testing::Values(Ownership::By::seeded_hash, Ownership::By::rss));

} // namespace
} // namespace sluice::pipeline
