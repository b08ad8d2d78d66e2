// Whether the transport's checksum is right, for a packet that parse() took for sound.
#pragma once

#include "packet/parsed.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::packet {

/// TCP (RFC 9293, 3.1), UDP (RFC 768; a zero over IPv4 means "none" and is right, over IPv6 it is wrong: RFC 8200,
/// 8.1), ICMP (RFC 792), ICMPv6 (RFC 4443, 2.3), SCTP's CRC-32C (RFC 9260, 6.8). True for protocols that have none.
/// `frame` holds the whole packet.
bool transport_checksum_ok(std::span<const std::byte> frame, const Parsed& parsed);

} // namespace sluice::packet
