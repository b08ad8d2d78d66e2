#include "control/flow_tuple.hpp"

#include "net/byte_order.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using admin::Json;

flow::OrientedKey key_of(std::uint8_t protocol, std::uint16_t source_port, std::uint16_t destination_port) {
    const std::uint8_t source[16] = {198, 51, 100, 7};
    const std::uint8_t destination[16] = {10, 0, 0, 1};
    flow::OrientedKey key =
        flow::orient(source, destination, net::byte_swap(source_port), net::byte_swap(destination_port));
    key.key.family = net::Family::ipv4;
    key.key.protocol = protocol;
    return key;
}

Json shown(const flow::OrientedKey& key) {
    return to_json(flow_tuple(key.key, key.sender_is_second));
}

TEST(FlowTuple, TheOpenerIsTheSourceWhicheverEndComesFirst) {
    flow::OrientedKey key = key_of(net::protocol::kTcp, 40000, 443);
    ASSERT_TRUE(key.sender_is_second) << "the keys' order is not the packet's here";
    EXPECT_EQ(shown(key), Json::parse(R"({"protocol":"tcp", "source":"198.51.100.7", "source_port":40000,
        "destination":"10.0.0.1", "destination_port":443, "vlan":null})"));
    key.sender_is_second = false;
    EXPECT_EQ(shown(key), Json::parse(R"({"protocol":"tcp", "source":"10.0.0.1", "source_port":443,
        "destination":"198.51.100.7", "destination_port":40000, "vlan":null})"));
}

TEST(FlowTuple, AQueryHasItsIdentifierAsSourcePort) {
    flow::OrientedKey key = key_of(net::protocol::kIcmp, 0, 0);
    key.key.port[0] = net::byte_swap(std::uint16_t{77});
    const Json json = shown(key);
    EXPECT_EQ(json["protocol"], "icmp");
    EXPECT_EQ(json["source"], "198.51.100.7");
    EXPECT_EQ(json["source_port"], 77);
    EXPECT_EQ(json["destination_port"], nullptr);
}

TEST(FlowTuple, WithoutPortsThereAreNone) {
    const Json json = shown(key_of(net::protocol::kGre, 0, 0));
    EXPECT_EQ(json["protocol"], "gre");
    EXPECT_EQ(json["source_port"], nullptr);
    EXPECT_EQ(json["destination_port"], nullptr);
}

TEST(FlowTuple, ATagIsShownByItsId) {
    flow::OrientedKey key = key_of(net::protocol::kUdp, 1, 2);
    key.key.outer_vlan = 0x1000 + 12;
    EXPECT_EQ(shown(key)["vlan"], 12);
    key.key.outer_vlan = 0x1000; // a priority tag
    EXPECT_EQ(shown(key)["vlan"], 0);
}

TEST(FlowTuple, TimeDoesNotRunBackwards) {
    EXPECT_EQ(seconds_of(1500), 1.5);
    EXPECT_EQ(seconds_of(-1), 0);
}

} // namespace
} // namespace sluice::control
