// `sluicectl replay` as a program, on a capture written byte by byte.
#include "program.hpp"

#include "support/fragments.hpp"
#include "support/packet_builder.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace sluice::sluicectl {
namespace {

using nlohmann::json;
using test::Ran;
using test::run_program;
using test_support::Bytes;
using test_support::PacketBuilder;

constexpr const char* kPolicy = R"(version: 1
interfaces:
  lan: { device: "net_null0", peer: wan }
  wan: { device: "net_null1", peer: lan }
rules:
  - { name: web, from: { zone: lan }, to: { zone: wan, ports: [80] }, protocol: tcp, action: allow }
)";

void put(std::ofstream& file, std::uint32_t value) {
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A classic pcap file (host order, microseconds, Ethernet), a packet every half second.
void write_capture(const std::string& path, const std::vector<Bytes>& packets) {
    std::ofstream file(path, std::ios::binary);
    for (const std::uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 1u})
        put(file, word);
    std::uint32_t half_seconds = 0;
    for (const Bytes& packet : packets) {
        const auto size = static_cast<std::uint32_t>(packet.size());
        for (const std::uint32_t word : {half_seconds / 2, half_seconds % 2 * 500'000, size, size})
            put(file, word);
        file.write(reinterpret_cast<const char*>(packet.data()), static_cast<std::streamsize>(packet.size()));
        ++half_seconds;
    }
}

class SluicectlReplay : public testing::Test {
  protected:
    void SetUp() override {
        const test_support::Mac lan = {2, 0, 0, 0, 0, 1};
        const test_support::Mac wan = {2, 0, 0, 0, 0, 2};
        std::vector<Bytes> packets;
        packets.push_back(PacketBuilder({.destination = wan, .source = lan})
                              .ipv4({.source = "10.77.1.5", .destination = "10.77.129.9"})
                              .tcp({.source_port = 40000, .destination_port = 80})
                              .build());
        packets.push_back(PacketBuilder({.destination = lan, .source = wan})
                              .ipv4({.source = "10.77.129.9", .destination = "10.77.1.5"})
                              .tcp({.source_port = 80,
                                    .destination_port = 40000,
                                    .flags = net::tcp_flag::kSyn | net::tcp_flag::kAck,
                                    .acknowledgment = 1})
                              .build());
        packets.push_back(PacketBuilder({.destination = wan, .source = lan})
                              .ipv4({.source = "10.77.1.5", .destination = "10.77.129.9"})
                              .udp({.source_port = 999, .destination_port = 53})
                              .build());
        write_capture(capture_, packets);
        std::ofstream(policy_) << kPolicy;
    }

    admin::test::TemporaryFolder folder_;
    std::string capture_ = folder_.path() + "/in.pcap";
    std::string policy_ = folder_.path() + "/policy.yaml";
};

TEST_F(SluicectlReplay, ReportsVerdictsInText) {
    const Ran ran = run_program({{"replay", capture_, "-p", policy_, "--each"}, {}, {}, {}});
    ASSERT_EQ(ran.exit, 0) << ran.errors;
    EXPECT_NE(ran.out.find("tcp 10.77.1.5:40000 > 10.77.129.9:80 S"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("packets  3 received, 2 forwarded, 1 dropped, in 1.000000 s"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("flows    1 created, 1 left at the end"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("no_rule"), std::string::npos) << ran.out;
}

TEST_F(SluicectlReplay, ReportsInJson) {
    const Ran ran = run_program({{"-j", "replay", capture_, "-p", policy_}, {}, {}, {}});
    ASSERT_EQ(ran.exit, 0) << ran.errors;
    const json document = json::parse(ran.out);
    EXPECT_EQ(document["schema"], "sluice.replay/1");
    EXPECT_EQ(document["data"]["forwarded"], 2);
    EXPECT_EQ(document["data"]["rules"][0]["name"], "web");

    const json each = json::parse(run_program({{"-j", "replay", capture_, "-p", policy_, "-v"}, {}, {}, {}}).out);
    EXPECT_EQ(each["schema"], "sluice.replay_packets/1");
    ASSERT_EQ(each["data"].size(), 3u);
    EXPECT_EQ(each["data"][1]["interface"], "wan");
    EXPECT_EQ(each["data"][2]["verdict"], "drop");
    EXPECT_EQ(each["report"], document["data"]);
}

TEST_F(SluicectlReplay, WritesACaptureWithComments) {
    const std::string out = folder_.path() + "/out.pcapng";
    ASSERT_EQ(run_program({{"replay", capture_, "-p", policy_, "-w", out}, {}, {}, {}}).exit, 0);
    std::ifstream file(out, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(bytes.starts_with("\x0a\x0d\x0d\x0a"));
    EXPECT_NE(bytes.find("no_rule"), std::string::npos);
}

TEST_F(SluicectlReplay, HoldsFragments) {
    const Bytes whole = PacketBuilder({.destination = {2, 0, 0, 0, 0, 2}, .source = {2, 0, 0, 0, 0, 1}})
                            .ipv4({.source = "10.77.1.5", .destination = "10.77.129.9"})
                            .tcp({.source_port = 40000, .destination_port = 80})
                            .payload_size(76)
                            .build();
    std::vector<Bytes> packets = test_support::fragments_of(whole, 32, 1);
    ASSERT_EQ(packets.size(), 3u);
    std::swap(packets[0], packets[2]);
    packets.push_back(test_support::fragments_of(whole, 32, 2).front());
    write_capture(capture_, packets);
    const std::string out = folder_.path() + "/out.pcapng";
    const Ran ran = run_program({{"-j", "replay", capture_, "-p", policy_, "-v", "-w", out}, {}, {}, {}});
    ASSERT_EQ(ran.exit, 0) << ran.errors;
    const json each = json::parse(ran.out);
    std::vector<std::string> verdicts;
    for (const json& packet : each["data"]) {
        verdicts.push_back(packet["verdict"]);
    }
    EXPECT_EQ(verdicts, (std::vector<std::string>{"held", "held", "forward", "held"}));
    EXPECT_EQ(each["data"][2]["rule"], "web");
    EXPECT_EQ(each["report"]["received"], 4);
    EXPECT_EQ(each["report"]["forwarded"], 3);
    EXPECT_EQ(each["report"]["held"], 1);
    EXPECT_EQ(each["report"]["rules"][0]["packets"], 3);
    std::ifstream file(out, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::size_t forwarded = 0;
    for (std::size_t at = bytes.find("forward, rule web"); at != std::string::npos;
         at = bytes.find("forward, rule web", at + 1)) {
        ++forwarded;
    }
    EXPECT_EQ(forwarded, 3u) << "written once it is known what becomes of them";
}

TEST_F(SluicectlReplay, RunsTwiceInOneScriptAndThroughPipes) {
    const std::string line = "replay " + capture_ + " -p " + policy_ + " -v | grep ' drop ' | count\n";
    const Ran ran = run_program({{}, line + line, {}, {}});
    EXPECT_EQ(ran.exit, 0) << ran.errors;
    EXPECT_EQ(ran.out, "1\n1\n");
}

TEST_F(SluicectlReplay, MistakesHaveTheirCodes) {
    std::ofstream(folder_.path() + "/bad.yaml") << "version: 1\n";
    const auto exit = [&](std::vector<std::string> words) { return run_program({std::move(words), {}, {}, {}}).exit; };
    EXPECT_EQ(exit({"replay", capture_}), 2);
    EXPECT_EQ(exit({"replay", folder_.path() + "/none.pcap", "-p", policy_}), 1);
    EXPECT_EQ(exit({"replay", policy_, "-p", policy_}), 1);
    EXPECT_EQ(exit({"replay", capture_, "-p", folder_.path() + "/bad.yaml"}), 5);
    EXPECT_EQ(exit({"replay", capture_, "-p", policy_, "-i", "nope"}), 2);
    EXPECT_EQ(exit({"replay", capture_, "-p", policy_, "--side", "nope"}), 2);
    EXPECT_EQ(exit({"replay", capture_, "-p", policy_, "--side", "lan=10.0.0.1/8"}), 2);
}

TEST_F(SluicectlReplay, NeedsNoPrivileges) {
    if (::geteuid() != 0) GTEST_SKIP() << "this whole test runs without privileges";
    ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
    const Ran ran = run_program({{"replay", capture_, "-p", policy_}, {}, {}, uid_t{65534}});
    EXPECT_EQ(ran.exit, 0) << ran.errors;
}

} // namespace
} // namespace sluice::sluicectl
