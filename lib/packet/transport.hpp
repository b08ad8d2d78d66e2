// What trackers read of a transport header, beyond what parse() keeps. For packets that parse() took for sound; `data`
// is the frame that holds the transport header (of a reassembled datagram, its first fragment).
#pragma once

#include "net/headers.hpp"
#include "packet/parsed.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::packet {

/// Bytes from the transport header to the end of the IP packet.
inline std::size_t transport_length(const Parsed& parsed) {
    return std::size_t{parsed.ip_length} - (parsed.l4_offset - parsed.l3_offset);
}

/// TcpSegment::window_scale where none is offered.
inline constexpr std::uint8_t kNoWindowScale = 15;

/// RFC 9293, 3.1 and 3.2; RFC 7323, 2; RFC 2018. Host order.
struct TcpSegment {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint32_t sack_edge = 0; ///< the highest right edge of its SACK blocks; `acknowledgment` without any
    std::uint32_t length = 0;    ///< bytes of data
    std::uint16_t window = 0;
    std::uint8_t window_scale = kNoWindowScale; ///< at most 14
    bool sack_permitted = false;
};

/// What TCP's options say; all but these are passed over. What does not fit the header ends the walk: hosts do not read
/// on either.
struct TcpOptions {
    std::uint32_t sack_edge; ///< in: the acknowledgment
    std::uint8_t window_scale = kNoWindowScale;
    bool sack_permitted = false;
};
void read_tcp_options(const std::byte* options, std::size_t size, TcpOptions& out);

/// The segment of a TCP packet, into a TcpSegment or anything with members of those names: a tracker's own struct is
/// filled in place.
template <typename Segment> void read_tcp_segment(const std::byte* data, const Parsed& parsed, Segment& out) {
    const auto* tcp = reinterpret_cast<const net::TcpHeader*>(data + parsed.l4_offset);
    out.sequence = tcp->sequence.host();
    out.acknowledgment = tcp->acknowledgment.host();
    out.window = tcp->window.host();
    const std::size_t header_size = tcp->header_size();
    out.length = static_cast<std::uint32_t>(transport_length(parsed) - header_size);
    TcpOptions options{out.acknowledgment};
    if (header_size != sizeof *tcp)
        read_tcp_options(data + parsed.l4_offset + sizeof *tcp, header_size - sizeof *tcp, options);
    out.sack_edge = options.sack_edge;
    out.window_scale = options.window_scale;
    out.sack_permitted = options.sack_permitted;
}

/// RFC 9260, 3. Host order.
struct SctpPacket {
    std::uint32_t tag = 0;          ///< of the common header
    std::uint32_t initiate_tag = 0; ///< of a first chunk that is INIT or INIT ACK
    std::uint8_t chunk = 0;         ///< type of the chunk that says most about the association's state
    std::uint8_t chunk_flags = 0;
    bool sound = false; ///< at least one chunk, all within the packet, none with others that has to be alone
};

/// Walks the chunks; DATA and the like say less than those that begin or end an association.
/// `data` ends with the packet or, of a reassembled datagram, with its first fragment: chunks that begin behind that
/// are not seen, and the last that is may go on there.
SctpPacket read_sctp_packet(std::span<const std::byte> data, const Parsed& parsed);

} // namespace sluice::packet
