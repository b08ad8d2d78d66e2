#include "packet/quote.hpp"

#include "parse_frame.hpp"

namespace sluice::packet {
namespace {

using test_support::Bytes;
using test_support::ExtensionFields;
using test_support::PacketBuilder;

/// The IP packet of a frame.
Bytes packet_of(const PacketBuilder& builder, std::size_t size = 10'000) {
    const Bytes frame = builder.build();
    const std::size_t length = std::min(size, frame.size() - 14);
    return {frame.begin() + 14, frame.begin() + 14 + static_cast<std::ptrdiff_t>(length)};
}

struct Quoted {
    bool read = false;
    Parsed parsed{};
};

Quoted quote(const Bytes& packet, bool v6 = false) {
    PacketBuilder builder;
    if (v6)
        builder.ipv6().icmp({.type = 1});
    else
        builder.ipv4().icmp({.type = 3});
    const Bytes frame = builder.payload(packet).build();
    // An exact copy, so that the address sanitizer sees a read outside of it.
    const std::unique_ptr<std::byte[]> copy(new std::byte[frame.size()]);
    std::copy(frame.begin(), frame.end(), copy.get());
    Quoted out;
    out.read = read_quote({copy.get(), frame.size()}, parse_frame(frame), out.parsed);
    return out;
}

TEST(Quote, the_packet_is_read_as_it_was) {
    const Quoted tcp = quote(packet_of(PacketBuilder()
                                           .ipv4({.source = "10.0.0.7", .destination = "10.0.0.8"})
                                           .tcp({.source_port = 7, .destination_port = 8})));
    ASSERT_TRUE(tcp.read);
    EXPECT_EQ(source_of(tcp.parsed).to_string(), "10.0.0.7");
    EXPECT_EQ(destination_of(tcp.parsed).to_string(), "10.0.0.8");
    EXPECT_EQ(tcp.parsed.source_port.host(), 7);
    EXPECT_EQ(tcp.parsed.destination_port.host(), 8);
    EXPECT_EQ(tcp.parsed.protocol, net::protocol::kTcp);
    EXPECT_EQ(tcp.parsed.l4_offset, 14 + 20 + 8 + 20);

    const Quoted echo = quote(packet_of(PacketBuilder().ipv6().icmp({.identifier = 99})), true);
    ASSERT_TRUE(echo.read);
    EXPECT_EQ(echo.parsed.icmp_type, 128);
    EXPECT_EQ(echo.parsed.source_port.host(), 99);
}

TEST(Quote, eight_bytes_of_the_transport_are_enough_and_seven_are_not) {
    const PacketBuilder packet = PacketBuilder().ipv4().tcp().payload_size(100);
    EXPECT_TRUE(quote(packet_of(packet, 28)).read);
    for (std::size_t size = 0; size < 28; ++size) {
        EXPECT_FALSE(quote(packet_of(packet, size)).read) << size;
    }
}

TEST(Quote, headers_in_between_are_walked) {
    Bytes options(40, std::byte{1});
    EXPECT_TRUE(quote(packet_of(PacketBuilder().ipv4({.options = options}).udp())).read);
    const Quoted extended = quote(packet_of(PacketBuilder()
                                                .ipv6()
                                                .extension({.protocol = net::protocol::kHopByHop})
                                                .extension({.protocol = net::protocol::kDestinationOptions, .size = 24})
                                                .udp({.destination_port = 53})),
                                  true);
    ASSERT_TRUE(extended.read);
    EXPECT_EQ(extended.parsed.destination_port.host(), 53);
    const PacketBuilder cut = PacketBuilder().ipv6().extension({.size = 64}).udp();
    for (std::size_t size = 0; size < 40 + 64 + 8; ++size) {
        EXPECT_FALSE(quote(packet_of(cut, size), true).read) << size;
    }
}

TEST(Quote, a_chain_without_an_end_is_given_up) {
    PacketBuilder builder;
    builder.ipv6();
    for (unsigned i = 0; i < 60; ++i)
        builder.extension({});
    EXPECT_FALSE(quote(packet_of(builder.udp()), true).read);
}

TEST(Quote, lengths_inside_are_not_believed) {
    EXPECT_TRUE(quote(packet_of(PacketBuilder().ipv4({.total_length = 9'000}).udp({.length = 8'980}))).read);
    EXPECT_TRUE(quote(packet_of(PacketBuilder().ipv4({.total_length = 5}).udp())).read);
}

TEST(Quote, contradictions_are_refused) {
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv4({.version = 6}).udp())).read);
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv4({.header_length_units = 4}).udp())).read);
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv6().udp()), false).read) << "the other family";
}

TEST(Quote, fragments) {
    EXPECT_TRUE(quote(packet_of(PacketBuilder().ipv4({.more_fragments = true}).udp())).read);
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv4({.fragment_offset = 8}).udp())).read);
    EXPECT_TRUE(quote(packet_of(PacketBuilder().ipv6().ipv6_fragment({.more_fragments = true}).udp()), true).read);
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv6().ipv6_fragment({.offset = 8}).udp()), true).read);
}

// RFC 1122, 3.2.2: an error is never about an error.
TEST(Quote, an_error_is_not_quoted) {
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv4().icmp({.type = 3}).payload_size(28))).read);
    EXPECT_FALSE(quote(packet_of(PacketBuilder().ipv6().icmp({.type = 1}).payload_size(48)), true).read);
}

TEST(Quote, errors_are_those_that_hosts_act_on) {
    for (unsigned type = 0; type < 256; ++type) {
        const auto number = static_cast<std::uint8_t>(type);
        EXPECT_EQ(is_icmp_error(net::Family::ipv4, number), type == 3 || type == 11 || type == 12) << type;
        EXPECT_EQ(is_icmp_error(net::Family::ipv6, number), type >= 1 && type <= 4) << type;
    }
}

} // namespace
} // namespace sluice::packet
