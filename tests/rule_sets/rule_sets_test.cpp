#include "rule_sets/generate.hpp"
#include "rule_sets/lines.hpp"
#include "rule_sets/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <tuple>

namespace sluice::rule_sets {
namespace {

RuleSet generated(Kind kind, net::Family family, std::size_t count, std::uint64_t seed = 1) {
    return generate({.kind = kind, .family = family, .count = count, .seed = seed});
}

double share(const RuleSet& set, const std::function<bool(const Rule&)>& has) {
    return static_cast<double>(std::count_if(set.rules.begin(), set.rules.end(), has)) /
           static_cast<double>(set.rules.size());
}

class EachSet : public testing::TestWithParam<std::tuple<Kind, net::Family>> {
  protected:
    [[nodiscard]] RuleSet set(std::size_t count, std::uint64_t seed = 1) const {
        return generated(std::get<0>(GetParam()), std::get<1>(GetParam()), count, seed);
    }
};

std::string test_name(const testing::TestParamInfo<std::tuple<Kind, net::Family>>& info) {
    return std::string(name(std::get<0>(info.param))) + (std::get<1>(info.param) == net::Family::ipv4 ? "4" : "6");
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachSet,
                         testing::Combine(testing::ValuesIn(kKinds),
                                          testing::Values(net::Family::ipv4, net::Family::ipv6)),
                         test_name);

TEST_P(EachSet, HasAsManyRulesAsWantedAndNoTwoAlike) {
    for (const std::size_t count : {1u, 2u, 10u, 1'000u, 100'000u}) {
        const RuleSet rules = set(count);
        ASSERT_EQ(rules.rules.size(), count);
        EXPECT_EQ(std::set<Rule>(rules.rules.begin(), rules.rules.end()).size(), count);
    }
}

TEST_P(EachSet, TheLastOfSeveralRulesIsTheDefault) {
    const auto everything = [](const Rule& rule) {
        return rule.source.length == 0 && rule.destination.length == 0 && rule.source_ports.is_any() &&
               rule.destination_ports.is_any() && !rule.protocol;
    };
    const RuleSet rules = set(1'000);
    EXPECT_TRUE(everything(rules.rules.back()));
    EXPECT_EQ(std::count_if(rules.rules.begin(), rules.rules.end(), everything), 1);
    EXPECT_FALSE(everything(set(1).rules.back()));
}

TEST_P(EachSet, IsTheSameFromTheSameSeedOnly) {
    EXPECT_EQ(set(500, 7).rules, set(500, 7).rules);
    EXPECT_NE(set(500, 7).rules, set(500, 8).rules);
}

TEST_P(EachSet, HasThePrefixesThatItsFamilyHas) {
    for (const Rule& rule : set(10'000).rules) {
        for (const net::Prefix* prefix : {&rule.source, &rule.destination}) {
            ASSERT_EQ(prefix->address.family, std::get<1>(GetParam()));
            // Bits behind the length are zero: the text of it would be refused otherwise.
            ASSERT_TRUE(net::Prefix::parse(prefix->to_string())) << prefix->to_string();
            if (std::get<1>(GetParam()) == net::Family::ipv4 || prefix->length == 0) continue;
            ASSERT_EQ(prefix->address.bytes[0] >> 5, 1) << prefix->to_string() << " is not in 2000::/3";
            ASSERT_TRUE((prefix->length >= 32 && prefix->length <= 64) || prefix->length == 128) << prefix->to_string();
        }
    }
}

TEST_P(EachSet, FollowsItsParameters) {
    const RuleSet rules = set(10'000);
    const Parameters& wanted = parameters(std::get<0>(GetParam()));
    const bool ipv6 = std::get<1>(GetParam()) == net::Family::ipv6;
    double weights = 0;
    for (const ProtocolShare& protocol : wanted.protocols)
        weights += protocol.weight;
    for (const ProtocolShare& protocol : wanted.protocols) {
        const double got = share(rules, [&](const Rule& rule) {
            if (protocol.protocol == ProtocolShare::kAny) return !rule.protocol;
            return rule.protocol == (protocol.protocol == 1 && ipv6 ? 58 : protocol.protocol);
        });
        EXPECT_NEAR(got, protocol.weight / weights, 0.04) << protocol.protocol;
        if (protocol.protocol != 6) continue;
        const double open = share(rules, [](const Rule& rule) {
            return rule.protocol == 6 && rule.source_ports.is_any() && rule.destination_ports.is_any();
        });
        const double exact = share(rules, [](const Rule& rule) {
            return rule.protocol == 6 && rule.source_ports.is_any() &&
                   rule.destination_ports.first == rule.destination_ports.last;
        });
        for (const PortPair& pair : protocol.ports) {
            if (pair.source != PortClass::wc) continue;
            if (pair.destination == PortClass::wc) {
                EXPECT_NEAR(open / got, pair.weight, 0.05);
            }
            if (pair.destination == PortClass::em) {
                EXPECT_NEAR(exact / got, pair.weight, 0.05);
            }
        }
    }
}

// What makes the families hard in different ways (parameters.hpp).
TEST(Kinds, DifferAsTheFamiliesDo) {
    const auto one_end_open = [](const Rule& rule) {
        return (rule.source.length == 0) != (rule.destination.length == 0);
    };
    const auto exact_source_port = [](const Rule& rule) { return rule.source_ports.first == rule.source_ports.last; };
    const auto pairs = [](const RuleSet& set) {
        std::set<std::pair<unsigned, unsigned>> found;
        for (const Rule& rule : set.rules)
            found.emplace(rule.source.length, rule.destination.length);
        return found.size();
    };
    const RuleSet acl = generated(Kind::acl, net::Family::ipv4, 10'000);
    const RuleSet fw = generated(Kind::fw, net::Family::ipv4, 10'000);
    const RuleSet ipc = generated(Kind::ipc, net::Family::ipv4, 10'000);
    EXPECT_LT(share(acl, one_end_open), 0.1);
    EXPECT_GT(share(fw, one_end_open), 0.45);
    EXPECT_EQ(share(acl, exact_source_port), 0);
    EXPECT_GT(share(fw, exact_source_port), 0.1);
    EXPECT_GT(share(ipc, exact_source_port), 0.1);
    EXPECT_GT(pairs(ipc), pairs(fw));
}

TEST_P(EachSet, SharesAndNestsPrefixes) {
    const RuleSet rules = set(10'000);
    std::set<net::Prefix> sources;
    for (const Rule& rule : rules.rules)
        sources.insert(rule.source);
    // Several rules to a source; and some prefixes in others, three deep at least.
    EXPECT_LT(sources.size(), rules.rules.size() * 7 / 10);
    EXPECT_GT(sources.size(), rules.rules.size() / 20);
    std::vector<net::Prefix> around;
    std::size_t deepest = 0;
    for (const net::Prefix& prefix : sources) {
        while (!around.empty() && !around.back().contains(prefix))
            around.pop_back();
        around.push_back(prefix);
        deepest = std::max(deepest, around.size());
    }
    EXPECT_GE(deepest, 4u);
}

TEST_P(EachSet, NearlyAllRulesAreOfUse) {
    const RuleSet rules = set(2'000);
    Random random(5);
    std::size_t reached = 0;
    for (std::size_t i = 0; i < rules.rules.size(); ++i) {
        for (unsigned tries = 0; tries < 16; ++tries) {
            if (first_match(rules.rules, inside(random, rules.rules[i])) == i) {
                ++reached;
                break;
            }
        }
    }
    EXPECT_GT(reached, rules.rules.size() * 85 / 100);
    EXPECT_LT(reached, rules.rules.size()) << "not one rule is behind another that takes all of it";
}

TEST_P(EachSet, PacketsAreWhereTheySayTheyAre) {
    const RuleSet rules = set(1'000);
    Random random(3);
    for (const Rule& rule : rules.rules) {
        EXPECT_TRUE(matches(rule, inside(random, rule)));
        EXPECT_TRUE(matches(rule, corner(random, rule)));
    }
    std::size_t outside = 0;
    for (const Rule& rule : rules.rules)
        outside += matches(rule, beside(random, rule)) ? 0u : 1u;
    EXPECT_GT(outside, rules.rules.size() / 3);
}

TEST_P(EachSet, ATraceHasDifferentPacketsAndAsksAllRules) {
    const RuleSet rules = set(100);
    const Trace trace = spread_over_rules(rules, 20'000, 1);
    EXPECT_EQ(trace.size(), 20'000u);
    EXPECT_EQ(std::set<Packet>(trace.begin(), trace.end()).size(), trace.size());
    std::set<std::size_t> found;
    for (const Packet& packet : trace) {
        const auto match = first_match(rules.rules, packet);
        ASSERT_TRUE(match);
        found.insert(*match);
    }
    EXPECT_GT(found.size(), 85u);
    EXPECT_EQ(random_packets(rules.family, 1'000, 1).size(), 1'000u);
    EXPECT_EQ(all_corners(rules, 1'000, 1).size(), 1'000u);
}

TEST_P(EachSet, ASweepMovesOneField) {
    const RuleSet rules = set(100);
    const auto values = [](const Trace& trace, Field field) {
        std::set<std::string> found;
        for (const Packet& packet : trace) {
            switch (field) {
            case Field::source: found.insert(packet.source.to_string()); break;
            case Field::destination: found.insert(packet.destination.to_string()); break;
            case Field::source_port: found.insert(std::to_string(packet.source_port)); break;
            case Field::destination_port: found.insert(std::to_string(packet.destination_port)); break;
            case Field::protocol: found.insert(std::to_string(packet.protocol)); break;
            }
        }
        return found.size();
    };
    for (const Field swept : kFields) {
        const Trace trace = sweep(rules, swept, 1'000, 1);
        for (const Field field : kFields)
            EXPECT_EQ(values(trace, field), field != swept ? 1u : trace.size());
    }
}

TEST_P(EachSet, LinesFindWhatThePlainSearchFinds) {
    const RuleSet rules = set(300);
    std::vector<Line> lines;
    for (std::size_t i = 0; i < rules.rules.size(); ++i)
        lines.push_back({.rule = rules.rules[i], .owner = static_cast<std::uint32_t>(i)});
    const Lines search(rules.family, lines);
    Random random(9);
    for (unsigned i = 0; i < 20'000; ++i) {
        const Rule& rule = rules.rules[below(random, rules.rules.size() - 1)];
        const Packet packet = i % 3 == 0   ? corner(random, rule)
                              : i % 3 == 1 ? beside(random, rule)
                                           : any_packet(random, rules.family);
        ASSERT_EQ(search.first({packet, 0, 0}), first_match(rules.rules, packet).value_or(Lines::kNobody));
    }
}

TEST(Lines, LookAtZonesAndKnowTheirEnd) {
    std::vector<Line> lines(65);
    for (std::uint32_t i = 0; i < lines.size(); ++i)
        lines[i] = {.rule = {}, .from_zones = 1u << i % 4, .to_zones = 1u << i / 8, .owner = i};
    const Lines search(net::Family::ipv4, lines);
    EXPECT_EQ(search.block_count(), 2u);
    EXPECT_EQ(search.first({{}, 3, 0}), 3u);
    EXPECT_EQ(search.first({{}, 3, 2}), 19u);
    EXPECT_EQ(search.first({{}, 0, 8}), 64u);
    EXPECT_EQ(search.first({{}, 1, 8}), Lines::kNobody);
}

TEST(Prefixes, ForSetsLieApart) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        const auto prefixes = generate_prefixes(family, 20'000, 3);
        ASSERT_EQ(prefixes.size(), 20'000u);
        for (std::size_t i = 1; i < prefixes.size(); ++i) {
            ASSERT_LT(prefixes[i - 1], prefixes[i]);
            ASSERT_FALSE(prefixes[i - 1].overlaps(prefixes[i]));
        }
    }
}

} // namespace
} // namespace sluice::rule_sets
