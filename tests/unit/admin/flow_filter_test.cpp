#include "admin/flow_filter.hpp"

#include <gtest/gtest.h>

namespace sluice::admin {
namespace {

FlowFields flow() {
    FlowFields fields;
    fields.source = net::IpAddress::parse("10.1.2.3").value();
    fields.destination = net::IpAddress::parse("192.0.2.80").value();
    fields.source_port = 40000;
    fields.destination_port = 443;
    fields.protocol = 6;
    fields.state = "tcp_established";
    fields.rule = "web";
    fields.source_zone = "inside";
    fields.destination_zone = "outside";
    fields.interface = "lan0";
    fields.worker = 1;
    fields.vlan = 12;
    return fields;
}

bool matches(const Json& params) {
    const auto filter = flow_filter_from(params, {});
    EXPECT_TRUE(filter) << params << filter.error();
    return filter->matches(flow());
}

TEST(AdminFlowFilter, NoConditionTakesEverything) {
    EXPECT_TRUE(matches(Json::object()));
}

TEST(AdminFlowFilter, EachConditionTakesAndRefuses) {
    const struct {
        const char* key;
        const char* yes;
        const char* no;
    } cases[] = {{"source", "10.0.0.0/8", "192.0.2.80"},
                 {"src", "10.1.2.3", "2001:db8::/32"},
                 {"destination", "192.0.2.80/32", "10.1.2.3"},
                 {"dst", "192.0.2.0/24", "192.0.3.0/24"},
                 {"address", "192.0.2.80", "192.0.2.81"},
                 {"host", "10.1.2.3", "10.1.2.4"},
                 {"sport", "40000", "443"},
                 {"dport", "400-500", "40000"},
                 {"port", "40000", "80"},
                 {"protocol", "tcp", "udp"},
                 {"proto", "6", "17"},
                 {"state", "tcp_established", "udp_established"},
                 {"state", "established", "stablished"},
                 {"rule", "web", "we"},
                 {"zone", "inside", "dmz"},
                 {"zone", "outside", "out"},
                 {"interface", "lan0", "wan0"},
                 {"worker", "1", "0"},
                 {"vlan", "12", "13"}};
    for (const auto& c : cases) {
        EXPECT_TRUE(matches({{c.key, c.yes}})) << c.key << ' ' << c.yes;
        EXPECT_FALSE(matches({{c.key, c.no}})) << c.key << ' ' << c.no;
    }
}

TEST(AdminFlowFilter, AllConditionsMustHold) {
    EXPECT_TRUE(matches({{"source", "10.1.2.3"}, {"dport", "443"}, {"protocol", "tcp"}}));
    EXPECT_FALSE(matches({{"source", "10.1.2.3"}, {"dport", "443"}, {"protocol", "udp"}}));
}

TEST(AdminFlowFilter, NumbersAreTakenAsNumbersToo) {
    EXPECT_TRUE(matches({{"dport", 443}, {"worker", 1}}));
}

TEST(AdminFlowFilter, AFlowWithoutVlanMatchesNoVlan) {
    FlowFilter filter;
    ASSERT_TRUE(filter.set("vlan", "12"));
    FlowFields fields = flow();
    fields.vlan.reset();
    EXPECT_FALSE(filter.matches(fields));
}

TEST(AdminFlowFilter, WhatIsWrongIsRefused) {
    for (const Json& params :
         {Json{{"colour", "red"}}, Json{{"source", "10.0.0.1/8"}}, Json{{"source", "somewhere"}},
          Json{{"dport", "http"}}, Json{{"dport", "65536"}}, Json{{"dport", "20-10"}}, Json{{"dport", "1-2-3"}},
          Json{{"dport", ""}}, Json{{"protocol", "tpc"}}, Json{{"protocol", "256"}}, Json{{"worker", "-1"}},
          Json{{"vlan", "4096"}}, Json{{"rule", ""}}, Json{{"rule", nullptr}}, Json{{"dport", -1}},
          Json{{"dport", Json::array()}}}) {
        EXPECT_FALSE(flow_filter_from(params, {})) << params;
    }
}

TEST(AdminFlowFilter, OtherParametersArePassedOver) {
    EXPECT_TRUE(flow_filter_from({{"limit", 3}, {"dport", "443"}}, {"limit"}));
    EXPECT_FALSE(flow_filter_from({{"limit", 3}}, {}));
}

TEST(AdminFlowFilter, EveryKeyCanBeSet) {
    for (const auto& key : kFlowFilterKeys) {
        FlowFilter filter;
        const bool wants_address = key.value.starts_with("ADDRESS");
        EXPECT_TRUE(filter.set(key.name, wants_address ? "10.0.0.0/8" : "17")) << key.name;
        EXPECT_FALSE(filter.matches(FlowFields{})) << key.name;
    }
}

TEST(AdminFlowFilter, ProtocolsHaveNames) {
    EXPECT_EQ(protocol_name(6), "tcp");
    EXPECT_EQ(protocol_name(58), "icmpv6");
    EXPECT_EQ(protocol_name(99), "99");
    EXPECT_EQ(protocol_number("sctp"), 132);
    EXPECT_EQ(protocol_number("99"), 99);
    EXPECT_FALSE(protocol_number("300"));
}

} // namespace
} // namespace sluice::admin
