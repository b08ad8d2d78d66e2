// Where a fragment lies in its datagram.
#pragma once

#include "packet/parsed.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::packet {

/// RFC 791, 3.2 and RFC 8200, 4.5. Lengths are in bytes.
struct Fragment {
    std::uint32_t identification; ///< as it lies in the packet; IPv4: 16 bits of it
    std::uint16_t offset;         ///< of the data in the datagram's fragmented part
    std::uint16_t length;         ///< of the data
    std::uint16_t data_offset;    ///< of the data in the frame
    std::uint8_t protocol;        ///< of what was fragmented: IPv4's protocol, the fragment header's next header
    bool more;                    ///< it is not the last
};

/// Reads the fragment in `frame`, of which parse() made `parsed`, with Parsed::fragment first or later.
Fragment read_fragment(std::span<const std::byte> frame, const Parsed& parsed);

} // namespace sluice::packet
