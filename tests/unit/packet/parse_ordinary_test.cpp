// The short way for ordinary frames against parse(). That it says the same of every sample, fuzzed or mutated frame is
// one of the properties of support/packet_reference.hpp; here, that it takes what it should, and all else it leaves.
#include "packet/parse_ordinary.hpp"

#include "net/checksum.hpp"
#include "parse_frame.hpp"

#include <random>
#include <vector>

namespace sluice::packet {
namespace {

using test_support::broken_property;
using test_support::Bytes;
using test_support::PacketBuilder;

bool ordinary(const Bytes& frame) {
    EXPECT_EQ(broken_property(frame), "");
    Parsed parsed;
    return parse_ordinary(frame, parsed);
}

TEST(ParseOrdinary, TakesTcpAndUdpOfBothFamilies) {
    for (const std::size_t payload : {std::size_t{0}, std::size_t{1}, std::size_t{1'400}}) {
        EXPECT_TRUE(ordinary(PacketBuilder().ipv4().tcp().payload_size(payload).pad_to(60).build()));
        EXPECT_TRUE(ordinary(PacketBuilder().ipv4().udp().payload_size(payload).pad_to(60).build()));
        EXPECT_TRUE(ordinary(PacketBuilder().ipv6().tcp().payload_size(payload).build()));
        EXPECT_TRUE(ordinary(PacketBuilder().ipv6().udp().payload_size(payload + 12).build()));
    }
}

TEST(ParseOrdinary, LeavesWhatIsDecidedBeforeTheRules) {
    EXPECT_FALSE(ordinary(PacketBuilder().ip("10.0.0.1", "10.0.0.1").tcp().pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ip("2001:db8::1", "2001:db8::1").tcp().build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ip("127.0.0.1", "10.0.0.1").tcp().pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ip("0.0.0.1", "10.0.0.1").tcp().pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ip("224.0.0.1", "10.0.0.1").tcp().pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ip("::1", "2001:db8::1").tcp().build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ip("ff02::1", "2001:db8::1").tcp().build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ipv4({.ttl = 0}).tcp().pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ipv6({.hop_limit = 0}).tcp().build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ipv4({.checksum = 1}).tcp().pad_to(60).build()));
}

TEST(ParseOrdinary, LeavesOtherShapes) {
    EXPECT_FALSE(ordinary(PacketBuilder().vlan({.id = 7}).ipv4().tcp().build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ipv4().icmp({}).pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ipv4().sctp().pad_to(60).build()));
    EXPECT_FALSE(ordinary(PacketBuilder().ipv6().extension({}).tcp().build()));
    EXPECT_FALSE(ordinary(PacketBuilder().arp().pad_to(60).build()));
    EXPECT_FALSE(ordinary({}));
}

// Flipped bits and wrong words in the headers of ordinary frames: whatever comes out is parse()'s business or the same.
TEST(ParseOrdinary, SaysWhatParseSaysOfMutatedFrames) {
    std::mt19937 random(1);
    const std::vector<Bytes> seeds = {
        PacketBuilder().ipv4().tcp().pad_to(60).build(), PacketBuilder().ipv4().udp().payload_size(20).build(),
        PacketBuilder().ipv6().tcp().build(), PacketBuilder().ipv6().udp().payload_size(20).build()};
    unsigned taken = 0;
    for (unsigned i = 0; i < 200'000; ++i) {
        Bytes frame = seeds[random() % seeds.size()];
        for (auto change = random() % 3; change != 0; --change)
            frame[random() % frame.size()] ^= static_cast<std::byte>(1u << random() % 8);
        if (random() % 4 == 0) frame.resize(frame.size() - random() % 12);
        if (random() % 2 == 0 && frame.size() >= 34 &&
            frame[12] == std::byte{8}) { // so that IPv4's own checksum is right
            frame[24] = frame[25] = std::byte{};
            const std::uint16_t sum = net::checksum_finish(net::checksum_add(std::span(frame).subspan(14, 20)));
            frame[24] = static_cast<std::byte>(sum >> 8);
            frame[25] = static_cast<std::byte>(sum);
        }
        ASSERT_EQ(broken_property(frame), "") << "case " << i;
        Parsed parsed;
        taken += parse_ordinary(frame, parsed);
    }
    EXPECT_GT(taken, 50'000u);
}

} // namespace
} // namespace sluice::packet
