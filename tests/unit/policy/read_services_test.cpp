#include "policy_text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

Outcome read_service(const std::string& service) {
    return read_text(kWire + "services:\n  s: " + service + "\nrules: [{ name: r, service: s, action: drop }]\n");
}

TEST(Services, OneOrSeveral) {
    const auto one = read_service("{ protocol: tcp, ports: [443, 80, 8000-8080, 81-82, 8080-8090] }");
    ASSERT_TRUE(one.policy) << one.found;
    const auto& transports = one.policy->rules[0].transports;
    ASSERT_EQ(transports.size(), 1u);
    EXPECT_EQ(transports[0].protocol, 6);
    EXPECT_TRUE(transports[0].source_ports.empty());
    EXPECT_EQ(transports[0].destination_ports, (std::vector<net::PortRange>{{80, 82}, {443, 443}, {8000, 8090}}))
        << "ascending, what touches made one";
    const auto several = read_service(
        "[{ protocol: udp, ports: [53] }, { protocol: tcp, ports: [53] }, { protocol: gre }, { protocol: 89 }]");
    ASSERT_TRUE(several.policy) << several.found;
    EXPECT_EQ(several.policy->rules[0].transports.size(), 4u);
    EXPECT_EQ(several.policy->rules[0].transports[2].protocol, 47);
    EXPECT_EQ(several.policy->rules[0].transports[3].protocol, 89);
}

TEST(Services, IcmpTypes) {
    const auto outcome =
        read_service("[{ protocol: icmp, icmp_type: echo_request }, { protocol: icmpv6, icmp_type: 135 }]");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    EXPECT_EQ(outcome.policy->rules[0].transports[0].icmp_type, 8);
    EXPECT_EQ(outcome.policy->rules[0].transports[1].icmp_type, 135);
    EXPECT_EQ(read_service("{ protocol: tcp, icmp_type: 8 }").found,
              "6:34 P025 'icmp_type' goes with protocol icmp or icmpv6\n");
    EXPECT_EQ(read_service("{ protocol: icmp, icmp_type: echo-request }").found,
              "6:35 P025 'echo-request' is not a type of icmp (did you mean 'echo_request'?)\n");
    EXPECT_EQ(read_service("{ protocol: icmp, icmp_type: packet_too_big }").found,
              "6:35 P025 'packet_too_big' is not a type of icmp\n");
    EXPECT_EQ(read_service("{ protocol: icmp, icmp_type: ping }").found,
              "6:35 P025 'ping' is not a type of icmp (write 'echo_request')\n");
    EXPECT_EQ(read_service("{ protocol: icmp, icmp_type: 256 }").found, "6:35 P012 '256' is not from 0 to 255\n");
}

TEST(Services, RefuseWhatCannotBe) {
    EXPECT_EQ(read_service("{ ports: [80] }").found, "6:6 P009 a service needs 'protocol'\n");
    EXPECT_EQ(read_service("{ protocol: gre, ports: [80] }").found, "6:23 P019 protocol 'gre' has no ports\n");
    EXPECT_EQ(read_service("{ protocol: tpc }").found, "6:18 P011 unknown protocol 'tpc' (did you mean 'tcp'?)\n");
    EXPECT_EQ(read_service("{ protocol: 256 }").found, "6:18 P012 '256' is not from 0 to 255\n");
    EXPECT_EQ(read_service("{ protocol: tcp, ports: 80 }").found, "6:30 P010 expected a list of ports, not a text\n");
    EXPECT_EQ(read_service("{ protocol: tcp, ports: [] }").found, "6:30 P027 the list is empty\n");
    EXPECT_EQ(read_service("{ protocol: tcp, ports: [http, 70000, 9-8] }").found,
              "6:31 P019 'http' is not a port\n6:37 P019 '70000' is not from 0 to 65535\n"
              "6:44 P019 the range '9-8' ends before it begins (write 8-9)\n");
    EXPECT_EQ(read_service("[]").found, "6:6 P027 the list is empty\n");
    EXPECT_EQ(read_service("tcp/80").found, "6:6 P010 expected a service as a map, not a text\n");
    EXPECT_EQ(read_service("{ proto: tcp }").found, "6:8 P007 unknown key 'proto' (write 'protocol')\n");
}

TEST(Timeouts, DefaultMayBeOverriddenInPartAndOthersInherit) {
    const auto outcome = read_text(kWire + "timeouts:\n"
                                           "  brisk: { inherit: short, udp_new: 5s }\n"
                                           "  short: { tcp_established: 5m, tcp_closing: 2s }\n"
                                           "  default: { tcp_new: 7s }\n"
                                           "rules: [{ name: r, action: allow, timeouts: brisk }]\n");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const auto& timeouts = outcome.policy->timeouts;
    ASSERT_EQ(timeouts.size(), 3u);
    EXPECT_EQ(timeouts[0].name, "default");
    EXPECT_EQ(timeouts[0].where.line, 8u);
    const auto ticks = [&](std::size_t profile, Timeout t) {
        return timeouts[profile].ticks[static_cast<std::size_t>(t)];
    };
    EXPECT_EQ(ticks(0, Timeout::tcp_new), 7'000u);
    EXPECT_EQ(ticks(0, Timeout::tcp_closing), 30'000u);
    EXPECT_EQ(ticks(1, Timeout::udp_new), 5'000u);
    EXPECT_EQ(ticks(1, Timeout::tcp_closing), 2'000u) << "from short";
    EXPECT_EQ(ticks(1, Timeout::tcp_new), 7'000u) << "from default, through short";
    EXPECT_EQ(outcome.policy->rules[0].timeouts, 1u);
}

TEST(Timeouts, PickupIsStrictUnlessSaidAndInherited) {
    const auto outcome = read_text(with_sections("timeouts:\n"
                                                 "  loose: { pickup: loose }\n"
                                                 "  child: { inherit: loose, udp_new: 5s }\n"
                                                 "  strict-child: { inherit: child, pickup: strict }\n"
                                                 "  other: { tcp_new: 5s }\n"));
    ASSERT_TRUE(outcome.policy) << outcome.found;
    std::vector<std::pair<std::string, bool>> found;
    for (const TimeoutProfile& profile : outcome.policy->timeouts) {
        found.emplace_back(profile.name, profile.pickup_loose);
    }
    EXPECT_EQ(found,
              (std::vector<std::pair<std::string, bool>>{
                  {"default", false}, {"loose", true}, {"child", true}, {"strict-child", false}, {"other", false}}));
    const auto all = read_text(with_sections("timeouts: { default: { pickup: loose }, other: {} }\n"));
    ASSERT_TRUE(all.policy) << all.found;
    EXPECT_TRUE(all.policy->timeouts[0].pickup_loose);
    EXPECT_TRUE(all.policy->timeouts[1].pickup_loose);
}

TEST(Timeouts, RefuseWhatCannotBe) {
    EXPECT_EQ(read_text(with_sections("timeouts: { default: { tcp_new: 20, icmp: 1w } }\n")).found,
              "5:33 P012 a duration without a unit (write 20s)\n5:43 P012 '1w' has an unknown unit\n");
    EXPECT_EQ(read_text(with_sections("timeouts: { default: { inherit: a }, a: {} }\n")).found,
              "5:33 P018 profile 'default' cannot inherit: the others inherit from it\n");
    EXPECT_EQ(
        read_text(with_sections("timeouts: { a: { inherit: b }, b: { inherit: a }, c: { inherit: a } }\n")).found,
        "5:27 P018 timeouts profile 'a' inherits from itself\n5:46 P018 timeouts profile 'b' inherits from itself\n");
    EXPECT_EQ(read_text(with_sections("timeouts: { short: {}, a: { inherit: shirt } }\n")).found,
              "5:38 P014 unknown timeouts profile 'shirt' (did you mean 'short'?)\n");
    EXPECT_EQ(
        read_text(with_sections("timeouts: { a: { tcp_established: 1h, pickup: slack, tcp_close: 1s } }\n")).found,
        "5:47 P011 'slack' is not one of 'strict' or 'loose'\n"
        "5:54 P007 unknown key 'tcp_close' (did you mean 'tcp_closing'?)\n");
    EXPECT_EQ(read_text(with_sections("timeouts: [20s]\n")).found,
              "5:11 P010 expected a map of timeouts profiles, not a list\n");
}

TEST(Timeouts, AreBoundedInNumberAndDepth) {
    std::string chain = "timeouts:\n  p0: {}\n";
    for (int i = 1; i < 18; ++i) {
        chain += "  p" + std::to_string(i) + ": { inherit: p" + std::to_string(i - 1) + " }\n";
    }
    const auto deep = read_text(with_sections(chain));
    EXPECT_NE(deep.found.find("P005 profiles inherit from one another more than 16 times in a row"), std::string::npos)
        << deep.found;
    std::string many = "timeouts:\n";
    for (int i = 0; i < 256; ++i) {
        many += "  p" + std::to_string(i) + ": {}\n";
    }
    EXPECT_EQ(read_text(with_sections(many)).found, "6:3 P026 more than 255 timeouts profiles\n");
}

} // namespace
} // namespace sluice::policy
