// Changes where segments lie, against frames that are built anew with the changed numbers.
#include "packet/tcp_rewrite.hpp"

#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "packet/quote.hpp"
#include "packet/transport.hpp"
#include "support/packet_builder.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::PacketBuilder;
using test_support::TcpFields;

Bytes frame_of(bool ipv4, const TcpFields& tcp, std::size_t payload) {
    PacketBuilder builder;
    if (ipv4)
        builder.ip("192.0.2.1", "198.51.100.2");
    else
        builder.ip("2001:db8::1", "2001:db8:1::2");
    return builder.tcp(tcp).payload_size(payload).build();
}

Bytes sack_option(unsigned padding, std::initializer_list<std::uint32_t> edges) {
    Bytes option(padding, std::byte{1});
    option.push_back(std::byte{5});
    option.push_back(static_cast<std::byte>(2 + edges.size() * 4));
    for (const std::uint32_t edge : edges) {
        for (const unsigned shift : {24u, 16u, 8u, 0u}) {
            option.push_back(static_cast<std::byte>(edge >> shift));
        }
    }
    return option;
}

TEST(TcpRewrite, IsAsIfTheHostHadSentItSo) {
    std::mt19937 random(5);
    for (unsigned round = 0; round < 4000; ++round) {
        const bool ipv4 = round % 2 == 0;
        const auto number = [&random] { return static_cast<std::uint32_t>(random()); };
        const unsigned padding = random() % 4;
        const std::uint32_t edges[4] = {number(), number(), number(), number()};
        const std::uint32_t delta = round % 7 == 0 ? 0 : number();
        TcpFields before;
        before.flags = net::tcp_flag::kAck | net::tcp_flag::kRst;
        before.sequence = number();
        before.acknowledgment = number();
        before.window = static_cast<std::uint16_t>(random());
        before.options = sack_option(padding, {edges[0], edges[1], edges[2], edges[3]});
        TcpFields after = before;
        after.flags = net::tcp_flag::kRst;
        after.sequence = number();
        after.acknowledgment = number();
        after.window = static_cast<std::uint16_t>(random());
        after.options = sack_option(padding, {edges[0] + delta, edges[1] + delta, edges[2] + delta, edges[3] + delta});
        const std::size_t payload = random() % 30;
        Bytes changed = frame_of(ipv4, before, payload);
        Parsed parsed;
        parse(changed, parsed);
        set_tcp_flags(changed.data(), parsed, after.flags);
        set_tcp_sequence(changed.data(), parsed, after.sequence);
        set_tcp_acknowledgment(changed.data(), parsed, after.acknowledgment);
        set_tcp_window(changed.data(), parsed, after.window);
        add_to_sack_blocks(changed.data(), parsed, delta);
        ASSERT_EQ(changed, frame_of(ipv4, after, payload)) << round;
    }
}

TEST(TcpRewrite, AWrongChecksumStaysWrong) {
    TcpFields tcp;
    tcp.checksum = 0x1234;
    Bytes frame = frame_of(true, tcp, 10);
    Parsed parsed;
    parse(frame, parsed);
    ASSERT_FALSE(transport_checksum_ok(frame, parsed));
    set_tcp_sequence(frame.data(), parsed, 0xdeadbeef);
    set_tcp_window(frame.data(), parsed, 7);
    EXPECT_FALSE(transport_checksum_ok(frame, parsed));
}

TEST(TcpRewrite, OptionsThatDoNotHoldTogetherAreLeftAlone) {
    for (const Bytes& options :
         {test_support::bytes({5, 10, 1, 1}), test_support::bytes({5, 1, 0, 0}), test_support::bytes({1, 1, 1, 5}),
          test_support::bytes({0, 5, 2, 0}), test_support::bytes({5, 6, 1, 2, 3, 4, 1, 1})}) {
        TcpFields tcp;
        tcp.options = options;
        const Bytes before = frame_of(true, tcp, 0);
        Bytes frame = before;
        Parsed parsed;
        parse(frame, parsed);
        add_to_sack_blocks(frame.data(), parsed, 1);
        EXPECT_EQ(frame, before);
    }
}

TEST(TcpRewrite, AQuotedSequenceNumberMoves) {
    for (const bool ipv4 : {true, false}) {
        TcpFields tcp;
        tcp.sequence = 0xffffff00;
        const Bytes quoted = frame_of(ipv4, tcp, 20);
        PacketBuilder builder;
        if (ipv4)
            builder.ip("203.0.113.9", "192.0.2.1");
        else
            builder.ip("2001:db8::9", "2001:db8::1");
        test_support::IcmpFields icmp;
        icmp.type = ipv4 ? net::icmp::kDestinationUnreachable : net::icmpv6::kDestinationUnreachable;
        Bytes error = builder.icmp(icmp).payload(Bytes(quoted.begin() + 14, quoted.end())).build();
        Parsed parsed;
        parse(error, parsed);
        Parsed inside;
        ASSERT_TRUE(read_quote(error, parsed, inside));
        add_to_quoted_sequence(error.data(), parsed, inside, 0x200);
        EXPECT_TRUE(transport_checksum_ok(error, parsed));
        net::Be32 sequence;
        std::memcpy(&sequence, error.data() + inside.l4_offset + 4, sizeof sequence);
        EXPECT_EQ(sequence.host(), 0x100u);
    }
}

} // namespace
} // namespace sluice::packet
