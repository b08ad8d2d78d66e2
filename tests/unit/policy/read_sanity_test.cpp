#include "policy_text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

Outcome read_with(const std::string& sanity) {
    return read_text(with_sections("sanity: " + sanity + "\n"));
}

Sanity sanity_of(const std::string& text) {
    const auto outcome = read_with(text);
    EXPECT_TRUE(outcome.policy) << outcome.found;
    return outcome.policy ? outcome.policy->sanity : Sanity{};
}

TEST(Sanity, WithoutTheSectionOrAKeyTheDefaultsHold) {
    const auto none = read_text(with_sections(""));
    ASSERT_TRUE(none.policy) << none.found;
    for (const Sanity& sanity : {none.policy->sanity, sanity_of("{ ipv4_options: allow }")}) {
        EXPECT_EQ(sanity.bad_checksum, Action::drop);
        EXPECT_EQ(sanity.martian_source, Action::drop);
        EXPECT_EQ(sanity.source_route, Action::drop);
        EXPECT_EQ(sanity.ipv4_options, Action::allow);
        EXPECT_EQ(sanity.routing_header_0, Action::drop);
        EXPECT_EQ(sanity.ttl_zero, Action::drop);
        EXPECT_EQ(sanity.stacked_vlans, Action::drop);
        EXPECT_EQ(sanity.ethertypes, (std::vector<std::uint16_t>{0x0806}));
    }
}

TEST(Sanity, EachKeyIsItsOwn) {
    EXPECT_EQ(sanity_of("{ bad_checksum: allow }").bad_checksum, Action::allow);
    EXPECT_EQ(sanity_of("{ martian_source: allow }").martian_source, Action::allow);
    EXPECT_EQ(sanity_of("{ source_route: allow }").source_route, Action::allow);
    EXPECT_EQ(sanity_of("{ ipv4_options: drop }").ipv4_options, Action::drop);
    EXPECT_EQ(sanity_of("{ routing_header_0: allow }").routing_header_0, Action::allow);
    EXPECT_EQ(sanity_of("{ ttl_zero: allow }").ttl_zero, Action::allow);
    EXPECT_EQ(sanity_of("{ stacked_vlans: allow }").stacked_vlans, Action::allow);
    EXPECT_EQ(sanity_of("{ ttl_zero: allow }").bad_checksum, Action::drop);
}

TEST(Sanity, EtherTypesByNameOrNumber) {
    EXPECT_EQ(sanity_of("{ ethertypes: [arp, lldp, eapol, 0x88B5, llc] }").ethertypes,
              (std::vector<std::uint16_t>{0x0806, 0x88cc, 0x888e, 0x88b5, 0}));
    EXPECT_EQ(sanity_of("{ ethertypes: [pppoe_discovery, pppoe_session, mpls, ptp, lacp, 0x0600] }").ethertypes,
              (std::vector<std::uint16_t>{0x8863, 0x8864, 0x8847, 0x88f7, 0x8809, 0x0600}));
    EXPECT_TRUE(sanity_of("{ ethertypes: [] }").ethertypes.empty()) << "ARP neither";
}

TEST(Sanity, RefusesEtherTypesThatCannotBe) {
    const auto found = [](const std::string& list) { return read_with("{ ethertypes: " + list + " }").found; };
    EXPECT_EQ(found("[arq]"), "5:24 P011 'arq' is not an EtherType (did you mean 'arp'?)\n");
    EXPECT_EQ(found("[stp]"), "5:24 P011 'stp' is not an EtherType (write 'llc')\n");
    EXPECT_EQ(found("[35020]"), "5:24 P012 '35020' is not an EtherType\n");
    EXPECT_EQ(found("[0x88c]"), "5:24 P012 '0x88c' is not an EtherType\n");
    EXPECT_EQ(found("[0x88cg]"), "5:24 P012 '0x88cg' is not an EtherType\n");
    EXPECT_EQ(found("[0x05ff]"), "5:24 P012 '0x05ff' is not an EtherType\n");
    EXPECT_EQ(found("[0x0800]"), "5:24 P011 '0x0800' is IPv4, which the rules decide about\n");
    EXPECT_EQ(found("[0x86dd]"), "5:24 P011 '0x86dd' is IPv6, which the rules decide about\n");
    EXPECT_EQ(found("[0x8100]"), "5:24 P011 '0x8100' is a VLAN tag, and the type behind it decides\n");
    EXPECT_EQ(found("[0x88a8]"), "5:24 P011 '0x88a8' is a VLAN tag, and the type behind it decides\n");
    EXPECT_EQ(found("[arp, 0x0806]"), "5:29 P029 EtherType '0x0806' is in the list already\n");
    EXPECT_EQ(found("arp"), "5:23 P010 expected a list of EtherTypes, not a text\n");
    EXPECT_EQ(found("[[arp]]"), "5:24 P010 expected an EtherType, not a list\n");
    std::string many = "[0x0600";
    for (int i = 1; i < 32; ++i) {
        many += ", 0x06" + std::string(1, "0123456789abcdef"[i / 16]) + "0123456789abcdef"[i % 16];
    }
    EXPECT_EQ(read_with("{ ethertypes: " + many + "] }").found, "");
    EXPECT_EQ(found(many + ", arp]"), "5:23 P026 more than 32 EtherTypes\n");
}

TEST(Sanity, RefusesWhatCannotBe) {
    EXPECT_EQ(read_with("{ bad_checksum: deny }").found,
              "5:25 P011 'deny' is not one of 'allow' or 'drop' (write 'drop')\n");
    EXPECT_EQ(read_with("{ martians: drop }").found, "5:11 P007 unknown key 'martians' (write 'martian_source')\n");
    EXPECT_EQ(read_with("{ rh0: drop }").found, "5:11 P007 unknown key 'rh0' (write 'routing_header_0')\n");
    EXPECT_EQ(read_with("drop").found, "5:9 P010 expected 'sanity' as a map, not a text\n");
    EXPECT_EQ(read_text(with_sections("sanety: {}\n")).found,
              "5:1 P007 unknown key 'sanety' (did you mean 'sanity'?)\n");
}

} // namespace
} // namespace sluice::policy
