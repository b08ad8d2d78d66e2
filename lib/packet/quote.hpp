// The packet that an ICMP or ICMPv6 error quotes.
#pragma once

#include "packet/parsed.hpp"

#include <cstddef>
#include <span>

namespace sluice::packet {

/// Whether the type is an error that quotes the packet it is about, and that a host may act on: ICMP destination
/// unreachable, time exceeded, parameter problem (RFC 792); ICMPv6 types 1 to 4 (RFC 4443, 3). A source quench is
/// deprecated (RFC 6633) and a redirect is for the link it is on: neither counts.
bool is_icmp_error(net::Family family, std::uint8_t type);

/// Reads what an error quotes: `out` as parse() would fill it, without VLANs, as far as the quote goes. Offsets count
/// from the first byte of `frame`, which holds the error; `error` is what parse() said about it.
///
/// False if the quote does not reach over the first eight bytes of a transport header, is of the other family, is
/// itself cut or contradictory, a later fragment, or an ICMP message that is neither query nor answer: an error never
/// is about an error (RFC 1122, 3.2.2). Lengths inside it are not believed: the quote may be cut anywhere behind.
bool read_quote(std::span<const std::byte> frame, const Parsed& error, Parsed& out);

} // namespace sluice::packet
