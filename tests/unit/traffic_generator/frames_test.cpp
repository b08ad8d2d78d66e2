// Templates, and the reader that judges what comes back: each is tested with the other, and with the project's parser.
#include "memory_wire.hpp"
#include "net/protocol.hpp"
#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "traffic_generator/connection_frames.hpp"
#include "traffic_generator/random.hpp"

#include <gtest/gtest.h>

namespace sluice::traffic {
namespace {

struct Kind {
    net::Family family;
    uint8_t protocol;
    uint16_t payload;
};

class Frames : public testing::TestWithParam<Kind> {
  protected:
    Frames()
        : plan(small_plan(GetParam().family))
        , reader(plan, flood_sources(GetParam().family)) {}

    Bytes made(Side from, uint32_t number, const TcpNumbers& numbers, uint64_t mark) const {
        FrameTemplate::Options options = template_options(plan, from, GetParam().protocol);
        options.flags = net::tcp_flag::kAck;
        options.window = 1000;
        options.payload = GetParam().payload;
        const FrameTemplate frame(options);
        Bytes bytes(kFrameRoom);
        const Ends ends = plan.ends(number);
        frame.write(bytes.data(), from == Side::client ? ends : ends.swapped(), numbers, mark);
        used = frame.used();
        bytes.resize(frame.length());
        return bytes;
    }

    TuplePlan plan;
    FrameReader reader;
    mutable std::size_t used = 0; ///< of the last frame, without padding
};

TEST_P(Frames, AreReadBackAndHaveTheRightChecksums) {
    Random random(7);
    for (int i = 0; i < 2000; ++i) {
        const Side from = i % 2 == 0 ? Side::client : Side::server;
        const uint32_t number = random.below(plan.count());
        const TcpNumbers numbers{static_cast<uint32_t>(random.next()), static_cast<uint32_t>(random.next())};
        const uint64_t mark = random.next();
        const Bytes bytes = made(from, number, numbers, mark);
        ASSERT_GE(bytes.size(), kSmallestFrame);

        packet::Parsed parsed{};
        packet::parse(bytes, parsed);
        ASSERT_EQ(parsed.kind, packet::Kind::ip);
        ASSERT_EQ(parsed.oddities, 0);
        ASSERT_TRUE(packet::transport_checksum_ok(bytes, parsed));

        Arrival arrival;
        ASSERT_EQ(reader.read(bytes, from, arrival), Reading::good);
        const Ends ends = plan.ends(number);
        EXPECT_EQ(arrival.ends, from == Side::client ? ends : ends.swapped());
        EXPECT_EQ(arrival.payload_length, GetParam().payload);
        EXPECT_EQ(arrival.mark, GetParam().payload >= kMarkSize ? mark & kMarkMask : 0);
        EXPECT_TRUE(FrameReader::payload_is_right(arrival));
        EXPECT_FALSE(arrival.flood);
        if (GetParam().protocol != net::protocol::kTcp) continue;
        EXPECT_EQ(arrival.sequence, numbers.sequence);
        EXPECT_EQ(arrival.acknowledgment, numbers.acknowledgment);
        EXPECT_EQ(arrival.window, 1000);
        EXPECT_EQ(arrival.flags, net::tcp_flag::kAck);
    }
}

TEST_P(Frames, NoByteOfThePacketMayChange) {
    const Bytes good = made(Side::client, 77, {1, 2}, 0x123456789abc);
    constexpr std::size_t kEthernet = 14;
    for (std::size_t at = kEthernet; at < used; ++at) {
        Bytes bytes = good;
        bytes[at] ^= std::byte{0x10};
        Arrival arrival;
        const Reading reading = reader.read(bytes, Side::client, arrival);
        // Of IPv6, what is in no checksum are the traffic class, the flow label and the hop limit: a router may change
        // those.
        const bool free = GetParam().family == net::Family::ipv6 && (at < kEthernet + 4 || at == kEthernet + 7);
        EXPECT_EQ(reading != Reading::good, !free) << at;
    }
}

TEST_P(Frames, ArriveFromTheirOwnSideOnly) {
    Arrival arrival;
    EXPECT_EQ(reader.read(made(Side::client, 5, {}, 0), Side::server, arrival), Reading::foreign);
    EXPECT_EQ(reader.read(made(Side::server, 5, {}, 0), Side::client, arrival), Reading::foreign);
}

TEST_P(Frames, CutOffTheyAreDamaged) {
    const Bytes good = made(Side::client, 5, {}, 0);
    for (std::size_t size = 0; size < used; ++size) {
        Arrival arrival;
        EXPECT_NE(reader.read({good.data(), size}, Side::client, arrival), Reading::good) << size;
    }
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, Frames,
    testing::Values(Kind{net::Family::ipv4, net::protocol::kTcp, 0}, Kind{net::Family::ipv4, net::protocol::kTcp, 6},
                    Kind{net::Family::ipv4, net::protocol::kTcp, 1460}, Kind{net::Family::ipv4, net::protocol::kUdp, 5},
                    Kind{net::Family::ipv4, net::protocol::kUdp, 18},
                    Kind{net::Family::ipv4, net::protocol::kUdp, 1001}, Kind{net::Family::ipv6, net::protocol::kTcp, 6},
                    Kind{net::Family::ipv6, net::protocol::kUdp, 333},
                    Kind{net::Family::ipv6, net::protocol::kUdp, 6}));

TEST(FramesTest, PayloadOfAnotherPatternIsNoticed) {
    Arrival arrival;
    Bytes payload(20);
    for (uint16_t i = 0; i < payload.size(); ++i) {
        payload[i] = payload_byte(i);
    }
    arrival.payload = payload.data();
    arrival.payload_length = static_cast<uint16_t>(payload.size());
    EXPECT_TRUE(FrameReader::payload_is_right(arrival));
    payload[19] ^= std::byte{1};
    EXPECT_FALSE(FrameReader::payload_is_right(arrival));
}

TEST(FramesTest, SynsHaveOptionsAndAreReadBack) {
    const TuplePlan plan = small_plan();
    for (const uint8_t scale : {uint8_t{0}, uint8_t{14}}) {
        const ConnectionFrames frames(plan, {}, scale);
        Bytes bytes(kFrameRoom);
        frames.of(Message::syn).write(bytes.data(), plan.ends(3), {42, 0}, 0);
        bytes.resize(frames.of(Message::syn).length());
        packet::Parsed parsed{};
        packet::parse(bytes, parsed);
        EXPECT_TRUE(packet::transport_checksum_ok(bytes, parsed));
        Arrival arrival;
        EXPECT_EQ(FrameReader(plan, flood_sources()).read(bytes, Side::client, arrival), Reading::good);
        EXPECT_EQ(arrival.payload_length, 0);
        EXPECT_EQ(arrival.flags, net::tcp_flag::kSyn);
    }
}

TEST(FramesTest, NumbersOfAConnectionFollowEachOther) {
    const Beginnings begun{100, 200};
    const Exchange exchange{10, 20};
    const auto check = [&](Message message, uint32_t sequence, uint32_t acknowledgment) {
        const TcpNumbers numbers = numbers_of(message, begun, exchange);
        EXPECT_EQ(numbers.sequence, sequence) << static_cast<int>(message);
        EXPECT_EQ(numbers.acknowledgment, acknowledgment) << static_cast<int>(message);
    };
    check(Message::syn, 100, 0);
    check(Message::syn_ack, 200, 101);
    check(Message::ack, 101, 201);
    check(Message::request, 101, 201);
    check(Message::server_ack, 201, 111);
    check(Message::response, 201, 111);
    check(Message::fin, 111, 221);
    check(Message::server_fin, 221, 112);
    check(Message::last_ack, 112, 222);
}

} // namespace
} // namespace sluice::traffic
