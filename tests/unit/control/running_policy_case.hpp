// A policy that runs on a real data plane with two ports that receive nothing. DPDK starts once in a process, so all
// cases share one, and each leaves it running.
#pragma once

#include "control/running_policy.hpp"

#include "policy/model/read.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <unistd.h>

namespace sluice::control {

inline const std::string kFixed = "version: 1\n"
                                  "system: { idle: sleep }\n"
                                  "interfaces:\n"
                                  "  lan: { device: \"net_null0,no-rx=1\", peer: wan }\n"
                                  "  wan: { device: \"net_null1,no-rx=1\", peer: lan }\n"
                                  "tables: { flows: { size: 1Ki } }\n";
inline const std::string kWeb = "- { name: web, to: { ports: [80] }, protocol: tcp, action: allow }\n";
inline const std::string kDns = "- { name: dns, to: { ports: [53] }, protocol: udp, action: allow }\n";

inline std::string with_rules(const std::string& rules) {
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
        std::vector<SlotCounters> counters;
        for (const Worker& worker : plane->workers()) {
            counters.push_back({worker.rule_counters, worker.rule_evictions});
        }
        slots = std::make_unique<CounterSlots>(kRuleSlots, std::move(counters));
        running = std::make_unique<RunningPolicy>(*plane, *slots);
        const PolicyOutcome outcome = running->begin(std::move(*policy), "begin.yaml", with_rules(kWeb));
        ASSERT_EQ(outcome.kind, PolicyOutcome::Kind::applied) << outcome.diagnostics.render(false);
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
        ASSERT_NE(apply("web.yaml", with_rules(kWeb)).kind, PolicyOutcome::Kind::failed);
        before = running->running().number;
        epoch_before = running->running().ruleset->epoch();
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

    inline static std::unique_ptr<DataPlane> plane;
    inline static std::unique_ptr<CounterSlots> slots;
    inline static std::unique_ptr<RunningPolicy> running;
    std::uint32_t before = 0;
    std::uint32_t epoch_before = 0;
};

} // namespace sluice::control
