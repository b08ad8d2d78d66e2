// What sluicectl says about a flow table that is short of room, against an appliance of canned data.
#include "program.hpp"

#include "flow/sizing.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::sluicectl {
namespace {

using nlohmann::json;
using test::lines_of;
using test::Ran;
using test::run_program;
using test::RunningFake;
using test::words_of;

TEST(SluicectlTableRoom, StatusSaysPressureCausesAndClasses) {
    const RunningFake fake;
    const std::string out = fake.ctl({"status"}).out;
    EXPECT_NE(out.find("\n          under pressure for 12.5 s, entered 3 times since start\n"), std::string::npos)
        << out;
    EXPECT_NE(out.find("\n          room was short: 50 evicted (closing 50), 7 refused\n"), std::string::npos) << out;
    EXPECT_NE(out.find("\n          answered 200, half_open 40, closing 10; half_open at most 65536\n"),
              std::string::npos)
        << out;
}

TEST(SluicectlTableRoom, RulesHaveColumnsForItOnlyWhereThereIsSomethingToSay) {
    const RunningFake calm;
    EXPECT_EQ(calm.ctl({"show", "rules"}).out.find("RESERVE"), std::string::npos);
    EXPECT_EQ(calm.ctl({"show", "rules"}).out.find("EVICTED"), std::string::npos);
    const RunningFake fake({250, false, true});
    const auto lines = lines_of(fake.ctl({"show", "rules"}).out);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(words_of(lines[0]), (std::vector<std::string>{"POSITION", "NAME", "ACTION", "TRACK", "REPLY", "PACKETS",
                                                            "BYTES", "FLOWS", "CREATED", "RESERVE", "KEPT", "EVICTED",
                                                            "TOOK", "REFUSED", "LAST-HIT", "LINE"}));
    EXPECT_EQ(words_of(lines[2]), (std::vector<std::string>{"2", "dns", "allow", "brief", "-", "0", "0", "0", "0",
                                                            "4096", "17", "15", "40", "2", "-", "20"}));
    EXPECT_EQ(words_of(lines[1])[9], "-") << "nothing is reserved for it";
    EXPECT_EQ(words_of(lines[1])[10], "-");
    EXPECT_EQ(words_of(lines[1])[11], "0");
}

TEST(SluicectlTableRoom, EvictionsByRuleAndTheLatest) {
    const RunningFake fake;
    const auto lines = lines_of(fake.ctl({"show", "evictions"}).out);
    ASSERT_EQ(lines.size(), 3u + 1u + 21u + 2u);
    EXPECT_EQ(words_of(lines[0]), (std::vector<std::string>{"RULE", "LOST", "TOOK", "LOST-AS"}));
    EXPECT_NE(lines[1].find("  52     0  half_open 32, closing 20"), std::string::npos) << lines[1];
    EXPECT_EQ(words_of(lines[2]), (std::vector<std::string>{"web-in", "0", "52", "-"}));
    EXPECT_EQ(words_of(lines[4]), (std::vector<std::string>{"AGO", "CAUSE", "WORKER", "LOST", "ITS-RULE", "IDLE", "AGE",
                                                            "TAKER", "ITS-RULE"}));
    EXPECT_NE(lines[5].find("tcp [2001:db8::7]:40001 > [2001:db8::80]:443"), std::string::npos) << lines[5];
    EXPECT_NE(lines[5].find("tcp 10.0.0.101:40101 > 192.0.2.80:443"), std::string::npos) << lines[5];
    EXPECT_NE(lines[7].find("tcp 10.0.0.3:40003 > 192.0.2.80:443 vlan 12"), std::string::npos) << lines[7];
    EXPECT_EQ(lines.back(), "52 evictions since start: half_open 32, closing 20. Shown are the latest 20.");
}

TEST(SluicectlTableRoom, EvictionsOfARuleAndSoMany) {
    const RunningFake fake;
    EXPECT_EQ(json::parse(fake.ctl({"-j", "show", "evictions", "-n", "3"}).out)["data"]["latest"].size(), 3u);
    EXPECT_EQ(json::parse(fake.ctl({"-j", "show", "evictions", "web-in", "--limit", "5"}).out)["data"]["latest"].size(),
              5u);
    EXPECT_EQ(fake.ctl({"show", "evictions", "default"}).out,
              "No flow of this rule has made room, and none was made for one; 52 evictions in all since start.\n");
    EXPECT_EQ(fake.ctl({"show", "evictions", "nobody"}).exit, 6);
    EXPECT_EQ(fake.ctl({"show", "evictions", "-n", "few"}).exit, 2);
    const Ran names = run_program({{"__complete", "-s", fake.socket(), "show", "evictions", "we"}, {}, {}, {}});
    EXPECT_EQ(names.out, "web-in\tallow\n");
}

TEST(SluicectlTableRoom, WorkersSayHowFullEachOneIs) {
    const RunningFake fake;
    const auto lines = lines_of(fake.ctl({"show", "workers"}).out);
    const auto heads = words_of(lines.at(0));
    const auto fill = std::find(heads.begin(), heads.end(), "FILL");
    ASSERT_NE(fill, heads.end());
    EXPECT_EQ(words_of(lines.at(1)).at(static_cast<std::size_t>(fill - heads.begin())), "0.1%");
}

TEST(SluicectlTableRoom, PolicyCheckSharesTheTableOutToWorkers) {
    const std::string policy = "version: 1\n"
                               "system: { workers: \"0,1\" }\n"
                               "tables: { flows: { size: 64Ki, half_open: 10% } }\n"
                               "interfaces:\n"
                               "  lan: { device: \"net_null0\", peer: wan }\n"
                               "  wan: { device: \"net_null1\", peer: lan }\n"
                               "rules:\n"
                               "  - { name: web, protocol: tcp, to: { ports: [80] }, action: allow, reserve: 101 }\n"
                               "  - { name: rest, action: allow }\n";
    const flow::Config each = flow::share_of({.entries = 65536, .half_open_percent = 10}, 2);
    ASSERT_GT(each.capacity, 32768u);
    const std::uint64_t size = 2 * flow::Table::memory_size(each.capacity);
    const Ran text = run_program({{"policy", "check", "-"}, policy, {}, {}});
    ASSERT_EQ(text.exit, 0) << text.errors;
    const auto says = [&](const std::string& line) {
        EXPECT_NE(text.out.find("\n" + line + "\n"), std::string::npos) << line << "\nin\n" << text.out;
    };
    EXPECT_NE(text.out.find("\nflow table: 65536 entries in " + std::to_string(size) + " bytes, "), std::string::npos)
        << text.out;
    says("  each of 2 workers: " + std::to_string(each.capacity) + " entries, " +
         std::to_string(each.capacity - 32768) + " of them for uneven shares");
    says("  half-open flows: at most " + std::to_string(each.half_open_limit) + " with each worker");
    says("  reserved for web: 101, 51 with each worker");
    const json table =
        json::parse(run_program({{"-j", "policy", "check", "-"}, policy, {}, {}}).out)["data"][0]["flow_table"];
    EXPECT_EQ(table["bytes"], size);
    EXPECT_EQ(table["worker_entries"], each.capacity);
    EXPECT_EQ(table["worker_half_open"], each.half_open_limit);
    EXPECT_EQ(table["reserves"], json::parse(R"([{"rule":"web","entries":101,"worker_entries":51}])"));
    EXPECT_NEAR(table["bytes_per_entry"].get<double>(), static_cast<double>(size) / 65536, 0.001);
}

} // namespace
} // namespace sluice::sluicectl
