#include "policy/lint/lint.hpp"

#include "policy_text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

/// Two wires, a-b and c-d, and rules from line 8 on, each "name, …" of one line.
std::string with_rules(const std::vector<std::string>& rules) {
    std::string text = "version: 1\n"
                       "interfaces:\n"
                       "  a: { device: net_null0, peer: b }\n"
                       "  b: { device: net_null1, peer: a }\n"
                       "  c: { device: net_null2, peer: d }\n"
                       "  d: { device: net_null3, peer: c }\n"
                       "rules:\n";
    for (const std::string& rule : rules) {
        text += "- { name: " + rule + " }\n";
    }
    return text;
}

std::string found(const std::vector<std::string>& rules) {
    return lint_text(with_rules(rules)).found;
}

const std::string kShadowed = "9:5 W105 rule 'late' can never match: 'early' (line 8) takes all its packets\n";

TEST(Shadow, SameRuleTwice) {
    EXPECT_EQ(found({"early, action: allow", "late, action: drop"}), kShadowed);
    EXPECT_EQ(found({"early, action: allow, protocol: tcp", "late, action: drop"}), "");
    EXPECT_EQ(found({"early, action: allow", "late, action: drop, protocol: tcp"}), kShadowed);
}

TEST(Shadow, ByAddresses) {
    const auto pair = [](const std::string& early, const std::string& late) {
        return found({"early, action: allow, from: { nets: [" + early + "] }",
                      "late, action: drop, from: { nets: [" + late + "] }"});
    };
    EXPECT_EQ(pair("10.0.0.0/8", "10.1.0.0/16"), kShadowed);
    EXPECT_EQ(pair("10.1.0.0/16", "10.0.0.0/8"), "");
    EXPECT_EQ(pair("10.0.0.0/8", "11.0.0.0/8"), "");
    EXPECT_EQ(pair("10.0.0.0/8, 12.0.0.0/8", "12.1.0.0/16, 10.1.0.0/16"), kShadowed);
    EXPECT_EQ(pair("10.0.0.0/8, 12.0.0.0/8", "12.1.0.0/16, 11.1.0.0/16"), "");
    EXPECT_EQ(pair("10.0.0.0/9, 10.128.0.0/9", "10.0.0.0/8"), kShadowed) << "halves that touch make a whole";
    EXPECT_EQ(pair("10.0.0.0/9, 10.192.0.0/10", "10.0.0.0/8"), "") << "a gap";
    EXPECT_EQ(pair("\"2001:db8::/33\", \"2001:db8:8000::/33\"", "\"2001:db8::/32\""), kShadowed);
    EXPECT_EQ(pair("\"::/0\"", "\"ff02::1\""), kShadowed);
    EXPECT_EQ(pair("0.0.0.0/0", "\"::1\""), "") << "families apart";
    EXPECT_EQ(pair("0.0.0.0/0", "255.255.255.255"), kShadowed);
    EXPECT_EQ(
        found({"early, action: allow, to: { nets: [10.0.0.0/8] }", "late, action: drop, from: { nets: [10.0.0.0/8] }"}),
        "");
}

TEST(Shadow, ByLongListsOfAddresses) {
    std::string long_list;
    for (int i = 0; i < 100; ++i) {
        long_list += (i == 0 ? "10.0." : ", 10.0.") + std::to_string(i) + ".0/24";
    }
    const std::string early = "early, action: allow, from: { nets: [" + long_list + "] }";
    EXPECT_EQ(found({early, "late, action: drop, from: { nets: [10.0.99.7, 10.0.0.0/24] }"}), kShadowed);
    EXPECT_EQ(found({early, "late, action: drop, from: { nets: [10.0.100.7, 10.0.0.0/24] }"}), "");
    EXPECT_EQ(found({early, "late, action: drop, from: { nets: [10.0.99.7, 10.0.0.0/24] }",
                     "later, action: drop, from: { nets: [10.0.99.7, 10.0.0.0/24] }"}),
              kShadowed + "10:5 W105 rule 'later' can never match: 'early' (line 8) takes all its packets\n")
        << "an answer that was remembered";
}

TEST(Shadow, ByPortsAndTypes) {
    const auto pair = [](const std::string& early, const std::string& late) {
        return found({"early, action: allow, " + early, "late, action: drop, " + late});
    };
    EXPECT_EQ(pair("protocol: tcp, to: { ports: [1-100] }", "protocol: tcp, to: { ports: [22, 80] }"), kShadowed);
    EXPECT_EQ(pair("protocol: tcp, to: { ports: [1-100] }", "protocol: tcp, to: { ports: [22, 101] }"), "");
    EXPECT_EQ(pair("protocol: tcp, to: { ports: [1-100] }", "protocol: udp, to: { ports: [22] }"), "");
    EXPECT_EQ(pair("protocol: tcp, to: { ports: [1-100] }", "protocol: tcp, from: { ports: [22] }"), "");
    EXPECT_EQ(pair("protocol: tcp, to: { ports: [0-65535] }", "protocol: tcp"), kShadowed);
    EXPECT_EQ(pair("protocol: icmp", "protocol: icmp, icmp_type: 8"), kShadowed);
    EXPECT_EQ(pair("protocol: icmp, icmp_type: 8", "protocol: icmp"), "");
    EXPECT_EQ(pair("protocol: icmp, icmp_type: 8", "protocol: icmp, icmp_type: 13"), "");
}

TEST(Shadow, ByZones) {
    const auto pair = [](const std::string& early, const std::string& late) {
        return found({"early, action: allow, " + early, "late, action: drop, " + late});
    };
    EXPECT_EQ(pair("from: { zone: a }", "from: { zone: a }, to: { zone: b }"), kShadowed);
    EXPECT_EQ(pair("from: { zone: a }, to: { zone: b }", "from: { zone: a }"), kShadowed) << "a has no other peer";
    EXPECT_EQ(pair("from: { zone: a }", "from: { zone: c }"), "");
    EXPECT_EQ(pair("from: { zone: [a, b, c, d] }", "action: drop").find("P006"), std::string("9:32 ").size())
        << "duplicate keys never get this far";
    EXPECT_EQ(pair("from: { zone: [a, b, c, d] }", "protocol: tcp"), kShadowed) << "all zones by name";
}

TEST(Shadow, NeedsOneRuleThatCoversAll) {
    EXPECT_EQ(found({"one, action: allow, protocol: tcp, to: { ports: [1-100] }",
                     "two, action: allow, protocol: tcp, to: { ports: [101-200] }",
                     "late, action: drop, protocol: tcp, to: { ports: [50-150] }"}),
              "")
        << "what two rules cover together is not looked for";
}

TEST(Shadow, WarningStandsOnOneLine) {
    EXPECT_EQ(lint_text(with_rules({"early, action: allow", "late, action: drop"})).diagnostics.render(false),
              "policy.yaml:9:5: warning[W105]: rule 'late' can never match: 'early' (line 8) takes all its "
              "packets\n\n1 warning.");
}

const std::string kQuestions = "from: { zone: a, nets: [10.0.0.0/8] }, to: { zone: b, ports: [11211] }, protocol: tcp";
const std::string kAnswers = "from: { zone: b, ports: [11211] }, to: { zone: a, nets: [10.0.0.0/8] }, protocol: tcp";

TEST(Shadow, AReplyHalfTakesPacketsToo) {
    EXPECT_EQ(
        found({"early, action: allow, track: false, reply: mirror, " + kQuestions, "late, action: allow, " + kAnswers}),
        "9:5 W105 rule 'late' can never match: the reply half of 'early' (line 8) takes all its packets\n");
    EXPECT_EQ(
        found({"early, action: allow, track: false, reply: none, " + kQuestions, "late, action: allow, " + kAnswers}),
        "");
    EXPECT_EQ(found({"early, action: allow, " + kQuestions, "late, action: allow, " + kAnswers}), "")
        << "a tracked rule takes answers to its flows, not what begins a flow the other way";
}

TEST(Shadow, AnEarlierRuleThatTakesTheAnswers) {
    const auto answers_taken = [](const std::string& text) {
        return text.find("W106 answers to untracked rule 'late' go to 'early' (line 8)") != std::string::npos;
    };
    const std::string late = "late, action: allow, track: false, reply: mirror, " + kQuestions;
    EXPECT_TRUE(answers_taken(found({"early, action: allow, " + kAnswers, late})));
    EXPECT_TRUE(answers_taken(found({"early, action: drop, from: { zone: b }", late})));
    EXPECT_TRUE(answers_taken(found({"early, action: drop, track: false, from: { zone: b }", late})));
    EXPECT_FALSE(answers_taken(found({"early, action: drop, from: { zone: b }, protocol: udp", late})));
    EXPECT_FALSE(answers_taken(found(
        {"early, action: drop, from: { zone: b }", "late, action: allow, track: false, reply: none, " + kQuestions})));
    EXPECT_FALSE(answers_taken(found({late, "early, action: drop, from: { zone: b }"}))) << "it comes later";
    EXPECT_EQ(found({"early, action: drop, from: { zone: b }, protocol: tcp", late}).substr(0, 5), "9:32 ")
        << "points at 'track'";
}

TEST(Shadow, AnIcmpReplyHalfIsOfTheAnswersType) {
    const std::string late =
        "late, action: allow, track: false, reply: mirror, protocol: icmp, icmp_type: echo_request, from: { zone: a }";
    EXPECT_NE(
        found({"early, action: drop, protocol: icmp, icmp_type: echo_reply, from: { zone: b }", late}).find("W106"),
        std::string::npos);
    EXPECT_EQ(found({"early, action: drop, protocol: icmp, icmp_type: echo_request, from: { zone: b }", late}), "");
}

TEST(Shadow, ADeadRuleWithALivingReplyHalf) {
    EXPECT_EQ(found({"early, action: drop, track: false, from: { zone: a }",
                     "late, action: allow, track: false, reply: mirror, " + kQuestions}),
              "9:5 W105 rule 'late' can only match answers: 'early' (line 8) takes all its packets\n");
    EXPECT_EQ(found({"early, action: drop, from: { zone: a }",
                     "late, action: allow, track: false, reply: mirror, " + kQuestions}),
              kShadowed)
        << "answers to what a tracked rule takes belong to that rule";
    EXPECT_EQ(found({"early, action: allow, track: false, reply: mirror_any, " + kQuestions,
                     "late, action: allow, track: false, reply: mirror, " + kQuestions}),
              kShadowed);
}

TEST(Shadow, StopsInTimeWhateverTheNumberOfRules) {
    Policy policy = read_text(with_rules({"r, action: drop, from: { zone: a }, protocol: tcp"})).policy.value();
    const Rule pattern = policy.rules[0];
    policy.rules.clear();
    for (std::size_t i = 0; i < kMaxRules; ++i) {
        Rule rule = pattern;
        rule.name = "r" + std::to_string(i);
        const auto port = static_cast<std::uint16_t>(i);
        rule.transports[0].destination_ports = {{port, port}};
        policy.rules.push_back(rule);
    }
    Diagnostics diagnostics;
    lint(policy, diagnostics);
    ASSERT_EQ(diagnostics.all().size(), 1u);
    EXPECT_EQ(diagnostics.all()[0].code, "W107");
}

TEST(Lint, ZonesThatNoWireJoins) {
    EXPECT_EQ(found({"r, action: allow, from: { zone: a }, to: { zone: c }"}),
              "8:5 W103 rule 'r' can never match: no wire joins its two ends\n");
    EXPECT_EQ(found({"r, action: allow, from: { zone: a }, to: { zone: [b, c] }"}), "");
    EXPECT_EQ(found({"r, action: allow, from: { zone: a }, to: { zone: a }"}),
              "8:5 W103 rule 'r' can never match: no wire joins its two ends\n");
}

TEST(Lint, WhatNobodyUses) {
    EXPECT_EQ(lint_text(kWire + "zones: { inside: { interfaces: [lan] } }\n"
                                "address_sets: { a: [10.0.0.1], b: [a] }\n"
                                "services: { web: { protocol: tcp } }\n"
                                "timeouts: { default: { icmp: 5s }, short: {}, shorter: { inherit: short } }\n"
                                "rules: []\n")
                  .found,
              "5:10 W101 zone 'inside' is not used\n"
              "6:32 W101 address set 'b' is not used\n"
              "7:13 W101 service 'web' is not used\n"
              "8:47 W101 timeouts profile 'shorter' is not used\n");
}

TEST(Lint, ADifferentMtuOnTheOtherEnd) {
    EXPECT_EQ(lint_text("version: 1\ninterfaces:\n  a: { device: net_null0, peer: b, mtu: 9000 }\n  b: { device: "
                        "net_null1, peer: a }\nrules: []\n")
                  .found,
              "4:3 W102 interfaces 'a' and 'b' are one wire, but have MTU 9000 and 1500\n");
}

TEST(Lint, AMirrorForUdpIsOpenToTheServer) {
    const std::string udp = "action: allow, track: false, protocol: udp, to: { ports: [53] }, reply: ";
    EXPECT_EQ(found({"dns, " + udp + "mirror"}),
              "8:31 W104 untracked rule 'dns' lets its servers send UDP to every port of its clients, unasked\n");
    EXPECT_EQ(found({"dns, " + udp + "mirror_any"}), "") << "that is what mirror_any says";
    EXPECT_EQ(found({"dns, " + udp + "none"}), "");
    EXPECT_EQ(found({"dns, " + udp + "mirror, from: { ports: [1024-65535] }"}), "") << "not every port";
    EXPECT_EQ(found({"any-udp, action: allow, track: false, reply: mirror"}).substr(0, 9), "8:35 W104")
        << "UDP is among everything";
    const auto many = lint_text(
        with_rules({"one, " + udp + "mirror, from: { zone: a }", "two, " + udp + "mirror, from: { zone: b }"}));
    EXPECT_EQ(many.diagnostics.warning_count(), 1u) << "said once";
    EXPECT_EQ(many.diagnostics.all()[0].notes.at(0).message, "so does 'two'");
}

TEST(Lint, ATrackedRuleForMessagesThatBeginNoFlow) {
    EXPECT_EQ(found({"mtu, action: allow, protocol: icmpv6, icmp_type: packet_too_big"}),
              "8:5 W108 tracked rule 'mtu' lets no icmpv6 packet_too_big through: it begins no flow\n");
    EXPECT_EQ(found({"ping, action: allow, protocol: icmpv6, icmp_type: echo_request"}), "");
    EXPECT_EQ(found({"mtu, action: allow, track: false, reply: none, protocol: icmpv6, icmp_type: packet_too_big"}),
              "");
    EXPECT_EQ(found({"mtu, action: drop, protocol: icmpv6, icmp_type: packet_too_big"}), "");
}

TEST(Lint, NeighbourDiscoveryPassesWhateverTheRulesSay) {
    EXPECT_EQ(
        found({"nd, action: drop, protocol: icmpv6, icmp_type: neighbor_solicitation"}),
        "8:5 W109 rule 'nd' is not asked about neighbor_solicitation: neighbour discovery always passes a wire\n");
    EXPECT_EQ(found({"nd, action: allow, protocol: icmpv6, icmp_type: 133"}).find("W108"), std::string::npos);
    EXPECT_EQ(found({"r, action: drop, protocol: icmpv6"}), "") << "about everything else it is asked";
    EXPECT_EQ(found({"r, action: drop, protocol: icmp, icmp_type: 135"}), "") << "of IPv4 this is another message";
}

TEST(Capacity, IsEntriesDividedByTheTimeTheyStay) {
    const auto outcome = read_text(
        kWire + "tables: { flows: { size: 512Ki } }\n"
                "timeouts: { default: { tcp_closing: 120s, udp_new: 500ms }, slow: { tcp_new: 20d } }\nrules: []\n");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const auto lines = capacity(*outcome.policy);
    ASSERT_EQ(lines.size(), 16u) << "eight for each of two profiles";
    EXPECT_EQ(lines[1].profile, "default");
    EXPECT_EQ(lines[1].what, "tcp_closing");
    EXPECT_EQ(lines[1].dwell_ticks, 120'000u);
    EXPECT_EQ(lines[1].flows_per_second, 4'369u);
    EXPECT_EQ(lines[2].what, "udp_new");
    EXPECT_EQ(lines[2].flows_per_second, 1'048'576u);
    EXPECT_EQ(lines[8].profile, "slow");
    EXPECT_EQ(lines[8].flows_per_second, 0u);
}

} // namespace
} // namespace sluice::policy
