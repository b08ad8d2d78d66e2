// Packets in the host's order, for designs that compare numbers.
#pragma once

#include "rule_sets/rule_set.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>

namespace sluice::bench {

/// An address as one number; IPv4 in the low 32 bits of `low`.
struct Number {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend auto operator<=>(const Number&, const Number&) = default;
};

inline Number number_of(const net::IpAddress& address) {
    Number number;
    for (unsigned byte = 0; byte < address.width() / 8; ++byte) {
        number.high = number.high << 8 | number.low >> 56;
        number.low = number.low << 8 | address.bytes[byte];
    }
    return number;
}

/// The first `length` of `width` bits.
inline Number mask_of(unsigned length, unsigned width) {
    const auto ones = [](unsigned bits, unsigned of) {
        return bits == 0 ? std::uint64_t{0} : (~std::uint64_t{0} << (64 - bits)) >> (64 - of);
    };
    if (width == 32) return {0, ones(length, 32)};
    return {ones(std::min(length, 64u), 64), ones(length > 64 ? length - 64 : 0, 64)};
}

inline Number operator&(const Number& a, const Number& b) {
    return {a.high & b.high, a.low & b.low};
}
inline Number operator|(const Number& a, const Number& b) {
    return {a.high | b.high, a.low | b.low};
}

/// The last address of a prefix.
inline Number last_of(const net::Prefix& prefix) {
    const unsigned width = prefix.address.width();
    const Number all = mask_of(width, width);
    const Number mask = mask_of(prefix.length, width);
    return number_of(prefix.address) | Number{all.high & ~mask.high, all.low & ~mask.low};
}

struct HostPacket {
    Number source;
    Number destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;

    explicit HostPacket(const rule_sets::Packet& packet)
        : source(number_of(packet.source))
        , destination(number_of(packet.destination))
        , source_port(packet.source_port)
        , destination_port(packet.destination_port)
        , protocol(packet.protocol) {}
};

} // namespace sluice::bench
