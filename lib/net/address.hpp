// IP addresses and prefixes of both families, in one type each.
#pragma once

#include "base/expected.hpp"
#include "net/protocol.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::net {

/// An IPv4 or IPv6 address in network byte order. An IPv4 address uses the first four bytes, the others are zero.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};
    Family family = Family::ipv4;

    /// From bytes as they stand in a packet: 4 of them for IPv4, 16 for IPv6.
    static IpAddress from_wire(Family family, const std::uint8_t* wire) {
        IpAddress address;
        address.family = family;
        std::memcpy(address.bytes.data(), wire, family == Family::ipv4 ? 4 : 16);
        return address;
    }

    /// Dotted quad or RFC 4291 text. No leading zeros, no scope, no port; a plain sentence says what is wrong.
    static base::Expected<IpAddress, std::string> parse(std::string_view text);

    [[nodiscard]] unsigned width() const { return family == Family::ipv4 ? 32 : 128; }
    /// RFC 5952 text.
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// All addresses whose first `length` bits are those of `address`; the bits after them are zero.
struct Prefix {
    IpAddress address;
    std::uint8_t length = 0;

    /// `10.0.0.0/8`, `2001:db8::/32`, or an address alone (its full length). Bits set behind the length are an error.
    static base::Expected<Prefix, std::string> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& candidate) const;
    [[nodiscard]] bool contains(const Prefix& other) const { return other.length >= length && contains(other.address); }
    [[nodiscard]] bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

/// Ports `first` to `last`, both included, in host order.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 65535;

    [[nodiscard]] bool contains(std::uint16_t port) const { return port >= first && port <= last; }
    [[nodiscard]] bool overlaps(const PortRange& other) const { return first <= other.last && other.first <= last; }
    [[nodiscard]] bool is_any() const { return first == 0 && last == 65535; }

    friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

} // namespace sluice::net
