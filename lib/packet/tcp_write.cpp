#include "packet/tcp_write.hpp"

#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "net/protocol.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sluice::packet {
namespace {

namespace option = net::tcp_option;

constexpr std::uint8_t kOwnTtl = 64;
constexpr std::uint8_t kDscp = 0xfc; // of the traffic class: the other two bits are ECN's (RFC 3168, 5)
constexpr std::uint16_t kDontFragment = 0x4000;

/// Bytes of options, a multiple of four.
std::size_t write_options(const SynOptions& options, std::uint8_t* out) {
    std::size_t at = 0;
    if (options.segment_size != 0) {
        out[at++] = option::kSegmentSize;
        out[at++] = 4;
        out[at++] = static_cast<std::uint8_t>(options.segment_size >> 8);
        out[at++] = static_cast<std::uint8_t>(options.segment_size);
    }
    if (options.sack_permitted) {
        out[at++] = option::kSackPermitted;
        out[at++] = 2;
    }
    if (options.window_scale != kNoWindowScale) {
        out[at++] = option::kWindowScale;
        out[at++] = 3;
        out[at++] = options.window_scale;
    }
    while (at % 4 != 0) {
        out[at++] = option::kNoOperation;
    }
    return at;
}

/// The frame as it grows, in a place of its own: `like` may be where it goes in the end.
class FrameWriter {
  public:
    FrameWriter(std::span<const std::byte> like, const Parsed& parsed, Toward toward)
        : like_(like)
        , parsed_(parsed)
        , turned_(toward == Toward::sender) {}

    std::size_t write(const OwnSegment& segment) {
        const std::size_t ip_size =
            parsed_.family == net::Family::ipv4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
        write_ethernet();
        const std::size_t l4 = parsed_.l3_offset + ip_size;
        std::uint8_t* options = reinterpret_cast<std::uint8_t*>(frame_.data()) + l4 + sizeof(net::TcpHeader);
        const std::size_t tcp_size = sizeof(net::TcpHeader) + write_options(segment.options, options);
        if (parsed_.family == net::Family::ipv4)
            write_ipv4(tcp_size);
        else
            write_ipv6(tcp_size);
        write_tcp(segment, l4, tcp_size);
        return l4 + tcp_size;
    }

    void copy_to(std::byte* out, std::size_t length) const { std::memcpy(out, frame_.data(), length); }

  private:
    template <typename Header> Header& at(std::size_t offset) {
        return *reinterpret_cast<Header*>(frame_.data() + offset);
    }
    [[nodiscard]] const std::uint8_t* source() const { return turned_ ? parsed_.destination : parsed_.source; }
    [[nodiscard]] const std::uint8_t* destination() const { return turned_ ? parsed_.source : parsed_.destination; }

    void write_ethernet() {
        std::memcpy(frame_.data(), like_.data(), parsed_.l3_offset); // with tags and the type behind them
        auto& ethernet = at<net::EthernetHeader>(0);
        if (turned_) std::swap(ethernet.source, ethernet.destination);
    }

    void write_ipv4(std::size_t tcp_size) {
        const auto& before = *reinterpret_cast<const net::Ipv4Header*>(like_.data() + parsed_.l3_offset);
        auto& ip = at<net::Ipv4Header>(parsed_.l3_offset);
        ip = {};
        ip.version_ihl = 0x45;
        ip.tos = turned_ ? std::uint8_t{0} : static_cast<std::uint8_t>(before.tos & kDscp);
        ip.total_length = net::Be16::from_host(static_cast<std::uint16_t>(sizeof ip + tcp_size));
        ip.fragment = net::Be16::from_host(kDontFragment); // so it needs no identification (RFC 6864, 4.1)
        ip.ttl = turned_ ? kOwnTtl : parsed_.ttl;
        ip.protocol = net::protocol::kTcp;
        std::memcpy(ip.source, source(), sizeof ip.source);
        std::memcpy(ip.destination, destination(), sizeof ip.destination);
        const auto* bytes = reinterpret_cast<const std::byte*>(&ip);
        ip.checksum = net::Be16::from_host(net::checksum_finish(net::checksum_add({bytes, sizeof ip})));
    }

    void write_ipv6(std::size_t tcp_size) {
        constexpr std::uint32_t kVersion = 6u << 28;
        constexpr std::uint32_t kKept = std::uint32_t{kDscp} << 20 | 0xfffff; // DSCP and flow label
        const auto& before = *reinterpret_cast<const net::Ipv6Header*>(like_.data() + parsed_.l3_offset);
        auto& ip = at<net::Ipv6Header>(parsed_.l3_offset);
        const std::uint32_t kept = turned_ ? 0 : before.version_class_flow.host() & kKept;
        ip.version_class_flow = net::Be32::from_host(kVersion | kept);
        ip.payload_length = net::Be16::from_host(static_cast<std::uint16_t>(tcp_size));
        ip.next_header = net::protocol::kTcp;
        ip.hop_limit = turned_ ? kOwnTtl : parsed_.ttl;
        std::memcpy(ip.source, source(), sizeof ip.source);
        std::memcpy(ip.destination, destination(), sizeof ip.destination);
    }

    void write_tcp(const OwnSegment& segment, std::size_t l4, std::size_t tcp_size) {
        auto& tcp = at<net::TcpHeader>(l4);
        tcp.source_port = turned_ ? parsed_.destination_port : parsed_.source_port;
        tcp.destination_port = turned_ ? parsed_.source_port : parsed_.destination_port;
        tcp.sequence = net::Be32::from_host(segment.sequence);
        tcp.acknowledgment = net::Be32::from_host(segment.acknowledgment);
        tcp.data_offset = static_cast<std::uint8_t>(tcp_size / 4 << 4);
        tcp.flags = segment.flags;
        tcp.window = net::Be16::from_host(segment.window);
        tcp.checksum = net::Be16{};
        tcp.urgent_pointer = net::Be16{};
        const std::uint64_t pseudo_header = net::pseudo_header_sum(
            parsed_.family, source(), destination(), net::protocol::kTcp, static_cast<std::uint32_t>(tcp_size));
        tcp.checksum =
            net::Be16::from_host(net::checksum_finish(net::checksum_add({&frame_[l4], tcp_size}, pseudo_header)));
    }

    std::span<const std::byte> like_;
    const Parsed& parsed_;
    bool turned_;
    std::array<std::byte, kLongestOwnFrame> frame_{};
};

} // namespace

SynOptions read_syn_options(const std::byte* data, const Parsed& parsed) {
    constexpr std::uint8_t kMaxScale = 14; // RFC 7323, 2.3
    SynOptions out;
    const auto* header = reinterpret_cast<const std::uint8_t*>(data + parsed.l4_offset);
    const std::size_t size = reinterpret_cast<const net::TcpHeader*>(header)->header_size();
    std::size_t at = sizeof(net::TcpHeader);
    while (at < size && header[at] != option::kEnd) {
        if (header[at] == option::kNoOperation) {
            ++at;
            continue;
        }
        if (at + 1 >= size) break;
        const std::size_t option_size = header[at + 1];
        if (option_size < 2 || option_size > size - at) break;
        const std::uint8_t* value = header + at + 2;
        if (header[at] == option::kSegmentSize && option_size == 4)
            out.segment_size = static_cast<std::uint16_t>(value[0] << 8 | value[1]);
        else if (header[at] == option::kWindowScale && option_size == 3)
            out.window_scale = std::min(*value, kMaxScale);
        else if (header[at] == option::kSackPermitted)
            out.sack_permitted |= option_size == 2;
        at += option_size;
    }
    return out;
}

std::uint16_t write_segment(std::span<const std::byte> like, const Parsed& parsed, Toward toward,
                            const OwnSegment& segment, std::size_t shortest, std::byte* out) {
    FrameWriter writer(like, parsed, toward);
    const std::size_t length = std::max(writer.write(segment), shortest);
    writer.copy_to(out, length);
    return static_cast<std::uint16_t>(length);
}

} // namespace sluice::packet
