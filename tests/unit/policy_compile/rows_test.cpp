#include "policy/compile/overlaps.hpp"
#include "policy/compile/rows.hpp"

#include "oracle.hpp"
#include "random_policy.hpp"
#include "ruleset/ruleset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace sluice::policy {
namespace {

using property::Random;
using ruleset::Path;
using ruleset::UntrackedResult;

net::Prefix net(const char* text) {
    const auto parsed = net::Prefix::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : net::Prefix{};
}

/// A TCP rule from zone 0 to zone 1, port 80.
Rule web() {
    Rule rule;
    rule.name = "web";
    rule.from.zones = {0};
    rule.to.zones = {1};
    Transport tcp;
    tcp.protocol = net::protocol::kTcp;
    tcp.destination_ports = {{80, 80}};
    rule.transports = {tcp};
    rule.action = Action::allow;
    return rule;
}

Rule untracked(Rule rule, Reply reply) {
    rule.tracked = false;
    rule.reply = reply;
    return rule;
}

Policy policy_of(std::vector<Rule> rules) {
    Policy policy;
    policy.rules = std::move(rules);
    return policy;
}

std::string seed_text(std::uint64_t seed) {
    return "seed " + std::to_string(seed);
}

bool same(const Rule& a, const Rule& b) {
    const auto ends = [](const Endpoint& x, const Endpoint& y) { return x.zones == y.zones && x.nets == y.nets; };
    return ends(a.from, b.from) && ends(a.to, b.to) &&
           std::equal(a.transports.begin(), a.transports.end(), b.transports.begin(), b.transports.end(),
                      [](const Transport& x, const Transport& y) {
                          return x.protocol == y.protocol && x.source_ports == y.source_ports &&
                                 x.destination_ports == y.destination_ports && x.icmp_type == y.icmp_type;
                      });
}

TEST(Reversed, SwapsEndsAndPorts) {
    Rule rule = web();
    rule.from.nets = {net("10.0.0.0/8")};
    const Rule back = reversed(rule);
    EXPECT_EQ(back.from.zones, rule.to.zones);
    EXPECT_EQ(back.to.zones, rule.from.zones);
    EXPECT_TRUE(back.from.nets.empty());
    EXPECT_EQ(back.to.nets, rule.from.nets);
    EXPECT_EQ(back.transports[0].source_ports, rule.transports[0].destination_ports);
    EXPECT_TRUE(back.transports[0].destination_ports.empty());
}

TEST(Reversed, TurnsAQueryIntoItsAnswer) {
    const auto type_of = [](std::uint8_t protocol, std::uint8_t type) {
        Rule rule;
        rule.transports = {Transport{protocol, {}, {}, type}};
        return *reversed(rule).transports[0].icmp_type;
    };
    EXPECT_EQ(type_of(net::protocol::kIcmp, 8), 0);
    EXPECT_EQ(type_of(net::protocol::kIcmp, 14), 13);
    EXPECT_EQ(type_of(net::protocol::kIcmp, 3), 3);
    EXPECT_EQ(type_of(net::protocol::kIcmpv6, 128), 129);
    EXPECT_EQ(type_of(net::protocol::kIcmpv6, 8), 8) << "a query of the other family";
}

TEST(Reversed, TwiceIsTheRuleItself) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed_text(seed));
    Random random(seed);
    for (const Rule& rule : property::random_policy(random, 300).rules) {
        EXPECT_TRUE(same(reversed(reversed(rule)), rule));
    }
}

// What a rule matches is what its reverse matches of the answers.
TEST(Reversed, MatchesTheAnswers) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed_text(seed));
    Random random(seed);
    unsigned matched = 0;
    for (unsigned i = 0; i < 3000; ++i) {
        const Policy policy = property::random_policy(random, 1);
        const property::Tuple tuple = property::random_tuple(random, policy, random() % 4);
        const bool direct = property::matches(policy.rules[0], tuple);
        matched += direct;
        EXPECT_EQ(property::matches(reversed(policy.rules[0]), property::answered_by(tuple)), direct);
    }
    EXPECT_GT(matched, 100u);
}

TEST(MayOverlap, NeverSaysNoWhenAPacketMatchesBoth) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed_text(seed));
    Random random(seed);
    unsigned met = 0;
    unsigned apart = 0;
    for (unsigned i = 0; i < 4000; ++i) {
        const Policy policy = property::random_policy(random, 2);
        const Rule& a = policy.rules[0];
        const Rule& b = policy.rules[1];
        const bool said = may_overlap(a, b);
        EXPECT_EQ(said, may_overlap(b, a));
        apart += !said;
        for (unsigned n = 0; n < 20; ++n) {
            const property::Tuple tuple = property::random_tuple(random, policy, random() % 4);
            if (!property::matches(a, tuple) || !property::matches(b, tuple)) continue;
            ++met;
            ASSERT_TRUE(said) << "rules " << i;
        }
    }
    EXPECT_GT(met, 500u) << "the test meets overlaps";
    EXPECT_GT(apart, 500u) << "and rules that lie apart";
}

TEST(MayOverlap, SaysNoWhereOneThingKeepsThemApart) {
    const Rule a = web();
    EXPECT_TRUE(may_overlap(a, a));
    Rule b = web();
    b.from.zones = {1, 2};
    EXPECT_FALSE(may_overlap(a, b));
    b.from.zones = {};
    EXPECT_TRUE(may_overlap(a, b)) << "no zone means every zone";
    b = web();
    b.to.zones = {2};
    EXPECT_FALSE(may_overlap(a, b));
    b = web();
    b.transports[0].protocol = net::protocol::kUdp;
    EXPECT_FALSE(may_overlap(a, b));
    b.transports.push_back(a.transports[0]);
    EXPECT_TRUE(may_overlap(a, b)) << "one of its transports";
    b = web();
    b.transports[0].destination_ports = {{81, 90}, {70, 79}};
    EXPECT_FALSE(may_overlap(a, b));
    b = web();
    b.from.nets = {net("10.0.0.0/8")};
    Rule c = web();
    c.from.nets = {net("11.0.0.0/8"), net("::/0")};
    EXPECT_FALSE(may_overlap(b, c));
    c.from.nets.push_back(net("10.2.3.0/24"));
    EXPECT_TRUE(may_overlap(b, c));
    Rule echo;
    echo.transports = {Transport{net::protocol::kIcmp, {}, {}, std::uint8_t{8}}};
    EXPECT_FALSE(may_overlap(echo, reversed(echo)));
    Rule any_icmp;
    any_icmp.transports = {Transport{net::protocol::kIcmp, {}, {}, std::nullopt}};
    EXPECT_TRUE(may_overlap(echo, any_icmp));
}

std::vector<std::string> text_of(const classifier::Rows& rows, const std::vector<classifier::ListId>& lists) {
    std::vector<std::string> text;
    for (const classifier::ListId list : lists) {
        text.emplace_back();
        for (const net::Prefix& prefix : rows.lists[list]) {
            text.back() += (text.back().empty() ? "" : " ") + prefix.to_string();
        }
    }
    std::sort(text.begin(), text.end());
    return text;
}

/// The rule as packets of one family see it; nothing when none can match it.
std::optional<Rule> within(Rule rule, net::Family family) {
    for (Endpoint* end : {&rule.from, &rule.to}) {
        if (end->nets.empty()) continue;
        std::erase_if(end->nets, [family](const net::Prefix& prefix) { return prefix.address.family != family; });
        if (end->nets.empty()) return std::nullopt;
    }
    return rule;
}

bool overlap_in_a_family(const Rule& a, const Rule& b) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        const auto one = within(a, family);
        const auto other = within(b, family);
        if (one && other && may_overlap(*one, *other)) return true;
    }
    return false;
}

// The index says what asking rule after rule says.
TEST(Overlaps, SayWhatComparingEveryPairSays) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed_text(seed));
    Random random(seed);
    unsigned met = 0;
    unsigned apart = 0;
    for (unsigned i = 0; i < 1500; ++i) {
        const Policy policy = property::random_policy(random, 1 + random() % 5);
        const Rule& asked = policy.rules[0];
        Overlaps overlaps(1'000'000);
        std::array<bool, 2> expected{};
        for (std::size_t n = 1; n < policy.rules.size(); ++n) {
            const bool turned = random() % 2 == 0;
            overlaps.add(policy.rules[n], turned ? Facing::as_answered : Facing::as_written);
            const Rule added = turned ? reversed(policy.rules[n]) : policy.rules[n];
            expected[0] = expected[0] || overlap_in_a_family(asked, added);
            expected[1] = expected[1] || overlap_in_a_family(reversed(asked), added);
        }
        ASSERT_EQ(overlaps.any(asked, Facing::as_written), expected[0]) << i;
        ASSERT_EQ(overlaps.any(asked, Facing::as_answered), expected[1]) << i;
        (expected[0] ? met : apart) += 1;
    }
    EXPECT_GT(met, 200u);
    EXPECT_GT(apart, 200u);
}

TEST(Overlaps, WhatTakesTooLongIsAYes) {
    Rule ssh = web();
    ssh.transports[0].destination_ports = {{22, 22}};
    Overlaps overlaps(10);
    for (int i = 0; i < 20; ++i) {
        overlaps.add(web(), Facing::as_written);
        Rule other = web();
        other.transports[0].destination_ports = {{static_cast<std::uint16_t>(1000 + i), 2000}};
        overlaps.add(other, Facing::as_written);
    }
    EXPECT_TRUE(overlaps.any(web(), Facing::as_written));
    (void)overlaps.any(ssh, Facing::as_written);
    EXPECT_TRUE(overlaps.any(ssh, Facing::as_written));
}

TEST(TrackedRows, EveryRuleInOrderUntrackedOnesToo) {
    const auto made = tracked_rows(policy_of({web(), untracked(web(), Reply::mirror), web()}));
    const auto& rows = made.rows.rows;
    ASSERT_EQ(rows.size(), 3u) << "one for both families";
    EXPECT_EQ(made.row_rules, (std::vector<std::uint32_t>{0, 1, 2}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].result, i + 1);
        EXPECT_TRUE(rows[i].ipv4 && rows[i].ipv6);
        EXPECT_EQ(rows[i].destination_ports, (std::vector<net::PortRange>{{80, 80}}));
        EXPECT_EQ(rows[i].from_zones, std::vector<std::uint8_t>{0});
        EXPECT_EQ(rows[i].to_zones, std::vector<std::uint8_t>{1});
        EXPECT_TRUE(i == 0 || rows[i].rank > rows[i - 1].rank) << i;
    }
}

TEST(TrackedRows, AnIcmpTypeIsARangeOfTypeAndCode) {
    Rule echo;
    echo.transports = {Transport{net::protocol::kIcmp, {}, {}, std::uint8_t{8}}};
    const auto rows = tracked_rows(policy_of({echo})).rows.rows;
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].destination_ports, (std::vector<net::PortRange>{{0x800, 0x8ff}}));
    EXPECT_TRUE(rows[0].source_ports.empty());
}

TEST(TrackedRows, EachFamilyHasAnIcmpOfItsOwn) {
    Rule both;
    both.transports = {Transport{net::protocol::kIcmp, {}, {}, std::nullopt},
                       Transport{net::protocol::kIcmpv6, {}, {}, std::nullopt}};
    const auto rows = tracked_rows(policy_of({both})).rows.rows;
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_TRUE(rows[0].ipv4 && !rows[0].ipv6);
    EXPECT_EQ(rows[0].protocol, net::protocol::kIcmp);
    EXPECT_TRUE(!rows[1].ipv4 && rows[1].ipv6);
    EXPECT_EQ(rows[1].protocol, net::protocol::kIcmpv6);
    both.from.nets = {net("10.0.0.0/8")};
    EXPECT_EQ(tracked_rows(policy_of({both})).rows.rows.size(), 1u) << "the other one is of no packet";
}

TEST(TrackedRows, NothingIsMultiplied) {
    Rule rule = web();
    rule.from.zones = {0, 1, 2};
    for (int i = 0; i < 100; ++i) {
        rule.from.nets.push_back(net(("10." + std::to_string(i) + ".0.0/16").c_str()));
        rule.transports[0].destination_ports.push_back(
            {static_cast<std::uint16_t>(1000 + 2 * i), static_cast<std::uint16_t>(1000 + 2 * i)});
    }
    rule.to.nets = rule.from.nets;
    const auto made = tracked_rows(policy_of({rule, rule}));
    EXPECT_EQ(made.rows.rows.size(), 2u);
    EXPECT_EQ(made.rows.lists.size(), 1u) << "the same list, four times";
}

/// Three sets, the last one made of the two others and an address.
Policy policy_with_sets(std::vector<Rule> rules) {
    Policy policy = policy_of(std::move(rules));
    const auto set = [](const char* name, std::vector<net::Prefix> own, std::vector<std::size_t> inner) {
        AddressSet out;
        out.name = name;
        out.own = std::make_shared<const std::vector<net::Prefix>>(std::move(own));
        out.inner = std::move(inner);
        out.prefixes = out.own;
        return out;
    };
    policy.address_sets = {set("a", {net("10.0.0.0/8")}, {}), set("b", {net("11.0.0.0/8")}, {0}),
                           set("c", {net("12.0.0.0/8")}, {1})};
    return policy;
}

TEST(TrackedRows, ASetIsOneListForAllThatNameIt) {
    Rule rule = web();
    rule.from.sets = {0};
    const auto made = tracked_rows(policy_with_sets({rule, rule}));
    EXPECT_EQ(made.rows.lists.size(), 1u);
    EXPECT_EQ(made.set_lists[0], 0u);
    EXPECT_FALSE(made.set_lists[1]) << "nobody names it";
    EXPECT_EQ(made.rows.rows[0].sources, made.rows.rows[1].sources);
    EXPECT_TRUE(made.rows.rows[0].ipv6) << "there may be an IPv6 address in it one day";
}

TEST(TrackedRows, ASetOfSetsIsNamedByTheListsOfAll) {
    Rule rule = web();
    rule.from.sets = {2};
    rule.from.nets = {net("9.9.9.9")};
    const Policy policy = policy_with_sets({rule}); // whose lists the rows' are
    const auto made = tracked_rows(policy);
    ASSERT_EQ(made.rows.rows.size(), 1u);
    EXPECT_EQ(text_of(made.rows, made.rows.rows[0].sources),
              (std::vector<std::string>{"10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8", "9.9.9.9/32"}));
    for (const auto& list : made.set_lists) {
        EXPECT_TRUE(list) << "each can be changed on its own";
    }
}

TEST(UntrackedRows, ASetMayHoldAnythingOneDay) {
    Rule first = web();
    first.from.sets = {0};
    Rule second = untracked(web(), Reply::none);
    second.from.nets = {net("192.168.0.0/16")};
    const auto made = untracked_rows(policy_with_sets({first, second}));
    EXPECT_EQ(made.row_rules, (std::vector<std::uint32_t>{0, 1}))
        << "10.0.0.0/8 is not within, but what comes into the set may be";
}

/// Paths of the rows, from the lowest rank on, with the rule's index: "direct0 mirror0".
std::string paths_of(const Policy& policy) {
    auto rows = untracked_rows(policy).rows.rows;
    std::stable_sort(rows.begin(), rows.end(),
                     [](const classifier::Row& a, const classifier::Row& b) { return a.rank < b.rank; });
    std::string text;
    for (const classifier::Row& row : rows) {
        const UntrackedResult result = UntrackedResult::decode(row.result);
        static constexpr const char* kNames[] = {"none", "tracked", "direct", "mirror", "mirror_any"};
        text += (text.empty() ? "" : " ") + std::string(kNames[static_cast<std::size_t>(result.path)]);
        if (result.path != Path::tracked) text += std::to_string(result.rule);
        // Which way the row looks: the service's port at the destination, or at the source.
        text += row.source_ports.empty() ? ">" : "<";
    }
    return text;
}

TEST(UntrackedRows, PoliciesWithoutUntrackedRulesPayNothing) {
    EXPECT_TRUE(untracked_rows(policy_of({})).rows.rows.empty());
    EXPECT_TRUE(untracked_rows(policy_of({web(), web()})).rows.rows.empty());
}

TEST(UntrackedRows, ARuleAndItsMirror) {
    EXPECT_EQ(paths_of(policy_of({untracked(web(), Reply::mirror)})), "direct0> mirror0<");
    EXPECT_EQ(paths_of(policy_of({untracked(web(), Reply::mirror_any)})), "direct0> mirror_any0<");
    EXPECT_EQ(paths_of(policy_of({untracked(web(), Reply::none)})), "direct0>");
    Rule drop = untracked(web(), Reply::none);
    drop.action = Action::drop;
    EXPECT_EQ(paths_of(policy_of({drop})), "direct0>");
}

TEST(UntrackedRows, TheMirrorHasZonesTurnedRound) {
    const auto made = untracked_rows(policy_of({untracked(web(), Reply::mirror)}));
    ASSERT_EQ(made.rows.rows.size(), 2u);
    for (const classifier::Row& row : made.rows.rows) {
        const std::uint8_t there = UntrackedResult::decode(row.result).path == Path::mirror ? 1 : 0;
        EXPECT_EQ(row.from_zones, std::vector<std::uint8_t>{there});
        EXPECT_EQ(row.to_zones, std::vector<std::uint8_t>{static_cast<std::uint8_t>(1 - there)});
    }
}

TEST(UntrackedRows, EarlierTrackedRulesThatOverlapComeFirst) {
    // As written and as its answers look: both meet a half of the untracked rule.
    EXPECT_EQ(paths_of(policy_of({web(), untracked(web(), Reply::mirror)})), "tracked> tracked< direct1> mirror1<");
    // Without a mirror only the rule itself is met, and only as it is written.
    EXPECT_EQ(paths_of(policy_of({web(), untracked(web(), Reply::none)})), "tracked> direct1>");
    // A rule that looks the other way meets the mirror as written, and the rule by its answers.
    Rule other_way = reversed(web());
    EXPECT_EQ(paths_of(policy_of({other_way, untracked(web(), Reply::mirror)})), "tracked< tracked> direct1> mirror1<");
    EXPECT_EQ(paths_of(policy_of({other_way, untracked(web(), Reply::none)})), "tracked> direct1>");
    Rule drop = web();
    drop.action = Action::drop;
    EXPECT_EQ(paths_of(policy_of({drop, untracked(web(), Reply::mirror)})), "tracked> tracked< direct1> mirror1<")
        << "a drop that is tracked is judged on the tracked path too";
}

TEST(UntrackedRows, LaterAndApartTrackedRulesAddNothing) {
    EXPECT_EQ(paths_of(policy_of({untracked(web(), Reply::mirror), web()})), "direct0> mirror0<");
    Rule ssh = web();
    ssh.transports[0].destination_ports = {{22, 22}};
    EXPECT_EQ(paths_of(policy_of({ssh, untracked(web(), Reply::mirror)})), "direct1> mirror1<");
    EXPECT_EQ(paths_of(policy_of({ssh, untracked(web(), Reply::mirror), web(), untracked(ssh, Reply::none)})),
              "tracked> direct1> mirror1< direct3>")
        << "ssh stands before an untracked rule of its own";
}

} // namespace
} // namespace sluice::policy
