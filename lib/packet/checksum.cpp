#include "packet/checksum.hpp"

#include "net/crc32c.hpp"

#include <cstring>

namespace sluice::packet {
namespace {

using net::Family;
namespace protocol = net::protocol;

/// The sum over a whole, sound message is all ones (RFC 1071, 1).
bool sum_ok(std::span<const std::byte> payload) {
    net::OnesSum sum;
    sum.add(payload.data(), payload.size());
    return sum.is_all_ones();
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
    const std::span<const std::byte> payload = frame.subspan(parsed.l4_offset, transport_length(parsed));
    switch (parsed.protocol) {
    case protocol::kTcp: return tcp_checksum_ok(frame.data(), parsed);
    case protocol::kUdp: return udp_checksum_ok(frame.data(), parsed);
    case protocol::kIcmp: return parsed.family != Family::ipv4 || sum_ok(payload);
    case protocol::kIcmpv6:
        return parsed.family != Family::ipv6 || pseudo_sum_ok(payload.data(), payload.size(), parsed);
    case protocol::kSctp: return sctp_ok(payload);
    default: return true;
    }
}

} // namespace sluice::packet
