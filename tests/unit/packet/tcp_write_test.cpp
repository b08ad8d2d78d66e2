// Segments of our own, against frames that the packet builder makes.
#include "packet/tcp_write.hpp"

#include "packet/parse.hpp"
#include "support/packet_builder.hpp"

#include <gtest/gtest.h>

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::EthernetFields;
using test_support::PacketBuilder;

SynOptions options_in(const Bytes& options) {
    const Bytes frame = PacketBuilder().ip("10.0.0.1", "10.0.0.2").tcp({.options = options}).build();
    Parsed parsed;
    parse(frame, parsed);
    return read_syn_options(frame.data(), parsed);
}

TEST(TcpWrite, ReadsWhatASynOffers) {
    const SynOptions all =
        options_in(test_support::bytes({2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 9}));
    EXPECT_EQ(all.segment_size, 1460u);
    EXPECT_EQ(all.window_scale, 9u);
    EXPECT_TRUE(all.sack_permitted);
    const SynOptions none = options_in({});
    EXPECT_EQ(none.segment_size, 0u);
    EXPECT_EQ(none.window_scale, kNoWindowScale);
    EXPECT_FALSE(none.sack_permitted);
    EXPECT_EQ(options_in(test_support::bytes({3, 3, 200, 1})).window_scale, 14u) << "RFC 7323, 2.3";
    EXPECT_EQ(options_in(test_support::bytes({0, 2, 4, 9})).segment_size, 0u) << "behind the end";
    EXPECT_EQ(options_in(test_support::bytes({99, 1, 2, 4})).segment_size, 0u) << "an option of one byte";
    EXPECT_EQ(options_in(test_support::bytes({1, 1, 2, 4})).segment_size, 0u) << "cut off";
    EXPECT_EQ(options_in(test_support::bytes({2, 3, 9, 1})).segment_size, 0u) << "too short";
}

constexpr std::uint8_t kAck = net::tcp_flag::kAck;

TEST(TcpWrite, GoesOnInThePlaceOfItsSender) {
    const Bytes like = PacketBuilder()
                           .vlan({.id = 5, .priority = 3})
                           .ipv4({.source = "10.1.1.1",
                                  .destination = "10.1.1.2",
                                  .ttl = 57,
                                  .tos = 0xbb,
                                  .identification = 99,
                                  .options = test_support::bytes({7, 7, 4, 0, 0, 0, 0, 0})})
                           .tcp({.source_port = 1, .destination_port = 2, .flags = kAck, .options = Bytes(12)})
                           .payload_size(300)
                           .build();
    Parsed parsed;
    parse(like, parsed);
    OwnSegment segment;
    segment.sequence = 0x01020304;
    segment.flags = net::tcp_flag::kSyn;
    segment.window = 512;
    segment.options = {1440, 9, true};
    Bytes out(kLongestOwnFrame);
    out.resize(write_segment(like, parsed, Toward::receiver, segment, kShortestFrame, out.data()));
    EXPECT_EQ(
        out, PacketBuilder()
                 .vlan({.id = 5, .priority = 3})
                 .ipv4({.source = "10.1.1.1", .destination = "10.1.1.2", .ttl = 57, .tos = 0xb8, .dont_fragment = true})
                 .tcp({.source_port = 1,
                       .destination_port = 2,
                       .flags = net::tcp_flag::kSyn,
                       .sequence = 0x01020304,
                       .window = 512,
                       .options = test_support::bytes({2, 4, 5, 0xa0, 4, 2, 3, 3, 9, 1, 1, 1})})
                 .build());
}

TEST(TcpWrite, TurnsRoundInPlace) {
    const Bytes syn = PacketBuilder()
                          .ipv6({.hop_limit = 3, .traffic_class = 0xff, .flow_label = 0x12345})
                          .extension({.size = 16})
                          .tcp({.flags = net::tcp_flag::kSyn, .options = test_support::bytes({2, 4, 5, 0xb4})})
                          .build();
    Parsed parsed;
    parse(syn, parsed);
    OwnSegment segment;
    segment.sequence = 7;
    segment.acknowledgment = 1;
    segment.flags = net::tcp_flag::kSyn | kAck;
    segment.options.segment_size = 1220;
    Bytes frame = syn;
    frame.resize(write_segment(frame, parsed, Toward::sender, segment, 60, frame.data()));
    EthernetFields turned;
    std::swap(turned.source, turned.destination);
    EXPECT_EQ(frame, PacketBuilder(turned)
                         .ip("2001:db8::2", "2001:db8::1")
                         .tcp({.source_port = 80,
                               .destination_port = 40000,
                               .flags = net::tcp_flag::kSyn | kAck,
                               .sequence = 7,
                               .acknowledgment = 1,
                               .window = 0,
                               .options = test_support::bytes({2, 4, 4, 0xc4})})
                         .build());
}

TEST(TcpWrite, FillsUpShortFrames) {
    const Bytes like = PacketBuilder().ip("10.0.0.1", "10.0.0.2").tcp({.flags = kAck}).payload_size(100).build();
    Parsed parsed;
    parse(like, parsed);
    OwnSegment segment;
    segment.flags = kAck;
    Bytes out(kLongestOwnFrame, std::byte{0xff});
    EXPECT_EQ(write_segment(like, parsed, Toward::sender, segment, 0, out.data()), 54u);
    EXPECT_EQ(out[54], std::byte{0xff});
    EXPECT_EQ(write_segment(like, parsed, Toward::sender, segment, kShortestFrame, out.data()), kShortestFrame);
    for (std::size_t i = 54; i < kShortestFrame; ++i) {
        EXPECT_EQ(out[i], std::byte{0}) << "no byte of another packet";
    }
    EXPECT_EQ(out[kShortestFrame], std::byte{0xff});
}

} // namespace
} // namespace sluice::packet
