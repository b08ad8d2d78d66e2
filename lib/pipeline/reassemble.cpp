// Stage 3: fragments to datagrams. What is judged is the datagram as its receiver will have it, so that no later stage
// needs to know of fragments: ports are known for all of them, lengths and checksums are those of the whole.
#include "net/checksum.hpp"
#include "net/crc32c.hpp"
#include "net/headers.hpp"
#include "packet/fragment.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/vlan.hpp"

namespace sluice::pipeline {
namespace {

using reassembly::Piece;
using telemetry::DropReason;

constexpr std::size_t kMaxDatagram = 65535; // RFC 791, 3.1; packet::parse() takes no longer IPv6 packet either

reassembly::Key key_of(const packet::Parsed& parsed, const packet::Fragment& fragment, std::uint16_t wire,
                       std::uint16_t port) {
    reassembly::Key key{};
    std::memcpy(key.source, parsed.source, sizeof key.source);
    std::memcpy(key.destination, parsed.destination, sizeof key.destination);
    key.identification = fragment.identification;
    key.outer_vlan = vlan_of(parsed.outer_vlan);
    key.inner_vlan = vlan_of(parsed.inner_vlan);
    key.wire = wire;
    key.port = port;
    key.protocol = fragment.protocol;
    key.family = parsed.family;
    return key;
}

/// A datagram that has just become complete.
class Datagram {
  public:
    Datagram(const reassembly::Table& table, reassembly::DatagramId id)
        : table_(table)
        , id_(id)
        , first_(table.piece(table.first_piece(id)))
        , parsed_(table.first_parsed(id)) {}

    [[nodiscard]] const Piece& first() const { return first_; }
    /// Where the first fragment ends: its frame may go on behind the packet, and what stands there is not the
    /// datagram's.
    [[nodiscard]] std::uint16_t visible() const {
        return static_cast<std::uint16_t>(first_.fragment.data_offset + first_.fragment.length);
    }

    /// Fills `out` as if the datagram had come in one piece. Only the first fragment's headers count (RFC 8200, 4.5).
    [[nodiscard]] bool parse(packet::Parsed& out) const {
        const std::size_t headers = std::size_t{first_.fragment.data_offset} - parsed_.l3_offset;
        const std::size_t length = headers + table_.data_length(id_);
        if (length > kMaxDatagram) return false;
        out = parsed_;
        out.fragment = packet::FragmentState::whole;
        out.ip_length = static_cast<std::uint16_t>(length);
        return true;
    }

    /// What packet::parse() leaves open for a first fragment.
    [[nodiscard]] bool udp_length_fits() const {
        if (parsed_.protocol != net::protocol::kUdp) return true;
        return transport<net::UdpHeader>().length.host() <= transport_length();
    }

    /// Never unknown: whoever would compute it has the first fragment only.
    [[nodiscard]] Checksum checksum() const {
        const bool ipv4 = parsed_.family == net::Family::ipv4;
        switch (parsed_.protocol) {
        case net::protocol::kUdp:
            // RFC 768: no checksum. RFC 8200, 8.1: not over IPv6.
            if (transport<net::UdpHeader>().checksum == net::Be16{}) return ipv4 ? Checksum::good : Checksum::bad;
            return verdict(pseudo_header_sum(transport<net::UdpHeader>().length.host()),
                           transport<net::UdpHeader>().length.host());
        case net::protocol::kTcp: return verdict(pseudo_header_sum(transport_length()), transport_length());
        case net::protocol::kIcmp: return ipv4 ? verdict(0, transport_length()) : Checksum::good;
        case net::protocol::kIcmpv6:
            return ipv4 ? Checksum::good : verdict(pseudo_header_sum(transport_length()), transport_length());
        case net::protocol::kSctp: return sctp_checksum();
        default: return Checksum::good; // there is none
        }
    }

  private:
    /// Headers behind the fragment header that come before the transport's: all of them are in the first fragment.
    [[nodiscard]] std::size_t skipped() const { return std::size_t{parsed_.l4_offset} - first_.fragment.data_offset; }
    [[nodiscard]] std::uint32_t transport_length() const {
        return static_cast<std::uint32_t>(table_.data_length(id_) - skipped());
    }
    template <typename Header> [[nodiscard]] const Header& transport() const {
        return *reinterpret_cast<const Header*>(first_.data +
                                                parsed_.l4_offset); // packet::parse() looked at its length
    }
    [[nodiscard]] std::uint64_t pseudo_header_sum(std::uint32_t length) const {
        return net::pseudo_header_sum(parsed_.family, parsed_.source, parsed_.destination, parsed_.protocol, length);
    }

    /// Calls `each` with the first `length` bytes from the transport header on, piece by piece.
    template <typename Each> void for_each_part(std::size_t length, Each each) const {
        std::size_t skip = skipped();
        std::size_t left = length;
        table_.for_each_piece(id_, [&](const Piece& piece) {
            const std::size_t most = piece.fragment.length - skip;
            const std::size_t size = most < left ? most : left;
            each(std::span<const std::byte>(piece.data + piece.fragment.data_offset + skip, size));
            left -= size;
            skip = 0;
        });
    }

    /// RFC 1071: sums of pieces add up, because all of them but the last have an even length.
    [[nodiscard]] Checksum verdict(std::uint64_t sum, std::size_t length) const {
        for_each_part(length, [&sum](std::span<const std::byte> part) { sum = net::checksum_add(part, sum); });
        return net::checksum_finish(sum) == 0 ? Checksum::good : Checksum::bad;
    }

    /// RFC 9260, 6.8: over the packet with a checksum of zero. The whole header is in the first piece.
    [[nodiscard]] Checksum sctp_checksum() const {
        constexpr std::size_t kBefore = offsetof(net::SctpHeader, checksum);
        constexpr std::byte kZero[4] = {};
        std::uint32_t crc = net::crc32c_begin();
        bool header = true;
        for_each_part(transport_length(), [&](std::span<const std::byte> part) {
            if (header) {
                crc = net::crc32c_add(part.first(kBefore), crc);
                crc = net::crc32c_add(kZero, crc);
                part = part.subspan(sizeof(net::SctpHeader));
                header = false;
            }
            crc = net::crc32c_add(part, crc);
        });
        const bool good = transport<net::SctpHeader>().checksum.raw() == net::crc32c_finish(crc);
        return good ? Checksum::good : Checksum::bad;
    }

    const reassembly::Table& table_;
    reassembly::DatagramId id_;
    const Piece& first_;
    const packet::Parsed& parsed_;
};

/// Row i stands for the whole datagram from here on.
void take_up(Batch& batch, unsigned i, reassembly::DatagramId id, const Context& context) {
    const reassembly::Table& table = *context.fragments;
    const Datagram datagram(table, id);
    batch.datagram[i] = id;
    batch.fragments[i] = static_cast<std::uint16_t>(table.piece_count(id));
    batch.frame_bytes[i] = table.frame_bytes(id);
    batch.data[i] = datagram.first().data;
    batch.length[i] = datagram.visible();
    batch.handle[i] = datagram.first().handle;
    if (!datagram.parse(batch.parsed[i])) return batch.drop(i, DropReason::bad_ip_header);
    if (!datagram.udp_length_fits()) return batch.drop(i, DropReason::bad_l4_header);
    batch.checksum[i] = datagram.checksum();
}

void take(Batch& batch, unsigned i, const Context& context) {
    using What = reassembly::Table::Outcome::What;
    reassembly::Table& table = *context.fragments;
    const packet::Fragment fragment = packet::read_fragment({batch.data[i], batch.length[i]}, batch.parsed[i]);
    const std::uint16_t port = batch.port[i];
    const reassembly::Key key = key_of(batch.parsed[i], fragment, context.ruleset->port(port).wire, port);
    const std::uint64_t hash = table.hash_of(key);
    const Ownership& ownership = context.ownership;
    if (ownership.workers > 1 && batch.arrival[i] == Arrival::port) {
        const std::uint16_t collector = ownership.collector(hash);
        if (collector != ownership.self) {
            batch.disposition[i] = Disposition::hand_off;
            batch.owner[i] = collector;
            return;
        }
    }
    const Piece piece{batch.data[i], batch.handle[i], batch.length[i], port, fragment};
    const auto outcome = table.add(key, hash, piece, batch.parsed[i], context.now);
    switch (outcome.what) {
    case What::held: batch.disposition[i] = Disposition::held; break;
    case What::refused: batch.drop(i, outcome.reason); break;
    case What::complete: take_up(batch, i, outcome.datagram, context); break;
    }
}

} // namespace

void reassemble(Batch& batch, Context& context) {
    for (unsigned k = 0; k < batch.not_ordinary.count; ++k) {
        const unsigned i = batch.not_ordinary.row[k];
        if (batch.disposition[i] != Disposition::pending) continue;
        if (batch.parsed[i].fragment == packet::FragmentState::whole) continue;
        if (context.fragments == nullptr)
            batch.drop(i, DropReason::fragment_table_full);
        else
            take(batch, i, context);
    }
}

} // namespace sluice::pipeline
