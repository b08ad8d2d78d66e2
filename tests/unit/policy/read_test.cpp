// The whole of a policy, and its sections `system`, `tables` and `default`.
#include "policy_text.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace sluice::policy {
namespace {

TEST(Read, TheSmallestUsefulPolicy) {
    const auto outcome = read_text("version: 1\n"
                                   "interfaces:\n"
                                   "  lan: { device: \"0000:8a:00.0\", peer: wan }\n"
                                   "  wan: { device: \"0000:8a:00.1\", peer: lan }\n"
                                   "rules:\n"
                                   "  - { name: lan-out, from: { zone: lan }, to: { zone: wan }, action: allow }\n");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const Policy& policy = *outcome.policy;
    EXPECT_EQ(policy.interfaces.size(), 2u);
    EXPECT_EQ(policy.flow_table.capacity, 262'144u);
    EXPECT_EQ(policy.flow_table.on_full, OnFull::evict);
    EXPECT_EQ(policy.flow_table.syn_cookies, SynCookies::automatic);
    EXPECT_TRUE(policy.system.workers_auto);
    EXPECT_FALSE(policy.system.sleep_when_idle);
    EXPECT_EQ(policy.timeouts.size(), 1u);
    EXPECT_EQ(policy.timeouts[0].ticks, kDefaultTimeouts);
    EXPECT_EQ(policy.default_action, Action::drop);
    ASSERT_EQ(policy.rules.size(), 1u);
    EXPECT_EQ(policy.rules[0].transports.size(), 1u);
    EXPECT_TRUE(policy.rules[0].tracked);
}

TEST(Read, ReportsEverythingAtOnceInOrderOfPlace) {
    const auto outcome = read_text("version: 1\n"
                                   "interfaces:\n"
                                   "  lan: { device: net_null0, peer: wan, mtu: 10 }\n"
                                   "  wan: { device: net_null1, peer: lam }\n"
                                   "rules:\n"
                                   "  - name: a\n"
                                   "    action: deny\n"
                                   "    from: { nets: [10.0.0.1/8] }\n"
                                   "colour: red\n");
    EXPECT_FALSE(outcome.policy);
    EXPECT_EQ(outcome.found,
              "3:45 P012 '10' is not from 68 to 9600\n"
              "4:35 P014 unknown interface 'lam' (did you mean 'lan'?)\n"
              "7:13 P011 'deny' is not one of 'allow' or 'drop' (write 'drop')\n"
              "8:20 P017 '10.0.0.1/8' has address bits set behind its prefix length; write '10.0.0.0/8' or '10.0.0.1'\n"
              "9:1 P007 unknown key 'colour'\n");
}

TEST(Read, WantsVersionInterfacesAndRules) {
    EXPECT_EQ(read_text("name: x\n").found, "1:1 P009 a policy needs 'version'\n"
                                            "1:1 P009 a policy needs 'interfaces'\n"
                                            "1:1 P009 a policy needs 'rules'\n");
    EXPECT_EQ(read_text("- version: 1\n").found, "1:1 P010 expected a policy as a map, not a list\n");
    EXPECT_EQ(read_text("version: 1\ninterfaces:\nrules: []\n").found, "2:1 P010 'interfaces' has no value\n");
}

TEST(Read, StopsAtAnotherVersion) {
    EXPECT_EQ(read_text("version: 2\nfuture: yes\n").found, "1:10 P013 version '2' is not known\n");
    EXPECT_EQ(read_text("version: 1.0\n").found, "1:10 P013 version '1.0' is not known\n");
    EXPECT_EQ(read_text("version: 010\n").found, "1:10 P013 version '010' is not known\n");
}

TEST(Read, NamesWhatComesLater) {
    for (const char* section :
         {"include", "routes", "limits", "inspection", "nat", "virtual_services", "logging", "telemetry", "tests"}) {
        EXPECT_EQ(read_text(with_sections(std::string(section) + ": { x: y }\n")).found,
                  "5:1 P008 '" + std::string(section) + "' is known, but not available in this version\n");
    }
    EXPECT_EQ(read_text(with_sections("system: { offload: auto, memory: { numa: auto } }\n")).found,
              "5:11 P008 'offload' is known, but not available in this version\n"
              "5:36 P008 'numa' is known, but not available in this version\n");
    EXPECT_EQ(read_text(with_sections("default: { action: drop, log: { sample: 1/100 } }\n")).found,
              "5:26 P008 'log' is known, but not available in this version\n");
}

TEST(Read, PressureHasRoomBetweenItsMarks) {
    const auto found = [](const std::string& flows) {
        return read_text(with_sections("tables: { flows: { " + flows + " } }\n")).found;
    };
    EXPECT_EQ(found("pressure: { enter: 70%, leave: 70% }"),
              "5:20 P031 pressure is left at 70%, which is not below the 70% at which it is entered\n");
    EXPECT_EQ(found("pressure: { enter: 60% }"),
              "5:20 P031 pressure is left at 70%, which is not below the 60% at which it is entered\n");
    EXPECT_EQ(found("half_open: 25"), "5:31 P012 a percentage without its sign (write 25%)\n");
    EXPECT_EQ(found("half_open: 0%"), "5:31 P012 '0%' is not from 1% to 100%\n");
    EXPECT_EQ(found("half_open: 0.25"), "5:31 P012 '0.25' is not a percentage\n");
    EXPECT_EQ(found("half_open: many"), "5:31 P012 'many' is not a percentage\n");
}

TEST(Read, SuggestsForMisspeltKeys) {
    EXPECT_EQ(read_text(with_sections("adress_sets: {}\n")).found,
              "5:1 P007 unknown key 'adress_sets' (did you mean 'address_sets'?)\n");
    EXPECT_EQ(read_text(with_sections("flows: { size: 1Ki }\n")).found,
              "5:1 P007 unknown key 'flows' (this is a key of 'tables')\n");
    EXPECT_EQ(read_text(with_sections("policies: []\n")).found, "5:1 P007 unknown key 'policies' (write 'rules')\n");
}

TEST(Read, System) {
    const auto outcome = read_text(
        with_sections("name: edge-1\n"
                      "system: { workers: 2-3, memory: { hugepages: 8Gi }, buffers: 64Ki,\n"
                      "  buffer_size: 3Ki, idle: sleep }\n"
                      "tables: { flows: { size: 1Ki, on_full: drop_new, half_open: 10%, syn_cookies: always,\n"
                      "    pressure: { enter: 80%, leave: 60%, timeout_scale: 50% } },\n"
                      "  fragments: { size: 64Ki, per_datagram: 45, timeout: 5s } }\n"
                      "default: { action: allow }\n"));
    ASSERT_TRUE(outcome.policy) << outcome.found;
    EXPECT_EQ(outcome.policy->name, "edge-1");
    EXPECT_FALSE(outcome.policy->system.workers_auto);
    EXPECT_EQ(outcome.policy->system.worker_cpus, (std::vector<unsigned>{2, 3}));
    EXPECT_EQ(outcome.policy->system.memory_size, std::uint64_t{8} << 30);
    EXPECT_EQ(outcome.policy->system.buffers, 65'536u);
    EXPECT_EQ(outcome.policy->system.buffer_size, 3072u);
    EXPECT_TRUE(outcome.policy->system.sleep_when_idle);
    EXPECT_EQ(outcome.policy->flow_table.capacity, 1024u);
    EXPECT_EQ(outcome.policy->flow_table.on_full, OnFull::drop_new);
    EXPECT_EQ(outcome.policy->flow_table.half_open_percent, 10u);
    EXPECT_EQ(outcome.policy->flow_table.pressure_enter, 80u);
    EXPECT_EQ(outcome.policy->flow_table.pressure_leave, 60u);
    EXPECT_EQ(outcome.policy->flow_table.timeout_scale, 50u);
    EXPECT_EQ(outcome.policy->flow_table.syn_cookies, SynCookies::always);
    EXPECT_EQ(outcome.policy->flow_table.where.line, 8u);
    EXPECT_EQ(outcome.policy->fragment_table.datagrams, 65'536u);
    EXPECT_EQ(outcome.policy->fragment_table.per_datagram, 45u);
    EXPECT_EQ(outcome.policy->fragment_table.timeout, 5000u);
    EXPECT_EQ(outcome.policy->default_action, Action::allow);
}

TEST(Read, BuffersHoldTheLargestFrame) {
    const auto read_with = [](const std::string& size, const std::string& mtu) {
        return read_text("version: 1\n"
                         "system: { buffer_size: " +
                         size +
                         " }\n"
                         "interfaces:\n"
                         "  lan: { device: net_null0, peer: wan, mtu: " +
                         mtu +
                         " }\n"
                         "  wan: { device: net_null1, peer: lan, mtu: 68 }\n"
                         "rules: []\n");
    };
    EXPECT_EQ(read_with("122", "100").policy->system.buffer_size, 122u);
    EXPECT_EQ(read_with("121", "100").found, "2:24 P012 a frame of interface 'lan' takes up to 122 bytes\n");
    EXPECT_EQ(read_with("16Ki", "9600").policy->system.buffer_size, 16'384u);
    for (const char* wrong : {"63", "16385", "all"})
        EXPECT_FALSE(read_with(wrong, "68").policy) << wrong;
}

TEST(Read, FragmentsWithinBounds) {
    const auto outcome = read_text(with_sections(""));
    ASSERT_TRUE(outcome.policy) << outcome.found;
    EXPECT_EQ(outcome.policy->fragment_table.datagrams, 4096u);
    EXPECT_EQ(outcome.policy->fragment_table.per_datagram, 64u);
    EXPECT_EQ(outcome.policy->fragment_table.timeout, 30'000u);
    for (const char* wrong : {"size: 15", "size: 2Mi", "per_datagram: 1", "per_datagram: 1025", "timeout: 999ms",
                              "timeout: 121s", "timeout: 30", "size: many"}) {
        EXPECT_FALSE(read_text(with_sections("tables: { fragments: { " + std::string(wrong) + " } }\n")).policy)
            << wrong;
    }
}

TEST(Read, WorkersInEveryForm) {
    const auto cpus = [](const std::string& text) {
        const auto outcome = read_text(with_sections("system: { workers: " + text + " }\n"));
        EXPECT_TRUE(outcome.policy) << outcome.found;
        return outcome.policy ? outcome.policy->system.worker_cpus : std::vector<unsigned>{};
    };
    EXPECT_TRUE(cpus("auto").empty());
    EXPECT_EQ(cpus("3"), (std::vector<unsigned>{3}));
    EXPECT_EQ(cpus("\"1,3\""), (std::vector<unsigned>{1, 3}));
    EXPECT_EQ(cpus("[4, 2]"), (std::vector<unsigned>{2, 4}));
    EXPECT_EQ(cpus("[6, 2-3]"), (std::vector<unsigned>{2, 3, 6}));
    EXPECT_EQ(read_text(with_sections("system: { workers: [1, 1] }\n")).found, "5:24 P012 CPU 1 is named twice\n");
    EXPECT_EQ(read_text(with_sections("system: { workers: [] }\n")).found, "5:20 P027 the list is empty\n");
    EXPECT_EQ(read_text(with_sections("system: { workers: two }\n")).found, "5:20 P012 'two' is not a whole number\n");
    EXPECT_EQ(read_text(with_sections("system: { workers: 0-128 }\n")).found, "5:20 P026 more than 128 workers\n");
}

TEST(Read, FlowTableBounds) {
    EXPECT_EQ(read_text(with_sections("tables: { flows: { size: 63 } }\n")).found,
              "5:26 P012 '63' is not from 64 to 1Gi\n");
    EXPECT_EQ(read_text(with_sections("tables: { flows: { size: 2Gi } }\n")).found,
              "5:26 P012 '2Gi' is not from 64 to 1Gi\n");
    EXPECT_EQ(read_text(with_sections("tables: { flows: { on_full: block } }\n")).found,
              "5:29 P011 'block' is not one of 'evict' or 'drop_new' (write 'drop')\n");
}

TEST(Read, SynCookiesAreOneOfThree) {
    const auto choice = [](const std::string& word) {
        return read_text(with_sections("tables: { flows: { syn_cookies: " + word + " } }\n"));
    };
    EXPECT_EQ(choice("auto").policy->flow_table.syn_cookies, SynCookies::automatic);
    EXPECT_EQ(choice("never").policy->flow_table.syn_cookies, SynCookies::never);
    EXPECT_EQ(choice("sometimes").found, "5:33 P011 'sometimes' is not one of 'auto', 'always' or 'never'\n");
    EXPECT_FALSE(choice("true").policy) << "nor is what YAML would make of it";
}

TEST(Read, TheHashTellsTextsApart) {
    const auto hash = [](const std::string& text) { return read_text(text).policy.value().content_hash; };
    EXPECT_EQ(hash(with_sections("")), hash(with_sections("")));
    EXPECT_NE(hash(with_sections("")), hash(with_sections("# note\n")));
}

TEST(Read, EscapesFromHostileTextStayEscapes) {
    const auto outcome = read_text(with_rule("action: \"\\e[2J\\u202e\", from: { zone: \"\\x07\" }"));
    EXPECT_EQ(outcome.diagnostics.error_count(), 2u);
    EXPECT_EQ(outcome.diagnostics.render(false).find_first_of("\x1b\x07"), std::string::npos);
}

TEST(ReadFile, SaysWhyItCannot) {
    Diagnostics missing;
    EXPECT_FALSE(read_file("/nonexistent/policy.yaml", missing));
    EXPECT_EQ(missing.render(false),
              "/nonexistent/policy.yaml: error[P001]: cannot read the policy: No such file or directory\n\n1 error.");
    Diagnostics folder;
    EXPECT_FALSE(read_file("/", folder));
    EXPECT_EQ(summarised(folder), "0:0 P001 cannot read the policy: it is not a regular file\n");
    Diagnostics endless;
    EXPECT_FALSE(read_file("/dev/zero", endless));
    EXPECT_EQ(summarised(endless), "0:0 P001 cannot read the policy: it is not a regular file\n");
}

TEST(ReadFile, ReadsWhatReadReads) {
    const auto path = std::filesystem::path(testing::TempDir()) / "sluice_read_test.yaml";
    std::ofstream(path) << with_sections("");
    Diagnostics diagnostics;
    EXPECT_TRUE(read_file(path, diagnostics)) << diagnostics.render(false);
    std::filesystem::remove(path);
}

} // namespace
} // namespace sluice::policy
