#include "traffic_generator/arrival.hpp"

#include "net/checksum.hpp"
#include "net/header_checksum.hpp"
#include "net/headers.hpp"
#include "net/protocol.hpp"
#include "traffic_generator/frame_template.hpp"

#include <array>
#include <cstring>

namespace sluice::traffic {
namespace {

constexpr std::size_t kIpAt = sizeof(net::EthernetHeader);

template <typename T> T load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

std::array<std::byte, kLargestFrame> expected_payload() {
    std::array<std::byte, kLargestFrame> bytes;
    for (uint16_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = payload_byte(i);
    }
    return bytes;
}

} // namespace

FrameReader::FrameReader(const TuplePlan& plan, const AddressRange& floods)
    : family_(plan.family())
    , clients_(plan.clients())
    , servers_(plan.servers())
    , floods_(floods) {}

Reading FrameReader::read(std::span<const std::byte> frame, Side from, Arrival& arrival) const {
    return family_ == net::Family::ipv4 ? read_ip<net::Family::ipv4>(frame, from, arrival)
                                        : read_ip<net::Family::ipv6>(frame, from, arrival);
}

bool FrameReader::same_network(const std::byte* address, const AddressRange& range) const {
    if (family_ == net::Family::ipv6 && std::memcmp(address, range.base().bytes.data(), 12) != 0) return false;
    return range.contains(load<uint32_t>(address + (family_ == net::Family::ipv4 ? 0 : 12)));
}

template <net::Family kFamily>
Reading FrameReader::read_ip(std::span<const std::byte> frame, Side from, Arrival& arrival) const {
    constexpr bool kIpv4 = kFamily == net::Family::ipv4;
    constexpr std::size_t kWidth = kIpv4 ? 4 : 16;
    constexpr std::size_t kTransportAt = kIpAt + (kIpv4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header));
    constexpr std::size_t kAddressesAt = kTransportAt - 2 * kWidth;
    constexpr auto kType = static_cast<uint16_t>(kIpv4 ? net::EtherType::ipv4 : net::EtherType::ipv6);
    const std::byte* at = frame.data();
    if (frame.size() < kTransportAt + sizeof(net::UdpHeader)) return Reading::foreign;
    if (load<net::Be16>(at + 12) != net::Be16::from_host(kType)) return Reading::foreign;

    // Nobody here sends options or extension headers, so a header with some is not ours.
    std::size_t size = 0; // of what follows the IP header
    if constexpr (kIpv4) {
        if (at[kIpAt] != std::byte{0x45}) return Reading::foreign;
        const std::size_t total = load<net::Be16>(at + kIpAt + 2).host();
        if (total < sizeof(net::Ipv4Header) || kIpAt + total > frame.size()) return Reading::damaged;
        if (!net::header_checksum_is_right(at + kIpAt, sizeof(net::Ipv4Header))) return Reading::damaged;
        size = total - sizeof(net::Ipv4Header);
        arrival.protocol = static_cast<uint8_t>(at[kIpAt + 9]);
    } else {
        size = load<net::Be16>(at + kIpAt + 4).host();
        if (kTransportAt + size > frame.size()) return Reading::damaged;
        arrival.protocol = static_cast<uint8_t>(at[kIpAt + 6]);
    }
    const bool tcp = arrival.protocol == net::protocol::kTcp;
    if (!tcp && arrival.protocol != net::protocol::kUdp) return Reading::foreign;

    const std::byte* client = at + kAddressesAt + (from == Side::client ? 0 : kWidth);
    const std::byte* server = at + kAddressesAt + (from == Side::client ? kWidth : 0);
    arrival.flood = same_network(client, floods_);
    if (!same_network(server, servers_) || (!arrival.flood && !same_network(client, clients_))) return Reading::foreign;
    arrival.ends.source = load<uint32_t>(at + kAddressesAt + kWidth - 4);
    arrival.ends.destination = load<uint32_t>(at + kAddressesAt + 2 * kWidth - 4);

    if (size < (tcp ? sizeof(net::TcpHeader) : sizeof(net::UdpHeader))) return Reading::damaged;
    // The addresses of the pseudo-header lie right before the transport's header.
    const uint64_t sum =
        net::checksum_add(frame.subspan(kAddressesAt, 2 * kWidth + size), uint64_t{arrival.protocol} + size);
    const bool unsummed = !tcp && load<uint16_t>(at + kTransportAt + 6) == 0;
    if (unsummed || net::checksum_finish(sum) != 0) return Reading::damaged;
    arrival.ends.source_port = load<uint16_t>(at + kTransportAt);
    arrival.ends.destination_port = load<uint16_t>(at + kTransportAt + 2);

    std::size_t header = sizeof(net::UdpHeader);
    if (tcp) {
        net::TcpHeader fields;
        std::memcpy(&fields, at + kTransportAt, sizeof fields);
        header = fields.header_size();
        if (header < sizeof fields || header > size) return Reading::damaged;
        arrival.sequence = fields.sequence.host();
        arrival.acknowledgment = fields.acknowledgment.host();
        arrival.window = fields.window.host();
        arrival.flags = fields.flags;
    } else if (load<net::Be16>(at + kTransportAt + 4).host() != size)
        return Reading::damaged;
    arrival.payload = at + kTransportAt + header;
    arrival.payload_length = static_cast<uint16_t>(size - header);
    arrival.mark = 0;
    if (arrival.payload_length >= kMarkSize) std::memcpy(&arrival.mark, arrival.payload, kMarkSize);
    return Reading::good;
}

bool FrameReader::payload_is_right(const Arrival& arrival) {
    static const std::array<std::byte, kLargestFrame> expected = expected_payload();
    const std::size_t first = arrival.payload_length >= kMarkSize ? kMarkSize : 0;
    return std::memcmp(arrival.payload + first, expected.data() + first, arrival.payload_length - first) == 0;
}

} // namespace sluice::traffic
