// The frame that nearly all are: untagged, IPv4 without options or IPv6 without extension headers, not a fragment, TCP
// or UDP, with nothing wrong or odd about it.
//
// It is read by straight code, and its Parsed is put together in registers and written eight bytes at a time. Whatever
// is not so is left to parse(), which says the same of an ordinary frame; tests hold the two against each other.
#pragma once

#include "net/header_checksum.hpp"
#include "net/headers.hpp"
#include "net/protocol.hpp"
#include "packet/parsed.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice::packet {
namespace detail {

template <typename Word> Word load(const void* from, std::size_t offset = 0) {
    Word word;
    std::memcpy(&word, static_cast<const char*>(from) + offset, sizeof word);
    return word;
}

inline void store(Parsed& out, std::size_t offset, std::uint64_t word) {
    std::memcpy(reinterpret_cast<char*>(&out) + offset, &word, sizeof word);
}

/// The transport header at `l4`, of which `room` bytes are there, at least a TCP header's: whether it is sound.
inline bool ordinary_transport(const std::byte* l4, std::size_t room, bool tcp) {
    if (tcp) {
        const std::size_t size = reinterpret_cast<const net::TcpHeader*>(l4)->header_size();
        return (size >= sizeof(net::TcpHeader)) & (size <= room);
    }
    const std::size_t length = reinterpret_cast<const net::UdpHeader*>(l4)->length.host();
    return (length >= sizeof(net::UdpHeader)) & (length <= room);
}

/// All of Parsed behind the addresses. The first of each line is where the lowest byte of a word lies.
inline void store_ordinary(Parsed& out, const std::byte* l4, net::Family family, std::uint8_t protocol,
                           std::uint8_t ttl, net::EtherType ether_type, std::size_t l4_offset, std::size_t ip_length) {
    static_assert(offsetof(Parsed, source_port) == 32 && offsetof(Parsed, destination_port) == 34);
    static_assert(offsetof(Parsed, outer_vlan) == 36 && offsetof(Parsed, inner_vlan) == 38);
    static_assert(offsetof(Parsed, protocol) == 40 && offsetof(Parsed, family) == 41 && offsetof(Parsed, kind) == 42);
    static_assert(offsetof(Parsed, malformed) == 43 && offsetof(Parsed, fragment) == 44);
    static_assert(offsetof(Parsed, tcp_flags) == 45 && offsetof(Parsed, icmp_type) == 46);
    static_assert(offsetof(Parsed, ether_type) == 48 && offsetof(Parsed, l3_offset) == 50);
    static_assert(offsetof(Parsed, l4_offset) == 52 && offsetof(Parsed, ip_length) == 54);
    static_assert(offsetof(Parsed, ttl) == 56 && offsetof(Parsed, extension_headers) == 57);
    static_assert(Malformed{} == Malformed::none && FragmentState{} == FragmentState::whole);
    const bool tcp = protocol == net::protocol::kTcp;
    const std::uint64_t flags = tcp ? reinterpret_cast<const net::TcpHeader*>(l4)->flags : 0;
    store(out, 32, load<std::uint32_t>(l4));
    store(out, 40,
          protocol | static_cast<std::uint64_t>(family) << 8 | static_cast<std::uint64_t>(Kind::ip) << 16 |
              flags << 40);
    store(out, 48,
          static_cast<std::uint64_t>(ether_type) | std::uint64_t{sizeof(net::EthernetHeader)} << 16 |
              std::uint64_t{l4_offset} << 32 | std::uint64_t{ip_length} << 48);
    store(out, 56, ttl);
}

inline bool ordinary_ipv4(const std::byte* ip, std::size_t room, Parsed& out) {
    constexpr std::size_t kHeader = sizeof(net::Ipv4Header);
    const auto& header = *reinterpret_cast<const net::Ipv4Header*>(ip);
    const std::size_t ip_length = header.total_length.host();
    const auto from = load<std::uint32_t>(header.source);
    const auto to = load<std::uint32_t>(header.destination);
    const unsigned first = header.source[0];
    const bool tcp = header.protocol == net::protocol::kTcp;
    const unsigned fragment = net::Ipv4Header::kMoreFragments | net::Ipv4Header::kOffsetMask;
    const bool shape = (header.version_ihl == 0x45) & (tcp | (header.protocol == net::protocol::kUdp)) &
                       ((header.fragment.host() & fragment) == 0) & (ip_length <= room) &
                       (ip_length >= kHeader + (tcp ? sizeof(net::TcpHeader) : sizeof(net::UdpHeader)));
    const bool usual = (header.ttl != 0) & (first != 0) & (first != 127) & (first < 0xe0) & (from != to);
    if (!(shape & usual & net::header_checksum_is_right(ip, kHeader))) [[unlikely]]
        return false;
    if (!ordinary_transport(ip + kHeader, ip_length - kHeader, tcp)) [[unlikely]]
        return false;
    store(out, 0, from);
    store(out, 8, 0);
    store(out, 16, to);
    store(out, 24, 0);
    store_ordinary(out, ip + kHeader, net::Family::ipv4, header.protocol, header.ttl, net::EtherType::ipv4,
                   sizeof(net::EthernetHeader) + kHeader, ip_length);
    return true;
}

inline bool ordinary_ipv6(const std::byte* ip, std::size_t room, Parsed& out) {
    constexpr std::size_t kHeader = sizeof(net::Ipv6Header);
    if (room < kHeader + sizeof(net::TcpHeader)) return false;
    const auto& header = *reinterpret_cast<const net::Ipv6Header*>(ip);
    const std::size_t ip_length = kHeader + header.payload_length.host();
    const auto from_high = load<std::uint64_t>(header.source);
    const auto from_low = load<std::uint64_t>(header.source, 8);
    const auto to_high = load<std::uint64_t>(header.destination);
    const auto to_low = load<std::uint64_t>(header.destination, 8);
    const unsigned first = header.source[0];
    const bool tcp = header.next_header == net::protocol::kTcp;
    const bool shape = ((load<std::uint8_t>(ip) & 0xf0) == 0x60) & (tcp | (header.next_header == net::protocol::kUdp)) &
                       (ip_length <= room) & (ip_length <= 65535) &
                       (ip_length >= kHeader + (tcp ? sizeof(net::TcpHeader) : sizeof(net::UdpHeader)));
    const bool usual = (header.hop_limit != 0) & (first != 0) & (first != 127) & (first != 0xff) &
                       ((from_high != to_high) | (from_low != to_low));
    if (!(shape & usual)) [[unlikely]]
        return false;
    if (!ordinary_transport(ip + kHeader, ip_length - kHeader, tcp)) [[unlikely]]
        return false;
    store(out, 0, from_high);
    store(out, 8, from_low);
    store(out, 16, to_high);
    store(out, 24, to_low);
    store_ordinary(out, ip + kHeader, net::Family::ipv6, header.next_header, header.hop_limit, net::EtherType::ipv6,
                   sizeof(net::EthernetHeader) + kHeader, ip_length);
    return true;
}

} // namespace detail

/// True: `out` is what parse() would make of the frame, its addresses differ, and no bit of its oddities is set. False:
/// nothing is said about the frame, and `out` is not written.
inline bool parse_ordinary(std::span<const std::byte> frame, Parsed& out) {
    constexpr std::size_t kEthernet = sizeof(net::EthernetHeader);
    // Reading a TCP header's bytes of a UDP datagram is within any frame that is not shorter than Ethernet allows.
    if (frame.size() < kEthernet + sizeof(net::Ipv4Header) + sizeof(net::TcpHeader)) [[unlikely]]
        return false;
    const auto* ethernet = reinterpret_cast<const net::EthernetHeader*>(frame.data());
    const std::byte* ip = frame.data() + kEthernet;
    const std::size_t room = frame.size() - kEthernet;
    switch (static_cast<net::EtherType>(ethernet->ether_type.host())) {
    case net::EtherType::ipv4: return detail::ordinary_ipv4(ip, room, out);
    case net::EtherType::ipv6: return detail::ordinary_ipv6(ip, room, out);
    default: return false;
    }
}

} // namespace sluice::packet
