#include "packet/parse.hpp"
#include "stage_bench.hpp"
#include "support/sample_frames.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sluice::pipeline {
namespace {

using telemetry::DropReason;
using test_support::PacketBuilder;

/// What the stage makes of one frame that comes in by port 0.
class ParseStage : public testing::Test {
  protected:
    void parse_one(test_support::Bytes frame, std::uint16_t port = 0) {
        bench.clear();
        bench.add(port, std::move(frame));
        parse(bench.batch, bench.context);
    }
    [[nodiscard]] Disposition disposition() const { return bench.batch.disposition[0]; }
    [[nodiscard]] std::string dropped_for() const {
        return disposition() == Disposition::drop ? std::string(telemetry::name(bench.batch.reason[0])) : "not dropped";
    }

    StageBench bench;
};

TEST_F(ParseStage, EveryMalformedFrameHasItsReason) {
    const std::map<std::string, std::string> reasons = {{"truncated_ethernet", "bad_ethernet_header"},
                                                        {"too_many_vlan_tags", "bad_ethernet_header"},
                                                        {"vlan_id_reserved", "bad_ethernet_header"},
                                                        {"truncated_ip", "bad_ip_header"},
                                                        {"ip_version", "bad_ip_header"},
                                                        {"ip_header_length", "bad_ip_header"},
                                                        {"ip_total_length", "bad_ip_header"},
                                                        {"ipv4_options", "bad_ip_header"},
                                                        {"fragment_length", "bad_ip_header"},
                                                        {"fragment_tiny", "fragment_tiny"},
                                                        {"extension_truncated", "bad_extension_header"},
                                                        {"extension_chain_long", "bad_extension_header"},
                                                        {"extension_order", "bad_extension_header"},
                                                        {"extension_options", "bad_extension_header"},
                                                        {"fragment_nested", "bad_extension_header"},
                                                        {"truncated_l4", "bad_l4_header"},
                                                        {"tcp_header_length", "bad_l4_header"},
                                                        {"udp_length", "bad_l4_header"}};
    std::map<std::string, unsigned> met;
    for (const auto& [name, frame] : test_support::malformed_frames()) {
        const std::string kind(name.substr(0, name.find('.')));
        parse_one(frame);
        EXPECT_EQ(dropped_for(), reasons.at(kind)) << name;
        EXPECT_EQ(bench.batch.rule_slot[0], kNoRule);
        ++met[kind];
    }
    EXPECT_EQ(met.size(), reasons.size()) << "every kind has a sample";
}

TEST_F(ParseStage, APortIsBelievedAboutWhatItVerifies) {
    const auto believed = [this](const test_support::Bytes& frame) {
        bench.clear();
        bench.batch.checksum[bench.add(0, frame)] = Checksum::good;
        parse(bench.batch, bench.context);
        EXPECT_EQ(disposition(), Disposition::pending);
        return bench.batch.checksum[0] == Checksum::good;
    };
    constexpr std::uint16_t kServiceTag = 0x88a8;
    EXPECT_TRUE(believed(PacketBuilder().ipv4().tcp().build()));
    EXPECT_TRUE(believed(PacketBuilder().ipv6().tcp().build()));
    EXPECT_TRUE(believed(PacketBuilder().ipv4().udp().build()));
    EXPECT_TRUE(believed(PacketBuilder().ipv4().sctp().build()));
    EXPECT_TRUE(believed(PacketBuilder().vlan({.id = 7}).ipv4().tcp().build()));
    EXPECT_FALSE(believed(PacketBuilder().vlan({.id = 7, .tpid = kServiceTag}).ipv4().tcp().build()));
    EXPECT_FALSE(believed(PacketBuilder().vlan({.id = 7, .tpid = kServiceTag}).vlan({.id = 8}).ipv4().tcp().build()));
    EXPECT_FALSE(believed(PacketBuilder().ipv6().extension({}).tcp().build()));
    EXPECT_FALSE(believed(PacketBuilder().ipv6().udp({.checksum = 0}).build()));
    EXPECT_FALSE(believed(PacketBuilder().ipv4().icmp({}).build()));
    EXPECT_FALSE(believed(PacketBuilder().ipv6().icmp({}).build()));
}

TEST_F(ParseStage, PendingIsWhatTheRulesDecide) {
    parse_one(tcp("10.0.0.1", 1000, "10.0.0.2", 80, net::tcp_flag::kSyn));
    EXPECT_EQ(disposition(), Disposition::pending);
    EXPECT_EQ(bench.batch.rule_slot[0], kNoRule);
    EXPECT_EQ(bench.batch.path[0], ruleset::Path::none);
}

TEST_F(ParseStage, ArpAndNeighborDiscoveryPass) {
    parse_one(PacketBuilder().arp().build());
    EXPECT_EQ(disposition(), Disposition::forward);
    for (std::uint8_t type = 133; type <= 136; ++type) {
        parse_one(PacketBuilder().ipv6({.hop_limit = 255}).icmp({.type = type}).payload_size(16).build());
        EXPECT_EQ(disposition(), Disposition::forward) << int{type};
        parse_one(PacketBuilder().ipv6({.hop_limit = 254}).icmp({.type = type}).payload_size(16).build());
        EXPECT_EQ(disposition(), Disposition::pending) << int{type};
        parse_one(PacketBuilder().ipv6({.hop_limit = 255}).icmp({.type = type, .code = 1}).payload_size(16).build());
        EXPECT_EQ(disposition(), Disposition::pending) << int{type};
        // ICMPv6's number over IPv4 is no neighbour discovery.
        parse_one(PacketBuilder().ipv4({.ttl = 255, .protocol = 58}).icmp({.type = type}).build());
        EXPECT_EQ(disposition(), Disposition::pending) << int{type};
    }
    for (const std::uint8_t type : std::initializer_list<std::uint8_t>{128, 132, 137}) {
        parse_one(PacketBuilder().ipv6({.hop_limit = 255}).icmp({.type = type}).payload_size(16).build());
        EXPECT_EQ(disposition(), Disposition::pending) << int{type};
    }
}

// A router behind the wire would carry it away: nothing that the rules do not know of may leave like that.
TEST_F(ParseStage, NeighborDiscoveryStaysOnItsLink) {
    const auto sent_to = [this](const char* source, const char* destination) {
        parse_one(PacketBuilder()
                      .ipv6({.source = source, .destination = destination, .hop_limit = 255})
                      .icmp({.type = 135})
                      .payload_size(16)
                      .build());
        return disposition();
    };
    EXPECT_EQ(sent_to("2001:db8:1::1", "fe80::2"), Disposition::forward);
    EXPECT_EQ(sent_to("2001:db8:1::1", "febf::2"), Disposition::forward) << "fe80::/10";
    EXPECT_EQ(sent_to("2001:db8:1::1", "ff02::1:ff00:2"), Disposition::forward);
    EXPECT_EQ(sent_to("::", "ff02::1:ff00:2"), Disposition::forward) << "duplicate address detection";
    EXPECT_EQ(sent_to("2001:db8:1::1", "2001:db8:1::2"), Disposition::forward) << "one /64";
    EXPECT_EQ(sent_to("2001:db8:1::1", "2001:db8:1:1::2"), Disposition::pending);
    EXPECT_EQ(sent_to("2001:db8:1::1", "fec0::2"), Disposition::pending);
    EXPECT_EQ(sent_to("2001:db8:1::1", "ff05::2"), Disposition::pending) << "site-wide multicast";
    parse_one(PacketBuilder()
                  .ipv6({.hop_limit = 255})
                  .extension({.protocol = 43})
                  .icmp({.type = 135})
                  .payload_size(16)
                  .build());
    EXPECT_EQ(disposition(), Disposition::pending) << "a routing header";
}

TEST_F(ParseStage, FragmentsAreForTheReassemblyAndOtherFramesDoNotPass) {
    parse_one(PacketBuilder().ipv4({.more_fragments = true}).udp().payload_size(64).build());
    EXPECT_EQ(disposition(), Disposition::pending);
    // Neighbour discovery in fragments is not neighbour discovery (RFC 6980).
    parse_one(PacketBuilder()
                  .ipv6({.hop_limit = 255})
                  .ipv6_fragment({.more_fragments = true})
                  .icmp({.type = 135})
                  .payload_size(16)
                  .build());
    EXPECT_EQ(disposition(), Disposition::pending);
    parse_one(PacketBuilder({.ether_type = 0x88cc}).payload_size(46).build());
    EXPECT_EQ(dropped_for(), "unknown_ethertype");
}

TEST_F(ParseStage, EveryOddityHasItsReasonAndItsSwitch) {
    using namespace net::oddity;
    const struct {
        std::uint16_t bit;
        const char* reason;
        test_support::Bytes frame;
    } cases[] = {
        {kHeaderChecksum, "bad_checksum", PacketBuilder().ipv4({.checksum = 0x1234}).udp().build()},
        {kMartianSource, "martian_source", udp("127.0.0.1", 1, "10.0.0.2", 2)},
        {kMartianSource, "martian_source", udp("::1", 1, "2001:db8::2", 2)},
        {kSourceRoute, "source_route",
         PacketBuilder().ipv4({.options = test_support::bytes({131, 7, 4, 10, 0, 0, 9, 0})}).udp().build()},
        {kIpv4Option, "ipv4_options",
         PacketBuilder().ipv4({.options = test_support::bytes({7, 7, 4, 0, 0, 0, 0, 0})}).udp().build()},
        {kRoutingHeader0, "routing_header",
         PacketBuilder().ipv6().extension({.protocol = 43, .content = test_support::bytes({0, 1})}).udp().build()},
        {kTtlZero, "ttl_expired", PacketBuilder().ipv4({.ttl = 0}).udp().build()},
        {kTtlZero, "ttl_expired", PacketBuilder().ipv6({.hop_limit = 0}).udp().build()},
        {kStackedVlan, "stacked_vlan", PacketBuilder().vlan({.id = 1}).vlan({.id = 2}).ipv4().udp().build()},
    };
    for (const auto& one : cases) {
        test_support::RulesetFields fields;
        fields.sanity.refused = one.bit;
        bench.use(fields);
        parse_one(one.frame);
        EXPECT_EQ(dropped_for(), one.reason);
        EXPECT_EQ(bench.batch.rule_slot[0], kNoRule);
        fields.sanity.refused = static_cast<std::uint16_t>(~one.bit);
        bench.use(fields);
        parse_one(one.frame);
        EXPECT_EQ(disposition(), Disposition::pending) << one.reason;
    }
    bench.use({});
    for (const auto& one : cases) {
        parse_one(one.frame);
        EXPECT_EQ(disposition() == Disposition::drop, one.bit != kIpv4Option) << one.reason << ", by default";
    }
}

TEST_F(ParseStage, AnOddFragmentIsOddFirst) {
    parse_one(PacketBuilder().ipv4({.source = "127.0.0.1", .more_fragments = true}).udp().payload_size(64).build());
    EXPECT_EQ(dropped_for(), "martian_source");
}

TEST_F(ParseStage, EtherTypesThatPassAreThePolicys) {
    const auto frame = [](std::uint16_t type) { return PacketBuilder({.ether_type = type}).payload_size(46).build(); };
    test_support::RulesetFields fields;
    fields.sanity.ethertypes = {0x88cc, ruleset::Sanity::kLengthInsteadOfType, 0x0806};
    fields.sanity.ethertype_count = 2;
    bench.use(fields);
    parse_one(frame(0x88cc));
    EXPECT_EQ(disposition(), Disposition::forward);
    parse_one(PacketBuilder().vlan({.id = 5, .ether_type = 0x88cc}).payload_size(46).build());
    EXPECT_EQ(disposition(), Disposition::forward) << "tags do not matter";
    parse_one(frame(0x0026));
    EXPECT_EQ(disposition(), Disposition::forward) << "LLC";
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{0x0600, 0x88cb, 0x88b5, 0xffff}) {
        parse_one(frame(type));
        EXPECT_EQ(dropped_for(), "unknown_ethertype") << type;
    }
    parse_one(PacketBuilder().arp().build());
    EXPECT_EQ(dropped_for(), "unknown_ethertype") << "ARP is not in the list";
    parse_one(PacketBuilder().ipv6({.hop_limit = 255}).icmp({.type = 135}).payload_size(16).build());
    EXPECT_EQ(disposition(), Disposition::forward) << "neighbour discovery is IP";
}

TEST_F(ParseStage, SourceAndDestinationDiffer) {
    parse_one(udp("10.0.0.1", 1, "10.0.0.1", 2));
    EXPECT_EQ(dropped_for(), "spoofed_source");
    parse_one(udp("2001:db8::1", 1, "2001:db8::1", 2));
    EXPECT_EQ(dropped_for(), "spoofed_source");
}

TEST_F(ParseStage, TheMtuIsThePeers) {
    test_support::RulesetFields fields;
    fields.ports[0].peer_mtu = 100; // what leaves by port 1
    bench.use(fields);
    parse_one(PacketBuilder().ipv4().udp().payload_size(72).build());
    EXPECT_EQ(disposition(), Disposition::pending) << "100 bytes";
    parse_one(PacketBuilder().ipv4().udp().payload_size(73).build());
    EXPECT_EQ(dropped_for(), "mtu_exceeded");
    parse_one(PacketBuilder().vlan({.id = 1, .tpid = 0x88a8}).vlan({.id = 2}).ipv4().udp().payload_size(72).build());
    EXPECT_EQ(disposition(), Disposition::pending) << "tags come on top";
    parse_one(PacketBuilder().ipv4().udp().payload_size(73).build(), 1);
    EXPECT_EQ(disposition(), Disposition::pending) << "the other direction has 1500";
    parse_one(PacketBuilder({.ether_type = 0x0806}).payload_size(101).build());
    EXPECT_EQ(dropped_for(), "mtu_exceeded") << "link control too";
}

} // namespace
} // namespace sluice::pipeline
