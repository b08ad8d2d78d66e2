#include "policy/compile/rows.hpp"

#include "oracle.hpp"
#include "random_policy.hpp"
#include "ruleset/ruleset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(RowCount, IsWhatIsEmitted) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed_text(seed));
    Random random(seed);
    for (unsigned i = 0; i < 500; ++i) {
        const Policy policy = property::random_policy(random, 1);
        ASSERT_EQ(tracked_rows(policy).size(), row_count(policy.rules[0])) << "rule " << i;
    }
}

TEST(TrackedRows, EveryRuleInOrderUntrackedOnesToo) {
    const auto rows = tracked_rows(policy_of({web(), untracked(web(), Reply::mirror), web()}));
    ASSERT_EQ(rows.size(), 6u) << "each in both families";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].result, i / 2 + 1);
        EXPECT_EQ(rows[i].family, i % 2 == 0 ? net::Family::ipv4 : net::Family::ipv6);
        EXPECT_EQ(rows[i].destination_ports, (net::PortRange{80, 80}));
        EXPECT_EQ(rows[i].from_zone, 0);
        EXPECT_EQ(rows[i].to_zone, 1);
        EXPECT_TRUE(i < 2 || rows[i].rank > rows[i - 2].rank) << i;
    }
}

TEST(TrackedRows, AnIcmpTypeIsARangeOfTypeAndCode) {
    Rule echo;
    echo.transports = {Transport{net::protocol::kIcmp, {}, {}, std::uint8_t{8}}};
    const auto rows = tracked_rows(policy_of({echo}));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].destination_ports, (net::PortRange{0x800, 0x8ff}));
    EXPECT_TRUE(rows[0].source_ports.is_any());
}

TEST(TrackedRows, EachFamilyHasAnIcmpOfItsOwn) {
    Rule both;
    both.transports = {Transport{net::protocol::kIcmp, {}, {}, std::nullopt},
                       Transport{net::protocol::kIcmpv6, {}, {}, std::nullopt}};
    const auto rows = tracked_rows(policy_of({both}));
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].family, net::Family::ipv4);
    EXPECT_EQ(rows[0].protocol, net::protocol::kIcmp);
    EXPECT_EQ(rows[1].family, net::Family::ipv6);
    EXPECT_EQ(rows[1].protocol, net::protocol::kIcmpv6);
}

/// Paths of the IPv4 rows, from the lowest rank on, with the rule's index: "direct0 mirror0".
std::string paths_of(const Policy& policy) {
    auto rows = untracked_rows(policy);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const ruleset::Row& a, const ruleset::Row& b) { return a.rank < b.rank; });
    std::string text;
    for (const ruleset::Row& row : rows) {
        if (row.family != net::Family::ipv4) continue;
        const UntrackedResult result = UntrackedResult::decode(row.result);
        static constexpr const char* kNames[] = {"none", "tracked", "direct", "mirror", "mirror_any"};
        text += (text.empty() ? "" : " ") + std::string(kNames[static_cast<std::size_t>(result.path)]);
        if (result.path != Path::tracked) text += std::to_string(result.rule);
        // Which way the row looks: the service's port at the destination, or at the source.
        text += row.source_ports.is_any() ? ">" : "<";
    }
    return text;
}

TEST(UntrackedRows, PoliciesWithoutUntrackedRulesPayNothing) {
    EXPECT_TRUE(untracked_rows(policy_of({})).empty());
    EXPECT_TRUE(untracked_rows(policy_of({web(), web()})).empty());
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
    const auto rows = untracked_rows(policy_of({untracked(web(), Reply::mirror)}));
    for (const ruleset::Row& row : rows) {
        const bool mirror = UntrackedResult::decode(row.result).path == Path::mirror;
        EXPECT_EQ(row.from_zone, mirror ? 1 : 0);
        EXPECT_EQ(row.to_zone, mirror ? 0 : 1);
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
