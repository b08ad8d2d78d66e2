#include "traffic_generator/frame_template.hpp"

#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "net/protocol.hpp"

#include <algorithm>
#include <cassert>
#include <span>

namespace sluice::traffic {
namespace {

constexpr uint8_t kTtl = 64;
constexpr uint8_t kSynOptionsSize = 4;       // maximum segment size
constexpr uint8_t kScaledSynOptionsSize = 8; // and no-operation, window scale
constexpr uint16_t kSegmentSize = 1440;      // fits IPv6 as well

/// The sum of bytes as net::checksum_add() makes it, in the machine's order.
uint64_t native_sum(std::span<const std::byte> bytes) {
    const uint64_t sum = net::checksum_add(bytes);
    return net::byte_swap(static_cast<uint16_t>(~net::checksum_finish(sum)));
}

uint8_t tcp_header_size(uint8_t flags, uint8_t scale) {
    if (!(flags & net::tcp_flag::kSyn)) return sizeof(net::TcpHeader);
    return static_cast<uint8_t>(sizeof(net::TcpHeader) + (scale != 0 ? kScaledSynOptionsSize : kSynOptionsSize));
}

} // namespace

std::byte payload_byte(uint16_t index) {
    return static_cast<std::byte>(0x20 + (index * 7u + index / 251u) % 95);
}

uint16_t FrameTemplate::overhead(net::Family family, uint8_t protocol) {
    const std::size_t ip = family == net::Family::ipv4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
    const std::size_t transport = protocol == net::protocol::kTcp ? sizeof(net::TcpHeader) : sizeof(net::UdpHeader);
    return static_cast<uint16_t>(sizeof(net::EthernetHeader) + ip + transport);
}

FrameTemplate::FrameTemplate(const Options& options)
    : payload_(options.payload)
    , ipv4_(options.source.family == net::Family::ipv4)
    , tcp_(options.protocol == net::protocol::kTcp) {
    assert(options.source.family == options.destination.family);
    const std::size_t ip_size = ipv4_ ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
    transport_at_ = static_cast<uint8_t>(sizeof(net::EthernetHeader) + ip_size);
    const std::size_t header = tcp_ ? tcp_header_size(options.flags, options.scale) : sizeof(net::UdpHeader);
    payload_at_ = static_cast<uint8_t>(transport_at_ + header);
    used_ = static_cast<uint16_t>(payload_at_ + payload_);
    length_ = std::max(used_, kSmallestFrame);
    assert(length_ <= kLargestFrame);
    checksum_at_ = static_cast<uint8_t>(transport_at_ + (tcp_ ? 16 : 6));
    source_at_ = ipv4_ ? 26 : 34;
    destination_at_ = ipv4_ ? 30 : 50;

    write_ip(options);
    if (tcp_)
        write_tcp(options);
    else {
        net::UdpHeader udp{};
        udp.length = net::Be16::from_host(static_cast<uint16_t>(sizeof udp + payload_));
        std::memcpy(&bytes_[transport_at_], &udp, sizeof udp);
    }
    const uint16_t marked = payload_ >= kMarkSize ? kMarkSize : 0;
    for (uint16_t i = marked; i < payload_; ++i) {
        bytes_[payload_at_ + i] = payload_byte(i);
    }
    sum_up(options);
}

void FrameTemplate::write_ip(const Options& options) {
    // Locally administered addresses of the two ends of the wire.
    net::EthernetHeader ethernet{{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, {}};
    if (options.from == Side::server) std::swap(ethernet.destination, ethernet.source);
    ethernet.ether_type =
        net::Be16::from_host(static_cast<uint16_t>(ipv4_ ? net::EtherType::ipv4 : net::EtherType::ipv6));
    std::memcpy(&bytes_[0], &ethernet, sizeof ethernet);
    constexpr uint16_t kDontFragment = 0x4000;
    if (ipv4_) {
        net::Ipv4Header ip{};
        ip.version_ihl = 0x45;
        ip.total_length = net::Be16::from_host(static_cast<uint16_t>(used_ - sizeof ethernet));
        ip.fragment = net::Be16::from_host(kDontFragment);
        ip.ttl = kTtl;
        ip.protocol = options.protocol;
        std::memcpy(&bytes_[sizeof ethernet], &ip, sizeof ip); // addresses are written with each frame
        return;
    }
    net::Ipv6Header ip{};
    ip.version_class_flow = net::Be32::from_host(6u << 28);
    ip.payload_length = net::Be16::from_host(static_cast<uint16_t>(used_ - transport_at_));
    ip.next_header = options.protocol;
    ip.hop_limit = kTtl;
    std::memcpy(ip.source, options.source.bytes.data(), 12);
    std::memcpy(ip.destination, options.destination.bytes.data(), 12);
    std::memcpy(&bytes_[sizeof ethernet], &ip, sizeof ip);
}

void FrameTemplate::write_tcp(const Options& options) {
    net::TcpHeader tcp{};
    tcp.data_offset = static_cast<uint8_t>((payload_at_ - transport_at_) / 4 << 4);
    tcp.flags = options.flags;
    tcp.window = net::Be16::from_host(options.window);
    std::memcpy(&bytes_[transport_at_], &tcp, sizeof tcp);
    if (!(options.flags & net::tcp_flag::kSyn)) return;
    const uint8_t all[kScaledSynOptionsSize] = {2, 4, kSegmentSize >> 8, kSegmentSize & 0xff, 1, 3, 3, options.scale};
    std::memcpy(&bytes_[transport_at_ + sizeof tcp], all, payload_at_ - transport_at_ - sizeof tcp);
}

void FrameTemplate::sum_up(const Options& options) {
    const std::span<const std::byte> frame(bytes_);
    if (ipv4_) ip_sum_ = native_sum(frame.subspan(sizeof(net::EthernetHeader), sizeof(net::Ipv4Header)));
    const auto size = static_cast<uint16_t>(used_ - transport_at_);
    transport_sum_ = native_sum(frame.subspan(transport_at_, size));
    transport_sum_ += net::byte_swap(uint16_t{options.protocol});
    transport_sum_ += net::byte_swap(size);
    if (!ipv4_) {
        transport_sum_ +=
            native_sum(frame.subspan(source_at_ - 12u, 12)) + native_sum(frame.subspan(destination_at_ - 12u, 12));
    }
}

} // namespace sluice::traffic
