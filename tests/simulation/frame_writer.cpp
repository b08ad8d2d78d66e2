#include "frame_writer.hpp"

#include "net/checksum.hpp"
#include "net/headers.hpp"

#include <cstring>
#include <span>

namespace sluice::simulation {
namespace {

using net::Be16;
using net::Be32;
using net::Family;
namespace protocol = net::protocol;

template <typename Header> void put(std::uint8_t* out, const Header& header) {
    std::memcpy(out, &header, sizeof header);
}

std::span<const std::byte> as_bytes(const std::uint8_t* from, std::size_t size) {
    return std::as_bytes(std::span(from, size));
}

/// The checksum of the segment with its pseudo-header; the field's place must be zero.
std::uint16_t transport_checksum(const Way& way, const Segment& segment) {
    const std::uint64_t pseudo = net::pseudo_header_sum(way.family, way.source, way.destination, way.protocol,
                                                        static_cast<std::uint32_t>(segment.size));
    return net::checksum_finish(net::checksum_add(as_bytes(segment.bytes.data(), segment.size), pseudo));
}

void put_checksum(Segment& segment, std::size_t at, std::uint16_t checksum) {
    put(segment.bytes.data() + at, Be16::from_host(checksum));
}

/// RFC 9260, 6.8 and appendix A: over the packet with a field of zero, the least significant byte first.
void put_crc32c(Segment& segment, std::size_t at) {
    std::uint32_t crc = 0xffffffff;
    for (std::size_t i = 0; i < segment.size; ++i) {
        crc ^= segment.bytes[i];
        for (unsigned bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
        }
    }
    crc = ~crc;
    std::memcpy(segment.bytes.data() + at, &crc, sizeof crc);
}

std::size_t write_ipv4(const Way& way, const Piece& piece, std::uint8_t* out) {
    net::Ipv4Header header{};
    header.version_ihl = 0x45;
    header.total_length = Be16::from_host(static_cast<std::uint16_t>(sizeof header + piece.size));
    header.identification = Be16::from_host(piece.identification);
    const unsigned more = piece.more ? net::Ipv4Header::kMoreFragments : 0u;
    header.fragment = Be16::from_host(static_cast<std::uint16_t>(more | piece.offset / 8));
    header.ttl = way.ttl;
    header.protocol = way.protocol;
    std::memcpy(header.source, way.source, 4);
    std::memcpy(header.destination, way.destination, 4);
    header.checksum =
        Be16::from_host(net::checksum_finish(net::checksum_add(std::as_bytes(std::span(&header, std::size_t{1})))));
    put(out, header);
    return sizeof header;
}

std::size_t write_ipv6(const Way& way, const Piece& piece, std::uint8_t* out) {
    const std::size_t extension = piece.fragment ? sizeof(net::Ipv6FragmentHeader) : 0;
    net::Ipv6Header header{};
    header.version_class_flow = Be32::from_host(0x60000000);
    header.payload_length = Be16::from_host(static_cast<std::uint16_t>(extension + piece.size));
    header.next_header = piece.fragment ? protocol::kFragment : way.protocol;
    header.hop_limit = way.ttl;
    std::memcpy(header.source, way.source, 16);
    std::memcpy(header.destination, way.destination, 16);
    put(out, header);
    if (piece.fragment) {
        net::Ipv6FragmentHeader fragment{};
        fragment.next_header = way.protocol;
        fragment.offset_flags = Be16::from_host(static_cast<std::uint16_t>(piece.offset | (piece.more ? 1u : 0u)));
        fragment.identification = Be32::from_host(piece.identification);
        put(out + sizeof header, fragment);
    }
    return sizeof header + extension;
}

} // namespace

Way way_from(const Tuple& tuple, Side side) {
    Way way;
    way.family = tuple.family;
    way.protocol = tuple.protocol;
    way.vlan = tuple.vlan;
    std::memcpy(way.source, tuple.address[side], 16);
    std::memcpy(way.destination, tuple.address[other(side)], 16);
    return way;
}

void write_tcp(const Way& way, const TcpHeaderFields& fields, Segment& out) {
    net::TcpHeader header{};
    header.source_port = Be16::from_host(fields.source_port);
    header.destination_port = Be16::from_host(fields.destination_port);
    header.sequence = Be32::from_host(fields.sequence);
    header.acknowledgment = Be32::from_host(fields.acknowledgment);
    const std::size_t size = sizeof header + fields.options_size;
    header.data_offset = static_cast<std::uint8_t>(size / 4 << 4);
    header.flags = fields.flags;
    header.window = Be16::from_host(fields.window);
    put(out.bytes.data(), header);
    std::memcpy(out.bytes.data() + sizeof header, fields.options.data(), fields.options_size);
    std::memset(out.bytes.data() + size, 0x55, fields.payload);
    out.size = size + fields.payload;
    put_checksum(out, offsetof(net::TcpHeader, checksum), transport_checksum(way, out));
}

void write_udp(const Way& way, std::uint16_t source_port, std::uint16_t destination_port, std::size_t payload,
               Segment& out) {
    net::UdpHeader header{};
    out.size = sizeof header + payload;
    header.source_port = Be16::from_host(source_port);
    header.destination_port = Be16::from_host(destination_port);
    header.length = Be16::from_host(static_cast<std::uint16_t>(out.size));
    put(out.bytes.data(), header);
    std::memset(out.bytes.data() + sizeof header, 0xaa, payload);
    const std::uint16_t checksum = transport_checksum(way, out);
    // RFC 768: a sum of zero goes as all ones, as zero says that there is none.
    put_checksum(out, offsetof(net::UdpHeader, checksum), checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

void write_icmp(const Way& way, std::uint8_t type, std::uint8_t code, std::uint32_t rest, const std::uint8_t* body,
                std::size_t body_size, Segment& out) {
    net::IcmpHeader header{};
    header.type = type;
    header.code = code;
    header.identifier = Be16::from_host(static_cast<std::uint16_t>(rest >> 16));
    header.sequence = Be16::from_host(static_cast<std::uint16_t>(rest));
    put(out.bytes.data(), header);
    if (body_size != 0) std::memcpy(out.bytes.data() + sizeof header, body, body_size);
    out.size = sizeof header + body_size;
    // RFC 4443, 2.3: ICMPv6 has a pseudo-header in its sum, ICMP has none.
    const std::uint16_t checksum = way.protocol == protocol::kIcmpv6
                                       ? transport_checksum(way, out)
                                       : net::checksum_finish(net::checksum_add(as_bytes(out.bytes.data(), out.size)));
    put_checksum(out, offsetof(net::IcmpHeader, checksum), checksum);
}

void write_sctp(std::uint16_t source_port, std::uint16_t destination_port, std::uint32_t tag, std::uint8_t chunk,
                Segment& out) {
    net::SctpHeader header{};
    header.source_port = Be16::from_host(source_port);
    header.destination_port = Be16::from_host(destination_port);
    header.verification_tag = Be32::from_host(tag);
    put(out.bytes.data(), header);
    const std::uint8_t body[20] = {chunk, 0, 0, 20, 0, 0, 0, 9};
    std::memcpy(out.bytes.data() + sizeof header, body, sizeof body);
    out.size = sizeof header + sizeof body;
    put_crc32c(out, offsetof(net::SctpHeader, checksum));
}

void write_gre(std::size_t payload, Segment& out) {
    const std::uint8_t header[4] = {0, 0, 0x08, 0x00}; // RFC 2784: no checksum, version 0, IPv4 inside
    std::memcpy(out.bytes.data(), header, sizeof header);
    std::memset(out.bytes.data() + sizeof header, 0x33, payload);
    out.size = sizeof header + payload;
}

std::size_t write_ip(const Way& way, const Segment& segment, const Piece& piece, std::uint8_t* out) {
    Piece part = piece;
    if (!part.fragment) {
        part.offset = 0;
        part.size = segment.size;
        part.more = false;
    }
    const std::size_t header = way.family == Family::ipv4 ? write_ipv4(way, part, out) : write_ipv6(way, part, out);
    // A fragment of a hostile sender may claim any place; what it carries is then taken from the segment's start.
    const std::size_t from = part.offset + part.size <= segment.size ? part.offset : 0;
    std::memcpy(out + header, segment.bytes.data() + from, part.size);
    return header + part.size;
}

std::size_t write_frame(const Way& way, const Segment& segment, const Piece& piece, std::uint8_t* out) {
    net::EthernetHeader ethernet{};
    ethernet.destination[0] = 0x02;
    ethernet.destination[5] = 2;
    ethernet.source[0] = 0x02;
    ethernet.source[5] = 1;
    const auto type = Be16::from_host(
        static_cast<std::uint16_t>(way.family == Family::ipv4 ? net::EtherType::ipv4 : net::EtherType::ipv6));
    ethernet.ether_type = way.vlan == 0 ? type : Be16::from_host(static_cast<std::uint16_t>(net::EtherType::vlan));
    put(out, ethernet);
    std::size_t size = sizeof ethernet;
    if (way.vlan != 0) {
        put(out + size, net::VlanTag{Be16::from_host(way.vlan), type});
        size += sizeof(net::VlanTag);
    }
    return size + write_ip(way, segment, piece, out + size);
}

} // namespace sluice::simulation
