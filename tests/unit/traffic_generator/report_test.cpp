#include "traffic_generator/report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::traffic {
namespace {

using nlohmann::json;

Outcome connections() {
    Outcome outcome;
    outcome.ports.seconds = 2;
    outcome.counts.begun = 1000;
    outcome.counts.completed = 900;
    outcome.counts.failed = 90;
    outcome.counts.retransmits = 7;
    outcome.counts.add_wrong(Wrong::numbers);
    outcome.counts.latency.record(1'000'000);
    outcome.floods.syn_sent = 50;
    outcome.floods.syn_passed = 40;
    return outcome;
}

TEST(ReportTest, ConnectionsAsJson) {
    Description description;
    description.mode = Mode::connections;
    Outcome limit = connections();
    limit.counts.completed = 1800;
    const json report = json::parse(to_json(description, connections(), limit));
    EXPECT_EQ(report["schema"], "sluice.traffic/1");
    EXPECT_EQ(report["mode"], "connections");
    EXPECT_EQ(report["rate"], nullptr);
    EXPECT_EQ(report["connections"]["completed_per_second"], 450);
    EXPECT_EQ(report["connections"]["completed_percent"], 90);
    EXPECT_EQ(report["connections"]["not_over"], 10);
    EXPECT_EQ(report["wrong"]["total"], 1);
    EXPECT_EQ(report["wrong"]["numbers"], 1);
    EXPECT_EQ(report["latency_us"]["p50"], 1000);
    EXPECT_EQ(report["floods"]["syn_passed"], 40);
    EXPECT_EQ(report["limit"]["connections"]["completed_per_second"], 900);
    EXPECT_FALSE(report.contains("packets"));
}

TEST(ReportTest, PacketsAsJson) {
    Description description;
    description.mode = Mode::flows;
    description.rate = 100;
    Outcome outcome;
    outcome.ports.seconds = 2;
    outcome.counts.packets[0] = {100, 90};
    outcome.counts.packets[1] = {50, 50};
    const json report = json::parse(to_json(description, outcome, {}));
    EXPECT_EQ(report["packets"]["sent"], 150);
    EXPECT_EQ(report["packets"]["lost"], 10);
    EXPECT_EQ(report["packets"]["delivered_per_second"], 70);
    EXPECT_EQ(report["packets"]["client_to_server"]["lost"], 10);
    EXPECT_EQ(report["packets"]["server_to_client"]["lost"], 0);
    EXPECT_EQ(report["latency_us"], nullptr);
    EXPECT_EQ(report["limit"], nullptr);
    EXPECT_EQ(report["rate"], 100);
}

TEST(ReportTest, TextSaysTheSame) {
    Description description;
    description.mode = Mode::connections;
    description.traffic = "full TCP connections";
    const std::string text = to_text(description, connections(), connections());
    for (const char* words :
         {"as fast as possible", "completed             900          450", "not over", "segments sent again 7",
          "wrong 1: numbers 1", "p50 1000.0", "SYN flood: 50 sent, 40 passed", "this is 100.0 % of it"}) {
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    }
}

} // namespace
} // namespace sluice::traffic
