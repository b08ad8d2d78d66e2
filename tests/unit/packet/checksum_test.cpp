#include "packet/checksum.hpp"

#include "packet/transport.hpp"
#include "parse_frame.hpp"

#include <vector>

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::PacketBuilder;

bool ok(const Bytes& frame) {
    return transport_checksum_ok(frame, parse_frame(frame));
}

std::vector<PacketBuilder> good() {
    std::vector<PacketBuilder> all;
    for (const std::size_t payload : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{531}}) {
        for (const bool v6 : {false, true}) {
            for (const unsigned kind : {0u, 1u, 2u, 3u}) {
                PacketBuilder builder;
                v6 ? builder.ipv6() : builder.ipv4();
                if (kind == 0) builder.tcp();
                if (kind == 1) builder.udp();
                if (kind == 2) builder.icmp();
                if (kind == 3) builder.sctp();
                all.push_back(payload == 0 ? builder : builder.payload_size(payload));
            }
        }
    }
    return all;
}

TEST(TransportChecksum, right_ones_are_right_and_any_flipped_bit_is_found) {
    for (const PacketBuilder& builder : good()) {
        Bytes frame = builder.build();
        ASSERT_TRUE(ok(frame));
        const Parsed parsed = parse_frame(frame);
        const std::size_t end = std::size_t{parsed.l3_offset} + parsed.ip_length;
        for (std::size_t at = parsed.l4_offset; at < end; ++at) {
            frame[at] ^= std::byte{0x10};
            const Parsed changed = parse_frame(frame);
            if (changed.kind == Kind::ip && transport_length(changed) == transport_length(parsed)) {
                const bool udp_without = changed.protocol == net::protocol::kUdp &&
                                         frame[parsed.l4_offset + 6] == std::byte{} &&
                                         frame[parsed.l4_offset + 7] == std::byte{};
                EXPECT_TRUE(udp_without || !ok(frame)) << int{parsed.protocol} << " byte " << at - parsed.l4_offset;
            }
            frame[at] ^= std::byte{0x10};
        }
    }
}

TEST(TransportChecksum, the_addresses_belong_to_it) {
    Bytes frame = PacketBuilder().ipv4().tcp().build();
    frame[14 + 15] ^= std::byte{1};
    EXPECT_FALSE(ok(frame));
}

TEST(TransportChecksum, padding_behind_the_packet_does_not) {
    EXPECT_TRUE(ok(PacketBuilder().ipv4().tcp().pad_to(60).build()));
}

TEST(TransportChecksum, udp_without_one) {
    EXPECT_TRUE(ok(PacketBuilder().ipv4().udp({.checksum = 0}).build()));
    EXPECT_FALSE(ok(PacketBuilder().ipv6().udp({.checksum = 0}).build()));
}

TEST(TransportChecksum, other_protocols_have_none) {
    EXPECT_TRUE(ok(PacketBuilder().ipv4({.protocol = 47}).payload_size(20).build()));
}

} // namespace
} // namespace sluice::packet
