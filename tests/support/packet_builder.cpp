#include "support/packet_builder.hpp"

#include "net/byte_order.hpp"
#include "net/checksum.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace sluice::test_support {
namespace {

using net::Family;
namespace protocol = net::protocol;

constexpr std::uint16_t kExperimentalEtherType = 0x88b5; // IEEE 802, local experimental
constexpr std::uint8_t kExperimentalProtocol = 253;      // RFC 3692

/// Appends fields in network byte order.
class Output {
  public:
    Output& u8(std::size_t value) {
        bytes_.push_back(static_cast<std::byte>(value));
        return *this;
    }
    Output& u16(std::size_t value) { return u8(value >> 8).u8(value); }
    Output& u32(std::size_t value) { return u16(value >> 16).u16(value); }
    Output& raw(std::span<const std::byte> content) {
        bytes_.insert(bytes_.end(), content.begin(), content.end());
        return *this;
    }
    Output& mac(const Mac& address) { return raw(std::as_bytes(std::span(address))); }
    Output& address(const net::IpAddress& address) {
        return raw(std::as_bytes(std::span(address.bytes).first(address.width() / 8)));
    }
    Output& zeros(std::size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    Bytes take() { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

void patch_u16(Bytes& header, std::size_t offset, std::uint16_t value) {
    header[offset] = static_cast<std::byte>(value >> 8);
    header[offset + 1] = static_cast<std::byte>(value);
}

Bytes padded_to_words(Bytes options) {
    options.resize((options.size() + 3) / 4 * 4);
    return options;
}

/// CRC32c, bit by bit (RFC 9260, appendix A): reflected, so its value goes out least significant byte first.
std::uint32_t crc32c(std::span<const std::byte> content, std::uint32_t crc) {
    for (const std::byte byte : content) {
        crc ^= static_cast<std::uint8_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
        }
    }
    return crc;
}

} // namespace

/// Writes the parts from the last to the first, as each header needs what stands behind it.
class PacketBuilder::Writer {
  public:
    explicit Writer(const std::vector<Part>& parts)
        : parts_(parts) {}

    Bytes write() {
        for (position_ = parts_.size(); position_-- > 0;) {
            Bytes header = std::visit([this](const auto& fields) { return header_of(fields); }, parts_[position_]);
            header.insert(header.end(), behind_.begin(), behind_.end());
            behind_ = std::move(header);
        }
        return std::move(behind_);
    }

  private:
    const Part* next() const { return position_ + 1 < parts_.size() ? &parts_[position_ + 1] : nullptr; }

    /// The nearest IP header around the current part.
    const Part* enclosing_ip() const {
        for (std::size_t i = position_; i-- > 0;) {
            if (std::holds_alternative<Ipv4Fields>(parts_[i]) || std::holds_alternative<Ipv6Fields>(parts_[i])) {
                return &parts_[i];
            }
        }
        return nullptr;
    }
    bool inside_ipv6() const {
        const Part* ip = enclosing_ip();
        return ip != nullptr && std::holds_alternative<Ipv6Fields>(*ip);
    }

    std::uint16_t next_ether_type() const {
        const Part* part = next();
        if (part == nullptr) return kExperimentalEtherType;
        if (const auto* tag = std::get_if<VlanFields>(part)) return tag->tpid;
        if (std::holds_alternative<ArpFields>(*part)) return 0x0806;
        if (std::holds_alternative<Ipv4Fields>(*part)) return 0x0800;
        if (std::holds_alternative<Ipv6Fields>(*part)) return 0x86dd;
        return kExperimentalEtherType;
    }

    std::uint8_t next_protocol() const {
        const Part* part = next();
        if (part == nullptr) return protocol::kNoNextHeader; // of IPv6, and assigned in IPv4 too
        if (const auto* extension = std::get_if<ExtensionFields>(part)) return extension->protocol;
        if (const auto* content = std::get_if<PayloadPart>(part)) {
            return content->protocol.value_or(kExperimentalProtocol);
        }
        if (std::holds_alternative<Ipv6FragmentFields>(*part)) return protocol::kFragment;
        if (std::holds_alternative<TcpFields>(*part)) return protocol::kTcp;
        if (std::holds_alternative<UdpFields>(*part)) return protocol::kUdp;
        if (std::holds_alternative<SctpFields>(*part)) return protocol::kSctp;
        if (std::holds_alternative<Ipv4Fields>(*part)) return 4;
        if (std::holds_alternative<Ipv6Fields>(*part)) return 41;
        if (const auto* icmp = std::get_if<IcmpFields>(part)) {
            const bool v6 = std::holds_alternative<Ipv6Fields>(parts_[position_]) || inside_ipv6();
            return icmp->protocol.value_or(v6 ? protocol::kIcmpv6 : protocol::kIcmp);
        }
        return kExperimentalProtocol;
    }

    /// The transport checksum over the pseudo-header, `header` and all behind it.
    std::uint16_t transport_checksum(std::span<const std::byte> header, std::uint8_t number) const {
        std::uint64_t sum = 0;
        const Part* ip = enclosing_ip();
        const auto length = static_cast<std::uint32_t>(header.size() + behind_.size());
        if (const auto* v4 = ip == nullptr ? nullptr : std::get_if<Ipv4Fields>(ip)) {
            sum = net::pseudo_header_sum(Family::ipv4, v4->source.bytes.data(), v4->destination.bytes.data(), number,
                                         length);
        } else if (const auto* v6 = ip == nullptr ? nullptr : std::get_if<Ipv6Fields>(ip)) {
            sum = net::pseudo_header_sum(Family::ipv6, v6->source.bytes.data(), v6->destination.bytes.data(), number,
                                         length);
        }
        return plain_checksum(header, sum);
    }
    std::uint16_t plain_checksum(std::span<const std::byte> header, std::uint64_t sum = 0) const {
        return net::checksum_finish(net::checksum_add(behind_, net::checksum_add(header, sum)));
    }

    Bytes header_of(const EthernetFields& f) const {
        return Output().mac(f.destination).mac(f.source).u16(f.ether_type.value_or(next_ether_type())).take();
    }

    Bytes header_of(const VlanFields& f) const {
        const unsigned control = f.priority * 0x2000u + (f.id & 0x0fffu);
        return Output().u16(control).u16(f.ether_type.value_or(next_ether_type())).take();
    }

    Bytes header_of(const ArpFields& f) const {
        return Output()
            .u16(1) // Ethernet
            .u16(0x0800)
            .u8(6)
            .u8(4)
            .u16(f.operation)
            .mac(f.sender_mac)
            .address(f.sender)
            .mac(f.target_mac)
            .address(f.target)
            .take();
    }

    Bytes header_of(const Ipv4Fields& f) const {
        const Bytes options = padded_to_words(f.options);
        const std::size_t size = 20 + options.size();
        const std::size_t fragment =
            f.dont_fragment * 0x4000u + f.more_fragments * 0x2000u + f.fragment_offset / std::size_t{8};
        Bytes header = Output()
                           .u8(f.version.value_or(4) * std::size_t{16} + f.header_length_units.value_or(size / 4))
                           .u8(f.tos)
                           .u16(f.total_length.value_or(size + behind_.size()))
                           .u16(f.identification)
                           .u16(fragment)
                           .u8(f.ttl)
                           .u8(f.protocol.value_or(next_protocol()))
                           .u16(0)
                           .address(f.source)
                           .address(f.destination)
                           .raw(options)
                           .take();
        patch_u16(header, 10, f.checksum.value_or(net::checksum_finish(net::checksum_add(header))));
        return header;
    }

    Bytes header_of(const Ipv6Fields& f) const {
        const std::size_t first_word =
            f.version.value_or(6) * std::size_t{0x10000000} + f.traffic_class * std::size_t{0x100000} + f.flow_label;
        return Output()
            .u32(first_word)
            .u16(f.payload_length.value_or(behind_.size()))
            .u8(f.next_header.value_or(next_protocol()))
            .u8(f.hop_limit)
            .address(f.source)
            .address(f.destination)
            .take();
    }

    Bytes header_of(const ExtensionFields& f) const {
        const bool authentication = f.protocol == protocol::kAuthentication;
        const std::size_t units = authentication ? f.size / 4 - 2 : f.size / 8 - 1; // RFC 4302, 2.2; RFC 8200, 4.3
        Output output;
        output.u8(f.next_header.value_or(next_protocol())).u8(f.length_units.value_or(units));
        if (f.content) return output.raw(*f.content).zeros(f.size - 2 - f.content->size()).take();
        const bool has_options = f.protocol == protocol::kHopByHop || f.protocol == protocol::kDestinationOptions;
        std::size_t rest = f.size - 2;
        while (has_options && rest >= 2) { // PadN (RFC 8200, 4.2), at most 257 bytes each
            const std::size_t data = std::min<std::size_t>(rest - 2, 255);
            output.u8(1).u8(data).zeros(data);
            rest -= 2 + data;
        }
        return output.zeros(rest).take();
    }

    Bytes header_of(const Ipv6FragmentFields& f) const {
        return Output()
            .u8(f.next_header.value_or(next_protocol()))
            .u8(0)
            .u16((f.offset & 0xfff8u) + f.more_fragments)
            .u32(f.identification)
            .take();
    }

    Bytes header_of(const TcpFields& f) const {
        const Bytes options = padded_to_words(f.options);
        Bytes header = Output()
                           .u16(f.source_port)
                           .u16(f.destination_port)
                           .u32(f.sequence)
                           .u32(f.acknowledgment)
                           .u8(f.data_offset_units.value_or((20 + options.size()) / 4) * std::size_t{16})
                           .u8(f.flags)
                           .u16(f.window)
                           .u16(0)
                           .u16(f.urgent_pointer)
                           .raw(options)
                           .take();
        patch_u16(header, 16, f.checksum.value_or(transport_checksum(header, protocol::kTcp)));
        return header;
    }

    Bytes header_of(const UdpFields& f) const {
        Bytes header = Output()
                           .u16(f.source_port)
                           .u16(f.destination_port)
                           .u16(f.length.value_or(8 + behind_.size()))
                           .u16(0)
                           .take();
        const std::uint16_t sum = transport_checksum(header, protocol::kUdp);
        patch_u16(header, 6, f.checksum.value_or(sum == 0 ? 0xffff : sum)); // RFC 768: zero means "no checksum"
        return header;
    }

    Bytes header_of(const IcmpFields& f) const {
        const bool v6 = inside_ipv6();
        const std::uint8_t echo_request = v6 ? net::icmpv6::kEchoRequest : net::icmp::kEchoRequest;
        Bytes header =
            Output().u8(f.type.value_or(echo_request)).u8(f.code).u16(0).u16(f.identifier).u16(f.sequence).take();
        const std::uint16_t sum = v6 ? transport_checksum(header, protocol::kIcmpv6) : plain_checksum(header);
        patch_u16(header, 2, f.checksum.value_or(sum));
        return header;
    }

    Bytes header_of(const SctpFields& f) const {
        Bytes header = Output().u16(f.source_port).u16(f.destination_port).u32(f.verification_tag).u32(0).take();
        const std::uint32_t crc = ~crc32c(behind_, crc32c(header, 0xffffffff));
        const std::uint32_t sum = f.checksum.value_or(net::byte_swap(crc));
        patch_u16(header, 8, static_cast<std::uint16_t>(sum >> 16));
        patch_u16(header, 10, static_cast<std::uint16_t>(sum));
        return header;
    }

    Bytes header_of(const PayloadPart& f) const { return f.content; }

    const std::vector<Part>& parts_;
    std::size_t position_ = 0;
    Bytes behind_;
};

Bytes bytes(std::initializer_list<unsigned> values) {
    Bytes result;
    for (const unsigned value : values)
        result.push_back(static_cast<std::byte>(value));
    return result;
}

Bytes bytes(std::string_view text) {
    const auto view = std::as_bytes(std::span(text));
    return {view.begin(), view.end()};
}

Address::Address(const char* text) {
    const auto parsed = net::IpAddress::parse(text);
    if (!parsed) throw std::invalid_argument(parsed.error());
    static_cast<net::IpAddress&>(*this) = *parsed;
}

PacketBuilder::PacketBuilder(EthernetFields fields) {
    parts_.emplace_back(fields);
}

PacketBuilder& PacketBuilder::vlan(VlanFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::arp(ArpFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::ipv4(Ipv4Fields fields) {
    if (fields.source.family != Family::ipv4 || fields.destination.family != Family::ipv4) {
        throw std::invalid_argument("ipv4() wants IPv4 addresses");
    }
    parts_.emplace_back(std::move(fields));
    return *this;
}

PacketBuilder& PacketBuilder::ipv6(Ipv6Fields fields) {
    if (fields.source.family != Family::ipv6 || fields.destination.family != Family::ipv6) {
        throw std::invalid_argument("ipv6() wants IPv6 addresses");
    }
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::ip(Address source, Address destination) {
    if (source.family == Family::ipv4) return ipv4({.source = source, .destination = destination});
    return ipv6({.source = source, .destination = destination});
}

PacketBuilder& PacketBuilder::extension(ExtensionFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::ipv6_fragment(Ipv6FragmentFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::tcp(TcpFields fields) {
    parts_.emplace_back(std::move(fields));
    return *this;
}

PacketBuilder& PacketBuilder::udp(UdpFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::icmp(IcmpFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::sctp(SctpFields fields) {
    parts_.emplace_back(fields);
    return *this;
}

PacketBuilder& PacketBuilder::transport(TransportFields f) {
    switch (f.protocol) {
    case protocol::kTcp:
        return tcp({.source_port = f.source_port, .destination_port = f.destination_port, .flags = f.tcp_flags});
    case protocol::kUdp: return udp({.source_port = f.source_port, .destination_port = f.destination_port});
    case protocol::kSctp: return sctp({.source_port = f.source_port, .destination_port = f.destination_port});
    case protocol::kIcmp:
    case protocol::kIcmpv6:
        return icmp(
            {.protocol = f.protocol, .type = f.icmp_type, .code = f.icmp_code, .identifier = f.icmp_identifier});
    default: parts_.emplace_back(PayloadPart{{}, f.protocol}); return *this;
    }
}

PacketBuilder& PacketBuilder::payload(Bytes content) {
    parts_.emplace_back(PayloadPart{std::move(content), std::nullopt});
    return *this;
}

PacketBuilder& PacketBuilder::payload(std::string_view text) {
    return payload(bytes(text));
}

PacketBuilder& PacketBuilder::payload_size(std::size_t size) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i)
        content[i] = static_cast<std::byte>(i);
    return payload(std::move(content));
}

PacketBuilder& PacketBuilder::pad_to(std::size_t size) {
    padded_size_ = size;
    return *this;
}

Bytes PacketBuilder::build() const {
    Bytes frame = Writer(parts_).write();
    if (frame.size() < padded_size_) frame.resize(padded_size_);
    return frame;
}

} // namespace sluice::test_support
