#include "control/live_sets.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <random>
#include <string>

namespace sluice::control {
namespace {

net::Prefix net(const std::string& text) {
    const auto parsed = net::Prefix::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : net::Prefix{};
}

std::vector<net::Prefix> nets(std::initializer_list<const char*> texts) {
    std::vector<net::Prefix> out;
    for (const char* text : texts) {
        out.push_back(net(text));
    }
    policy::sort_prefixes(out);
    return out;
}

std::string text_of(const std::vector<net::Prefix>& prefixes) {
    std::string text;
    for (const net::Prefix& prefix : prefixes) {
        text += (text.empty() ? "" : " ") + prefix.to_string();
    }
    return text;
}

LiveSets two_sets() {
    std::vector<policy::AddressSet> sets(2);
    sets[0].name = "a";
    sets[0].own = std::make_shared<const std::vector<net::Prefix>>(nets({"10.0.0.0/8", "10.0.0.1", "::1"}));
    sets[1].name = "b";
    sets[1].own = std::make_shared<const std::vector<net::Prefix>>();
    return LiveSets(sets);
}

SetDifference change(LiveSets& sets, std::size_t set, SetChange::Kind kind, std::vector<net::Prefix> prefixes) {
    SetChange asked;
    asked.kind = kind;
    asked.prefixes = std::move(prefixes);
    SetDifference difference = sets.difference(set, asked);
    sets.apply(set, difference, LiveSets::Time{});
    return difference;
}

using Kind = SetChange::Kind;

TEST(LiveSets, AreFoundByName) {
    const LiveSets sets = two_sets();
    EXPECT_EQ(sets.find("b"), 1u);
    EXPECT_FALSE(sets.find("c"));
}

TEST(LiveSets, BeginAsThePolicyHasThem) {
    const LiveSets sets = two_sets();
    EXPECT_FALSE(sets.differ());
    EXPECT_FALSE(sets.changed_at(0));
    EXPECT_EQ(sets.size(0), 3u);
    EXPECT_EQ(text_of(sets.all(0)), "10.0.0.0/8 10.0.0.1/32 ::1/128");
    EXPECT_TRUE(sets.holds(0, net("10.0.0.1")));
    EXPECT_FALSE(sets.holds(0, net("10.0.0.2"))) << "as part of a wider one only";
}

TEST(LiveSets, AddsWhatIsNotThere) {
    LiveSets sets = two_sets();
    const auto difference = change(sets, 0, Kind::add, nets({"10.0.0.1", "9.9.9.9", "10.0.0.2"}));
    EXPECT_EQ(text_of(difference.added), "9.9.9.9/32 10.0.0.2/32");
    EXPECT_TRUE(difference.removed.empty());
    EXPECT_EQ(text_of(sets.all(0)), "9.9.9.9/32 10.0.0.0/8 10.0.0.1/32 10.0.0.2/32 ::1/128");
    EXPECT_EQ(sets.added(0).size(), 2u);
    EXPECT_TRUE(sets.changed_at(0));
    EXPECT_FALSE(sets.differs(1));
}

TEST(LiveSets, WhatComesBackIsNoDifference) {
    LiveSets sets = two_sets();
    change(sets, 0, Kind::remove, nets({"10.0.0.0/8"}));
    EXPECT_TRUE(sets.differ());
    EXPECT_EQ(text_of(sets.all(0)), "10.0.0.1/32 ::1/128");
    change(sets, 0, Kind::add, nets({"10.0.0.0/8"}));
    EXPECT_FALSE(sets.differ());
    change(sets, 1, Kind::add, nets({"10.0.0.0/8"}));
    change(sets, 1, Kind::remove, nets({"10.0.0.0/8"}));
    EXPECT_FALSE(sets.differ());
    EXPECT_EQ(sets.size(1), 0u);
}

TEST(LiveSets, ReplacingLeavesWhatIsInBoth) {
    LiveSets sets = two_sets();
    change(sets, 0, Kind::add, nets({"9.9.9.9", "8.8.8.8"}));
    const auto difference = change(sets, 0, Kind::replace, nets({"9.9.9.9", "10.0.0.1", "1.1.1.1"}));
    EXPECT_EQ(text_of(difference.added), "1.1.1.1/32");
    EXPECT_EQ(text_of(difference.removed), "8.8.8.8/32 10.0.0.0/8 ::1/128");
    EXPECT_EQ(text_of(sets.all(0)), "1.1.1.1/32 9.9.9.9/32 10.0.0.1/32");
}

TEST(LiveSets, SomeGoOnBehindTheLast) {
    LiveSets sets = two_sets();
    change(sets, 0, Kind::add, nets({"9.9.9.9", "10.0.0.2"}));
    change(sets, 0, Kind::remove, nets({"10.0.0.1"}));
    const auto first = sets.some(0, std::nullopt, 2);
    EXPECT_EQ(text_of(first), "9.9.9.9/32 10.0.0.0/8");
    EXPECT_EQ(text_of(sets.some(0, first.back(), 2)), "10.0.0.2/32 ::1/128");
    EXPECT_TRUE(sets.some(0, net("::1"), 2).empty());
}

// Against a plain set.
TEST(LiveSets, AreWhatAPlainSetWouldBe) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    LiveSets sets = two_sets();
    LiveSets::Prefixes plain;
    for (const net::Prefix& prefix : sets.all(0)) {
        plain.insert(prefix);
    }
    for (int round = 0; round < 3000; ++round) {
        std::vector<net::Prefix> some;
        for (unsigned n = random() % 4; n > 0; --n) {
            some.push_back(net("10.0.0." + std::to_string(random() % 6) + (random() % 4 == 0 ? "/32" : "")));
            if (random() % 5 == 0) some.push_back(net("10.0.0.0/8"));
        }
        const auto kind = random() % 10 == 0 ? Kind::replace : random() % 2 == 0 ? Kind::add : Kind::remove;
        if (kind == Kind::replace) plain.clear();
        for (const net::Prefix& prefix : some) {
            if (kind == Kind::remove)
                plain.erase(prefix);
            else
                plain.insert(prefix);
        }
        change(sets, 0, kind, some);
        ASSERT_EQ(sets.all(0), std::vector<net::Prefix>(plain.begin(), plain.end())) << round;
        ASSERT_EQ(sets.size(0), plain.size());
        for (const net::Prefix& prefix : sets.all(0)) {
            ASSERT_TRUE(sets.holds(0, prefix));
        }
    }
}

} // namespace
} // namespace sluice::control
