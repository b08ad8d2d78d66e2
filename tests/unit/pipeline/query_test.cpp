#include "pipeline/query.hpp"

#include "packet/parse.hpp"
#include "stage_bench.hpp"

#include <gtest/gtest.h>

namespace sluice::pipeline {
namespace {

ruleset::Query query_of(const test_support::Bytes& frame) {
    packet::Parsed parsed;
    packet::parse(frame, parsed);
    ruleset::Query query;
    fill_query(parsed, 3, 4, query);
    return query;
}

TEST(Query, IsThePacketAsItTravels) {
    const ruleset::Query query = query_of(tcp("10.0.0.1", 1000, "10.0.0.2", 80, net::tcp_flag::kSyn));
    EXPECT_EQ(query.protocol, net::protocol::kTcp);
    EXPECT_EQ(query.from_zone, 3);
    EXPECT_EQ(query.to_zone, 4);
    EXPECT_EQ(query.source_port.host(), 1000);
    EXPECT_EQ(query.destination_port.host(), 80);
    EXPECT_EQ(query.source[3], 1);
    EXPECT_EQ(query.destination[3], 2);
}

TEST(Query, IcmpHasItsTypeAndCodeInThePortsPlace) {
    const ruleset::Query query = query_of(icmp("10.0.0.1", "10.0.0.2", 3, 7, 4));
    EXPECT_EQ(query.source_port.host(), 0);
    EXPECT_EQ(query.destination_port.host(), 3 * 256 + 4);
    EXPECT_EQ(query_of(icmp("2001:db8::1", "2001:db8::2", 128, 7)).destination_port.host(), 128 * 256);
}

} // namespace
} // namespace sluice::pipeline
