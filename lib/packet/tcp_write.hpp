// TCP segments that Sluice says itself, in the place of one end towards the other, and the options of a SYN.
#pragma once

#include "packet/parsed.hpp"
#include "packet/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::packet {

/// What a SYN or SYN/ACK offers.
struct SynOptions {
    std::uint16_t segment_size = 0; ///< MSS (RFC 9293, 3.7.1); 0: not said
    std::uint8_t window_scale = kNoWindowScale;
    bool sack_permitted = false;
};
/// `data` is the frame of a TCP packet that parse() took for sound.
SynOptions read_syn_options(const std::byte* data, const Parsed& parsed);

/// Host order. Options are written as given, so that the answer to a SYN is no longer than the SYN was if it offers
/// nothing that the SYN did not.
struct OwnSegment {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint8_t flags = 0; ///< net::tcp_flag
    std::uint16_t window = 0;
    SynOptions options = {};
};

/// Whom a segment of our own goes to, seen from the packet that it follows upon.
enum class Toward : std::uint8_t {
    sender,   ///< back: addresses and ports are turned round
    receiver, ///< the same way, in the packet's place
};

/// Two tags, IPv6, TCP with 12 bytes of options.
inline constexpr std::size_t kLongestOwnFrame = 14 + 8 + 40 + 20 + 12;
/// Without its FCS (IEEE 802.3, 4A.2.3.2.4); shorter frames are filled up.
inline constexpr std::size_t kShortestFrame = 60;

/// Writes the frame of `segment` to `out` and returns its length: in the Ethernet header and tags of `like`, a frame
/// that parse() took for a sound TCP packet, with IP headers of our own that have no options. Towards the receiver TTL,
/// DSCP and flow label are those of `like`, otherwise 64 and none. Never with ECN bits.
///
/// `out` has kLongestOwnFrame bytes, or is `like` itself. The frame is filled up to `shortest` bytes.
std::uint16_t write_segment(std::span<const std::byte> like, const Parsed& parsed, Toward toward,
                            const OwnSegment& segment, std::size_t shortest, std::byte* out);

} // namespace sluice::packet
