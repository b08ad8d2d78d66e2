// Frames into memory that is there already: what a hundred million of them want instead of PacketBuilder. Lengths and
// checksums come out right; who wants them wrong spoils them afterwards.
#pragma once

#include "net/protocol.hpp"
#include "world.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::simulation {

inline constexpr std::size_t kFrameRoom = 1600;

/// Where a packet goes to, whatever it carries.
struct Way {
    net::Family family = net::Family::ipv4;
    std::uint8_t protocol = 0;
    std::uint16_t vlan = 0;
    std::uint8_t ttl = 64;
    std::uint8_t source[16] = {};
    std::uint8_t destination[16] = {};
};
/// As `side` of the tuple sends.
Way way_from(const Tuple& tuple, Side side);

/// Bytes of a transport header and what follows it.
struct Segment {
    std::array<std::uint8_t, 1480> bytes;
    std::size_t size = 0;
};

struct TcpHeaderFields {
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint8_t flags = 0;
    std::uint16_t window = 0;
    std::array<std::uint8_t, 40> options{};
    std::size_t options_size = 0; ///< a multiple of 4
    std::size_t payload = 0;
};

// Each fills `out`, checksum included.
void write_tcp(const Way& way, const TcpHeaderFields& fields, Segment& out);
void write_udp(const Way& way, std::uint16_t source_port, std::uint16_t destination_port, std::size_t payload,
               Segment& out);
/// Type, code, the four bytes behind the checksum, and a body.
void write_icmp(const Way& way, std::uint8_t type, std::uint8_t code, std::uint32_t rest, const std::uint8_t* body,
                std::size_t body_size, Segment& out);
/// An SCTP packet with one chunk.
void write_sctp(std::uint16_t source_port, std::uint16_t destination_port, std::uint32_t tag, std::uint8_t chunk,
                Segment& out);
/// A GRE packet without a checksum.
void write_gre(std::size_t payload, Segment& out);

/// What part of the segment a fragment carries; `offset` is a multiple of 8.
struct Piece {
    bool fragment = false; ///< false: the whole, without a fragment header
    std::size_t offset = 0;
    std::size_t size = 0;
    bool more = false;
    std::uint16_t identification = 0;
};

/// The IP packet alone, as ICMP errors quote it. Returns its size; 0 when it does not fit kFrameRoom.
std::size_t write_ip(const Way& way, const Segment& segment, const Piece& piece, std::uint8_t* out);
/// The whole frame.
std::size_t write_frame(const Way& way, const Segment& segment, const Piece& piece, std::uint8_t* out);

} // namespace sluice::simulation
