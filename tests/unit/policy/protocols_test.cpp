#include "policy/model/protocols.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

TEST(Protocols, HaveNamesAndNumbers) {
    EXPECT_EQ(protocol_number("tcp"), 6);
    EXPECT_EQ(protocol_number("icmpv6"), 58);
    EXPECT_EQ(protocol_number("TCP"), std::nullopt);
    EXPECT_EQ(protocol_name(132), "sctp");
    EXPECT_EQ(protocol_name(200), "200");
    for (const std::string_view name : protocol_names()) {
        EXPECT_EQ(protocol_name(*protocol_number(name)), name);
    }
}

TEST(Protocols, OnlyThreeHavePorts) {
    unsigned count = 0;
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
        count += has_ports(static_cast<std::uint8_t>(protocol)) ? 1u : 0u;
    }
    EXPECT_EQ(count, 3u);
}

TEST(IcmpTypes, DifferBetweenFamilies) {
    EXPECT_EQ(icmp_type_number(1, "echo_request"), 8);
    EXPECT_EQ(icmp_type_number(58, "echo_request"), 128);
    EXPECT_EQ(icmp_type_number(1, "packet_too_big"), std::nullopt);
    EXPECT_EQ(icmp_type_number(58, "packet_too_big"), 2);
    EXPECT_EQ(icmp_type_name(58, 135), "neighbor_solicitation");
    EXPECT_EQ(icmp_type_name(58, 250), "250");
}

TEST(IcmpTypes, OnlyQuestionsHaveAnswers) {
    EXPECT_EQ(icmp_answer(1, 8), 0);
    EXPECT_EQ(icmp_answer(58, 128), 129);
    EXPECT_EQ(icmp_answer(1, 0), std::nullopt);
    EXPECT_EQ(icmp_answer(58, 135), std::nullopt);
    EXPECT_EQ(icmp_answer(1, 11), std::nullopt);
}

} // namespace
} // namespace sluice::policy
