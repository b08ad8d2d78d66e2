#include "packet/checksum.hpp"

#include "net/checksum.hpp"
#include "net/crc32c.hpp"
#include "net/headers.hpp"
#include "packet/transport.hpp"

#include <cstring>

namespace sluice::packet {
namespace {

using net::Family;
namespace protocol = net::protocol;

/// The sum over a whole, sound segment or datagram is all ones, which finishes as zero (RFC 1071, 1).
bool sum_ok(std::span<const std::byte> payload, std::uint64_t pseudo_header) {
    return net::checksum_finish(net::checksum_add(payload, pseudo_header)) == 0;
}

std::uint64_t pseudo_header_of(const Parsed& parsed, std::size_t length) {
    return net::pseudo_header_sum(parsed.family, parsed.source, parsed.destination, parsed.protocol,
                                  static_cast<std::uint32_t>(length));
}

bool udp_ok(std::span<const std::byte> payload, const Parsed& parsed) {
    net::UdpHeader udp;
    std::memcpy(&udp, payload.data(), sizeof udp);
    if (udp.checksum.raw() == 0) return parsed.family == Family::ipv4;
    // The UDP length counts, not the IP packet's, which may go on behind it.
    const std::size_t length = udp.length.host();
    return sum_ok(payload.first(length), pseudo_header_of(parsed, length));
}

bool sctp_ok(std::span<const std::byte> payload) {
    net::SctpHeader sctp;
    std::memcpy(&sctp, payload.data(), sizeof sctp);
    // RFC 9260, 6.8: computed with the field as zero, and laid into the packet least significant byte first.
    constexpr std::byte kZero[4] = {};
    std::uint32_t crc = net::crc32c_begin();
    crc = net::crc32c_add(payload.first(8), crc);
    crc = net::crc32c_add(kZero, crc);
    crc = net::crc32c_add(payload.subspan(sizeof sctp), crc);
    return sctp.checksum.raw() == net::crc32c_finish(crc);
}

} // namespace

bool transport_checksum_ok(std::span<const std::byte> frame, const Parsed& parsed) {
    const std::size_t length = transport_length(parsed);
    const std::span<const std::byte> payload = frame.subspan(parsed.l4_offset, length);
    switch (parsed.protocol) {
    case protocol::kTcp: return sum_ok(payload, pseudo_header_of(parsed, length));
    case protocol::kUdp: return udp_ok(payload, parsed);
    case protocol::kIcmp: return parsed.family != Family::ipv4 || sum_ok(payload, 0);
    case protocol::kIcmpv6: return parsed.family != Family::ipv6 || sum_ok(payload, pseudo_header_of(parsed, length));
    case protocol::kSctp: return sctp_ok(payload);
    default: return true;
    }
}

} // namespace sluice::packet
