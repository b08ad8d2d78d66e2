#include "hostile.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::simulation {
namespace {

using net::Family;
namespace protocol = net::protocol;

constexpr std::uint8_t icmp_of(Family family) {
    return family == Family::ipv4 ? protocol::kIcmp : protocol::kIcmpv6;
}

/// Farther ahead than any window of the simulation reaches.
bool is_beyond(std::uint32_t number, std::uint32_t from) {
    constexpr std::int32_t kFar = 1 << 24;
    return static_cast<std::int32_t>(number - from) > kFar;
}

} // namespace

void RecentFrames::add(std::span<const std::uint8_t> bytes) {
    Kept& kept = kept_[next_];
    kept.size = bytes.size();
    std::memcpy(kept.bytes.data(), bytes.data(), bytes.size());
    next_ = (next_ + 1) % kCount;
    count_ = std::min(count_ + 1, kCount);
}

std::span<const std::uint8_t> RecentFrames::any(Random& random) const {
    if (count_ == 0) return {};
    const Kept& kept = kept_[random.below(count_)];
    return {kept.bytes.data(), kept.size};
}

std::size_t Hostile::write(Side side, std::uint16_t wire, const TcpConnection* victim, bool& blind) {
    blind = false;
    const std::uint32_t kind = random_.below(100);
    if (kind < 15) return any_segment(side, wire);
    if (kind < 30) return victim != nullptr ? segment_on(side, *victim, blind) : any_segment(side, wire);
    if (kind < 40) return flood(side, wire);
    if (kind < 47) return datagram(side, wire);
    if (kind < 53) return icmp(side, wire);
    if (kind < 62) return error(side, victim);
    if (kind < 72) return fragment(side, wire);
    if (kind < 76) return odd_protocol(side, wire);
    if (kind < 79) return not_ip();
    if (kind < 87) return repeated();
    if (kind < 91) return cut();
    return flipped();
}

/// Any flags and numbers on any tuple, alive or dead.
std::size_t Hostile::any_segment(Side side, std::uint16_t wire) {
    Tuple tuple = random_tuple(random_, protocol::kTcp);
    tuple.wire = wire;
    TcpHeaderFields fields;
    fields.source_port = tuple.port[side];
    fields.destination_port = tuple.port[other(side)];
    fields.sequence = random_.word();
    fields.acknowledgment = random_.word();
    fields.window = random_.half();
    constexpr std::uint8_t kLikely[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0x00, 0x29, 0x03, 0x3f};
    fields.flags = random_.percent(60) ? kLikely[random_.below(sizeof kLikely)] : random_.byte();
    fields.payload = random_.one_in(4) ? random_.below(200) : 0;
    const Way way = way_from(tuple, side);
    write_tcp(way, fields, segment_);
    return write_frame(way, segment_, {}, out_);
}

/// Blind or nearly: numbers about those in use.
std::size_t Hostile::segment_on(Side side, const TcpConnection& victim, bool& blind) {
    const Tuple& tuple = victim.tuple();
    TcpHeaderFields fields;
    fields.source_port = tuple.port[side];
    fields.destination_port = tuple.port[other(side)];
    const auto near = [this](std::uint32_t number) {
        switch (random_.below(4)) {
        case 0: return number;
        case 1: return number + random_.below(2000) - 1000;
        case 2: return number + random_.below(4'000'000) - 2'000'000;
        default: return random_.word();
        }
    };
    fields.sequence = near(victim.next_sequence(side));
    fields.acknowledgment = near(victim.next_sequence(other(side)));
    fields.window = random_.half();
    constexpr std::uint8_t kKinds[] = {0x04, 0x14, 0x11, 0x18, 0x10, 0x02, 0x12};
    fields.flags = kKinds[random_.below(sizeof kKinds)];
    const bool opens = fields.flags & net::tcp_flag::kSyn;
    const bool resets = fields.flags & net::tcp_flag::kRst;
    blind =
        !opens &&
        (is_beyond(fields.sequence, victim.next_sequence(side)) ||
         (resets && is_beyond(victim.next_sequence(side), fields.sequence)) ||
         (fields.flags & net::tcp_flag::kAck && is_beyond(fields.acknowledgment, victim.next_sequence(other(side)))));
    fields.payload = random_.one_in(3) ? random_.below(200) : 0;
    const Way way = way_from(tuple, side);
    write_tcp(way, fields, segment_);
    return write_frame(way, segment_, {}, out_);
}

std::size_t Hostile::flood(Side side, std::uint16_t wire) {
    Tuple tuple = random_flood_tuple(random_);
    tuple.wire = wire;
    TcpHeaderFields fields;
    fields.source_port = tuple.port[side];
    fields.destination_port = tuple.port[other(side)];
    fields.sequence = random_.word();
    fields.flags =
        side == client || random_.percent(50) ? net::tcp_flag::kSyn : net::tcp_flag::kSyn | net::tcp_flag::kAck;
    const Way way = way_from(tuple, side);
    write_tcp(way, fields, segment_);
    return write_frame(way, segment_, {}, out_);
}

std::size_t Hostile::datagram(Side side, std::uint16_t wire) {
    Tuple tuple = random_tuple(random_, protocol::kUdp);
    tuple.wire = wire;
    if (random_.one_in(3)) tuple.port[random_.below(2)] = random_.half();
    const Way way = way_from(tuple, side);
    write_udp(way, tuple.port[side], tuple.port[other(side)], random_.below(100), segment_);
    return write_frame(way, segment_, {}, out_);
}

std::size_t Hostile::icmp(Side side, std::uint16_t wire) {
    Tuple tuple = random_tuple(random_, protocol::kIcmp);
    tuple.wire = wire;
    const std::uint8_t body[32] = {};
    const Way way = way_from(tuple, side);
    const auto type =
        random_.percent(70)
            ? static_cast<std::uint8_t>(way.family == Family::ipv4 ? random_.below(20) : random_.between(125, 140))
            : random_.byte();
    const std::uint8_t code = random_.percent(80) ? std::uint8_t{0} : random_.byte();
    write_icmp(way, type, code, std::uint32_t{tuple.port[client]} << 16 | random_.half(), body, sizeof body, segment_);
    return write_frame(way, segment_, {}, out_);
}

/// An error about a live flow, a dead one, or nonsense, from anybody to anybody.
std::size_t Hostile::error(Side side, const TcpConnection* victim) {
    Tuple quoted = victim != nullptr && random_.percent(50) ? victim->tuple() : random_tuple(random_, protocol::kTcp);
    if (random_.percent(25)) quoted = random_tuple(random_, random_.percent(50) ? protocol::kUdp : protocol::kIcmp);
    const Side sender = random_.percent(80) ? other(side) : side;
    const Way inner = way_from(quoted, sender);
    TcpHeaderFields fields;
    fields.source_port = quoted.port[sender];
    fields.destination_port = quoted.port[other(sender)];
    fields.sequence = victim != nullptr && random_.percent(60) ? victim->next_sequence(sender) - 1 : random_.word();
    fields.flags = net::tcp_flag::kAck;
    if (inner.protocol == protocol::kUdp)
        write_udp(inner, fields.source_port, fields.destination_port, 16, segment_);
    else if (inner.protocol == protocol::kTcp)
        write_tcp(inner, fields, segment_);
    else
        write_icmp(inner, static_cast<std::uint8_t>(quoted.port[server]), 0, std::uint32_t{quoted.port[client]} << 16,
                   nullptr, 0, segment_);
    std::array<std::uint8_t, 256> quote{};
    std::size_t size = write_ip(inner, segment_, {}, quote.data());
    if (random_.percent(20)) size = random_.below(static_cast<std::uint32_t>(size));
    if (random_.percent(10)) quote[random_.below(static_cast<std::uint32_t>(quote.size()))] ^= random_.byte();

    Way way = way_from(quoted, random_.percent(80) ? other(sender) : sender);
    way.protocol = icmp_of(way.family);
    way.vlan = quoted.vlan;
    if (random_.percent(50)) way.source[way.family == Family::ipv4 ? 3 : 15] = 254; // a router, not the other end
    if (random_.percent(10)) way.destination[way.family == Family::ipv4 ? 3 : 15] ^= 1;
    constexpr std::uint8_t kTypes4[] = {3, 3, 4, 5, 11, 12};
    const std::uint8_t type =
        way.family == Family::ipv4 ? kTypes4[random_.below(6)] : static_cast<std::uint8_t>(random_.between(1, 4));
    write_icmp(way, type, static_cast<std::uint8_t>(random_.below(6)), random_.one_in(2) ? 1280 : random_.word(),
               quote.data(), size, segment_);
    return write_frame(way, segment_, {}, out_);
}

/// Pieces of one of a few datagrams: whole ones by chance, overlaps, gaps, tiny ones, ends beyond the end.
std::size_t Hostile::fragment(Side side, std::uint16_t wire) {
    Tuple tuple = random_tuple(random_, random_.percent(60) ? protocol::kUdp : protocol::kTcp);
    tuple.wire = wire;
    const Way way = way_from(tuple, side);
    if (tuple.protocol == protocol::kUdp) {
        write_udp(way, tuple.port[side], tuple.port[other(side)], 1000, segment_);
    } else {
        TcpHeaderFields fields;
        fields.source_port = tuple.port[side];
        fields.destination_port = tuple.port[other(side)];
        fields.flags = random_.percent(50) ? net::tcp_flag::kSyn : net::tcp_flag::kAck;
        fields.payload = 1000;
        write_tcp(way, fields, segment_);
    }
    Piece piece;
    piece.fragment = true;
    piece.identification = random_.percent(60) ? static_cast<std::uint16_t>(random_.below(8)) : random_.half();
    switch (random_.below(4)) {
    case 0: piece.offset = 0; break;
    case 1: piece.offset = 8; break;
    case 2: piece.offset = 8 * std::size_t{random_.below(130)}; break;
    default: piece.offset = random_.one_in(8) ? std::size_t{65528} : 256 * std::size_t{random_.below(4)}; break;
    }
    piece.size = random_.percent(60) ? 256 : 8 * std::size_t{random_.between(0, 60)};
    if (random_.one_in(10)) piece.size += random_.below(8);
    piece.more = random_.percent(75);
    return write_frame(way, segment_, piece, out_);
}

std::size_t Hostile::odd_protocol(Side side, std::uint16_t wire) {
    constexpr std::uint8_t kProtocols[] = {
        protocol::kGre, protocol::kEsp, protocol::kSctp, 0, 2, 4, 41, 43, 51, 60, 255};
    Tuple tuple = random_tuple(random_, protocol::kSctp);
    tuple.wire = wire;
    tuple.protocol = random_.percent(70) ? kProtocols[random_.below(sizeof kProtocols)] : random_.byte();
    Way way = way_from(tuple, side);
    way.ttl = random_.one_in(4) ? std::uint8_t{0} : random_.byte();
    write_sctp(tuple.port[side], tuple.port[other(side)], random_.word(), static_cast<std::uint8_t>(random_.below(16)),
               segment_);
    for (unsigned i = 0; i < random_.below(8); ++i) {
        segment_.bytes[random_.below(static_cast<std::uint32_t>(segment_.size))] = random_.byte();
    }
    return write_frame(way, segment_, {}, out_);
}

std::size_t Hostile::not_ip() {
    const std::size_t size = random_.below(120);
    for (std::size_t i = 0; i < size; ++i) {
        out_[i] = random_.byte();
    }
    constexpr std::uint16_t kTypes[] = {0x0806, 0x88cc, 0x0800, 0x86dd, 0x8100, 0x8847, 0x88a8};
    const std::uint16_t type = kTypes[random_.below(7)];
    if (size >= 14 && random_.percent(70)) {
        out_[12] = static_cast<std::uint8_t>(type >> 8);
        out_[13] = static_cast<std::uint8_t>(type);
    }
    return size;
}

std::size_t Hostile::repeated() {
    const auto frame = recent_.any(random_);
    if (!frame.empty()) std::memcpy(out_, frame.data(), frame.size());
    return frame.size();
}

std::size_t Hostile::cut() {
    const std::size_t size = repeated();
    if (size == 0) return 0;
    if (random_.percent(80)) return random_.below(static_cast<std::uint32_t>(size));
    const std::size_t longer = std::min(size + random_.below(100), kFrameRoom); // what follows the packet is padding
    std::memset(out_ + size, 0xee, longer - size);
    return longer;
}

std::size_t Hostile::flipped() {
    const std::size_t size = repeated();
    if (size == 0) return 0;
    const auto reach = static_cast<std::uint32_t>(random_.percent(80) ? std::min<std::size_t>(size, 60) : size);
    for (unsigned i = 0, flips = random_.between(1, 4); i < flips; ++i) {
        out_[random_.below(reach)] ^= static_cast<std::uint8_t>(1u << random_.below(8));
    }
    return size;
}

} // namespace sluice::simulation
