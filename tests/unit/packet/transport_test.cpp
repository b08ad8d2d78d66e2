#include "packet/transport.hpp"

#include "parse_frame.hpp"

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::bytes;
using test_support::PacketBuilder;

TcpSegment segment_of(const PacketBuilder& builder) {
    const Bytes frame = builder.build();
    TcpSegment segment;
    read_tcp_segment(frame.data(), parse_frame(frame), segment);
    return segment;
}

PacketBuilder tcp_with(Bytes options, std::size_t payload = 0) {
    PacketBuilder builder;
    builder.ipv4().tcp({.flags = net::tcp_flag::kAck, .acknowledgment = 1'000, .options = std::move(options)});
    return payload == 0 ? builder : builder.payload_size(payload);
}

TEST(TcpSegment, numbers_and_length) {
    for (const bool v6 : {false, true}) {
        PacketBuilder builder;
        v6 ? builder.ipv6() : builder.ipv4();
        const TcpSegment segment = segment_of(
            builder.tcp({.sequence = 0x01020304, .acknowledgment = 0x0a0b0c0d, .window = 0x1234}).payload_size(17));
        EXPECT_EQ(segment.sequence, 0x01020304u);
        EXPECT_EQ(segment.acknowledgment, 0x0a0b0c0du);
        EXPECT_EQ(segment.sack_edge, segment.acknowledgment);
        EXPECT_EQ(segment.window, 0x1234);
        EXPECT_EQ(segment.length, 17u);
        EXPECT_EQ(segment.window_scale, kNoWindowScale);
        EXPECT_FALSE(segment.sack_permitted);
    }
}

TEST(TcpSegment, padding_of_the_frame_is_not_data) {
    EXPECT_EQ(segment_of(PacketBuilder().ipv4().tcp().pad_to(60)).length, 0u);
}

TEST(TcpSegment, options_are_not_data) {
    EXPECT_EQ(segment_of(tcp_with(bytes({1, 1, 1, 1}), 5)).length, 5u);
}

TEST(TcpSegment, window_scale_is_at_most_14) {
    EXPECT_EQ(segment_of(tcp_with(bytes({3, 3, 7}))).window_scale, 7);
    EXPECT_EQ(segment_of(tcp_with(bytes({1, 3, 3, 200}))).window_scale, 14);
    EXPECT_EQ(segment_of(tcp_with(bytes({3, 2, 1, 1}))).window_scale, kNoWindowScale) << "of the wrong size";
}

TEST(TcpSegment, sack_permitted) {
    EXPECT_TRUE(segment_of(tcp_with(bytes({1, 1, 4, 2}))).sack_permitted);
    EXPECT_FALSE(segment_of(tcp_with(bytes({4, 3, 0}))).sack_permitted);
}

TEST(TcpSegment, the_highest_edge_of_all_blocks_counts) {
    const Bytes blocks = bytes({1, 1, 5, 18, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 6, 0});
    EXPECT_EQ(segment_of(tcp_with(blocks)).sack_edge, 0x600u + 0u);
    EXPECT_EQ(segment_of(tcp_with(bytes({5, 10, 0, 0, 0, 1, 0, 0, 0, 2}))).sack_edge, 1'000u)
        << "below the acknowledgment";
    EXPECT_EQ(segment_of(tcp_with(bytes({5, 9, 0, 0, 4, 0, 0, 0, 8}))).sack_edge, 1'000u) << "not whole blocks";
}

TEST(TcpSegment, what_is_behind_a_broken_option_is_not_read) {
    EXPECT_EQ(segment_of(tcp_with(bytes({8, 0, 3, 3, 7, 0, 0, 0}))).window_scale, kNoWindowScale);
    EXPECT_EQ(segment_of(tcp_with(bytes({8, 200, 3, 3, 7, 0, 0, 0}))).window_scale, kNoWindowScale);
    EXPECT_EQ(segment_of(tcp_with(bytes({0, 3, 3, 7}))).window_scale, kNoWindowScale) << "behind the end of the list";
    EXPECT_EQ(segment_of(tcp_with(bytes({1, 1, 1, 3}))).window_scale, kNoWindowScale) << "cut off";
}

TEST(TcpSegment, a_timestamp_alone_is_passed_over) {
    EXPECT_EQ(segment_of(tcp_with(bytes({1, 1, 8, 10, 3, 3, 7, 0, 4, 2, 5, 10}))).window_scale, kNoWindowScale);
}

SctpPacket sctp_of(Bytes chunks) {
    const Bytes frame = PacketBuilder().ipv4().sctp({.verification_tag = 0xabcd}).payload(std::move(chunks)).build();
    return read_sctp_packet(frame, parse_frame(frame));
}

TEST(SctpPacket, an_INIT_has_a_tag_of_its_own) {
    const SctpPacket init = sctp_of(bytes({1, 0, 0, 20, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_TRUE(init.sound);
    EXPECT_EQ(init.tag, 0xabcdu);
    EXPECT_EQ(init.chunk, 1);
    EXPECT_EQ(init.initiate_tag, 0x11223344u);
}

TEST(SctpPacket, of_several_chunks_the_one_that_moves_the_state_counts) {
    EXPECT_EQ(sctp_of(bytes({3, 0, 0, 5, 9, 0, 0, 0, 7, 1, 0, 4})).chunk, 7);
    EXPECT_EQ(sctp_of(bytes({10, 0, 0, 4, 0, 3, 0, 4})).chunk, 10);
    EXPECT_EQ(sctp_of(bytes({6, 1, 0, 4})).chunk_flags, 1);
}

// RFC 9260, 6.10.
TEST(SctpPacket, some_chunks_are_alone) {
    Bytes init = bytes({1, 0, 0, 20, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    const Bytes data = bytes({0, 3, 0, 4});
    Bytes both = init;
    both.insert(both.end(), data.begin(), data.end());
    EXPECT_TRUE(sctp_of(init).sound);
    EXPECT_FALSE(sctp_of(both).sound);
    EXPECT_FALSE(sctp_of(bytes({14, 0, 0, 4, 0, 3, 0, 4})).sound);
    EXPECT_TRUE(sctp_of(bytes({7, 0, 0, 4, 0, 3, 0, 4})).sound);
    init[3] = std::byte{16};
    EXPECT_FALSE(sctp_of(init).sound) << "shorter than its fields";
}

TEST(SctpPacket, chunks_must_hold_together) {
    EXPECT_FALSE(sctp_of({}).sound);
    EXPECT_FALSE(sctp_of(bytes({1, 0, 0})).sound);
    EXPECT_FALSE(sctp_of(bytes({0, 0, 0, 3, 1})).sound);
    EXPECT_FALSE(sctp_of(bytes({0, 0, 0, 9, 1})).sound);
}

} // namespace
} // namespace sluice::packet
