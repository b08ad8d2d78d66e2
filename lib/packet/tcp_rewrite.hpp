// Changes to TCP segments where they lie, with their checksums (RFC 1624), and what an ICMP error quotes of one. For
// packets that parse() took for sound; `data` is the frame that holds the transport header.
#pragma once

#include "packet/parsed.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::packet {

/// A checksum that was wrong stays wrong.
void set_tcp_sequence(std::byte* data, const Parsed& parsed, std::uint32_t sequence);
void set_tcp_acknowledgment(std::byte* data, const Parsed& parsed, std::uint32_t acknowledgment);
void set_tcp_window(std::byte* data, const Parsed& parsed, std::uint16_t window);
/// Flags of RFC 9293, 3.1 only: the header's length beside them stays.
void set_tcp_flags(std::byte* data, const Parsed& parsed, std::uint8_t flags);
/// Adds `delta` to both edges of every SACK block (RFC 2018, 3).
void add_to_sack_blocks(std::byte* data, const Parsed& parsed, std::uint32_t delta);

/// Adds `delta` to the sequence number of the TCP segment `quoted` by the ICMP error in `data`. The checksum of the
/// quoted segment is left alone: no host can verify it, as quotes are cut.
void add_to_quoted_sequence(std::byte* data, const Parsed& error, const Parsed& quoted, std::uint32_t delta);

} // namespace sluice::packet
