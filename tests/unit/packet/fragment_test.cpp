#include "packet/fragment.hpp"

#include "parse_frame.hpp"
#include "support/fragments.hpp"

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::fragment_of;
using test_support::PacketBuilder;

Fragment read(const Bytes& frame) {
    return read_fragment(frame, parse_frame(frame));
}

TEST(ReadFragment, OfIpv4) {
    const Bytes whole =
        PacketBuilder().vlan({.id = 7}).ipv4({.options = Bytes(8, std::byte{1})}).udp().payload_size(92).build();
    const Bytes frame = fragment_of(whole, {.begin = 40, .end = 80, .identification = 0xabcd});
    const Fragment fragment = read(frame);
    EXPECT_EQ(fragment.identification, net::Be16::from_host(0xabcd).raw());
    EXPECT_EQ(fragment.offset, 40u);
    EXPECT_EQ(fragment.length, 40u);
    EXPECT_EQ(fragment.data_offset, 14u + 4 + 28);
    EXPECT_EQ(fragment.protocol, net::protocol::kUdp);
    EXPECT_TRUE(fragment.more);
    EXPECT_FALSE(read(fragment_of(whole, {.begin = 80, .end = 1000})).more);
}

TEST(ReadFragment, PaddingIsNoData) {
    Bytes frame = fragment_of(PacketBuilder().ipv4().udp().payload_size(20).build(), {.begin = 24, .end = 100});
    frame.resize(60);
    EXPECT_EQ(read(frame).length, 4u);
}

TEST(ReadFragment, OfIpv6BehindOtherHeaders) {
    const Bytes whole = PacketBuilder()
                            .ipv6()
                            .extension({.protocol = 0, .size = 16})
                            .extension({.protocol = 43})
                            .extension({.protocol = 60})
                            .udp()
                            .payload_size(92)
                            .build();
    const Bytes frame = fragment_of(whole, {.begin = 0, .end = 48, .identification = 0x12345678});
    const Parsed parsed = parse_frame(frame);
    const Fragment fragment = read(frame);
    EXPECT_EQ(parsed.fragment, FragmentState::first);
    EXPECT_EQ(fragment.identification, net::Be32::from_host(0x12345678).raw());
    EXPECT_EQ(fragment.offset, 0u);
    EXPECT_EQ(fragment.length, 48u);
    EXPECT_EQ(fragment.data_offset, 14u + 40 + 16 + 8 + 8);
    EXPECT_EQ(fragment.protocol, 60u) << "what the fragment header says";
    EXPECT_EQ(parsed.protocol, net::protocol::kUdp);
    EXPECT_EQ(parsed.l4_offset, fragment.data_offset + 8u);
}

} // namespace
} // namespace sluice::packet
