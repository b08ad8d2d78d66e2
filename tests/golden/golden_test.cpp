// Every recorded scenario, each on an appliance of its own and all side by side on one, with one worker and with two.
#include "player.hpp"
#include "recorded.hpp"
#include "report.hpp"
#include "reviewed.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

namespace sluice::golden {
namespace {

const std::filesystem::path kRoot = SLUICE_GOLDEN_ROOT;

struct Case {
    bool alone;
    std::uint16_t workers;
};

void PrintTo(const Case& one, std::ostream* out) {
    *out << (one.alone ? "each alone" : "side by side") << " with " << one.workers << " workers";
}

class Golden : public testing::TestWithParam<Case> {
  protected:
    void SetUp() override {
        std::string problem;
        ruleset_ = compile(kRoot / "policy.yaml", problem);
        ASSERT_NE(ruleset_, nullptr) << problem;
        auto scenarios = read_folder(kRoot / "data");
        ASSERT_TRUE(scenarios) << scenarios.error();
        auto reviewed = Reviewed::read_file(kRoot / "reviewed.txt");
        ASSERT_TRUE(reviewed) << reviewed.error();
        scenarios_ = only(std::move(*scenarios), only_from_environment());
        reviewed_ = std::move(*reviewed);
        ASSERT_FALSE(scenarios_.empty());
    }

    std::unique_ptr<const ruleset::Ruleset> ruleset_;
    std::vector<Scenario> scenarios_;
    Reviewed reviewed_;
};

TEST_P(Golden, NothingIsWorseThanTheReferences) {
    const auto [alone, workers] = GetParam();
    const Played played = (alone ? play_each_alone : play)(scenarios_, *ruleset_, workers);
    for (const std::string& wrong : played.broken) {
        ADD_FAILURE() << wrong;
    }
    ReportOptions options;
    options.whole = only_from_environment().empty();
    options.verbose = verbose_from_environment();
    const Report report = judge(scenarios_, played.fates, reviewed_, options);
    for (const std::string& failure : report.failures) {
        ADD_FAILURE() << failure;
    }
    std::cout << scenarios_.size() << " scenarios: " << report.summary() << "\n";
}

INSTANTIATE_TEST_SUITE_P(All, Golden, testing::Values(Case{true, 1}, Case{true, 2}, Case{false, 1}, Case{false, 2}),
                         [](const auto& one) {
                             return std::string(one.param.alone ? "Alone" : "Together") + "_" +
                                    std::to_string(one.param.workers);
                         });

} // namespace
} // namespace sluice::golden
