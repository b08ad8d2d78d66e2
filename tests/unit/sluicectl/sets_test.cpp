// `set` and `show sets` against an appliance of canned data, and what `policy check --verbose` adds.
#include "program.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>
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

/// A file that is gone at the end.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& text)
        : path_(testing::TempDir() + "sluice_sets_" + std::to_string(getpid())) {
        std::ofstream(path_) << text;
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::remove(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

TEST(SluicectlSets, AreShownWithTheirDifferences) {
    const RunningFake fake;
    const auto lines = lines_of(fake.ctl({"show", "sets"}).out);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_TRUE(lines[0].starts_with("NAME")) << lines[0];
    EXPECT_NE(lines[2].find("2        1  2026-01-31T09:30:00Z"), std::string::npos) << lines[2];
    EXPECT_NE(lines[2].find("bogons"), std::string::npos) << lines[2];
    EXPECT_EQ(lines[2].find('\x1b'), std::string::npos);
    const RunningFake empty({0, true});
    EXPECT_EQ(empty.ctl({"show", "sets"}).out, "The policy has no address sets.\n");
}

TEST(SluicectlSets, ListWhatTheyHold) {
    const RunningFake fake;
    const auto lines = lines_of(fake.ctl({"show", "sets", "blocked"}).out);
    ASSERT_EQ(lines.size(), 1205u) << "a head, all prefixes off a terminal, and two notes";
    EXPECT_TRUE(lines[1].starts_with("10.0.0.0/32")) << lines[1];
    EXPECT_TRUE(lines[1].ends_with("live")) << lines[1];
    EXPECT_TRUE(lines[3].ends_with("policy")) << lines[3];
    EXPECT_EQ(lines[1203], "blocked also holds what is in: bogons");
    EXPECT_EQ(lines[1204],
              "blocked differs from the policy: 2 added, 1 removed since it was applied; applying a policy "
              "undoes that.");
    EXPECT_EQ(lines_of(fake.ctl({"show", "sets", "blocked", "-l", "3"}).out)[4],
              "3 of 1202 prefixes shown; --limit N or --all shows more.");
    EXPECT_EQ(fake.ctl({"show", "sets", "other"}).exit, 6);
    const json document = json::parse(fake.ctl({"-j", "show", "sets", "blocked", "-l", "2"}).out);
    EXPECT_EQ(document["schema"], "sluice.set_prefixes/1");
    EXPECT_EQ(document["data"].size(), 2u);
    EXPECT_EQ(document["set"]["prefixes"], 1202);
}

TEST(SluicectlSets, AreChanged) {
    const RunningFake fake;
    EXPECT_EQ(fake.ctl({"set", "add", "blocked", "10.0.0.1", "2001:db8::/32"}).out,
              "blocked: 2 added, 0 removed, 1202 prefixes now\n");
    EXPECT_EQ(fake.ctl({"set", "del", "blocked", "10.0.0.1"}).out, "blocked: 0 added, 1 removed, 1202 prefixes now\n");
    EXPECT_EQ(fake.ctl({"set", "add", "same", "10.0.0.1"}).out, "same is as it was: 1202 prefixes\n");
    const Ran missing = fake.ctl({"set", "add", "nosuch", "10.0.0.1"});
    EXPECT_EQ(missing.exit, 6);
    EXPECT_EQ(missing.errors, "sluicectl: no address set is named 'nosuch'\n");
    EXPECT_EQ(json::parse(fake.ctl({"set", "replace", "blocked", "10.0.0.1", "-j"}).out)["data"]["added"], 1);
}

TEST(SluicectlSets, ComeFromFiles) {
    const RunningFake fake;
    const TemporaryFile file("10.0.0.1\n10.0.0.2\n# three\n");
    EXPECT_EQ(fake.ctl({"set", "replace", "blocked", "--from", file.path()}).out,
              "blocked: 3 added, 0 removed, 1202 prefixes now\n")
        << "as many lines as the canned appliance counts";
    EXPECT_EQ(fake.ctl({"set", "add", "blocked"}).exit, 2);
    EXPECT_EQ(fake.ctl({"set", "add", "blocked", "10.0.0.1", "--from", file.path()}).exit, 2);
    EXPECT_EQ(fake.ctl({"set", "add", "blocked", "--from", file.path() + ".gone"}).exit, 1);
    std::vector<std::string> many = {"set", "add", "blocked"};
    for (int i = 0; i < 1001; ++i) {
        many.push_back("10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256));
    }
    EXPECT_EQ(fake.ctl(many).out, "blocked: 1001 added, 0 removed, 1202 prefixes now; the rules were compiled anew\n");
}

TEST(SluicectlPolicyCheck, SaysWhatRulesTake) {
    const TemporaryFile file(
        "version: 1\n"
        "interfaces:\n"
        "  lan: { device: net_null0, peer: wan }\n"
        "  wan: { device: net_null1, peer: lan }\n"
        "address_sets: { servers: [10.0.0.1, 10.0.0.9, \"2001:db8::1\"] }\n"
        "rules:\n"
        "- { name: web, to: { nets: [servers], ports: [80, 443] }, protocol: tcp, action: allow }\n"
        "- { name: fast, from: { zone: lan }, to: { ports: [11211] }, protocol: tcp, action: allow,\n"
        "    track: false, reply: mirror }\n");
    const Ran plain = run_program({{"policy", "check", file.path()}, {}, {}, {}});
    EXPECT_EQ(plain.exit, 0) << plain.errors;
    EXPECT_EQ(plain.out.find("CLASSIFIER"), std::string::npos);
    const Ran verbose = run_program({{"policy", "check", "--verbose", file.path()}, {}, {}, {}});
    EXPECT_EQ(verbose.exit, 0) << verbose.errors;
    EXPECT_NE(verbose.out.find("CLASSIFIER"), std::string::npos) << verbose.out;
    EXPECT_NE(verbose.out.find("UNTRACKED-ENTRIES"), std::string::npos) << verbose.out;
    const Ran ran = run_program({{"-j", "policy", "check", "-v", file.path()}, {}, {}, {}});
    const json compiled = json::parse(ran.out)["data"][0]["compiled"];
    EXPECT_EQ(compiled["rules"].size(), 2u);
    EXPECT_EQ(compiled["rules"][0]["name"], "web");
    EXPECT_EQ(compiled["tracked"]["rows"], 2);
    EXPECT_EQ(compiled["tracked"]["ipv4"]["destination_classes"], 2) << "servers, and the rest";
    EXPECT_EQ(compiled["tracked"]["ipv6"]["destination_classes"], 2);
    EXPECT_EQ(compiled["tracked"]["ipv4"]["thrift"], "none");
    EXPECT_EQ(compiled["untracked"]["rows"], 4) << "fast, its mirror, and web, which comes first, both ways";
    EXPECT_GT(compiled["tracked"]["bytes"], 0);
}

/// Whatever the appliance would say of a policy, it says without --verbose.
TEST(SluicectlPolicyCheck, SaysThatRulesWantMoreMemory) {
    std::string text = "version: 1\n"
                       "interfaces:\n"
                       "  lan: { device: net_null0, peer: wan }\n"
                       "  wan: { device: net_null1, peer: lan }\n"
                       "tables: { rules: { memory: 1Mi } }\n"
                       "rules:\n";
    for (int i = 0; i < 2000; ++i) {
        const std::string net = std::to_string(i / 250) + "." + std::to_string(i % 250) + ".0/24";
        text += "- { name: r" + std::to_string(i) + ", from: { nets: [10." + net + "] }, to: { nets: [11." + net +
                "] }, action: drop }\n";
    }
    const TemporaryFile file(text);
    const Ran ran = run_program({{"policy", "check", file.path()}, {}, {}, {}});
    EXPECT_EQ(ran.exit, 0) << ran.errors;
    EXPECT_NE(ran.errors.find("warning[W110]"), std::string::npos) << ran.errors;
    EXPECT_EQ(ran.out.find("CLASSIFIER"), std::string::npos);
}

TEST(SluicectlSet, AHintNamesAnOptionThatThereIs) {
    const RunningFake fake;
    const Ran ran = fake.ctl({"set", "add", "blocked"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_NE(ran.errors.find("--from FILE"), std::string::npos) << ran.errors;
    EXPECT_NE(fake.ctl({"set", "add", "--help"}).out.find("--from"), std::string::npos);
}

} // namespace
} // namespace sluice::sluicectl
