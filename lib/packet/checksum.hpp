// Whether the transport's checksum is right, for a packet that parse() took for sound.
#pragma once

#include "net/headers.hpp"
#include "net/ones_sum.hpp"
#include "packet/parsed.hpp"
#include "packet/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::packet {

/// TCP (RFC 9293, 3.1), UDP (RFC 768; a zero over IPv4 means "none" and is right, over IPv6 it is wrong: RFC 8200,
/// 8.1), ICMP (RFC 792), ICMPv6 (RFC 4443, 2.3), SCTP's CRC-32C (RFC 9260, 6.8). True for protocols that have none.
/// `frame` holds the whole packet.
bool transport_checksum_ok(std::span<const std::byte> frame, const Parsed& parsed);

/// Whether `length` bytes from the transport header add up with the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1).
/// Inline, because most packets of flows are asked.
[[gnu::always_inline]] inline bool pseudo_sum_ok(const std::byte* transport, std::size_t length, const Parsed& parsed) {
    net::OnesSum sum;
    if (parsed.family == net::Family::ipv4) {
        sum.add_words<1>(parsed.source);
        sum.add_words<1>(parsed.destination);
    } else {
        sum.add_words<4>(parsed.source);
        sum.add_words<4>(parsed.destination);
    }
    sum.add_word(std::uint32_t{parsed.protocol} << 8); // both as they lie in the pseudo-header
    sum.add_word(net::byte_swap(static_cast<std::uint16_t>(length)));
    sum.add(transport, length);
    return sum.is_all_ones();
}

inline bool tcp_checksum_ok(const std::byte* frame, const Parsed& parsed) {
    return pseudo_sum_ok(frame + parsed.l4_offset, transport_length(parsed), parsed);
}

inline bool udp_checksum_ok(const std::byte* frame, const Parsed& parsed) {
    const auto& udp = *reinterpret_cast<const net::UdpHeader*>(frame + parsed.l4_offset);
    if (udp.checksum.raw() == 0) return parsed.family == net::Family::ipv4;
    // The UDP length counts, not the IP packet's, which may go on behind it.
    return pseudo_sum_ok(frame + parsed.l4_offset, udp.length.host(), parsed);
}

} // namespace sluice::packet
