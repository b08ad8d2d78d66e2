#include "frame_text.hpp"

#include "net/oddity.hpp"
#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "packet/quote.hpp"
#include "packet/transport.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::scenario {
namespace {

using test_support::Bytes;

base::Expected<std::vector<Bytes>, std::string> read(const std::string& text) {
    return read_frames(words_of(text));
}

packet::Parsed parsed(const std::string& text) {
    const auto frames = read(text);
    packet::Parsed out{};
    if (!frames)
        ADD_FAILURE() << text << ": " << frames.error();
    else
        packet::parse(frames->front(), out);
    return out;
}

std::string error_of(const std::string& text) {
    const auto frames = read(text);
    return frames ? "no error" : frames.error();
}

std::string source_of(const packet::Parsed& p) {
    return net::IpAddress::from_wire(p.family, p.source).to_string();
}

TEST(FrameText, TcpWithFlags) {
    const packet::Parsed p = parsed("tcp 10.77.1.5:40000 > 10.77.2.9:80 SA");
    EXPECT_EQ(p.kind, packet::Kind::ip);
    EXPECT_EQ(p.protocol, net::protocol::kTcp);
    EXPECT_EQ(source_of(p), "10.77.1.5");
    EXPECT_EQ(p.source_port.host(), 40000);
    EXPECT_EQ(p.destination_port.host(), 80);
    EXPECT_EQ(p.tcp_flags, net::tcp_flag::kSyn | net::tcp_flag::kAck);
    EXPECT_EQ(parsed("tcp 10.0.0.1:1 > 10.0.0.2:2 -").tcp_flags, 0);
    EXPECT_EQ(parsed("tcp 10.0.0.1:1 > 10.0.0.2:2 FSRPAUEC").tcp_flags, 0xff);
}

TEST(FrameText, Ipv6EndsStandInBrackets) {
    const packet::Parsed p = parsed("udp [2001:db8::1]:53 > [2001:db8::2]:5353");
    EXPECT_EQ(p.family, net::Family::ipv6);
    EXPECT_EQ(source_of(p), "2001:db8::1");
    EXPECT_EQ(p.destination_port.host(), 5353);
    EXPECT_NE(error_of("udp 2001:db8::1:53 > [2001:db8::2]:53").find("brackets"), std::string::npos);
}

TEST(FrameText, ARangeOfPortsIsAsManyPackets) {
    const auto frames = read("udp 10.0.0.1:1000-1003 > 10.0.0.2:53");
    ASSERT_TRUE(frames);
    ASSERT_EQ(frames->size(), 4u);
    packet::Parsed last{};
    packet::parse(frames->back(), last);
    EXPECT_EQ(last.source_port.host(), 1003);
    const auto answers = read("udp 10.0.0.2:53 > 10.0.0.1:1000-1003");
    ASSERT_TRUE(answers);
    ASSERT_EQ(answers->size(), 4u);
    packet::parse(answers->front(), last);
    EXPECT_EQ(last.destination_port.host(), 1000);
}

TEST(FrameText, IcmpByNameOrNumber) {
    const packet::Parsed p = parsed("icmp 10.0.0.1 > 10.0.0.2 echo_request id 7 seq 2");
    EXPECT_EQ(p.icmp_type, 8);
    EXPECT_EQ(p.source_port.host(), 7);
    const packet::Parsed v6 = parsed("icmpv6 fe80::1 > ff02::1 135 ttl 255 code 1");
    EXPECT_EQ(v6.icmp_type, 135);
    EXPECT_EQ(v6.icmp_code, 1);
    EXPECT_EQ(v6.ttl, 255);
}

TEST(FrameText, Tags) {
    const packet::Parsed one = parsed("vlan 7 udp 10.0.0.1:1 > 10.0.0.2:2");
    EXPECT_EQ(one.outer_vlan, 0x1007);
    EXPECT_EQ(one.inner_vlan, 0);
    const packet::Parsed two = parsed("qinq 10.20 udp 10.0.0.1:1 > 10.0.0.2:2");
    EXPECT_EQ(two.outer_vlan, 0x100a);
    EXPECT_EQ(two.inner_vlan, 0x1014);
    EXPECT_EQ(read("qinq 10.20 udp 10.0.0.1:1 > 10.0.0.2:2")->front()[12], std::byte{0x88});
    EXPECT_EQ(parsed("vlan 1.2.3 udp 10.0.0.1:1 > 10.0.0.2:2").malformed, packet::Malformed::too_many_vlan_tags);
}

TEST(FrameText, SizesAreBytesOfTheIpPacket) {
    for (const char* text : {"tcp 10.0.0.1:1 > 10.0.0.2:2 A size 1500", "vlan 4 udp [::1]:1 > [::2]:2 size 1500",
                             "icmp 10.0.0.1 > 10.0.0.2 echo_request size 1500"}) {
        EXPECT_EQ(parsed(text).ip_length, 1500) << text;
    }
    EXPECT_EQ(read("udp 10.0.0.1:1 > 10.0.0.2:2 pad 60")->front().size(), 60u);
    EXPECT_EQ(read("udp 10.0.0.1:1 > 10.0.0.2:2 cut 30")->front().size(), 30u);
    EXPECT_EQ(error_of("tcp 10.0.0.1:1 > 10.0.0.2:2 A size 39"), "the headers alone have 40 bytes");
}

TEST(FrameText, OptionsExtensionsFragments) {
    EXPECT_EQ(parsed("udp 10.0.0.1:1 > 10.0.0.2:2 options 12").l4_offset, 14 + 20 + 12);
    EXPECT_EQ(parsed("udp [::1]:1 > [::2]:2 ext hop_by_hop,routing,destination").extension_headers, 3);
    EXPECT_EQ(parsed("udp [::1]:1 > [::2]:2 ext hop_by_hop,routing,destination").destination_port.host(), 2);
    for (const char* ends : {"udp 10.0.0.1:1 > 10.0.0.2:2", "udp [::1]:1 > [::2]:2"}) {
        const std::string text = ends;
        EXPECT_EQ(parsed(text + " fragment first").fragment, packet::FragmentState::first) << ends;
        EXPECT_EQ(parsed(text + " payload 8 fragment later").fragment, packet::FragmentState::later) << ends;
        EXPECT_EQ(parsed(text + " payload 8 fragment last").fragment, packet::FragmentState::later) << ends;
        EXPECT_EQ(parsed(text + " fragment atomic").fragment, packet::FragmentState::whole) << ends;
    }
}

TEST(FrameText, Oddities) {
    using namespace net::oddity;
    const std::string v4 = "udp 10.0.0.1:1 > 10.0.0.2:2 ";
    EXPECT_EQ(parsed(v4 + "options 8").oddities, 0);
    EXPECT_EQ(parsed(v4 + "options loose_source_route").oddities, kSourceRoute);
    EXPECT_EQ(parsed(v4 + "options strict_source_route").oddities, kSourceRoute);
    for (const char* option : {"record_route", "timestamp", "router_alert"}) {
        EXPECT_EQ(parsed(v4 + "options " + option).oddities, kIpv4Option) << option;
    }
    EXPECT_EQ(parsed(v4 + "wrong ip_checksum").oddities, kHeaderChecksum);
    EXPECT_EQ(parsed(v4 + "wrong ip_checksum vlan 5").oddities, kHeaderChecksum);
    const std::string v6 = "udp [2001:db8::1]:1 > [2001:db8::2]:2 ";
    EXPECT_EQ(parsed(v6 + "ext routing").oddities, 0);
    EXPECT_EQ(parsed(v6 + "ext routing_0").oddities, kRoutingHeader0);
    EXPECT_EQ(parsed(v6 + "ext routing_2").oddities, 0);
    EXPECT_EQ(parsed(v6 + "ext long_option").malformed, packet::Malformed::extension_options);
    EXPECT_EQ(error_of(v4 + "options sideways"), "'sideways' is not a size or an option's name (0 to 40)");
    EXPECT_EQ(error_of(v4 + "wrong colour"), "'colour' cannot be made wrong: ip_checksum, checksum");
    EXPECT_EQ(error_of(v6 + "wrong ip_checksum"), "only IPv4 headers have a checksum");
}

TEST(FrameText, OtherFrames) {
    EXPECT_EQ(parsed("arp 10.0.0.1 > 10.0.0.2").kind, packet::Kind::arp);
    EXPECT_EQ(read("arp 10.0.0.1 > 10.0.0.2 reply")->front()[21], std::byte{2});
    EXPECT_EQ(parsed("ethertype 88cc payload 30").ether_type, 0x88cc);
    EXPECT_EQ(parsed("gre 10.0.0.1 > 10.0.0.2 payload 24").protocol, net::protocol::kGre);
    EXPECT_EQ(parsed("99 10.0.0.1 > 10.0.0.2").protocol, 99);
    EXPECT_EQ(read("raw 0102 03ff")->front(), test_support::bytes({1, 2, 3, 255}));
}

TEST(FrameText, NumbersAndOptionsOfTcp) {
    const std::string text = "tcp 10.0.0.1:1 > 10.0.0.2:2 SA seq 4294967295 ack 7 win 512 mss 1460 wscale 7 sackok";
    const Bytes frame = read(text)->front();
    packet::TcpSegment segment;
    packet::read_tcp_segment(frame.data(), parsed(text), segment);
    EXPECT_EQ(segment.sequence, 0xffffffffu);
    EXPECT_EQ(segment.acknowledgment, 7u);
    EXPECT_EQ(segment.window, 512);
    EXPECT_EQ(segment.window_scale, 7);
    EXPECT_TRUE(segment.sack_permitted);
    const std::string holes = "tcp 10.0.0.1:1 > 10.0.0.2:2 A ack 7 sack 10-20,30-40 payload 9";
    packet::TcpSegment selective;
    packet::read_tcp_segment(read(holes)->front().data(), parsed(holes), selective);
    EXPECT_EQ(selective.sack_edge, 40u);
    EXPECT_EQ(selective.length, 9u);
}

TEST(FrameText, ChunksOfSctp) {
    const std::string text = "sctp 10.0.0.1:1 > 10.0.0.2:2 init_ack vtag 7 tag 9";
    const packet::SctpPacket answer = packet::read_sctp_packet(read(text)->front(), parsed(text));
    EXPECT_TRUE(answer.sound);
    EXPECT_EQ(answer.chunk, 2);
    EXPECT_EQ(answer.tag, 7u);
    EXPECT_EQ(answer.initiate_tag, 9u);
    const std::string two = "sctp 10.0.0.1:1 > 10.0.0.2:2 data,abort reflected payload 8";
    const packet::SctpPacket end = packet::read_sctp_packet(read(two)->front(), parsed(two));
    EXPECT_EQ(end.chunk, 6);
    EXPECT_EQ(end.chunk_flags, 1);
}

TEST(FrameText, WhatAnErrorQuotes) {
    for (const char* text : {"icmp 10.0.0.9 > 10.0.0.1 time_exceeded quote \"udp 10.0.0.1:7 > 10.0.0.2:8 payload 9\"",
                             "icmpv6 2001:db8::9 > 2001:db8::1 time_exceeded quote "
                             "\"udp [2001:db8::1]:7 > [2001:db8::2]:8 ext routing\""}) {
        packet::Parsed quoted;
        ASSERT_TRUE(packet::read_quote(read(text)->front(), parsed(text), quoted)) << text;
        EXPECT_EQ(quoted.source_port.host(), 7);
        EXPECT_EQ(quoted.destination_port.host(), 8);
    }
    EXPECT_EQ(error_of("icmp 10.0.0.9 > 10.0.0.1 11 quote \"udp 10.0.0.1 > 10.0.0.2:8\""),
              "in the quote: '10.0.0.1' has no port");
    EXPECT_EQ(error_of("icmp 10.0.0.9 > 10.0.0.1 11 quote \"udp 10.0.0.1:1-2 > 10.0.0.2:8\""),
              "an error quotes one IP packet");
    EXPECT_NE(error_of("icmp 10.0.0.9 > 10.0.0.1 11 quote udp").find("double quotes"), std::string::npos);
}

TEST(FrameText, Checksums) {
    for (const std::string text :
         {"tcp 10.0.0.1:1 > 10.0.0.2:2 A", "udp [::1]:1 > [::2]:2 payload 3", "icmp 10.0.0.1 > 10.0.0.2 echo_request",
          "icmpv6 ::1 > ::2 echo_request", "sctp 10.0.0.1:1 > 10.0.0.2:2 init tag 1"}) {
        EXPECT_TRUE(packet::transport_checksum_ok(read(text)->front(), parsed(text))) << text;
        EXPECT_FALSE(packet::transport_checksum_ok(read(text + " wrong checksum")->front(), parsed(text))) << text;
    }
    const Bytes none = read("udp 10.0.0.1:1 > 10.0.0.2:2 nosum")->front();
    EXPECT_EQ(none[40], std::byte{0});
    EXPECT_EQ(none[41], std::byte{0});
}

TEST(FrameText, SaysWhatIsWrong) {
    EXPECT_EQ(error_of(""), "the packet is missing");
    EXPECT_EQ(error_of("tcp 10.0.0.1:1 > 10.0.0.2:2"), "the TCP flags are missing");
    EXPECT_EQ(error_of("icmp 10.0.0.1 > 10.0.0.2"), "the ICMP type is missing");
    EXPECT_EQ(error_of("udp 10.0.0.1 > 10.0.0.2:2"), "'10.0.0.1' has no port");
    EXPECT_EQ(error_of("udp 10.0.0.1:1-2 > 10.0.0.2:2-3"), "only one of the two ports may be a range");
    EXPECT_EQ(error_of("udp 10.0.0.1:9-1 > 10.0.0.2:2"), "the range '9-1' ends before it begins");
    EXPECT_EQ(error_of("udp 10.0.0.1:1 > 10.0.0.2:2 later"), "what is 'later'?");
    EXPECT_EQ(error_of("udp 10.0.0.1:1 > 10.0.0.2:2 ttl"), "'ttl' wants a value");
    EXPECT_EQ(error_of("udp 10.0.0.1:1 > [::2]:2"), "the two ends are not of one address family");
    EXPECT_EQ(error_of("udp 10.0.0.1:1 > 10.0.0.2:2 ext routing"), "extension headers go with IPv6");
    EXPECT_EQ(error_of("udp 10.0.0.1:1 > 10.0.0.2:2 fragment middle"),
              "'middle' is no kind of fragment: first, later, last, atomic");
    EXPECT_EQ(error_of("tcp 10.0.0.1:1 > 10.0.0.2:2 SX"), "'SX' are not TCP flags: S A F R P U E C, or - for none");
    EXPECT_EQ(error_of("udp 10.0.0.1:70000 > 10.0.0.2:2"), "'70000' is not a port (0 to 65535)");
    EXPECT_EQ(error_of("sctp 10.0.0.1:1 > 10.0.0.2:2 hello"), "'hello' is not an SCTP chunk (0 to 255)");
    EXPECT_EQ(error_of("tcp 10.0.0.1:1 > 10.0.0.2:2 A sack 5"), "'5' is no block of data: write LEFT-RIGHT");
    EXPECT_EQ(error_of("icmp 10.0.0.1 > 10.0.0.2 8 seq 65536"), "'65536' is not a sequence number (0 to 65535)");
    EXPECT_EQ(error_of("raw 123"), "an odd number of hexadecimal digits");
    EXPECT_EQ(error_of("raw 12 0x"), "'0x' is no byte");
    EXPECT_NE(error_of("udp 10.0.0.300:1 > 10.0.0.2:2"), "no error");
    EXPECT_NE(error_of("tpc 10.0.0.1:1 > 10.0.0.2:2 S"), "no error");
}

} // namespace
} // namespace sluice::scenario
