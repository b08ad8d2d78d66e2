// Protocol headers as they stand on the wire. Every struct has alignment 1 and the size the RFC gives; the compiler
// checks both. They are handed out by packet/parse only after the length was checked.
#pragma once

#include "net/byte_order.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::net {

/// IEEE 802.3, without preamble and FCS.
struct EthernetHeader {
    std::uint8_t destination[6];
    std::uint8_t source[6];
    Be16 ether_type;
};
static_assert(sizeof(EthernetHeader) == 14);

/// IEEE 802.1Q / 802.1ad: what follows a 0x8100 or 0x88a8 type.
struct VlanTag {
    Be16 control; ///< 3 bits priority, 1 bit DEI, 12 bits VLAN id
    Be16 ether_type;

    [[nodiscard]] std::uint16_t vlan_id() const { return control.host() & 0x0fffu; }
};
static_assert(sizeof(VlanTag) == 4);

/// RFC 791, 3.1.
struct Ipv4Header {
    std::uint8_t version_ihl;
    std::uint8_t tos;
    Be16 total_length;
    Be16 identification;
    Be16 fragment; ///< 1 bit reserved, DF, MF, 13 bits offset in units of 8 bytes
    std::uint8_t ttl;
    std::uint8_t protocol;
    Be16 checksum;
    std::uint8_t source[4];
    std::uint8_t destination[4];

    static constexpr std::uint16_t kMoreFragments = 0x2000;
    static constexpr std::uint16_t kOffsetMask = 0x1fff;

    [[nodiscard]] unsigned version() const { return version_ihl >> 4; }
    [[nodiscard]] std::size_t header_size() const { return (version_ihl & 0x0fu) * std::size_t{4}; }
};
static_assert(sizeof(Ipv4Header) == 20);

/// RFC 8200, 3.
struct Ipv6Header {
    Be32 version_class_flow;
    Be16 payload_length;
    std::uint8_t next_header;
    std::uint8_t hop_limit;
    std::uint8_t source[16];
    std::uint8_t destination[16];

    [[nodiscard]] unsigned version() const { return version_class_flow.host() >> 28; }
};
static_assert(sizeof(Ipv6Header) == 40);

/// The common start of hop-by-hop, routing and destination options headers (RFC 8200, 4.3, 4.4, 4.6).
struct Ipv6ExtensionHeader {
    std::uint8_t next_header;
    std::uint8_t length_units; ///< in 8-byte units, the first 8 bytes not counted
};
static_assert(sizeof(Ipv6ExtensionHeader) == 2);

/// RFC 8200, 4.5.
struct Ipv6FragmentHeader {
    std::uint8_t next_header;
    std::uint8_t reserved;
    Be16 offset_flags; ///< 13 bits offset in units of 8 bytes, 2 reserved, M
    Be32 identification;
};
static_assert(sizeof(Ipv6FragmentHeader) == 8);

/// RFC 9293, 3.1.
struct TcpHeader {
    Be16 source_port;
    Be16 destination_port;
    Be32 sequence;
    Be32 acknowledgment;
    std::uint8_t data_offset; ///< upper 4 bits, in 4-byte units
    std::uint8_t flags;
    Be16 window;
    Be16 checksum;
    Be16 urgent_pointer;

    [[nodiscard]] std::size_t header_size() const { return (data_offset >> 4) * std::size_t{4}; }
};
static_assert(sizeof(TcpHeader) == 20);

/// RFC 768.
struct UdpHeader {
    Be16 source_port;
    Be16 destination_port;
    Be16 length;
    Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

/// RFC 792 and RFC 4443: the first eight bytes; `identifier` and `sequence` have that meaning in queries only.
struct IcmpHeader {
    std::uint8_t type;
    std::uint8_t code;
    Be16 checksum;
    Be16 identifier;
    Be16 sequence;
};
static_assert(sizeof(IcmpHeader) == 8);

/// RFC 9260, 3.1.
struct SctpHeader {
    Be16 source_port;
    Be16 destination_port;
    Be32 verification_tag;
    Be32 checksum;
};
static_assert(sizeof(SctpHeader) == 12);

} // namespace sluice::net
