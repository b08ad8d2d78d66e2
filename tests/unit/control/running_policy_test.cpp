// The policy transaction.
#include "running_policy_case.hpp"

#include "support/eal/memory_hog.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using Kind = PolicyOutcome::Kind;

TEST_F(RunningPolicyTest, ANewPolicyIsTakenUpByEveryWorker) {
    const PolicyOutcome outcome = apply("next.yaml", with_rules(kDns + kWeb));
    ASSERT_EQ(outcome.kind, Kind::applied) << outcome.message << outcome.diagnostics.render(false);
    EXPECT_EQ(outcome.message, "");
    EXPECT_EQ(running->running().number, before + 1);
    const std::uint32_t epoch = running->running().ruleset->epoch();
    EXPECT_GT(epoch, epoch_before);
    EXPECT_EQ(running->running().file, "/etc/next.yaml");
    EXPECT_EQ(running->running().text, with_rules(kDns + kWeb));
    EXPECT_TRUE(slot_is_given("dns"));
    // The old one is freed by now, so no worker uses it; each has begun or begins its next round with the new one.
    for (const Worker& worker : plane->workers()) {
        const auto give_up = std::chrono::steady_clock::now() + 30s;
        while (worker.counters->epoch.load() != epoch && std::chrono::steady_clock::now() < give_up) {
            std::this_thread::sleep_for(1ms);
        }
        EXPECT_EQ(worker.counters->epoch.load(), epoch);
    }
}

TEST_F(RunningPolicyTest, CountersStayWithNames) {
    const std::uint32_t slot = running->running().ruleset->rule(0).counter_slot;
    ASSERT_EQ(apply("next.yaml", with_rules(kDns + kWeb)).kind, Kind::applied);
    EXPECT_EQ(running->running().ruleset->rule(1).counter_slot, slot);
    ASSERT_EQ(apply("dns.yaml", with_rules(kDns)).kind, Kind::applied);
    EXPECT_FALSE(slot_is_given("web")) << "its rule is gone";
}

TEST_F(RunningPolicyTest, TheSameTextChangesNothing) {
    EXPECT_EQ(apply("moved.yaml", with_rules(kWeb)).kind, Kind::unchanged);
    EXPECT_EQ(running->running().number, before);
    EXPECT_EQ(running->running().file, "/etc/moved.yaml");
}

TEST_F(RunningPolicyTest, CheckingChangesNothing) {
    EXPECT_EQ(running->check("next.yaml", with_rules(kDns)).kind, Kind::valid);
    EXPECT_EQ(running->check("same.yaml", with_rules(kWeb)).kind, Kind::unchanged);
    const PolicyOutcome wrong = running->check("wrong.yaml", with_rules("- { name: web, action: deny }\n"));
    EXPECT_EQ(wrong.kind, Kind::invalid);
    EXPECT_EQ(running->running().number, before);
    EXPECT_EQ(running->running().file, "/etc/web.yaml");
    EXPECT_FALSE(slot_is_given("dns")) << "a check keeps no counters";
    // And may be done again and again, also just before applying.
    EXPECT_EQ(running->check("next.yaml", with_rules(kDns)).kind, Kind::valid);
    EXPECT_EQ(apply("next.yaml", with_rules(kDns)).kind, Kind::applied);
    EXPECT_EQ(running->running().number, before + 1);
}

TEST_F(RunningPolicyTest, AnInvalidPolicyIsToldAndChangesNothing) {
    const PolicyOutcome outcome =
        apply("wrong.yaml", with_rules("- { name: web, action: deny }\n- { name: Web, action: allow }\n"));
    EXPECT_EQ(outcome.kind, Kind::invalid);
    EXPECT_GE(outcome.diagnostics.error_count(), 2u) << "all errors at once";
    EXPECT_EQ(running->running().number, before);
    EXPECT_EQ(running->running().text, with_rules(kWeb));
}

TEST_F(RunningPolicyTest, WhatIsFixedAtStartWantsARestart) {
    std::string text = with_rules(kDns);
    text.replace(text.find("idle: sleep"), 11, "idle: poll");
    const PolicyOutcome one = apply("polling.yaml", text);
    EXPECT_EQ(one.kind, Kind::needs_restart);
    EXPECT_EQ(one.message, "the policy changes system, which is fixed at start: restart sluiced with it");
    text.replace(text.find("peer: wan"), 9, "peer: wan, mtu: 9000");
    const PolicyOutcome two = running->check("polling.yaml", text);
    EXPECT_EQ(two.kind, Kind::needs_restart);
    EXPECT_EQ(two.message,
              "the policy changes system and interfaces, which are fixed at start: restart sluiced with it");
    EXPECT_EQ(running->running().number, before);
    EXPECT_FALSE(slot_is_given("dns"));
}

TEST_F(RunningPolicyTest, TheFlowTableChangesItsSize) {
    const auto sized = [](const std::string& size) {
        std::string text = with_rules(kWeb);
        return text.replace(text.find("1Ki"), 3, size);
    };
    const auto settle = [] {
        for (unsigned i = 0; plane->is_resizing() && i < 1000; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            plane->finish_resizing();
        }
        return !plane->is_resizing();
    };
    for (const std::string size : {"2Ki", "64Ki", "1Ki"}) {
        ASSERT_EQ(running->check("sized.yaml", sized(size)).kind, Kind::valid) << size;
        const PolicyOutcome outcome = apply("sized.yaml", sized(size));
        ASSERT_EQ(outcome.kind, Kind::applied) << outcome.message;
        ASSERT_TRUE(settle());
        const std::uint32_t wanted = size == "1Ki" ? 1024 : size == "2Ki" ? 2048 : 65'536;
        std::uint32_t capacity = 0;
        for (const Worker& worker : plane->workers())
            capacity += worker.flows->capacity();
        EXPECT_GE(capacity, wanted);
        EXPECT_LT(capacity, wanted + wanted / 4 + 256);
    }
    const test_support::MemoryHog hog;
    const std::uint32_t number = running->running().number;
    const PolicyOutcome refused = apply("sized.yaml", sized("128Ki"));
    EXPECT_TRUE(refused.kind == Kind::failed || refused.kind == Kind::invalid);
    EXPECT_EQ(running->running().number, number) << "without memory nothing changes";
    EXPECT_FALSE(plane->is_resizing());
}

TEST_F(RunningPolicyTest, ManyReloadsLeaveNothingBehind) {
    for (unsigned i = 0; i < 100; ++i) {
        const std::string rule =
            "- { name: rule-" + std::to_string(i) + ", to: { ports: [80] }, protocol: tcp, action: allow }\n";
        ASSERT_EQ(apply("next.yaml", with_rules(rule)).kind, Kind::applied) << i;
    }
    EXPECT_EQ(running->running().number, before + 100);
}

} // namespace
} // namespace sluice::control
