#include "net/headers.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace sluice::net {
namespace {

template <typename Header, std::size_t Size> Header from(const unsigned char (&bytes)[Size]) {
    static_assert(Size == sizeof(Header));
    Header header;
    std::memcpy(&header, bytes, Size);
    return header;
}

TEST(Headers, every_one_may_stand_at_any_address) {
    static_assert(alignof(EthernetHeader) == 1 && alignof(VlanTag) == 1 && alignof(Ipv4Header) == 1);
    static_assert(alignof(Ipv6Header) == 1 && alignof(Ipv6ExtensionHeader) == 1 && alignof(Ipv6FragmentHeader) == 1);
    static_assert(alignof(TcpHeader) == 1 && alignof(UdpHeader) == 1 && alignof(IcmpHeader) == 1);
    static_assert(alignof(SctpHeader) == 1);
}

TEST(Headers, vlan_id_is_the_low_twelve_bits) {
    const auto tag = from<VlanTag>({0xff, 0xfe, 0x08, 0x00});
    EXPECT_EQ(tag.vlan_id(), 0xffe);
    EXPECT_EQ(tag.ether_type.host(), 0x0800);
}

TEST(Headers, ipv4_version_and_header_size_share_a_byte) {
    Ipv4Header header{};
    header.version_ihl = 0x4f;
    EXPECT_EQ(header.version(), 4u);
    EXPECT_EQ(header.header_size(), 60u);
}

TEST(Headers, ipv6_version_is_the_top_of_the_first_word) {
    Ipv6Header header{};
    header.version_class_flow = Be32::from_host(0x6ff12345);
    EXPECT_EQ(header.version(), 6u);
}

TEST(Headers, tcp_header_size_counts_in_words) {
    const auto tcp =
        from<TcpHeader>({0x9c, 0x40, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 2, 0xaf, 0x12, 0xff, 0xff, 0, 0, 0, 0});
    EXPECT_EQ(tcp.source_port.host(), 40000);
    EXPECT_EQ(tcp.destination_port.host(), 80);
    EXPECT_EQ(tcp.sequence.host(), 1u);
    EXPECT_EQ(tcp.acknowledgment.host(), 2u);
    EXPECT_EQ(tcp.header_size(), 40u);
    EXPECT_EQ(tcp.flags, 0x12);
}

} // namespace
} // namespace sluice::net
