// sluicectl as a program against an appliance of canned data.
#include "program.hpp"

#include "admin/socket_file.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace sluice::sluicectl {
namespace {

using nlohmann::json;
using test::lines_of;
using test::Ran;
using test::run_program;
using test::RunningFake;
using test::words_of;

bool is_harmless(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

/// Every command that asks the appliance, with the schema of its JSON.
const std::vector<std::pair<std::vector<std::string>, std::string>> kCommands = {
    {{"status"}, "sluice.status/1"},
    {{"show", "interfaces"}, "sluice.interfaces/1"},
    {{"show", "workers"}, "sluice.workers/1"},
    {{"show", "rules"}, "sluice.rules/1"},
    {{"show", "flows"}, "sluice.flows/1"},
    {{"show", "drops"}, "sluice.drops/1"},
    {{"show", "policy"}, "sluice.policy/1"},
    {{"policy", "show"}, "sluice.policy/1"},
    {{"show", "version"}, "sluice.version/1"},
    {{"show", "evictions"}, "sluice.evictions/1"},
    {{"show", "stages"}, "sluice.stages/1"},
    {{"show", "sets"}, "sluice.sets/1"},
    {{"show", "sets", "blocked"}, "sluice.set_prefixes/1"},
    {{"set", "add", "blocked", "10.0.0.1"}, "sluice.set/1"},
};

TEST(SluicectlEndToEnd, StagesAreToldByThePacket) {
    const RunningFake fake;
    const auto lines = lines_of(fake.ctl({"show", "stages"}).out);
    ASSERT_EQ(lines.size(), 7u) << "two stages and their sum, for each of two workers";
    EXPECT_EQ(words_of(lines[1]), (std::vector<std::string>{"0", "receive", "20.0", "10.0", "25.0%"}));
    EXPECT_EQ(words_of(lines[3]), (std::vector<std::string>{"0", "all", "80.0", "40.0", "100.0%"}));
    EXPECT_EQ(words_of(lines[6]), (std::vector<std::string>{"1", "all", "-", "-", "-"})) << "nothing was timed there";
}

TEST(SluicectlEndToEnd, EveryCommandAnswersInText) {
    const RunningFake fake;
    for (const auto& [words, schema] : kCommands) {
        const Ran ran = fake.ctl(words);
        EXPECT_EQ(ran.exit, 0) << schema << ran.errors;
        EXPECT_EQ(ran.errors, "") << schema;
        EXPECT_FALSE(ran.out.empty()) << schema;
        EXPECT_TRUE(is_harmless(ran.out)) << schema << ": control characters from outside reached the terminal";
        for (const auto& line : lines_of(ran.out))
            EXPECT_FALSE(line.ends_with(' ')) << schema << '\n' << line;
    }
}

TEST(SluicectlEndToEnd, EveryCommandAnswersInJson) {
    const RunningFake fake;
    for (const auto& [words, schema] : kCommands) {
        for (const char* flag : {"-j", "--json"}) {
            auto with_flag = words;
            with_flag.emplace_back(flag);
            const Ran ran = fake.ctl(with_flag);
            EXPECT_EQ(ran.exit, 0) << schema;
            const json document = json::parse(ran.out, nullptr, false);
            ASSERT_FALSE(document.is_discarded()) << schema << ran.out;
            EXPECT_EQ(document["schema"], schema);
            EXPECT_TRUE(document.contains("generated"));
            EXPECT_FALSE(document["data"].empty());
        }
    }
}

TEST(SluicectlEndToEnd, StatusSaysWhatFragmentsThereWere) {
    const RunningFake fake;
    const std::string out = fake.ctl({"status"}).out;
    EXPECT_NE(out.find("answered 20 for servers, made 20\n"), std::string::npos) << out;
    EXPECT_NE(out.find("cookies   17 sent, 3 accepted, 2 refused; 1 flow translated\n"), std::string::npos) << out;
    EXPECT_NE(out.find("fragments 0 held, of 0 of 4096 datagrams; 12 datagrams completed\n"), std::string::npos) << out;
}

TEST(SluicectlEndToEnd, EveryCommandSaysWhenNobodyIsThere) {
    for (const auto& [words, schema] : kCommands) {
        auto arguments = words;
        arguments.insert(arguments.end(), {"-s", "/nonexistent/ctl.sock"});
        const Ran ran = run_program({arguments, {}, {}, {}});
        EXPECT_EQ(ran.exit, 3) << schema;
        EXPECT_EQ(ran.out, "");
        EXPECT_EQ(ran.errors, "sluicectl: cannot reach sluiced at /nonexistent/ctl.sock: is it running? try: systemctl "
                              "status sluice\n");
    }
}

TEST(SluicectlEndToEnd, EmptyAnswersExplainThemselves) {
    const RunningFake fake({0, true});
    EXPECT_EQ(fake.ctl({"show", "flows"}).out, "No flows: the flow table is empty.\n");
    EXPECT_EQ(fake.ctl({"show", "interfaces"}).out, "The appliance has no interfaces.\n");
    EXPECT_EQ(fake.ctl({"show", "workers"}).out, "The appliance has no workers.\n");
    EXPECT_NE(fake.ctl({"show", "drops"}).out.find("No drops since start, 11520.4 s ago"), std::string::npos);
    EXPECT_EQ(fake.ctl({"show", "evictions"}).out,
              "No evictions since start: no flow has had to make room for another one.\n");
    const std::string status = fake.ctl({"status"}).out;
    EXPECT_NE(status.find("none since start"), std::string::npos);
    EXPECT_EQ(status.find("half_open"), std::string::npos) << "a table with room says nothing about who would give it";
    EXPECT_EQ(status.find("pressure"), std::string::npos);
    const json document = json::parse(fake.ctl({"-j", "show", "flows"}).out);
    EXPECT_EQ(document["data"], json::array());
    EXPECT_EQ(document["total"], 0);
}

TEST(SluicectlEndToEnd, TablesHaveUppercaseHeadsAndAlignedNumbers) {
    const RunningFake fake;
    const auto lines = lines_of(fake.ctl({"show", "rules"}).out);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(words_of(lines[0]), (std::vector<std::string>{"POSITION", "NAME", "ACTION", "TRACK", "REPLY", "PACKETS",
                                                            "BYTES", "FLOWS", "CREATED", "LAST-HIT", "LINE"}));
    EXPECT_EQ(words_of(lines[1])[5], "987654") << "exact numbers off a terminal";
    EXPECT_EQ(words_of(lines[3])[1], "default");
    EXPECT_EQ(words_of(lines[1])[7], "987") << "now";
    EXPECT_EQ(words_of(lines[1])[8], "98765") << "since start";
    EXPECT_EQ(words_of(lines[3])[10], "-");
    const std::size_t right_edge = lines[0].find("PACKETS") + 7;
    for (const auto& line : lines)
        EXPECT_NE(line[right_edge - 1], ' ') << line;
}

TEST(SluicectlEndToEnd, RulesByNameAndUnused) {
    const RunningFake fake;
    EXPECT_EQ(lines_of(fake.ctl({"show", "rules", "web-in"}).out).size(), 2u);
    EXPECT_EQ(words_of(lines_of(fake.ctl({"show", "rules", "--unused"}).out)[1])[1], "web-in");
    const Ran missing = fake.ctl({"show", "rules", "nope"});
    EXPECT_EQ(missing.exit, 6);
    EXPECT_EQ(missing.errors, "sluicectl: no rule is named 'nope'\n");
}

TEST(SluicectlEndToEnd, FlowsAreFilteredInTheApplianceAndLimited) {
    const RunningFake fake({5000, false});
    EXPECT_EQ(lines_of(fake.ctl({"show", "flows"}).out).size(), 5001u) << "all, off a terminal";
    const Ran limited = fake.ctl({"show", "flows", "--limit", "3"});
    EXPECT_EQ(lines_of(limited.out).size(), 5u);
    EXPECT_NE(limited.out.find("3 of 5000 flows shown"), std::string::npos);
    const json udp = json::parse(fake.ctl({"-j", "show", "flows", "proto", "udp", "worker", "0"}).out);
    EXPECT_EQ(udp["data"].size(), 500u);
    EXPECT_EQ(udp["matched"], 500);
    EXPECT_EQ(udp["total"], 5000);
    EXPECT_EQ(fake.ctl({"sh", "fl", "dest", "198.51.100.1"}).out, "None of the 5000 flows matches.\n");
    const Ran ipv6 = fake.ctl({"show", "flows", "source", "2001:db8::/32", "-l", "1"});
    EXPECT_NE(ipv6.out.find("[2001:db8::0]:40000"), std::string::npos);
}

TEST(SluicectlEndToEnd, ManyFlowsStreamThrough) {
    const RunningFake fake({200'000, false});
    const Ran ran = fake.ctl({"-j", "show", "flows", "rule", "web-in", "sport", "40001"});
    EXPECT_EQ(ran.exit, 0) << ran.errors;
    EXPECT_EQ(json::parse(ran.out)["matched"], 20);
}

TEST(SluicectlEndToEnd, DropsByReason) {
    const RunningFake fake;
    EXPECT_EQ(lines_of(fake.ctl({"show", "drops", "handoff_full"}).out).size(), 2u);
    EXPECT_NE(fake.ctl({"show", "drops", "--all"}).out.find("handoff_full"), std::string::npos);
    EXPECT_EQ(fake.ctl({"show", "drops"}).out.find("handoff_full"), std::string::npos);
    EXPECT_EQ(fake.ctl({"show", "drops", "nope"}).exit, 6);
}

TEST(SluicectlEndToEnd, RawPolicyIsByteForByteOffATerminal) {
    const RunningFake fake;
    EXPECT_EQ(fake.ctl({"policy", "show", "--raw"}).out, "version: 1\n# \x1b[31m\nname: edge-1\n");
}

TEST(SluicectlEndToEnd, UsageErrorsEndWith2AndPrintNothing) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"statsu"},
                                               {"show"},
                                               {"show", "flows", "dport"},
                                               {"show", "flows", "dport", "http"},
                                               {"show", "flows", "colour", "red"},
                                               {"--nonsense"},
                                               {"-f"},
                                               {"-e", "status"},
                                               {"-f", "x", "status"},
                                               {"show", "flows", "dport", "1", "dport", "2"},
                                               {"s"},
                                               {"policy", "check"}}) {
        const Ran ran = run_program({words, {}, {}, {}});
        EXPECT_EQ(ran.exit, 2) << words.back();
        EXPECT_EQ(ran.out, "") << words.back();
        EXPECT_TRUE(ran.errors.starts_with("sluicectl: ")) << ran.errors;
        EXPECT_EQ(lines_of(ran.errors).size(), 1u) << ran.errors;
    }
}

TEST(SluicectlEndToEnd, HelpAndVersionNeedNoAppliance) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"--help"}, {"-h"}, {"help"}, {"help", "show", "flows"}, {"show", "flows", "--help"}, {"sh", "-h"}}) {
        const Ran ran = run_program({words, {}, {}, {}});
        EXPECT_EQ(ran.exit, 0);
        EXPECT_TRUE(ran.out.starts_with("Usage: sluicectl")) << ran.out;
    }
    EXPECT_TRUE(run_program({{"--version"}, {}, {}, {}}).out.starts_with("sluicectl "));
    EXPECT_EQ(run_program({{"help", "nonsense"}, {}, {}, {}}).exit, 2);
}

TEST(SluicectlEndToEnd, ExplainKnowsReasonsAndCodes) {
    EXPECT_EQ(run_program({{"explain", "not_a_syn"}, {}, {}, {}}).exit, 0);
    const Ran code = run_program({{"explain", "p014"}, {}, {}, {}});
    EXPECT_TRUE(code.out.starts_with("P014: ")) << code.out;
    const Ran unknown = run_program({{"explain", "no_rul"}, {}, {}, {}});
    EXPECT_EQ(unknown.exit, 6);
    EXPECT_NE(unknown.errors.find("did you mean 'no_rule'?"), std::string::npos);
    EXPECT_EQ(json::parse(run_program({{"-j", "explain", "no_rule"}, {}, {}, {}}).out)["data"]["kind"], "drop_reason");
}

TEST(SluicectlEndToEnd, PolicyApplyTellsEveryOutcome) {
    const RunningFake fake;
    const std::string path = fake.folder() + "/policy.yaml";
    const auto apply = [&](const std::string& text, std::vector<std::string> words = {"policy", "apply"}) {
        write_file(path, text);
        words.push_back(path);
        return fake.ctl(words);
    };
    const Ran fine = apply("version: 1\n");
    EXPECT_EQ(fine.exit, 0);
    EXPECT_EQ(fine.out, path + " applied, generation 42, 1 warning\n");
    EXPECT_NE(fine.errors.find("warning[W105]"), std::string::npos);
    EXPECT_TRUE(is_harmless(fine.errors));

    EXPECT_EQ(apply("same").out, path + " is what runs already, generation 41, 1 warning\n");
    EXPECT_EQ(apply("x", {"policy", "apply", "--dry-run"}).out,
              path + " could be applied, 1 warning; generation 41 runs on\n");

    const Ran broken = apply("broken");
    EXPECT_EQ(broken.exit, 5);
    EXPECT_EQ(broken.out, "");
    EXPECT_NE(broken.errors.find("error[P001]"), std::string::npos);
    EXPECT_NE(broken.errors.find("generation 41 runs on"), std::string::npos);
    const Ran broken_json = apply("broken", {"-j", "policy", "apply"});
    EXPECT_EQ(broken_json.exit, 5);
    EXPECT_EQ(json::parse(broken_json.out)["data"]["errors"], 1);

    EXPECT_EQ(apply("restart").exit, 7);
    EXPECT_EQ(apply("x\xff").exit, 5);
    EXPECT_EQ(fake.ctl({"policy", "apply", fake.folder() + "/none.yaml"}).exit, 1);
    EXPECT_EQ(fake.ctl({"policy", "apply", fake.folder()}).exit, 1);
    EXPECT_EQ(fake.ctl({"policy", "apply", "-"}, "version: 1\n").exit, 0);
}

TEST(SluicectlEndToEnd, ThePolicyOfTheGreatestSizeTravelsWhole) {
    const RunningFake fake;
    const std::string path = fake.folder() + "/policy.yaml";
    write_file(path, std::string(admin::kMaxPolicySize, '\n'));
    const Ran ran = fake.ctl({"-j", "policy", "apply", path});
    ASSERT_EQ(ran.exit, 0) << ran.errors;
    EXPECT_EQ(json::parse(ran.out)["data"]["size"], admin::kMaxPolicySize);
    write_file(path, std::string(admin::kMaxPolicySize + 1, '\n'));
    EXPECT_EQ(fake.ctl({"policy", "apply", path}).exit, 1);
}

constexpr const char* kGoodPolicy = R"(version: 1
interfaces:
  lan: { device: "net_null0", peer: wan }
  wan: { device: "net_null1", peer: lan }
rules:
  - { name: lan-out, from: { zone: lan }, to: { zone: wan }, action: allow }
)";

TEST(SluicectlEndToEnd, PolicyCheckNeedsNoAppliance) {
    const admin::test::TemporaryFolder folder;
    const std::string good = folder.path() + "/good.yaml";
    const std::string bad = folder.path() + "/bad.yaml";
    write_file(good, kGoodPolicy);
    write_file(bad, "version: 1\nnonsense: true\n");

    const Ran fine = run_program({{"policy", "check", good}, {}, {}, {}});
    EXPECT_EQ(fine.exit, 0) << fine.errors;
    EXPECT_TRUE(fine.out.starts_with(good + ": valid, 1 rule, 2 interfaces")) << fine.out;
    EXPECT_NE(fine.out.find("flow table: 262144 entries in "), std::string::npos) << fine.out;
    EXPECT_NE(fine.out.find("half-open flows: at most "), std::string::npos) << fine.out;
    EXPECT_NE(fine.out.find("fragments: 4096 datagrams in "), std::string::npos) << fine.out;
    EXPECT_NE(fine.out.find("FLOWS/S"), std::string::npos) << fine.out;

    const Ran wrong = run_program({{"policy", "check", bad}, {}, {}, {}});
    EXPECT_EQ(wrong.exit, 5);
    EXPECT_EQ(wrong.out, "");
    EXPECT_NE(wrong.errors.find(bad + ":2:1: error["), std::string::npos) << wrong.errors;

    const Ran both = run_program({{"-j", "policy", "check", good, bad}, {}, {}, {}});
    EXPECT_EQ(both.exit, 5);
    const json document = json::parse(both.out);
    EXPECT_EQ(document["schema"], "sluice.policy_check/1");
    EXPECT_EQ(document["data"][0]["valid"], true);
    EXPECT_GT(document["data"][0]["flow_table"]["bytes"].get<std::uint64_t>(), 262144u * 100);
    EXPECT_GT(document["data"][0]["fragments"]["bytes"].get<std::uint64_t>(), 4096u * 100);
    EXPECT_EQ(document["data"][1]["valid"], false);
    const json& found = document["data"][1]["diagnostics"];
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const json& one) { return one["line"] == 2; })) << found;

    EXPECT_EQ(run_program({{"policy", "check", folder.path() + "/none.yaml"}, {}, {}, {}}).exit, 1);
    EXPECT_EQ(run_program({{"policy", "check", "-"}, kGoodPolicy, {}, {}}).exit, 0);
}

TEST(SluicectlEndToEnd, ScriptsRunLineByLine) {
    const RunningFake fake;
    const std::string script = "# a comment\n\nshow rules | grep -v web | count\nshow flows | count\n"
                               "nonsense\nshow rules nope\nstatus | grep -i FLOWS\nexit\nshow version\n";
    const Ran ran = fake.ctl({}, script);
    EXPECT_EQ(ran.exit, 2) << "the first failure's code";
    EXPECT_EQ(ran.out, "2\n250\nflows     250 of 262144 (0.1%)\n");
    EXPECT_NE(ran.errors.find("<standard input>:5: failed"), std::string::npos);
    EXPECT_NE(ran.errors.find("<standard input>:6: failed"), std::string::npos);

    const std::string path = fake.folder() + "/script";
    write_file(path, script);
    EXPECT_EQ(fake.ctl({"-f", path}).out, ran.out);
    const Ran stopped = fake.ctl({"-e", "-f", path});
    EXPECT_EQ(stopped.exit, 2);
    EXPECT_EQ(stopped.out, "2\n250\n");
    EXPECT_EQ(fake.ctl({"-f", fake.folder() + "/none"}).exit, 1);
    EXPECT_EQ(fake.ctl({"-f", "-"}, "show flows | json\n").out.find("{\"schema\":\"sluice.flows/1\""), 0u);
}

TEST(SluicectlEndToEnd, WrongPipesAreUsageErrors) {
    const RunningFake fake;
    for (const char* line : {"status | less", "status |", "status | grep", "status | grep a b", "status | grep (",
                             "status | count x", "status | grep -x a", "show 'flows"}) {
        const Ran ran = fake.ctl({}, std::string(line) + "\n");
        EXPECT_EQ(ran.exit, 2) << line;
        EXPECT_EQ(ran.out, "") << line;
    }
}

TEST(SluicectlEndToEnd, ColourOnlyWhenAsked) {
    const RunningFake fake;
    EXPECT_EQ(fake.ctl({"show", "rules"}).out.find('\x1b'), std::string::npos);
    EXPECT_NE(fake.ctl({"--color", "always", "show", "rules"}).out.find("\x1b[1m"), std::string::npos);
}

TEST(SluicectlEndToEnd, AnApplianceThatIsSilentTimesOut) {
    const admin::test::TemporaryFolder folder;
    const std::string path = folder.path() + "/ctl.sock";
    const auto listener = admin::SocketFile::make(path, 0600, std::nullopt);
    ASSERT_TRUE(listener);
    const Ran ran = run_program({{"-s", path, "-t", "0.1", "status"}, {}, {}, {}});
    EXPECT_EQ(ran.exit, 9);
    EXPECT_NE(ran.errors.find("no answer"), std::string::npos) << ran.errors;
}

TEST(SluicectlEndToEnd, CompletionAsksTheAppliance) {
    const RunningFake fake;
    const Ran rules = run_program({{"__complete", "-s", fake.socket(), "show", "rules", "m"}, {}, {}, {}});
    EXPECT_EQ(rules.out, "memcached-fast\tallow\n");
    const Ran zones = run_program({{"__complete", "-s", fake.socket(), "show", "flows", "zone", ""}, {}, {}, {}});
    EXPECT_EQ(zones.out, "inside\t\noutside\t\n");
    for (const char* shell : {"bash", "zsh", "fish"}) {
        EXPECT_NE(run_program({{"completion", shell}, {}, {}, {}}).out.find("sluicectl __complete"), std::string::npos);
    }
}

TEST(SluicectlEndToEnd, WhoMayOnlyReadCannotApply) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can run sluicectl as somebody else";
    admin::ServerOptions options;
    options.mode = 0666;
    options.reading_group = "nogroup";
    const RunningFake fake({}, options);
    ASSERT_EQ(::chmod(fake.folder().c_str(), 0755), 0);
    const std::string path = fake.folder() + "/policy.yaml";
    write_file(path, "version: 1\n");
    constexpr uid_t kNobody = 65534;
    const Ran reading = run_program({{"-s", fake.socket(), "show", "version"}, {}, {}, kNobody});
    EXPECT_EQ(reading.exit, 0) << reading.errors;
    const Ran changing = run_program({{"-s", fake.socket(), "policy", "apply", path}, {}, {}, kNobody});
    EXPECT_EQ(changing.exit, 4);
    EXPECT_NE(changing.errors.find("group sluice-admin"), std::string::npos) << changing.errors;
    ASSERT_EQ(::chmod(fake.socket().c_str(), 0600), 0);
    const Ran refused = run_program({{"-s", fake.socket(), "status"}, {}, {}, kNobody});
    EXPECT_EQ(refused.exit, 4);
    EXPECT_NE(refused.errors.find("not permitted to reach"), std::string::npos) << refused.errors;
}

} // namespace
} // namespace sluice::sluicectl
