#include "policy_text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

std::string found(const std::string& inside) {
    return read_text(with_rule(inside)).found;
}

/// The one rule, or a failed test.
Rule rule_of(const Outcome& outcome) {
    EXPECT_TRUE(outcome.policy) << outcome.found;
    return outcome.policy ? outcome.policy->rules.at(0) : Rule{};
}

TEST(Rules, KeepTheOrderOfTheFile) {
    const auto outcome = read_text(kWire + "rules:\n"
                                           "  - name: b\n    action: drop\n"
                                           "  - { action: allow, name: a }\n");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    EXPECT_EQ(outcome.policy->rules[0].name, "b");
    EXPECT_EQ(outcome.policy->rules[1].name, "a");
    EXPECT_EQ(outcome.policy->rules[0].where.line, 6u);
    EXPECT_EQ(outcome.policy->rules[0].where.column, 5u);
    EXPECT_EQ(outcome.policy->rules[1].where.column, 22u) << "the key 'name'";
}

TEST(Rules, AllKeysOfATrackedRule) {
    const Rule rule = rule_of(
        read_text(kWire + "services: { web: { protocol: tcp, ports: [443] } }\n"
                          "timeouts: { short: { tcp_closing: 2s } }\n"
                          "rules:\n"
                          "- { name: r, description: \"why, in words\", from: { zone: [wan, lan], nets: [10.0.0.0/8], "
                          "ports: [1024-65535] },\n"
                          "    to: { zone: wan }, service: web, action: allow, track: true, timeouts: short }\n"));
    EXPECT_EQ(rule.description, "why, in words");
    EXPECT_EQ(rule.from.zones, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(rule.to.zones, (std::vector<std::size_t>{1}));
    EXPECT_EQ(rule.from.nets.size(), 1u);
    ASSERT_EQ(rule.transports.size(), 1u);
    EXPECT_EQ(rule.transports[0].source_ports, (std::vector<net::PortRange>{{1024, 65535}}));
    EXPECT_EQ(rule.transports[0].destination_ports, (std::vector<net::PortRange>{{443, 443}}));
    EXPECT_EQ(rule.action, Action::allow);
    EXPECT_EQ(rule.timeouts, 1u);
    EXPECT_EQ(rule.track_where.line, 9u);
}

TEST(Rules, NeedANameAndAnAction) {
    EXPECT_EQ(read_text(kWire + "rules:\n- {}\n").found,
              "6:3 P009 a rule needs 'name'\n6:3 P009 a rule needs 'action'\n");
    EXPECT_EQ(read_text(kWire + "rules:\n- web\n").found, "6:3 P010 expected a rule as a map, not a text\n");
    EXPECT_EQ(read_text(kWire + "rules:\n  web: { action: allow }\n").found,
              "6:3 P010 expected a list of rules, not a map\n");
    EXPECT_EQ(read_text(kWire + "rules:\n").found, "5:1 P010 'rules' has no value\n");
}

TEST(Rules, HaveUniqueNames) {
    const auto outcome = read_text(
        kWire + "rules:\n- { name: a, action: drop }\n- { name: b, action: drop }\n- { name: a, action: drop }\n");
    EXPECT_EQ(outcome.found, "8:11 P015 the rule name 'a' is taken\n");
    EXPECT_EQ(outcome.diagnostics.all()[0].notes.at(0).where.line, 6u);
    EXPECT_EQ(
        read_text(kWire + "rules:\n- { name: No Telnet, action: drop }\n").found,
        "6:11 P016 'No Telnet' is not a name: lower-case letters, digits and - _ . inside, with at least one letter "
        "(write 'no-telnet')\n");
    // Counters and flows of the default action go by that name.
    EXPECT_EQ(read_text(kWire + "rules:\n- { name: default, action: drop }\n").found,
              "6:11 P015 the rule name 'default' is taken\n");
}

TEST(Rules, ForeignWordsGetAHint) {
    EXPECT_EQ(found("action: deny"), "6:22 P011 'deny' is not one of 'allow' or 'drop' (write 'drop')\n");
    EXPECT_EQ(found("action: accept"), "6:22 P011 'accept' is not one of 'allow' or 'drop' (write 'allow')\n");
    EXPECT_EQ(found("action: drop, source: {}"), "6:28 P007 unknown key 'source' (write 'from')\n");
    EXPECT_EQ(found("action: drop, destination: {}"), "6:28 P007 unknown key 'destination' (write 'to')\n");
    EXPECT_EQ(found("action: drop, doNotTrack: true"), "6:28 P007 unknown key 'doNotTrack' (write 'track: false')\n");
    EXPECT_EQ(found("action: drop, dport: 80"), "6:28 P007 unknown key 'dport' (write 'to: { ports: […] }')\n");
    EXPECT_EQ(found("action: drop, order: 5"),
              "6:28 P007 unknown key 'order' (rules are judged in the order of the file; move the rule)\n");
    EXPECT_EQ(found("action: drop, from: { notNets: [10.0.0.1] }"),
              "6:36 P007 unknown key 'notNets' (negation is not available in this version; put a rule for the "
              "exception above this one)\n");
    EXPECT_EQ(found("action: drop, ports: [80]"), "6:28 P007 unknown key 'ports' (write it inside 'from' or 'to')\n");
}

TEST(Rules, SayWhatRoomTheirFlowsMayTake) {
    const auto outcome = read_text(with_rule("action: allow, track: brief, on_full: drop_new, reserve: 64Ki"));
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const Rule& rule = outcome.policy->rules.front();
    EXPECT_TRUE(rule.tracked);
    EXPECT_TRUE(rule.brief);
    EXPECT_EQ(rule.on_full, OnFull::drop_new);
    EXPECT_EQ(rule.reserve, 65'536u);
    EXPECT_EQ(found("action: drop, reserve: 10"), "6:28 P022 'reserve' on a rule that makes no flows\n");
    EXPECT_EQ(found("action: allow, track: false, reply: none, on_full: evict"),
              "6:56 P022 'on_full' on a rule that makes no flows\n");
    EXPECT_EQ(found("action: allow, reserve: 200Ki"),
              "6:1 P031 rules reserve 204800 flow table entries, more than half of 262144\n");
}

TEST(Rules, NameWhatComesLater) {
    EXPECT_EQ(found("action: reject"), "6:22 P008 'reject' is known, but not available in this version\n");
    EXPECT_EQ(found("action: allow, inspect: x, limit: y, log: [end], offload: never"),
              "6:29 P008 'inspect' is known, but not available in this version\n"
              "6:41 P008 'limit' is known, but not available in this version\n"
              "6:51 P008 'log' is known, but not available in this version\n"
              "6:63 P008 'offload' is known, but not available in this version\n");
    EXPECT_EQ(found("action: drop, from: { not_nets: [10.0.0.1] }"),
              "6:36 P008 'not_nets' is known, but not available in this version\n");
}

TEST(Rules, TrackIsABoolean) {
    EXPECT_EQ(found("action: drop, track: no"), "6:35 P012 'no' is neither true nor false (write false)\n");
    EXPECT_EQ(found("action: drop, track: off"), "6:35 P012 'off' is neither true nor false (write false)\n");
    EXPECT_FALSE(rule_of(read_text(with_rule("action: drop, track: false"))).tracked);
    EXPECT_FALSE(rule_of(read_text(with_rule("action: drop, track: \"false\""))).tracked) << "quotes change nothing";
}

TEST(Rules, AnUntrackedAllowSaysWhatHappensToReplies) {
    const auto outcome = read_text(with_rule("action: allow, track: false"));
    EXPECT_EQ(outcome.diagnostics.render(false),
              "policy.yaml:6:29: error[P021]: untracked rule 'r' does not say what happens to replies\n"
              "6 | - { name: r, action: allow, track: false }\n"
              "  |                             ^^^^^\n"
              "  = help: 'reply: mirror' lets answers back; 'reply: none' if another rule allows them\n"
              "\n"
              "1 error.");
    EXPECT_EQ(rule_of(read_text(with_rule("action: allow, track: false, reply: none"))).reply, Reply::none);
    EXPECT_EQ(rule_of(read_text(with_rule("action: allow, track: false, reply: mirror"))).reply, Reply::mirror);
    EXPECT_EQ(rule_of(read_text(with_rule("action: allow, track: false, reply: mirror_any"))).reply, Reply::mirror_any);
    EXPECT_EQ(found("action: allow, track: false, reply: miror"),
              "6:50 P011 'miror' is not one of 'mirror', 'mirror_any' or 'none' (did you mean 'mirror'?)\n");
}

TEST(Rules, ReplyAndTimeoutsOnlyWhereTheyMeanSomething) {
    EXPECT_EQ(found("action: allow, reply: mirror"), "6:29 P022 'reply' on a tracked rule\n");
    EXPECT_EQ(found("action: drop, track: false, reply: none"), "6:42 P022 'reply' on a rule that drops\n");
    EXPECT_EQ(found("action: drop, timeouts: default"), "6:28 P022 'timeouts' on a rule that makes no flows\n");
    EXPECT_EQ(found("action: allow, track: false, reply: none, timeouts: default"),
              "6:56 P022 'timeouts' on a rule that makes no flows\n");
}

TEST(Rules, PortsWantAProtocolThatHasThem) {
    EXPECT_EQ(found("action: drop, to: { ports: [23] }"), "6:34 P019 ports without a protocol\n");
    EXPECT_EQ(found("action: drop, from: { ports: [23] }, to: { ports: [23] }, protocol: icmp"),
              "6:36 P019 protocol 'icmp' has no ports\n6:57 P019 protocol 'icmp' has no ports\n");
    const Rule rule =
        rule_of(read_text(with_rule("action: drop, from: { ports: [7] }, to: { ports: [23] }, protocol: sctp")));
    EXPECT_EQ(rule.transports.at(0).source_ports, (std::vector<net::PortRange>{{7, 7}}));
    EXPECT_EQ(rule.transports.at(0).destination_ports, (std::vector<net::PortRange>{{23, 23}}));
}

TEST(Rules, AServiceSaysTheTransportAlone) {
    const std::string base = kWire + "services: { web: { protocol: tcp, ports: [443] }, mixed: [{ protocol: tcp }, { "
                                     "protocol: gre }] }\nrules:\n- { name: r, action: drop, ";
    EXPECT_EQ(read_text(base + "service: web, protocol: tcp }\n").found, "7:42 P029 'protocol' beside 'service'\n");
    EXPECT_EQ(read_text(base + "service: web, to: { ports: [1] } }\n").found,
              "7:48 P029 'ports' of 'to' beside 'service'\n");
    EXPECT_EQ(read_text(base + "service: mixed, from: { ports: [1] } }\n").found,
              "7:52 P019 the service also holds protocol 'gre', which has no ports\n");
    EXPECT_EQ(read_text(base + "service: [web, wep] }\n").found,
              "7:43 P014 unknown service 'wep' (did you mean 'web'?)\n");
    EXPECT_EQ(rule_of(read_text(base + "service: [web, mixed] }\n")).transports.size(), 3u);
    EXPECT_EQ(read_text(base + "service: any }\n").found,
              "7:37 P014 unknown service 'any' (leave the key out to match everything)\n");
}

TEST(Rules, IcmpTypesWantTheirProtocol) {
    EXPECT_EQ(found("action: allow, icmp_type: echo_request"),
              "6:40 P025 'icmp_type' goes with protocol icmp or icmpv6\n");
    EXPECT_EQ(found("action: allow, protocol: tcp, icmp_type: 8"),
              "6:55 P025 'icmp_type' goes with protocol icmp or icmpv6\n");
    EXPECT_EQ(rule_of(read_text(with_rule("action: allow, protocol: icmpv6, icmp_type: echo_request")))
                  .transports.at(0)
                  .icmp_type,
              128);
}

TEST(Rules, AMirroredIcmpTypeHasAnAnswer) {
    const std::string untracked = "action: allow, track: false, protocol: icmp, reply: ";
    EXPECT_TRUE(read_text(with_rule(untracked + "mirror, icmp_type: echo_request")).policy);
    EXPECT_TRUE(read_text(with_rule(untracked + "mirror")).policy) << "all types: queries are refused on the way back";
    EXPECT_TRUE(read_text(with_rule(untracked + "none, icmp_type: time_exceeded")).policy);
    EXPECT_EQ(found(untracked + "mirror, icmp_type: time_exceeded"),
              "6:66 P025 nothing answers icmp type 'time_exceeded', so there is no reply to mirror\n");
    EXPECT_EQ(found(untracked + "mirror, icmp_type: echo_reply"),
              "6:66 P025 nothing answers icmp type 'echo_reply', so there is no reply to mirror\n");
}

TEST(Rules, FamiliesMustBeAbleToMeet) {
    EXPECT_EQ(found("action: drop, from: { nets: [10.0.0.0/8] }, to: { nets: [\"2001:db8::/32\"] }"),
              "6:71 P020 no packet goes from IPv4 to IPv6\n");
    EXPECT_EQ(found("action: drop, from: { nets: [\"2001:db8::/32\"] }, protocol: icmp"),
              "6:73 P020 no IPv6 packet carries this protocol\n");
    EXPECT_EQ(found("action: drop, to: { nets: [10.0.0.1] }, protocol: icmpv6, icmp_type: 135"),
              "6:83 P020 no IPv4 packet carries this protocol\n");
    EXPECT_TRUE(
        read_text(
            with_rule("action: drop, from: { nets: [10.0.0.0/8, \"2001:db8::/32\"] }, to: { nets: [\"2001:db8::1\"] }"))
            .policy);
    EXPECT_TRUE(read_text(with_rule("action: drop, from: { nets: [10.0.0.0/8] }, protocol: icmp")).policy);
}

TEST(Rules, ZonesAreKnown) {
    EXPECT_EQ(found("action: drop, from: { zone: lam }"), "6:42 P014 unknown zone 'lam' (did you mean 'lan'?)\n");
    EXPECT_EQ(found("action: drop, from: { zone: any }"),
              "6:42 P014 unknown zone 'any' (leave the key out to match everything)\n");
    const auto grouped = read_text(
        kWire + "zones: { inside: { interfaces: [lan] } }\nrules:\n- { name: r, from: { zone: lan }, action: drop }\n");
    EXPECT_EQ(grouped.found,
              "7:28 P014 interface 'lan' is not a zone of its own (write 'inside', the zone it is in)\n");
    EXPECT_EQ(found("action: drop, from: {}"), "6:34 P027 'from' is empty\n");
    EXPECT_EQ(found("action: drop, from: lan"), "6:34 P010 expected 'from' and 'to' as a map, not a text\n");
    EXPECT_EQ(found("action: drop, from: { zone: }"), "6:36 P010 'zone' has no value\n");
}

TEST(Rules, WriteOutPrefixesWithinBounds) {
    std::string list;
    for (int i = 0; i < 65'536; ++i) {
        list += "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ", ";
        if (i % 1000 == 999) list += "\n    ";
    }
    std::string text = kWire + "rules:\n";
    for (int i = 0; i < 17; ++i) {
        text += "- { name: r" + std::to_string(i) + ", from: { nets: [" + list + "] }, action: drop }\n";
    }
    EXPECT_NE(read_text(text).found.find("P026 more than 1048576 prefixes written out in all rules together"),
              std::string::npos);
}

TEST(Rules, ShareSetsHoweverManyThereAre) {
    std::string text = kWire + "address_sets:\n  big:\n";
    for (int i = 0; i < 65'536; ++i) {
        text += "  - 10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + "\n";
    }
    text += "rules:\n";
    for (int i = 0; i < 500; ++i) {
        text += "- { name: r" + std::to_string(i) + ", from: { nets: [big, 10.2.0.0/16] }, action: drop }\n";
    }
    const auto outcome = read_text(text);
    ASSERT_TRUE(outcome.policy) << outcome.found;
    for (const Rule& rule : outcome.policy->rules) {
        EXPECT_EQ(rule.from.sets, std::vector<std::size_t>{0});
        EXPECT_EQ(rule.from.nets.size(), 1u);
    }
    EXPECT_EQ(outcome.policy->address_sets[0].prefixes->size(), 65'536u);
}

TEST(Rules, OfLostSectionsAreNotBlamed) {
    EXPECT_EQ(read_text(kWire + "address_sets:\nservices: 7\nrules:\n"
                                "- { name: r, from: { nets: [a] }, service: web, action: drop }\n")
                  .found,
              "5:1 P010 'address_sets' has no value\n6:11 P010 expected a map of services, not a text\n");
}

} // namespace
} // namespace sluice::policy
