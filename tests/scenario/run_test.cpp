// A scenario that does not hold must be red: each of these is one that is wrong in one place.
#include "run.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::scenario {
namespace {

const std::string kPolicy = "version: 1\n"
                            "interfaces:\n"
                            "  lan: { device: net_null0, peer: wan }\n"
                            "  wan: { device: net_null1, peer: lan }\n"
                            "rules:\n"
                            "- { name: dns, from: { zone: lan }, to: { ports: [53] }, protocol: udp, action: allow }\n";

Outcome run_steps(const std::string& steps, std::uint16_t workers = 1) {
    return run({{"policy.yaml", kPolicy}, {"steps.txt", steps}}, workers);
}

/// Line and message of each failure, one a line.
std::string failures_of(const Outcome& outcome) {
    std::string all;
    for (const Failure& failure : outcome.failures) {
        all += failure.file + ":" + std::to_string(failure.line) + ": " + failure.message + "\n";
    }
    return all;
}

const std::string kQuery = "lan > udp 10.0.0.1:1 > 10.0.0.2:53";

TEST(Run, WhatHoldsIsGreen) {
    const Outcome outcome = run_steps(kQuery + " -> forward rule dns\nflows 1 udp_new\n"
                                               "wan > udp 10.0.0.2:53 > 10.0.0.1:1 -> forward\n"
                                               "rule dns packets 2\n");
    EXPECT_EQ(failures_of(outcome), "");
    EXPECT_EQ(outcome.packets, 2u);
}

TEST(Run, VerdictReasonAndRuleAreCompared) {
    EXPECT_EQ(failures_of(run_steps("flows 0\n" + kQuery + " -> drop no_rule\n")),
              "steps.txt:2: " + kQuery + "\n    expected drop no_rule\n    got forward rule dns\n");
    EXPECT_EQ(failures_of(run_steps(kQuery + " -> forward rule default\n")),
              "steps.txt:1: " + kQuery + "\n    expected forward rule default\n    got forward rule dns\n");
    EXPECT_EQ(failures_of(run_steps("wan > udp 10.0.0.2:53 > 10.0.0.1:1 -> drop not_a_syn\n")),
              "steps.txt:1: wan > udp 10.0.0.2:53 > 10.0.0.1:1\n    expected drop not_a_syn\n"
              "    got drop no_rule rule default\n");
}

TEST(Run, DropsOnTheWayOutHaveTheirReason) {
    EXPECT_EQ(failures_of(run_steps("link wan down\n" + kQuery +
                                    " -> drop peer_down rule dns\n"
                                    "link wan up\ntransmit wan 0\n" +
                                    kQuery +
                                    " -> drop tx_queue_full\n"
                                    "transmit wan all\n" +
                                    kQuery + " -> forward\n")),
              "");
    EXPECT_EQ(failures_of(run_steps("link wan down\n" + kQuery + " -> forward\n")),
              "steps.txt:2: " + kQuery + "\n    expected forward\n    got drop peer_down rule dns\n");
}

TEST(Run, FlowsAndCountersAreCompared) {
    EXPECT_EQ(failures_of(run_steps(kQuery + " -> forward\nflows 2\nflows 1 udp_established\nended expired 1\n"
                                             "rule dns packets 2\nrule dns flows 0\nrule nns flows 0\n")),
              "steps.txt:2: flows: 2 expected, 1 found\n"
              "steps.txt:3: flows in udp_established: 1 expected, 0 found\n"
              "steps.txt:4: flows ended as expired: 1 expected, 0 found\n"
              "steps.txt:5: rule dns: packets: 2 expected, 1 found\n"
              "steps.txt:6: rule dns: flows: 0 expected, 1 found\n"
              "steps.txt:7: the policy has no rule 'nns'\n");
}

TEST(Run, WrongFilesAreSaid) {
    EXPECT_EQ(failures_of(run_steps("nonsense\n")).substr(0, 12), "steps.txt:1:");
    EXPECT_EQ(failures_of(run_steps("")), "steps.txt:0: no steps\n");
    EXPECT_EQ(failures_of(run_steps("dmz > udp 10.0.0.1:1 > 10.0.0.2:53 -> forward\n")),
              "steps.txt:1: the policy has no interface 'dmz'\n");
    EXPECT_EQ(failures_of(run_steps("reload other.yaml\n")), "steps.txt:1: the folder has no file 'other.yaml'\n");
    const Outcome invalid = run({{"policy.yaml", "version: 2\n"}, {"steps.txt", "flows 0\n"}}, 1);
    ASSERT_EQ(invalid.failures.size(), 1u);
    EXPECT_NE(invalid.failures[0].message.find("policy.yaml:1:"), std::string::npos);
}

TEST(Run, AReloadThatWantsARestartIsRefused) {
    std::string other = kPolicy;
    other.replace(other.find("net_null1"), 9, "net_null2");
    const Outcome outcome =
        run({{"policy.yaml", kPolicy}, {"other.yaml", other}, {"steps.txt", "reload other.yaml\n"}}, 1);
    EXPECT_EQ(failures_of(outcome), "steps.txt:1: the appliance would have to be restarted: 'interfaces' differs\n");
}

TEST(Run, StopsAtTheTenthFailure) {
    std::string steps;
    for (int i = 0; i < 30; ++i) {
        steps += "flows 7\n";
    }
    EXPECT_EQ(run_steps(steps).failures.size(), 10u);
}

TEST(Run, TwoWorkersHandOver) {
    const Outcome outcome = run_steps("lan > udp 10.0.0.1:1000-1063 > 10.0.0.2:53 -> forward rule dns\nflows 64\n", 2);
    EXPECT_EQ(failures_of(outcome), "");
    EXPECT_GT(outcome.handed_off, 10u);
    EXPECT_LT(outcome.handed_off, 54u);
}

TEST(Run, TheFolderSaysForHowManyWorkersItHolds) {
    EXPECT_TRUE(wants_other_worker_count({{"steps.txt", "workers 1\nflows 0\n"}}, 2));
    EXPECT_FALSE(wants_other_worker_count({{"steps.txt", "workers 1\nflows 0\n"}}, 1));
    EXPECT_FALSE(wants_other_worker_count({{"steps.txt", "flows 0\n"}}, 2));
    EXPECT_FALSE(wants_other_worker_count({{"steps.txt", "nonsense\n"}}, 2));
}

} // namespace
} // namespace sluice::scenario
