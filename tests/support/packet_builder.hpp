// Frames for tests, written as they are read, outermost header first:
//
//     const Bytes syn = PacketBuilder()
//                           .vlan({.id = 7})
//                           .ipv4({.source = "10.0.0.1", .destination = "10.0.0.2"})
//                           .tcp({.source_port = 40000, .destination_port = 22, .flags = net::tcp_flag::kSyn})
//                           .build();
//
// Whatever is not said gets the value that makes the frame right: lengths, types and checksums follow from the headers
// behind. Every such field is an optional; give it a value to make a frame that is wrong in just that place. Numbers
// are in host order, sizes and lengths in bytes. A mistake in a test's own text (an address that is none) throws.
#pragma once

#include "net/address.hpp"
#include "net/protocol.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::test_support {

using Bytes = std::vector<std::byte>;

/// `{0x01, 0x94}` or text as bytes.
Bytes bytes(std::initializer_list<unsigned> values);
Bytes bytes(std::string_view text);

/// An IP address that may be written as text.
struct Address : net::IpAddress {
    Address(const char* text);
    Address(const net::IpAddress& address)
        : net::IpAddress(address) {}
};

using Mac = std::array<std::uint8_t, 6>;

/// Always there: PacketBuilder() begins with one of these.
struct EthernetFields {
    Mac destination = {0x02, 0, 0, 0, 0, 0x02};
    Mac source = {0x02, 0, 0, 0, 0, 0x01};
    std::optional<std::uint16_t> ether_type = {};
};

struct VlanFields {
    std::uint16_t id = 0;
    std::uint8_t priority = 0;
    std::uint16_t tpid = 0x8100; ///< the EtherType that announces this tag
    std::optional<std::uint16_t> ether_type = {};
};

/// RFC 826, for IPv4 over Ethernet.
struct ArpFields {
    std::uint16_t operation = 1; ///< 1 request, 2 reply
    Mac sender_mac = {0x02, 0, 0, 0, 0, 0x01};
    Address sender = "10.0.0.1";
    Mac target_mac = {};
    Address target = "10.0.0.2";
};

struct Ipv4Fields {
    Address source = "10.0.0.1";
    Address destination = "10.0.0.2";
    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint16_t identification = 0;
    bool dont_fragment = false;
    bool more_fragments = false;
    std::uint16_t fragment_offset = 0; ///< bytes, a multiple of 8
    Bytes options = {};                ///< padded to a multiple of 4 with end-of-options
    std::optional<std::uint8_t> protocol = {};
    std::optional<std::uint8_t> version = {};
    std::optional<std::uint8_t> header_length_units = {}; ///< IHL, in 4-byte units
    std::optional<std::uint16_t> total_length = {};
    std::optional<std::uint16_t> checksum = {};
};

struct Ipv6Fields {
    Address source = "2001:db8::1";
    Address destination = "2001:db8::2";
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;
    std::optional<std::uint8_t> next_header = {};
    std::optional<std::uint8_t> version = {};
    std::optional<std::uint16_t> payload_length = {};
};

/// Any IPv6 extension header but the fragment header. Its content is padding, or zero where padding has no meaning,
/// unless said.
struct ExtensionFields {
    std::uint8_t protocol = net::protocol::kDestinationOptions;
    std::size_t size = 8; ///< a multiple of 8; for AH, at least 12 and a multiple of 4
    std::optional<std::uint8_t> next_header = {};
    std::optional<std::uint8_t> length_units = {}; ///< as the header's own kind counts it
    std::optional<Bytes> content = {};             ///< behind the first two bytes; zeros follow up to `size`
};

struct Ipv6FragmentFields {
    std::uint16_t offset = 0; ///< bytes, a multiple of 8
    bool more_fragments = false;
    std::uint32_t identification = 0;
    std::optional<std::uint8_t> next_header = {};
};

struct TcpFields {
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 80;
    std::uint8_t flags = net::tcp_flag::kSyn;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint16_t window = 65535;
    std::uint16_t urgent_pointer = 0;
    Bytes options = {};                                 ///< padded to a multiple of 4 with end-of-options
    std::optional<std::uint8_t> data_offset_units = {}; ///< in 4-byte units
    std::optional<std::uint16_t> checksum = {};
};

struct UdpFields {
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 53;
    std::optional<std::uint16_t> length = {};
    std::optional<std::uint16_t> checksum = {};
};

/// ICMP under IPv4, ICMPv6 under IPv6, unless said.
struct IcmpFields {
    std::optional<std::uint8_t> protocol = {}; ///< what the header before announces
    std::optional<std::uint8_t> type = {};     ///< an echo request of the family, unless said
    std::uint8_t code = 0;
    std::uint16_t identifier = 0; ///< bytes 4 and 5, whatever the type makes of them
    std::uint16_t sequence = 0;   ///< bytes 6 and 7
    std::optional<std::uint16_t> checksum = {};
};

struct SctpFields {
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 5060;
    std::uint32_t verification_tag = 0;
    std::optional<std::uint32_t> checksum = {};
};

/// For tests that make packets from a tuple: the header that `protocol` wants, as far as it has such fields.
struct TransportFields {
    std::uint8_t protocol = net::protocol::kTcp;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t tcp_flags = net::tcp_flag::kSyn;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::uint16_t icmp_identifier = 0;
};

class PacketBuilder {
  public:
    explicit PacketBuilder(EthernetFields fields = {});

    PacketBuilder& vlan(VlanFields fields);
    PacketBuilder& arp(ArpFields fields = {});
    PacketBuilder& ipv4(Ipv4Fields fields = {});
    PacketBuilder& ipv6(Ipv6Fields fields = {});
    /// IPv4 or IPv6, as the addresses are.
    PacketBuilder& ip(Address source, Address destination);
    PacketBuilder& extension(ExtensionFields fields);
    PacketBuilder& ipv6_fragment(Ipv6FragmentFields fields);
    PacketBuilder& tcp(TcpFields fields = {});
    PacketBuilder& udp(UdpFields fields = {});
    PacketBuilder& icmp(IcmpFields fields = {});
    PacketBuilder& sctp(SctpFields fields = {});
    PacketBuilder& transport(TransportFields fields);

    /// Bytes behind the last header; `size` of them when only their number matters.
    PacketBuilder& payload(Bytes content);
    PacketBuilder& payload(std::string_view text);
    PacketBuilder& payload_size(std::size_t size);

    /// Fills the frame with zeros up to `size`, behind the IP packet, as Ethernet does up to 60.
    PacketBuilder& pad_to(std::size_t size);

    [[nodiscard]] Bytes build() const;

  private:
    struct PayloadPart {
        Bytes content;
        std::optional<std::uint8_t> protocol; ///< what the header before it announces, if the test said so
    };
    using Part = std::variant<EthernetFields, VlanFields, ArpFields, Ipv4Fields, Ipv6Fields, ExtensionFields,
                              Ipv6FragmentFields, TcpFields, UdpFields, IcmpFields, SctpFields, PayloadPart>;
    class Writer;

    std::vector<Part> parts_;
    std::size_t padded_size_ = 0;
};

} // namespace sluice::test_support
