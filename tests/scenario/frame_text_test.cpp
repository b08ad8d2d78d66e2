#include "frame_text.hpp"

#include "packet/parse.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::scenario {
namespace {

using test_support::Bytes;

base::Expected<std::vector<Bytes>, std::string> read(const std::string& text) {
    std::vector<std::string_view> words;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        if (end != 0) words.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return read_frames(words);
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
        EXPECT_EQ(parsed(text + " fragment later").fragment, packet::FragmentState::later) << ends;
        EXPECT_EQ(parsed(text + " fragment last").fragment, packet::FragmentState::later) << ends;
        EXPECT_EQ(parsed(text + " fragment atomic").fragment, packet::FragmentState::whole) << ends;
    }
}

TEST(FrameText, OtherFrames) {
    EXPECT_EQ(parsed("arp 10.0.0.1 > 10.0.0.2").kind, packet::Kind::arp);
    EXPECT_EQ(read("arp 10.0.0.1 > 10.0.0.2 reply")->front()[21], std::byte{2});
    EXPECT_EQ(parsed("ethertype 88cc payload 30").ether_type, 0x88cc);
    EXPECT_EQ(parsed("gre 10.0.0.1 > 10.0.0.2 payload 24").protocol, net::protocol::kGre);
    EXPECT_EQ(parsed("99 10.0.0.1 > 10.0.0.2").protocol, 99);
    EXPECT_EQ(read("raw 0102 03ff")->front(), test_support::bytes({1, 2, 3, 255}));
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
    EXPECT_EQ(error_of("raw 123"), "an odd number of hexadecimal digits");
    EXPECT_EQ(error_of("raw 12 0x"), "'0x' is no byte");
    EXPECT_NE(error_of("udp 10.0.0.300:1 > 10.0.0.2:2"), "no error");
    EXPECT_NE(error_of("tpc 10.0.0.1:1 > 10.0.0.2:2 S"), "no error");
}

} // namespace
} // namespace sluice::scenario
