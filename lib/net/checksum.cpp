#include "net/checksum.hpp"

namespace sluice::net {

std::uint64_t checksum_add(std::span<const std::byte> bytes, std::uint64_t sum) {
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) {
        sum += static_cast<std::uint64_t>(bytes[i]) << 8 | static_cast<std::uint64_t>(bytes[i + 1]);
    }
    if (i < bytes.size()) sum += static_cast<std::uint64_t>(bytes[i]) << 8; // RFC 1071: pad the last byte with zero
    return sum;
}

std::uint16_t checksum_finish(std::uint64_t sum) {
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

std::uint64_t pseudo_header_sum(Family family, const std::uint8_t* source, const std::uint8_t* destination,
                                std::uint8_t protocol, std::uint32_t length) {
    const std::size_t width = family == Family::ipv4 ? 4 : 16;
    std::uint64_t sum = checksum_add(std::as_bytes(std::span(source, width)));
    sum = checksum_add(std::as_bytes(std::span(destination, width)), sum);
    return sum + protocol + (length >> 16) + (length & 0xffff);
}

} // namespace sluice::net
