// Compiled classifiers against the linear oracle, on policies of 10, 1,000 and 10,000 generated rules of every kind,
// and packets that know the rules, in both orientations, IPv4 and IPv6.
//
// SLUICE_PROPERTY_SEED repeats a run, SLUICE_PROPERTY_CASES sets how many packets there are for each kind, family and
// size. Ten thousand rules take seconds to compile: all kinds of them take part from 100,000 packets on, two by
// default. When there is a difference, the smallest policy and packet that still have it are printed.
#include "asked_classifiers.hpp"
#include "generated_policy.hpp"
#include "quick_oracle.hpp"
#include "sets.hpp"
#include "shrink.hpp"

#include "policy/compile/compile.hpp"
#include "rule_sets/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <tuple>

namespace sluice::property {
namespace {

using rule_sets::Kind;
using rule_sets::Random;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// One seed for the whole run.
std::uint64_t seed_of_run() {
    static const std::uint64_t seed = number_from("SLUICE_PROPERTY_SEED", std::random_device{}());
    return seed;
}

std::unique_ptr<const ruleset::Ruleset> compiled(const policy::Policy& policy) {
    static std::uint32_t epoch = 2'000'000;
    policy::Diagnostics diagnostics;
    return policy::compile(policy, {.epoch = ++epoch, .counter_slots = {}, .progress = {}}, diagnostics);
}

/// For the shrinker: compiles, asks, compares.
bool differ(const Case& shown) {
    const auto ruleset = compiled(shown.policy);
    if (ruleset == nullptr) return false;
    const QuickOracle oracle(without_sets(shown.policy));
    const std::vector<Answer> answers = ask(*ruleset, shown.packets);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const First first = oracle.first_concerned(shown.packets[i]);
        if (!difference(oracle, shown.packets[i], first, answers[i]).empty()) return true;
    }
    return false;
}

constexpr std::uint64_t kDefaultCases = 3'000;
constexpr std::uint64_t kLongRun = 100'000;

std::uint64_t cases_of_run() {
    return number_from("SLUICE_PROPERTY_CASES", kDefaultCases);
}

/// Batches of one pair of zones are looked up a little differently.
void come_by_one_port(std::vector<Tuple>& batch) {
    for (Tuple& tuple : batch) {
        tuple.from_zone = batch[0].from_zone;
        tuple.to_zone = batch[0].to_zone;
    }
}

struct World {
    Kind kind;
    net::Family family;
    std::size_t rules;
};

std::string test_name(const testing::TestParamInfo<World>& info) {
    return std::string(rule_sets::name(info.param.kind)) + (info.param.family == net::Family::ipv4 ? "4" : "6") + "_" +
           std::to_string(info.param.rules);
}

std::vector<World> worlds() {
    std::vector<std::size_t> sizes = {10, 1'000};
    if (cases_of_run() >= kLongRun) sizes.push_back(10'000);
    std::vector<World> all;
    for (const std::size_t rules : sizes) {
        for (const Kind kind : rule_sets::kKinds) {
            for (const net::Family family : {net::Family::ipv4, net::Family::ipv6})
                all.push_back({kind, family, rules});
        }
    }
    if (cases_of_run() == kDefaultCases) {
        all.push_back({Kind::acl, net::Family::ipv4, 10'000});
        all.push_back({Kind::fw, net::Family::ipv6, 10'000});
    }
    return all;
}

class ClassifierProperty : public testing::TestWithParam<World> {
  protected:
    /// Compares a batch; false at the first difference, after shrinking it.
    bool agree(const QuickOracle& oracle, const policy::Policy& policy, const ruleset::Ruleset& ruleset,
               const std::vector<Tuple>& batch) {
        const std::vector<Answer> answers = ask(ruleset, batch);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const First first = oracle.first_concerned(batch[i]);
            ++seen_[static_cast<unsigned>(first.how)];
            const std::string what = difference(oracle, batch[i], first, answers[i]);
            if (what.empty()) continue;
            ADD_FAILURE() << to_string(batch[i]) << ": " << what;
            const Case found{policy, batch};
            // Of ten thousand rules that are all needed, as for a map of many prefixes, each is left out once.
            const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
            const auto still_differs = [&](const Case& shown) {
                return std::chrono::steady_clock::now() < end && differ(shown);
            };
            if (differ(found)) ADD_FAILURE() << "smallest:\n" << to_string(shrink(found, still_differs));
            return false;
        }
        return true;
    }

    /// The quick oracle is one only as long as it says what the plain one says.
    static bool plain_agrees(const QuickOracle& oracle, const policy::Policy& policy, const Tuple& tuple) {
        const First plain = first_concerned(policy, tuple);
        const First quick = oracle.first_concerned(tuple);
        return plain.how == quick.how && (plain.how == First::How::nothing || plain.rule == quick.rule) &&
               first_match(policy, tuple) == oracle.first_match(tuple);
    }

    /// What happened, so that a generator that has stopped to meet rules is noticed.
    std::uint64_t seen_[4] = {};
};

INSTANTIATE_TEST_SUITE_P(Worlds, ClassifierProperty, testing::ValuesIn(worlds()), test_name);

TEST_P(ClassifierProperty, AgreesWithTheOracle) {
    const World world = GetParam();
    const std::uint64_t cases = cases_of_run();
    const std::uint64_t packets_a_policy = std::max<std::uint64_t>({20 * world.rules, 100, cases / 1'000});
    Random random(seed_of_run() + world.rules * 16 + static_cast<unsigned>(world.kind) * 2 +
                  (world.family == net::Family::ipv6));
    for (std::uint64_t done = 0; done < cases;) {
        const rule_sets::RuleSet set =
            rule_sets::generate({.kind = world.kind, .family = world.family, .count = world.rules, .seed = random()});
        const policy::Policy policy = policy_from(random, set);
        const auto ruleset = compiled(policy);
        ASSERT_NE(ruleset, nullptr);
        const policy::Policy written_out = without_sets(policy);
        const QuickOracle oracle(written_out);
        for (std::uint64_t of_this = 0; of_this < packets_a_policy && done < cases;) {
            std::vector<Tuple> batch;
            for (std::size_t n = 1 + rule_sets::below(random, 32); n > 0; --n)
                batch.push_back(aimed_tuple(random, set, policy));
            if (rule_sets::below(random, 2) == 0) come_by_one_port(batch);
            SCOPED_TRACE("SLUICE_PROPERTY_SEED=" + std::to_string(seed_of_run()) + " after " + std::to_string(done));
            ASSERT_TRUE(agree(oracle, policy, *ruleset, batch));
            if (of_this % 64 < batch.size() / 2) {
                ASSERT_TRUE(plain_agrees(oracle, written_out, batch.front())) << to_string(batch.front());
            }
            of_this += batch.size();
            done += batch.size();
        }
    }
    std::cout << "seed " << seed_of_run() << ": " << seen_[0] << " met no rule, " << seen_[1] << " tracked ones, "
              << seen_[2] << " untracked ones, " << seen_[3] << " were answers to untracked ones\n";
    for (const std::uint64_t met : {seen_[1], seen_[2], seen_[3]})
        EXPECT_GT(met, cases / 200);
}

} // namespace
} // namespace sluice::property
