#include "traffic_generator/tuple_plan.hpp"

#include <gtest/gtest.h>
#include <set>

namespace sluice::traffic {
namespace {

net::Prefix prefix(const char* text) {
    return *net::Prefix::parse(text);
}

TEST(AddressRangeTest, LeavesOutTheEndsOfANetwork) {
    const AddressRange range = AddressRange::of(prefix("10.16.0.0/24"));
    EXPECT_EQ(range.size(), 254u);
    EXPECT_EQ(range.low(0), net::Be32::from_host(0x0a100001).raw());
    EXPECT_EQ(range.low(253), net::Be32::from_host(0x0a1000fe).raw());
    EXPECT_FALSE(range.contains(net::Be32::from_host(0x0a100000).raw()));
    EXPECT_FALSE(range.contains(net::Be32::from_host(0x0a1000ff).raw()));
}

TEST(AddressRangeTest, SmallAndLargeOnes) {
    EXPECT_EQ(AddressRange::of(prefix("10.16.0.7")).size(), 1u);
    EXPECT_EQ(AddressRange::of(prefix("10.16.0.6/31")).size(), 2u);
    EXPECT_EQ(AddressRange::of(prefix("2001:db8::1")).size(), 1u);
    EXPECT_EQ(AddressRange::of(prefix("2001:db8::/64")).size(), UINT32_MAX - 1) << "the last four bytes are counted";
}

TEST(TuplePlanTest, EveryNumberIsReadBackFromItsTuple) {
    const auto plan = TuplePlan::make({prefix("10.16.0.0/28"), prefix("10.32.0.0/29"), {1024, 1123}, {80, 81}});
    ASSERT_EQ(plan->count(), 14u * 100);
    std::set<std::pair<uint32_t, uint16_t>> clients;
    std::set<uint32_t> servers;
    std::set<uint16_t> ports;
    for (uint32_t number = 0; number < plan->count(); ++number) {
        const Ends ends = plan->ends(number);
        ASSERT_EQ(plan->number_of(ends.source, ends.source_port), number);
        ASSERT_TRUE(plan->servers().contains(ends.destination));
        clients.emplace(ends.source, ends.source_port);
        servers.insert(ends.destination);
        ports.insert(ends.destination_port);
    }
    EXPECT_EQ(clients.size(), plan->count());
    EXPECT_EQ(servers.size(), 6u);
    EXPECT_EQ(ports.size(), 2u);
}

TEST(TuplePlanTest, WhatIsBesideThePlanHasNoNumber) {
    const auto plan = TuplePlan::make({prefix("10.16.0.0/28"), prefix("10.32.0.0/29"), {1024, 1123}, {80, 80}});
    const auto port = [](uint16_t value) { return net::Be16::from_host(value).raw(); };
    EXPECT_TRUE(plan->number_of(plan->clients().low(0), port(1024)));
    EXPECT_FALSE(plan->number_of(plan->clients().low(0), port(1023)));
    EXPECT_FALSE(plan->number_of(plan->clients().low(0), port(1124)));
    EXPECT_FALSE(plan->number_of(plan->clients().low(14), port(1024)));
    EXPECT_FALSE(plan->number_of(plan->servers().low(0), port(1024)));
}

TEST(TuplePlanTest, RefusesWhatCannotBeToldApart) {
    EXPECT_FALSE(TuplePlan::make({prefix("10.16.0.0/16"), prefix("10.16.1.0/24"), {1, 2}, {80, 80}}));
    EXPECT_FALSE(TuplePlan::make({prefix("10.16.0.0/16"), prefix("2001:db8::/64"), {1, 2}, {80, 80}}));
}

} // namespace
} // namespace sluice::traffic
