// Cuts packets into fragments.
#pragma once

#include "support/packet_builder.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::test_support {

/// Which bytes of the fragmented part, and what the fragment says of itself.
struct FragmentCut {
    std::size_t begin = 0;
    std::size_t end = 0; ///< beyond the last: up to the last
    std::uint32_t identification = 1;
    std::optional<bool> more = std::nullopt; ///< absent: unless the end is the packet's
};

/// A fragment of `frame`, a whole IPv4 or IPv6 packet. Over IPv6 hop-by-hop options and routing headers stay in front
/// of the fragment header, as RFC 8200, 4.5 wants it.
Bytes fragment_of(const Bytes& frame, const FragmentCut& cut);

/// Bytes of the fragmented part of `frame`.
std::size_t fragmented_size(const Bytes& frame);

/// All of `frame` in fragments of `size` bytes, a multiple of 8.
std::vector<Bytes> fragments_of(const Bytes& frame, std::size_t size, std::uint32_t identification = 1);

} // namespace sluice::test_support
