// The IPv4 header's checksum, verified: once for every packet, so without a loop for a header without options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice::net {

/// Whether the words of an IPv4 header add up to what they should (RFC 791, 3.1; RFC 1071). `size` is 20 to 60, a
/// multiple of 4.
inline bool header_checksum_is_right(const void* header, std::size_t size) {
    // In the machine's order: a one's-complement sum that is all ones is so in any order (RFC 1071, 2 (B)).
    const auto word = [header](std::size_t index) {
        std::uint32_t value;
        std::memcpy(&value, static_cast<const char*>(header) + index * sizeof value, sizeof value);
        return std::uint64_t{value};
    };
    std::uint64_t sum = word(0) + word(1) + word(2) + word(3) + word(4);
    for (std::size_t i = 5; i < size / 4; ++i) {
        sum += word(i);
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16); // below 2^18: two folds more
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

} // namespace sluice::net
