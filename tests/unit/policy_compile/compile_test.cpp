#include "policy/compile/compile.hpp"

#include "flow/state.hpp"
#include "policy/compile/rows.hpp"
#include "policy/model/read.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::policy {
namespace {

const std::string kInterfaces = "version: 1\n"
                                "interfaces:\n"
                                "  lan0: { device: net_null0, peer: wan0, mtu: 1400 }\n"
                                "  wan0: { device: net_null1, peer: lan0 }\n"
                                "  dmz: { device: net_null2, peer: lan1 }\n"
                                "  lan1: { device: net_null3, peer: dmz }\n"
                                "zones:\n"
                                "  inside: { interfaces: [lan0, lan1] }\n";

Policy policy_from(const std::string& sections) {
    Diagnostics diagnostics;
    auto policy = read("policy.yaml", kInterfaces + sections, diagnostics);
    EXPECT_TRUE(policy) << diagnostics.render(false);
    return policy ? *policy : Policy{};
}

std::unique_ptr<const ruleset::Ruleset> compiled(const Policy& policy, CompileOptions options = {}) {
    static std::uint32_t epoch = 100;
    if (options.epoch == 1) options.epoch = epoch++;
    Diagnostics diagnostics;
    auto ruleset = compile(policy, options, diagnostics);
    EXPECT_NE(ruleset, nullptr) << diagnostics.render(false);
    return ruleset;
}

TEST(Compile, RulesInOrderAndTheDefaultBehindThem) {
    const Policy policy =
        policy_from("timeouts:\n"
                    "  short: { tcp_closing: 2s }\n"
                    "rules:\n"
                    "- { name: web, to: { ports: [80] }, protocol: tcp, action: allow, timeouts: short }\n"
                    "- { name: bogons, from: { nets: [10.66.0.0/16] }, action: drop, track: false }\n"
                    "- { name: no-telnet, to: { ports: [23] }, protocol: tcp, action: drop }\n"
                    "default: { action: allow }\n");
    const auto ruleset = compiled(policy);
    ASSERT_EQ(ruleset->rule_count(), 3u);
    EXPECT_EQ(ruleset->rule(0).action, ruleset::Action::allow);
    EXPECT_TRUE(ruleset->rule(0).tracked);
    EXPECT_EQ(ruleset->profile(ruleset->rule(0).profile).ticks[static_cast<std::size_t>(Timeout::tcp_closing)], 2000u);
    EXPECT_EQ(ruleset->rule(1).action, ruleset::Action::drop);
    EXPECT_FALSE(ruleset->rule(1).tracked);
    EXPECT_EQ(ruleset->rule(2).profile, 0);
    EXPECT_EQ(ruleset->default_rule(), 3u);
    EXPECT_EQ(ruleset->rule(3).action, ruleset::Action::allow);
    EXPECT_TRUE(ruleset->rule(3).tracked);
    EXPECT_EQ(ruleset->profile(ruleset->rule(3).profile).ticks[static_cast<std::size_t>(Timeout::tcp_closing)],
              30'000u);
    EXPECT_EQ(ruleset->content_hash(), policy.content_hash);
    for (std::uint32_t i = 0; i <= 3; ++i) {
        EXPECT_EQ(ruleset->rule(i).counter_slot, i) << "unless slots are given";
    }
}

TEST(Compile, TakesTheSlotsAndTheEpochItIsGiven) {
    const Policy policy = policy_from("rules:\n- { name: web, to: { ports: [80] }, protocol: tcp, action: allow }\n");
    const std::vector<std::uint32_t> slots = {17, 5};
    const auto ruleset = compiled(policy, {.epoch = 4711, .counter_slots = slots, .progress = {}});
    EXPECT_EQ(ruleset->epoch(), 4711u);
    EXPECT_EQ(ruleset->rule(0).counter_slot, 17u);
    EXPECT_EQ(ruleset->rule(1).counter_slot, 5u);
    EXPECT_EQ(ruleset->rule(1).action, ruleset::Action::drop) << "the default of the default";
}

TEST(Compile, PortsKnowTheirWire) {
    const auto ruleset = compiled(policy_from("rules: []\n"));
    ASSERT_EQ(ruleset->port_count(), 4);
    const ruleset::Port& lan0 = ruleset->port(0);
    const ruleset::Port& wan0 = ruleset->port(1);
    const ruleset::Port& dmz = ruleset->port(2);
    const ruleset::Port& lan1 = ruleset->port(3);
    EXPECT_EQ(lan0.peer, 1);
    EXPECT_EQ(wan0.peer, 0);
    EXPECT_EQ(dmz.peer, 3);
    EXPECT_EQ(lan1.peer, 2);
    EXPECT_EQ(lan0.wire, wan0.wire);
    EXPECT_EQ(dmz.wire, lan1.wire);
    EXPECT_NE(lan0.wire, dmz.wire);
    EXPECT_TRUE(lan0.wire == 0 || lan0.wire == 1) << "a wire is named after one of its ports";
    EXPECT_EQ(lan0.zone, lan1.zone);
    EXPECT_NE(lan0.zone, wan0.zone);
    EXPECT_NE(wan0.zone, dmz.zone);
    EXPECT_EQ(lan0.peer_mtu, 1500) << "wan0's";
    EXPECT_EQ(wan0.peer_mtu, 1400) << "lan0's";
}

TEST(Compile, TimeoutsStandInTheOrderOfTheirClasses) {
    const auto ruleset =
        compiled(policy_from("timeouts:\n"
                             "  default: { tcp_new: 1s, tcp_established: 2s, tcp_closing: 3s, udp_new: 4s,\n"
                             "             udp_established: 5s, icmp: 6s, other: 7s, sctp_new: 8s,\n"
                             "             sctp_established: 9s, sctp_closing: 10s, tcp_stalled: 11s }\n"
                             "rules: []\n"));
    const auto ticks = [&ruleset](flow::State state) {
        return ruleset->profile(0).ticks[static_cast<std::size_t>(flow::timeout_class(state))];
    };
    EXPECT_EQ(ticks(flow::State::tcp_syn_sent), 1000u);
    EXPECT_EQ(ticks(flow::State::tcp_established), 2000u);
    EXPECT_EQ(ticks(flow::State::tcp_time_wait), 3000u);
    EXPECT_EQ(ticks(flow::State::udp_new), 4000u);
    EXPECT_EQ(ticks(flow::State::udp_established), 5000u);
    EXPECT_EQ(ticks(flow::State::icmp_query), 6000u);
    EXPECT_EQ(ticks(flow::State::other_established), 7000u);
    EXPECT_EQ(ticks(flow::State::sctp_cookie_wait), 8000u);
    EXPECT_EQ(ticks(flow::State::sctp_established), 9000u);
    EXPECT_EQ(ticks(flow::State::sctp_closed), 10'000u);
    EXPECT_EQ(ruleset->profile(0).ticks[static_cast<std::size_t>(flow::TimeoutClass::tcp_stalled)], 11'000u);
}

TEST(Compile, ASlotLeadsToTheProfileOfItsRule) {
    const Policy policy =
        policy_from("timeouts:\n"
                    "  short: { tcp_new: 2s, pickup: loose }\n"
                    "rules:\n"
                    "- { name: web, to: { ports: [80] }, protocol: tcp, action: allow, timeouts: short }\n"
                    "- { name: no-telnet, to: { ports: [23] }, protocol: tcp, action: drop }\n");
    const std::vector<std::uint32_t> slots = {17, 5, 3};
    const auto ruleset = compiled(policy, {.epoch = 4712, .counter_slots = slots, .progress = {}});
    EXPECT_EQ(&ruleset->profile_of_slot(17), &ruleset->profile(1));
    EXPECT_TRUE(ruleset->profile_of_slot(17).pickup_loose);
    for (const std::uint32_t slot : {5u, 3u, 0u, 16u, 18u, 0xffff'ffffu}) {
        EXPECT_EQ(&ruleset->profile_of_slot(slot), &ruleset->profile(0)) << slot;
    }
    EXPECT_FALSE(ruleset->profile(0).pickup_loose);
}

TEST(Compile, SanityIsOneMask) {
    const auto plain = compiled(policy_from("rules: []\n"));
    const ruleset::Sanity unsaid;
    EXPECT_EQ(plain->sanity().refused, unsaid.refused) << "the same defaults in both places";
    EXPECT_EQ(plain->sanity().verify_checksums, unsaid.verify_checksums);
    EXPECT_EQ(plain->sanity().ethertypes, unsaid.ethertypes);
    EXPECT_EQ(plain->sanity().ethertype_count, unsaid.ethertype_count);

    const auto bit_of = [](Action Sanity::*key) {
        Policy one = policy_from("rules: []\n");
        for (const auto each :
             {&Sanity::bad_checksum, &Sanity::martian_source, &Sanity::source_route, &Sanity::ipv4_options,
              &Sanity::routing_header_0, &Sanity::ttl_zero, &Sanity::stacked_vlans}) {
            one.sanity.*each = each == key ? Action::drop : Action::allow;
        }
        return compiled(one)->sanity().refused;
    };
    EXPECT_EQ(bit_of(&Sanity::bad_checksum), net::oddity::kHeaderChecksum);
    EXPECT_EQ(bit_of(&Sanity::martian_source), net::oddity::kMartianSource);
    EXPECT_EQ(bit_of(&Sanity::source_route), net::oddity::kSourceRoute);
    EXPECT_EQ(bit_of(&Sanity::ipv4_options), net::oddity::kIpv4Option);
    EXPECT_EQ(bit_of(&Sanity::routing_header_0), net::oddity::kRoutingHeader0);
    EXPECT_EQ(bit_of(&Sanity::ttl_zero), net::oddity::kTtlZero);
    EXPECT_EQ(bit_of(&Sanity::stacked_vlans), net::oddity::kStackedVlan);

    Policy other = policy_from("rules: []\n");
    other.sanity.bad_checksum = Action::allow;
    other.sanity.ethertypes = {0x88cc, 0};
    const auto ruleset = compiled(other);
    EXPECT_FALSE(ruleset->sanity().verify_checksums);
    EXPECT_TRUE(ruleset->sanity().passes(0x88cc));
    EXPECT_TRUE(ruleset->sanity().passes(0x0026)) << "a length";
    EXPECT_TRUE(ruleset->sanity().passes(0x05ff));
    EXPECT_FALSE(ruleset->sanity().passes(0x0600));
    EXPECT_FALSE(ruleset->sanity().passes(0x0806));
    other.sanity.ethertypes.clear();
    EXPECT_FALSE(compiled(other)->sanity().passes(0x0806));
    EXPECT_FALSE(compiled(other)->sanity().passes(0)) << "what is behind the count is not looked at";
}

TEST(Compile, ClassifiersAreEmptyWhereNothingIsAsked) {
    const auto none = compiled(policy_from("rules: []\n"));
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        EXPECT_TRUE(none->tracked().empty(family));
        EXPECT_TRUE(none->untracked().empty(family));
    }
    const auto ipv4 = compiled(policy_from("rules:\n- { name: a, from: { nets: [10.0.0.0/8] }, action: allow }\n"));
    EXPECT_FALSE(ipv4->tracked().empty(net::Family::ipv4));
    EXPECT_TRUE(ipv4->tracked().empty(net::Family::ipv6));
    EXPECT_TRUE(ipv4->untracked().empty(net::Family::ipv4));
}

/// Rules whose ranges and prefixes cut across one another.
std::string crossing_rules(int count) {
    std::string text = "rules:\n";
    for (int i = 0; i < count; ++i) {
        const std::string n = std::to_string(i);
        text += "- { name: r" + n + ", from: { nets: [10." + n + ".0.0/16], ports: [" + std::to_string(1000 + i) + "-" +
                std::to_string(40'000 + 7 * i) + "] }, to: { nets: [\"10.0." + n + ".0/24\", 172.16.0.0/12], ports: [" +
                std::to_string(i) + "-" + std::to_string(30'000 + i) + "] }, protocol: tcp, action: allow }\n";
    }
    return text;
}

TEST(Compile, OfferLittleMemoryItIsSlowerAndSaysWhy) {
    Policy policy = policy_from("tables: { rules: { memory: 1Mi } }\n" + crossing_rules(250));
    Diagnostics diagnostics;
    EXPECT_NE(compile(policy, {}, diagnostics), nullptr) << diagnostics.render(false);
    policy.rule_table.memory_size = 64 << 10;
    Diagnostics found;
    EXPECT_NE(compile(policy, {}, found), nullptr) << found.render(false);
    ASSERT_EQ(found.all().size(), 1u) << found.render(false);
    EXPECT_EQ(found.all()[0].code, "W110");
    EXPECT_NE(found.all()[0].help.find("'r"), std::string::npos) << found.all()[0].help;
    EXPECT_EQ(found.all()[0].where.line, policy.rule_table.where.line);
}

TEST(Compile, CanBeGivenUp) {
    Diagnostics diagnostics;
    double most = 0;
    CompileOptions options;
    options.progress = [&most](double done) {
        most = std::max(most, done);
        return false;
    };
    EXPECT_FALSE(compile_with_report(policy_from(crossing_rules(100)), options, diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1u);
    EXPECT_EQ(diagnostics.all()[0].code, "P091");
    EXPECT_LE(most, 1.0);
}

TEST(Compile, ReportsWhatEachRuleTakes) {
    const Policy policy = policy_from("rules:\n"
                                      "- { name: web, to: { ports: [80, 443] }, protocol: udp, action: allow }\n"
                                      "- { name: fast, to: { ports: [11211] }, protocol: tcp, action: allow, "
                                      "track: false, reply: mirror }\n");
    Diagnostics diagnostics;
    const auto compilation = compile_with_report(policy, {}, diagnostics);
    ASSERT_TRUE(compilation);
    const auto tracked = rule_costs(compilation->tracked, 2);
    const auto untracked = rule_costs(compilation->untracked, 2);
    EXPECT_GT(tracked[0].boxes, tracked[1].boxes) << "two ports";
    EXPECT_GE(tracked[0].entries, tracked[0].boxes);
    EXPECT_EQ(untracked[0].boxes, 0u) << "it overlaps with no untracked rule";
    EXPECT_GT(untracked[1].boxes, 0u);
    EXPECT_EQ(&compilation->ruleset->tracked(), compilation->tracked.classifier.get());
}

TEST(Compile, ARulesetOfAnotherEpochSharesTheRest) {
    const auto first = compiled(policy_from(crossing_rules(10)));
    const auto second = first->with_epoch(first->epoch() + 1);
    EXPECT_EQ(second->epoch(), first->epoch() + 1);
    EXPECT_EQ(&second->tracked(), &first->tracked());
    EXPECT_EQ(&second->untracked(), &first->untracked());
    EXPECT_EQ(&second->rule(3), &first->rule(3));
    EXPECT_EQ(second->content_hash(), first->content_hash());
    EXPECT_EQ(second->look_interval_ticks(), first->look_interval_ticks());
}

} // namespace
} // namespace sluice::policy
