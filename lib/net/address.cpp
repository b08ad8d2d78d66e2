#include "net/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace sluice::net {
namespace {

bool bits_behind_are_zero(const IpAddress& address, unsigned length) {
    for (unsigned bit = length; bit < address.width(); ++bit) {
        if ((address.bytes[bit / 8] >> (7 - bit % 8)) & 1) return false;
    }
    return true;
}

IpAddress masked(IpAddress address, unsigned length) {
    for (unsigned bit = length; bit < address.width(); ++bit) {
        address.bytes[bit / 8] = static_cast<std::uint8_t>(address.bytes[bit / 8] & ~(1u << (7 - bit % 8)));
    }
    return address;
}

} // namespace

base::Expected<IpAddress, std::string> IpAddress::parse(std::string_view text) {
    // inet_pton refuses leading zeros, missing parts and trailing text, and wants a terminated string.
    const std::string terminated(text);
    IpAddress address;
    if (terminated.size() == text.size() && terminated.find('\0') == std::string::npos) {
        if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
            address.family = Family::ipv4;
            return address;
        }
        if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) {
            address.family = Family::ipv6;
            return address;
        }
    }
    return base::Unexpected("'" + terminated + "' is not an IPv4 or IPv6 address");
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

base::Expected<Prefix, std::string> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return base::Unexpected(address.error());
    Prefix prefix{*address, static_cast<std::uint8_t>(address->width())};
    if (slash == std::string_view::npos) return prefix;

    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (status != std::errc{} || end != digits.data() + digits.size() || leading_zero || length > address->width()) {
        return base::Unexpected("prefix length '" + std::string(digits) + "' is not a number from 0 to " +
                                std::to_string(address->width()));
    }
    prefix.length = static_cast<std::uint8_t>(length);
    if (!bits_behind_are_zero(*address, length)) {
        const Prefix meant{masked(*address, length), prefix.length};
        return base::Unexpected("'" + std::string(text) + "' has address bits set behind its prefix length; write '" +
                                meant.to_string() + "' or '" + address->to_string() + "'");
    }
    return prefix;
}

bool Prefix::contains(const IpAddress& candidate) const {
    if (candidate.family != address.family) return false;
    const unsigned whole = length / 8u;
    if (std::memcmp(address.bytes.data(), candidate.bytes.data(), whole) != 0) return false;
    const unsigned rest = length % 8u;
    if (rest == 0) return true;
    return ((address.bytes[whole] ^ candidate.bytes[whole]) >> (8 - rest)) == 0;
}

std::string Prefix::to_string() const {
    return address.to_string() + "/" + std::to_string(length);
}

} // namespace sluice::net
