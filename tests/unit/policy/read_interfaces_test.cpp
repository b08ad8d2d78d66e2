#include "policy_text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

Outcome read_interfaces_text(const std::string& interfaces, const std::string& more = "") {
    return read_text("version: 1\nrules: []\ninterfaces:\n" + interfaces + more);
}

TEST(Interfaces, AllKeys) {
    const auto outcome = read_interfaces_text(
        "  lan: { device: \"net_af_xdp0,iface=veth1\", peer: wan, mtu: 9000, promiscuous: false, queues: 4 }\n"
        "  wan: { device: 0000:8a:00.1, peer: lan, queues: auto }\n");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const Interface& lan = outcome.policy->interfaces[0];
    EXPECT_EQ(lan.name, "lan");
    EXPECT_EQ(lan.device, "net_af_xdp0,iface=veth1");
    EXPECT_EQ(lan.peer, 1u);
    EXPECT_EQ(lan.mtu, 9000);
    EXPECT_FALSE(lan.promiscuous);
    EXPECT_EQ(lan.queues, 4u);
    EXPECT_EQ(lan.where.line, 4u);
    const Interface& wan = outcome.policy->interfaces[1];
    EXPECT_EQ(wan.device, "0000:8a:00.1") << "no quotes needed where YAML needs none";
    EXPECT_EQ(wan.peer, 0u);
    EXPECT_EQ(wan.mtu, 1500);
    EXPECT_TRUE(wan.promiscuous);
    EXPECT_FALSE(wan.queues);
}

TEST(Interfaces, NeedDeviceAndPeer) {
    EXPECT_EQ(read_interfaces_text("  lan: { peer: wan }\n  wan: { device: net_null1 }\n").found,
              "4:3 P009 an interface needs 'device'\n5:3 P009 an interface needs 'peer'\n");
}

TEST(Interfaces, AddressesComeLater) {
    EXPECT_EQ(read_interfaces_text("  lan: { device: net_null0, peer: wan, addresses: [10.0.0.1/8] }\n"
                                   "  wan: { device: net_null1, peer: lan }\n")
                  .found,
              "4:40 P008 'addresses' is known, but not available in this version\n");
}

TEST(Interfaces, AreAtLeastTwo) {
    EXPECT_EQ(
        read_interfaces_text("  lan: { device: net_null0, peer: wan }\n").found,
        "4:3 P009 a policy needs at least two interfaces\n4:35 P014 unknown interface 'wan' (did you mean 'lan'?)\n");
    EXPECT_EQ(read_interfaces_text("  {}\n").found, "4:3 P009 a policy needs at least two interfaces\n");
    EXPECT_EQ(read_interfaces_text("  [lan, wan]\n").found, "4:3 P010 expected a map of interfaces, not a list\n");
}

TEST(Interfaces, PeersAreMutual) {
    EXPECT_EQ(read_interfaces_text("  lan: { device: net_null0, peer: lan }\n  wan: { device: net_null1, peer: lan }\n")
                  .found,
              "4:35 P023 interface 'lan' is its own peer\n");
    EXPECT_EQ(read_interfaces_text("  a1: { device: net_null0, peer: b1 }\n"
                                   "  b1: { device: net_null1, peer: c1 }\n"
                                   "  c1: { device: net_null2, peer: b1 }\n")
                  .found,
              "4:34 P023 'b1' is not the peer of 'a1' but of 'c1'\n");
    EXPECT_EQ(
        read_interfaces_text("  lan: { device: net_null0, peer: [wan] }\n  wan: { device: net_null1, peer: lan }\n")
            .found,
        "4:35 P010 expected the interface's name, not a list\n");
}

TEST(Interfaces, DevicesAreUsedOnce) {
    EXPECT_EQ(read_interfaces_text(
                  "  lan: { device: \"8a:00.0\", peer: wan }\n  wan: { device: \"0000:8A:00.0\", peer: lan }\n")
                  .found,
              "5:3 P028 interface 'wan' has the same device as 'lan'\n");
}

TEST(Interfaces, UnquotedDevargsAreExplained) {
    const auto outcome = read_interfaces_text("  lan: { device: net_af_xdp0,iface=veth1, peer: wan }\n"
                                              "  wan: { device: net_null1, peer: lan }\n");
    EXPECT_EQ(outcome.found, "4:30 P007 unknown key 'iface=veth1'\n");
    EXPECT_EQ(outcome.diagnostics.all()[0].help, "a text that holds ',' wants quotes inside { }");
    EXPECT_EQ(
        read_interfaces_text("  lan: { device: 4.0, peer: wan }\n  wan: { device: net_null1, peer: lan }\n").found,
        "4:18 P028 '4.0' is not a PCI address\n");
}

TEST(Interfaces, AreBoundedInNumber) {
    std::string many;
    for (int i = 0; i < 34; ++i) {
        many += "  i" + std::to_string(i) + ": { device: net_null" + std::to_string(i) + ", peer: i" +
                std::to_string(i ^ 1) + " }\n";
    }
    EXPECT_EQ(read_interfaces_text(many).found, "4:3 P026 more than 32 interfaces\n");
}

TEST(Zones, GroupInterfacesAndTheOthersAreTheirOwn) {
    const auto outcome = read_interfaces_text("  a1: { device: net_null0, peer: b1 }\n"
                                              "  b1: { device: net_null1, peer: a1 }\n"
                                              "  a2: { device: net_null2, peer: b2 }\n"
                                              "  b2: { device: net_null3, peer: a2 }\n",
                                              "zones:\n  inside: { interfaces: [a1, a2] }\n");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const auto& zones = outcome.policy->zones;
    ASSERT_EQ(zones.size(), 3u);
    EXPECT_EQ(zones[0].name, "inside");
    EXPECT_EQ(zones[0].interfaces, (std::vector<std::size_t>{0, 2}));
    EXPECT_EQ(zones[1].name, "b1");
    EXPECT_EQ(zones[2].name, "b2");
    EXPECT_EQ(outcome.policy->interfaces[2].zone, 0u);
    EXPECT_EQ(outcome.policy->interfaces[3].zone, 2u);
}

TEST(Zones, HaveEachInterfaceOnce) {
    EXPECT_EQ(read_text(with_sections("zones: { a: { interfaces: [lan] }, b: { interfaces: [wan, lan] } }\n")).found,
              "5:59 P024 interface 'lan' is already in zone 'a'\n");
    EXPECT_EQ(read_text(with_sections("zones: { a: { interfaces: [lan, lan] } }\n")).found,
              "5:33 P024 interface 'lan' is in this zone twice\n");
}

TEST(Zones, MayNotTakeTheNameOfAnInterfaceWithoutZone) {
    EXPECT_EQ(read_text(with_sections("zones: { wan: { interfaces: [lan] } }\n")).found,
              "5:10 P015 zone 'wan' has the name of an interface that is in no zone\n");
    EXPECT_TRUE(read_text(with_sections("zones: { lan: { interfaces: [lan] } }\n")).policy);
    EXPECT_TRUE(read_text(with_sections("zones: { wan: { interfaces: [lan] }, lan: { interfaces: [wan] } }\n")).policy);
}

TEST(Zones, WantGoodNamesAndKnownInterfaces) {
    EXPECT_EQ(
        read_text(
            with_sections(
                "zones: { Inside: { interfaces: [lan] }, b: { interfaces: [wam] }, c: {}, d: { interfaces: [] } }\n"))
            .found,
        "5:10 P016 'Inside' is not a name: lower-case letters, digits and - _ . inside, with at least one letter "
        "(write 'inside')\n"
        "5:59 P014 unknown interface 'wam' (did you mean 'wan'?)\n"
        "5:67 P009 a zone needs 'interfaces'\n"
        "5:91 P027 the list is empty\n");
}

TEST(Zones, ABadNameIsToldOnceNotAtEveryUse) {
    EXPECT_EQ(read_text(kWire + "zones: { Inside: { interfaces: [lan] } }\n"
                                "rules: [{ name: a, from: { zone: Inside }, action: drop }]\n")
                  .diagnostics.error_count(),
              1u);
}

} // namespace
} // namespace sluice::policy
