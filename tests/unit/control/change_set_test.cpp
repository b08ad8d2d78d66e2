// Changes of address sets on a running appliance.
#include "running_policy_case.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace sluice::control {
namespace {

using Kind = SetOutcome::Kind;

/// Rule 0 drops `outer` untracked, rule 1 allows what goes to `servers`. `outer` holds `blocked`; nobody names `spare`.
const std::string kSets = kFixed + "address_sets:\n"
                                   "  blocked: [10.66.0.0/16]\n"
                                   "  outer: [blocked, 10.67.0.1]\n"
                                   "  servers: [192.0.2.1]\n"
                                   "  spare: [10.1.1.1]\n"
                                   "rules:\n"
                                   "- { name: block, from: { nets: [outer] }, action: drop, track: false }\n"
                                   "- { name: serve, to: { nets: [servers] }, action: allow }\n";

class ChangeSet : public RunningPolicyTest {
  protected:
    void SetUp() override {
        RunningPolicyTest::SetUp();
        ASSERT_NE(apply("sets.yaml", kSets).kind, PolicyOutcome::Kind::invalid);
        epoch_before = epoch();
    }
    static std::uint32_t epoch() { return running->running().ruleset->epoch(); }

    static SetOutcome change(SetChange::Kind kind, const std::string& set, const std::vector<std::string>& prefixes) {
        SetChange change;
        change.kind = kind;
        change.name = set;
        for (const std::string& text : prefixes) {
            change.prefixes.push_back(*net::Prefix::parse(text));
        }
        return running->change_set(change);
    }
    static SetOutcome add(const std::string& set, const std::vector<std::string>& prefixes) {
        return change(SetChange::Kind::add, set, prefixes);
    }
    static SetOutcome remove(const std::string& set, const std::vector<std::string>& prefixes) {
        return change(SetChange::Kind::remove, set, prefixes);
    }

    static std::uint32_t ask(const ruleset::Classifier& classifier, const std::string& from, const std::string& to) {
        ruleset::Query query;
        const auto source = *net::IpAddress::parse(from);
        const auto destination = *net::IpAddress::parse(to);
        std::copy(source.bytes.begin(), source.bytes.end(), query.source);
        std::copy(destination.bytes.begin(), destination.bytes.end(), query.destination);
        query.protocol = net::protocol::kTcp;
        query.from_zone = 0;
        query.to_zone = 1;
        const ruleset::Query* asked = &query;
        std::uint32_t answer = 0;
        classifier.classify(source.family, &asked, &answer, 1);
        return answer;
    }
    static bool is_blocked(const std::string& from) {
        const auto& ruleset = *running->running().ruleset;
        const std::uint32_t answer = ask(ruleset.untracked(), from, "192.0.2.200");
        EXPECT_EQ(ask(ruleset.tracked(), from, "192.0.2.200") == 1, answer != 0) << "both say the same of " << from;
        return answer != 0;
    }
    static bool is_served(const std::string& to) {
        return ask(running->running().ruleset->tracked(), "10.9.9.9", to) == 2;
    }
};

TEST_F(ChangeSet, AnAddressComesAndGoes) {
    EXPECT_FALSE(is_blocked("10.5.5.5"));
    const SetOutcome outcome = add("outer", {"10.5.5.5"});
    EXPECT_EQ(outcome.kind, Kind::changed) << outcome.message;
    EXPECT_EQ(outcome.added, 1u);
    EXPECT_EQ(outcome.prefixes, 2u);
    EXPECT_FALSE(outcome.recompiled);
    EXPECT_TRUE(is_blocked("10.5.5.5"));
    EXPECT_FALSE(is_blocked("10.5.5.6"));
    EXPECT_EQ(epoch(), epoch_before + 1) << "flows are judged again";
    EXPECT_EQ(running->running().number, before + 1) << "but it is the same policy (applied in SetUp)";
    EXPECT_EQ(remove("outer", {"10.5.5.5"}).kind, Kind::changed);
    EXPECT_FALSE(is_blocked("10.5.5.5"));
    EXPECT_TRUE(is_blocked("10.67.0.1"));
}

TEST_F(ChangeSet, WhatIsInASetReachesThoseThatHoldIt) {
    EXPECT_TRUE(is_blocked("10.66.1.1"));
    EXPECT_EQ(add("blocked", {"10.8.0.0/16", "2001:db8::/32"}).kind, Kind::changed);
    EXPECT_TRUE(is_blocked("10.8.3.3"));
    EXPECT_EQ(remove("blocked", {"10.66.0.0/16"}).kind, Kind::changed);
    EXPECT_FALSE(is_blocked("10.66.1.1"));
    EXPECT_TRUE(is_blocked("10.67.0.1"));
}

TEST_F(ChangeSet, APrefixInsideAnotherCountsForItself) {
    EXPECT_EQ(add("blocked", {"10.66.7.0/24"}).kind, Kind::changed);
    EXPECT_EQ(add("outer", {"10.66.7.7"}).kind, Kind::changed);
    EXPECT_EQ(remove("blocked", {"10.66.0.0/16"}).kind, Kind::changed);
    EXPECT_TRUE(is_blocked("10.66.7.1"));
    EXPECT_FALSE(is_blocked("10.66.8.1"));
    EXPECT_EQ(remove("blocked", {"10.66.7.0/24"}).kind, Kind::changed);
    EXPECT_FALSE(is_blocked("10.66.7.1"));
    EXPECT_TRUE(is_blocked("10.66.7.7"));
}

TEST_F(ChangeSet, AnEmptySetMatchesNothing) {
    EXPECT_TRUE(is_served("192.0.2.1"));
    EXPECT_EQ(change(SetChange::Kind::replace, "servers", {}).kind, Kind::changed);
    EXPECT_FALSE(is_served("192.0.2.1"));
    EXPECT_FALSE(is_served("198.51.100.1"));
    EXPECT_EQ(add("servers", {"198.51.100.0/24", "2001:db8::1"}).kind, Kind::changed);
    EXPECT_TRUE(is_served("198.51.100.1"));
}

TEST_F(ChangeSet, WhatIsWrongChangesNothing) {
    EXPECT_EQ(add("nosuch", {"10.0.0.1"}).kind, Kind::no_such_set);
    const SetOutcome part = remove("blocked", {"10.66.3.0/24"});
    EXPECT_EQ(part.kind, Kind::not_in_set);
    EXPECT_EQ(part.message, "10.66.3.0/24 is not in set 'blocked' by itself, only as part of 10.66.0.0/16");
    const SetOutcome inner = remove("outer", {"10.67.0.1", "10.66.0.0/16"});
    EXPECT_EQ(inner.kind, Kind::not_in_set);
    EXPECT_EQ(inner.message, "10.66.0.0/16 is not in set 'outer', but in 'blocked', which is in it");
    EXPECT_TRUE(is_blocked("10.67.0.1")) << "all of it or nothing";
    EXPECT_EQ(remove("blocked", {"1.2.3.4"}).message, "1.2.3.4/32 is not in set 'blocked'");
    EXPECT_EQ(add("blocked", {"10.66.0.0/16"}).kind, Kind::unchanged);
    EXPECT_EQ(epoch(), epoch_before);
    EXPECT_FALSE(running->running().sets.differ());
}

TEST_F(ChangeSet, NobodyJudgesAgainForASetThatNoRuleNames) {
    EXPECT_EQ(add("spare", {"10.1.1.2"}).kind, Kind::changed);
    EXPECT_EQ(epoch(), epoch_before);
    EXPECT_TRUE(running->running().sets.differs(3));
}

TEST_F(ChangeSet, APolicyGoesByItsFileAgain) {
    const auto changed = add("outer", {"10.5.5.5"});
    ASSERT_EQ(changed.kind, Kind::changed);
    EXPECT_EQ(running->check("sets.yaml", kSets).kind, PolicyOutcome::Kind::unchanged) << "its text";
    EXPECT_TRUE(is_blocked("10.5.5.5")) << "checking changes nothing";
    EXPECT_EQ(apply("sets.yaml", kSets).kind, PolicyOutcome::Kind::applied);
    EXPECT_FALSE(is_blocked("10.5.5.5"));
    EXPECT_FALSE(running->running().sets.differ());
    EXPECT_EQ(apply("sets.yaml", kSets).kind, PolicyOutcome::Kind::unchanged);
}

TEST_F(ChangeSet, WhatIsTooMuchForTheTablesIsCompiled) {
    std::vector<std::string> many;
    for (int i = 0; i < 70'000; ++i) {
        many.push_back("100." + std::to_string(64 + i / 65'536) + "." + std::to_string(i / 256 % 256) + "." +
                       std::to_string(i % 256));
    }
    add("outer", {"10.5.5.5"});
    const SetOutcome outcome = change(SetChange::Kind::replace, "blocked", many);
    ASSERT_EQ(outcome.kind, Kind::changed) << outcome.message;
    EXPECT_TRUE(outcome.recompiled);
    EXPECT_EQ(outcome.prefixes, 70'000u);
    EXPECT_TRUE(is_blocked("100.64.77.77"));
    EXPECT_TRUE(is_blocked("10.5.5.5")) << "what came before is still there";
    EXPECT_FALSE(is_blocked("10.66.1.1"));
    EXPECT_EQ(remove("blocked", {"100.64.77.77"}).kind, Kind::changed);
    EXPECT_FALSE(is_blocked("100.64.77.77"));
}

// A second or so of changes: rulesets are freed while workers go on, and memory stays what it is.
TEST_F(ChangeSet, ThousandsLeaveNothingBehind) {
    std::size_t size = 0;
    for (int i = 0; i < 12'000; ++i) {
        const std::string address = "10.200." + std::to_string(i % 7) + "." + std::to_string(i % 250);
        ASSERT_EQ(add("blocked", {address}).kind, Kind::changed) << i;
        ASSERT_EQ(remove("blocked", {address}).kind, Kind::changed) << i;
        if (i == 4000) size = running->running().untracked.classifier->memory_size();
    }
    EXPECT_EQ(epoch(), epoch_before + 24'000);
    // How much waits for workers to move on is a matter of time; a line of 64 bytes lost by each change would be 1 MiB.
    EXPECT_LE(running->running().untracked.classifier->memory_size(), size + (std::size_t{512} << 10));
    for (const Worker& worker : plane->workers()) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (worker.counters->epoch.load() != epoch() && std::chrono::steady_clock::now() < give_up) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        EXPECT_EQ(worker.counters->epoch.load(), epoch());
    }
}

} // namespace
} // namespace sluice::control
