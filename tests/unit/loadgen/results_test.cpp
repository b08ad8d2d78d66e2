#include "loadgen/results.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::loadgen {
namespace {

constexpr Nanoseconds kInterval = kNanosecondsPerSecond / 10;

TEST(ResultsTest, EventsFallIntoTheirInterval) {
    Results results(kInterval, 10);
    results.start = 1000;
    ++results.at(1000).completed;
    ++results.at(1000 + kInterval - 1).completed;
    ++results.at(1000 + kInterval).completed;
    ++results.at(1000 + 5 * kInterval).failed;
    ++results.at(0).started; // before the start: a clock read a little earlier
    ASSERT_EQ(results.intervals.size(), 6u);
    EXPECT_EQ(results.intervals[0].completed, 2u);
    EXPECT_EQ(results.intervals[0].started, 1u);
    EXPECT_EQ(results.intervals[1].completed, 1u);
    EXPECT_EQ(results.intervals[4].failed, 0u);
    EXPECT_EQ(results.intervals[5].failed, 1u);
}

TEST(ResultsTest, JsonHoldsEveryCount) {
    Results results(kInterval, 10);
    results.started = 9;
    results.completed = 6;
    results.failed = 2;
    results.timed_out = 1;
    results.errors["ECONNREFUSED"] = 2;
    results.timed_out_in[static_cast<size_t>(Phase::kAnswer)] = 1;
    results.latency.record(1'500'000);
    results.at(0).completed = 6;
    const auto object = nlohmann::json::parse(to_json({"10.77.0.1:1", "echo", 5, 2, 0}, results));
    EXPECT_EQ(object["schema"], "sluice.loadgen/1");
    EXPECT_EQ(object["planned"], 10);
    EXPECT_EQ(object["not_started"], 1);
    EXPECT_EQ(object["completed"], 6);
    EXPECT_EQ(object["errors"]["ECONNREFUSED"], 2);
    EXPECT_EQ(object["timed_out_in"]["answer"], 1);
    EXPECT_EQ(object["latency_us"]["max"], 1500.0);
    EXPECT_EQ(object["intervals"]["completed"], nlohmann::json::array({6}));
    EXPECT_DOUBLE_EQ(object["completed_percent"].get<double>(), 60.0);
}

TEST(ResultsTest, SummaryNamesCauses) {
    Results results(kInterval, 10);
    results.started = 8;
    results.failed = 2;
    results.timed_out = 1;
    results.errors["wrong_answer"] = 2;
    results.timed_out_in[static_cast<size_t>(Phase::kConnect)] = 1;
    const std::string text = summary({"10.77.0.1:1", "echo", 5, 2, 0}, results);
    EXPECT_NE(text.find("wrong_answer 2"), std::string::npos) << text;
    EXPECT_NE(text.find("in connect 1"), std::string::npos) << text;
    EXPECT_NE(text.find("not started  2"), std::string::npos) << text;
}

} // namespace
} // namespace sluice::loadgen
