#include "net/checksum.hpp"

#include "net/byte_order.hpp"

#include <bit>
#include <cstring>

namespace sluice::net {

namespace {

static_assert(std::endian::native == std::endian::little);

template <typename T> T load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

} // namespace

std::uint64_t checksum_add(std::span<const std::byte> bytes, std::uint64_t sum) {
    // RFC 1071, 2(B): the sum may be taken in either byte order, and in wider words, if it is folded and turned at the
    // end. Two words at a time, each 32 bits into 64, so that no carry is lost below 16 GiB.
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t even = 0;
    std::uint64_t odd = 0;
    for (; left >= 8; left -= 8, at += 8) {
        even += load<std::uint32_t>(at);
        odd += load<std::uint32_t>(at + 4);
    }
    if (left >= 4) {
        even += load<std::uint32_t>(at);
        at += 4;
        left -= 4;
    }
    if (left >= 2) {
        odd += load<std::uint16_t>(at);
        at += 2;
        left -= 2;
    }
    if (left != 0) even += load<std::uint8_t>(at); // RFC 1071, 1: padded with zero
    std::uint64_t total = even + odd;
    total = (total & 0xffffffff) + (total >> 32);
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    return sum + byte_swap(static_cast<std::uint16_t>(total));
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
