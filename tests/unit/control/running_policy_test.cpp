// The policy transaction on a real data plane with two ports that receive nothing. DPDK starts once in a process, so
// all cases share one, and each leaves it running.
#include "control/running_policy.hpp"

#include "policy/model/read.hpp"
#include "support/eal/memory_hog.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using Kind = PolicyOutcome::Kind;

const std::string kFixed = "version: 1\n"
                           "system: { idle: sleep }\n"
                           "interfaces:\n"
                           "  lan: { device: \"net_null0,no-rx=1\", peer: wan }\n"
                           "  wan: { device: \"net_null1,no-rx=1\", peer: lan }\n"
                           "tables: { flows: { size: 1Ki } }\n";
const std::string kWeb = "- { name: web, to: { ports: [80] }, protocol: tcp, action: allow }\n";
const std::string kDns = "- { name: dns, to: { ports: [53] }, protocol: udp, action: allow }\n";

std::string with_rules(const std::string& rules) {
    return kFixed + "rules:\n" + rules;
}

class RunningPolicyTest : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        Options options;
        options.hugepages = false;
        options.file_prefix = "sluice-test-" + std::to_string(getpid());
        policy::Diagnostics diagnostics;
        auto policy = policy::read("begin.yaml", with_rules(kWeb), diagnostics);
        ASSERT_TRUE(policy) << diagnostics.render(false);
        auto prepared = DataPlane::prepare(options, *policy);
        ASSERT_TRUE(prepared) << prepared.error().message;
        plane = std::move(*prepared);
        std::vector<std::span<const telemetry::RuleCounters>> counters;
        for (const Worker& worker : plane->workers()) {
            counters.emplace_back(worker.rule_counters);
        }
        slots = std::make_unique<CounterSlots>(kRuleSlots, std::move(counters));
        running = std::make_unique<RunningPolicy>(*plane, *slots);
        const PolicyOutcome outcome = running->begin(std::move(*policy), "begin.yaml", with_rules(kWeb));
        ASSERT_EQ(outcome.kind, Kind::applied) << outcome.diagnostics.render(false);
        const auto started = plane->start(running->running().ruleset.get());
        ASSERT_TRUE(started) << started.error().message;
    }
    static void TearDownTestSuite() {
        if (plane != nullptr) {
            EXPECT_EQ(plane->stop().missing, 0u) << "every packet buffer is back";
        }
        running.reset();
        slots.reset();
        plane.reset();
    }
    void SetUp() override {
        ASSERT_NE(running, nullptr) << "the data plane could not be started";
        ASSERT_NE(apply("web.yaml", with_rules(kWeb)).kind, Kind::failed);
        before = running->running().number;
    }

    static PolicyOutcome apply(const std::string& name, const std::string& text) {
        return running->apply(name, "/etc/" + name, text);
    }
    static std::string codes(const PolicyOutcome& outcome) {
        std::string all;
        for (const policy::Diagnostic& one : outcome.diagnostics.all()) {
            all += (all.empty() ? "" : " ") + one.code;
        }
        return all;
    }
    [[nodiscard]] static bool slot_is_given(const std::string& name) {
        for (std::uint32_t slot = 0; slot < 64; ++slot) {
            const std::string* owner = slots->name_of(slot);
            if (owner != nullptr && *owner == name) return true;
        }
        return false;
    }

    static std::unique_ptr<DataPlane> plane;
    static std::unique_ptr<CounterSlots> slots;
    static std::unique_ptr<RunningPolicy> running;
    std::uint32_t before = 0;
};

std::unique_ptr<DataPlane> RunningPolicyTest::plane;
std::unique_ptr<CounterSlots> RunningPolicyTest::slots;
std::unique_ptr<RunningPolicy> RunningPolicyTest::running;

TEST_F(RunningPolicyTest, ANewPolicyIsTakenUpByEveryWorker) {
    const PolicyOutcome outcome = apply("next.yaml", with_rules(kDns + kWeb));
    ASSERT_EQ(outcome.kind, Kind::applied) << outcome.message << outcome.diagnostics.render(false);
    EXPECT_EQ(outcome.message, "");
    EXPECT_EQ(running->running().number, before + 1);
    EXPECT_EQ(running->running().ruleset->epoch(), before + 1);
    EXPECT_EQ(running->running().file, "/etc/next.yaml");
    EXPECT_EQ(running->running().text, with_rules(kDns + kWeb));
    EXPECT_TRUE(slot_is_given("dns"));
    // The old one is freed by now, so no worker uses it; each has begun or begins its next round with the new one.
    for (const Worker& worker : plane->workers()) {
        const auto give_up = std::chrono::steady_clock::now() + 30s;
        while (worker.counters->epoch.load() != before + 1 && std::chrono::steady_clock::now() < give_up) {
            std::this_thread::sleep_for(1ms);
        }
        EXPECT_EQ(worker.counters->epoch.load(), before + 1);
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
    text.replace(text.find("1Ki"), 3, "2Ki");
    const PolicyOutcome one = apply("larger.yaml", text);
    EXPECT_EQ(one.kind, Kind::needs_restart);
    EXPECT_EQ(one.message, "the policy changes tables, which is fixed at start: restart sluiced with it");
    text.replace(text.find("peer: wan"), 9, "peer: wan, mtu: 9000");
    const PolicyOutcome two = running->check("larger.yaml", text);
    EXPECT_EQ(two.kind, Kind::needs_restart);
    EXPECT_EQ(two.message,
              "the policy changes interfaces and tables, which are fixed at start: restart sluiced with it");
    EXPECT_EQ(running->running().number, before);
    EXPECT_FALSE(slot_is_given("dns"));
}

TEST_F(RunningPolicyTest, WithoutMemoryTheRunningPolicyStays) {
    {
        const test_support::MemoryHog hog;
        const PolicyOutcome outcome = apply("next.yaml", with_rules(kDns));
        EXPECT_EQ(outcome.kind, Kind::invalid);
        EXPECT_EQ(codes(outcome), "P091");
    }
    EXPECT_EQ(running->running().number, before);
    EXPECT_FALSE(slot_is_given("dns"));
    EXPECT_EQ(apply("next.yaml", with_rules(kDns)).kind, Kind::applied);
    EXPECT_EQ(running->running().number, before + 1);
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
