// The shrinker, by implementations that are broken on purpose: what it finds must be what is broken and nothing else.
#include "generated_policy.hpp"
#include "policy_text.hpp"
#include "quick_oracle.hpp"
#include "sets.hpp"
#include "shrink.hpp"

#include "policy/model/read.hpp"
#include "rule_sets/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace sluice::property {
namespace {

using rule_sets::Random;

/// A search that sees rules through `broken`, against one that does not.
template <typename Breaks> Differs differs_by(Breaks broken) {
    return [broken](const Case& shown) {
        const policy::Policy meant = without_sets(shown.policy);
        policy::Policy seen = meant;
        for (std::size_t i = 0; i < seen.rules.size(); ++i)
            broken(seen.rules[i], i);
        const QuickOracle right(meant);
        const QuickOracle wrong(seen);
        for (const Tuple& packet : shown.packets) {
            if (right.first_match(packet) != wrong.first_match(packet)) return true;
        }
        return false;
    };
}

/// A large policy and a batch about which the broken search is wrong somewhere.
std::optional<Case> found_by(const Differs& differs, std::uint64_t seed) {
    Random random(seed);
    const rule_sets::RuleSet set =
        rule_sets::generate({.kind = rule_sets::Kind::ipc, .family = net::Family::ipv4, .count = 300, .seed = seed});
    Case found;
    found.policy = policy_from(random, set);
    for (unsigned tries = 0; tries < 300; ++tries) {
        found.packets.clear();
        while (found.packets.size() < 32)
            found.packets.push_back(aimed_tuple(random, set, found.policy));
        if (differs(found)) return found;
    }
    return std::nullopt;
}

TEST(Shrink, FindsThePortsThatAreNotLookedAt) {
    const Differs differs = differs_by([](policy::Rule& rule, std::size_t) {
        for (policy::Transport& transport : rule.transports)
            transport.source_ports.clear();
    });
    const auto found = found_by(differs, 1);
    ASSERT_TRUE(found);
    const Case smallest = shrink(*found, differs);
    ASSERT_TRUE(differs(smallest)) << to_string(smallest);
    ASSERT_EQ(smallest.packets.size(), 1u);
    ASSERT_EQ(smallest.policy.rules.size(), 1u) << to_string(smallest);
    const policy::Rule& rule = smallest.policy.rules.front();
    // Nothing but the source ports is left, and what they need.
    EXPECT_TRUE(rule.from.nets.empty() && rule.to.nets.empty() && rule.from.zones.empty() && rule.to.zones.empty())
        << to_string(smallest);
    ASSERT_EQ(rule.transports.size(), 1u);
    EXPECT_TRUE(rule.transports[0].destination_ports.empty()) << to_string(smallest);
    EXPECT_EQ(rule.transports[0].source_ports.size(), 1u);
    EXPECT_TRUE(rule.tracked);
    EXPECT_EQ(rule.action, policy::Action::drop);
}

TEST(Shrink, FindsThePrefixLengthThatIsWrong) {
    // Prefixes beyond 24 bits are looked at by 24 only.
    const Differs differs = differs_by([](policy::Rule& rule, std::size_t) {
        for (net::Prefix& prefix : rule.to.nets) {
            if (prefix.address.family == net::Family::ipv4 && prefix.length > 24) {
                prefix.length = 24;
                prefix.address.bytes[3] = 0;
            }
        }
    });
    const auto found = found_by(differs, 2);
    ASSERT_TRUE(found);
    const Case smallest = shrink(*found, differs);
    ASSERT_TRUE(differs(smallest));
    ASSERT_EQ(smallest.policy.rules.size(), 1u) << to_string(smallest);
    const policy::Rule& rule = smallest.policy.rules.front();
    ASSERT_EQ(rule.to.nets.size(), 1u);
    EXPECT_GT(rule.to.nets[0].length, 24);
    EXPECT_TRUE(rule.from.nets.empty());
    EXPECT_FALSE(rule.transports[0].protocol) << to_string(smallest);
}

TEST(Shrink, FindsTheAddressThatASetHasLost) {
    // The last prefix of every set is forgotten.
    const Differs differs = [](const Case& shown) {
        policy::Policy seen = shown.policy;
        for (std::size_t set = 0; set < seen.address_sets.size(); ++set) {
            std::vector<net::Prefix> own = *seen.address_sets[set].own;
            if (!own.empty()) own.pop_back();
            change_set(seen, set, own);
        }
        const QuickOracle right(without_sets(shown.policy));
        const QuickOracle wrong(without_sets(seen));
        return std::any_of(shown.packets.begin(), shown.packets.end(),
                           [&](const Tuple& packet) { return right.first_match(packet) != wrong.first_match(packet); });
    };
    const auto found = found_by(differs, 5);
    ASSERT_TRUE(found);
    const Case smallest = shrink(*found, differs);
    ASSERT_TRUE(differs(smallest)) << to_string(smallest);
    ASSERT_EQ(smallest.policy.rules.size(), 1u) << to_string(smallest);
    const policy::Rule& rule = smallest.policy.rules.front();
    ASSERT_EQ(rule.from.sets.size() + rule.to.sets.size(), 1u) << to_string(smallest);
    const std::size_t set = rule.from.sets.empty() ? rule.to.sets.front() : rule.from.sets.front();
    EXPECT_LE(smallest.policy.address_sets[set].own->size(), 2u) << to_string(smallest);
    EXPECT_TRUE(smallest.policy.address_sets[set].inner.empty());
}

TEST(Shrink, KeepsBothRulesOfAWrongOrder) {
    // The last match in place of the first.
    const Differs differs = [](const Case& shown) {
        const policy::Policy meant = without_sets(shown.policy);
        for (const Tuple& packet : shown.packets) {
            std::optional<std::size_t> last;
            for (std::size_t i = 0; i < meant.rules.size(); ++i) {
                if (matches(meant.rules[i], packet)) last = i;
            }
            if (last != first_match(meant, packet)) return true;
        }
        return false;
    };
    const auto found = found_by(differs, 3);
    ASSERT_TRUE(found);
    const Case smallest = shrink(*found, differs);
    EXPECT_TRUE(differs(smallest));
    EXPECT_EQ(smallest.policy.rules.size(), 2u) << to_string(smallest);
}

TEST(Shrink, KeepsABatchThatIsNeeded) {
    // Wrong only from the fifth packet on.
    const Differs differs = [](const Case& shown) {
        return shown.packets.size() >= 5 && shown.policy.rules.size() >= 3;
    };
    const auto found = found_by([](const Case&) { return true; }, 4);
    ASSERT_TRUE(found);
    const Case smallest = shrink(*found, differs);
    EXPECT_EQ(smallest.packets.size(), 5u);
    EXPECT_EQ(smallest.policy.rules.size(), 3u);
}

TEST(PolicyText, IsReadBackAsTheSameRules) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        Random random(seed);
        const rule_sets::RuleSet set =
            rule_sets::generate({.kind = rule_sets::kKinds[seed % 3],
                                 .family = seed % 2 == 0 ? net::Family::ipv4 : net::Family::ipv6,
                                 .count = 500,
                                 .seed = seed});
        const policy::Policy written = policy_from(random, set);
        policy::Diagnostics diagnostics;
        const auto read = policy::read("text.yaml", policy_text(written), diagnostics);
        ASSERT_TRUE(read) << diagnostics.render(false);
        ASSERT_EQ(read->rules.size(), written.rules.size());
        EXPECT_EQ(read->default_action, written.default_action);
        for (std::size_t i = 0; i < written.interfaces.size(); ++i) {
            EXPECT_EQ(read->interfaces[i].peer, written.interfaces[i].peer);
            EXPECT_EQ(read->interfaces[i].zone, written.interfaces[i].zone);
        }
        // What says the same about packets has the same text.
        EXPECT_EQ(policy_text(*read), policy_text(written));
        const policy::Policy read_rules = without_sets(*read);
        const policy::Policy written_rules = without_sets(written);
        for (unsigned i = 0; i < 300; ++i) {
            const Tuple tuple = aimed_tuple(random, set, written);
            ASSERT_EQ(first_match(read_rules, tuple), first_match(written_rules, tuple)) << to_string(tuple);
            ASSERT_EQ(first_concerned(read_rules, tuple).rule, first_concerned(written_rules, tuple).rule);
        }
    }
}

} // namespace
} // namespace sluice::property
