#include "packet/tcp_rewrite.hpp"

#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "net/protocol.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace sluice::packet {
namespace {

net::TcpHeader& header_of(std::byte* data, const Parsed& parsed) {
    return *reinterpret_cast<net::TcpHeader*>(data + parsed.l4_offset);
}

/// Writes `size` bytes at `offset` from `start`, which is where the checksummed part begins, and brings `checksum` up
/// to date: HC' = ~(~HC + ~m + m'), RFC 1624, 3. Words count from `start`, so a field at an odd offset is taken with
/// its neighbours.
void write(std::byte* start, std::size_t offset, const void* bytes, std::size_t size, net::Be16& checksum) {
    std::byte* first = start + (offset & ~std::size_t{1});
    const std::size_t words = ((offset & 1) + size + 1) & ~std::size_t{1};
    const std::uint64_t before = net::checksum_add({first, words});
    std::memcpy(start + offset, bytes, size);
    const std::uint64_t after = net::checksum_add({first, words});
    // checksum_finish() complements: the sum under it is that of the whole.
    const std::uint64_t whole = std::uint64_t{static_cast<std::uint16_t>(~checksum.host())} +
                                static_cast<std::uint16_t>(net::checksum_finish(before)) + after;
    checksum = net::Be16::from_host(net::checksum_finish(whole));
}

template <typename Wire> void write_field(std::byte* data, const Parsed& parsed, std::size_t offset, Wire value) {
    write(data + parsed.l4_offset, offset, &value, sizeof value, header_of(data, parsed).checksum);
}

void shift_edges(std::byte* data, const Parsed& parsed, std::size_t at, std::size_t end, std::uint32_t delta) {
    for (; at + sizeof(net::Be32) <= end; at += sizeof(net::Be32)) {
        net::Be32 edge;
        std::memcpy(&edge, data + parsed.l4_offset + at, sizeof edge);
        write_field(data, parsed, at, net::Be32::from_host(edge.host() + delta));
    }
}

} // namespace

void set_tcp_sequence(std::byte* data, const Parsed& parsed, std::uint32_t sequence) {
    write_field(data, parsed, offsetof(net::TcpHeader, sequence), net::Be32::from_host(sequence));
}

void set_tcp_acknowledgment(std::byte* data, const Parsed& parsed, std::uint32_t acknowledgment) {
    write_field(data, parsed, offsetof(net::TcpHeader, acknowledgment), net::Be32::from_host(acknowledgment));
}

void set_tcp_window(std::byte* data, const Parsed& parsed, std::uint16_t window) {
    write_field(data, parsed, offsetof(net::TcpHeader, window), net::Be16::from_host(window));
}

void set_tcp_flags(std::byte* data, const Parsed& parsed, std::uint8_t flags) {
    write_field(data, parsed, offsetof(net::TcpHeader, flags), flags);
}

void add_to_sack_blocks(std::byte* data, const Parsed& parsed, std::uint32_t delta) {
    namespace option = net::tcp_option;
    constexpr std::size_t kBlock = 8;
    const std::byte* header = data + parsed.l4_offset;
    const std::size_t size = header_of(data, parsed).header_size();
    std::size_t at = sizeof(net::TcpHeader);
    while (at < size) {
        const auto kind = static_cast<std::uint8_t>(header[at]);
        if (kind == option::kEnd) return;
        if (kind == option::kNoOperation) {
            ++at;
            continue;
        }
        if (at + 1 >= size) return;
        const auto option_size = static_cast<std::size_t>(header[at + 1]);
        if (option_size < 2 || option_size > size - at) return;
        if (kind == option::kSack && (option_size - 2) % kBlock == 0)
            shift_edges(data, parsed, at + 2, at + option_size, delta);
        at += option_size;
    }
}

void add_to_quoted_sequence(std::byte* data, const Parsed& error, const Parsed& quoted, std::uint32_t delta) {
    auto& icmp = *reinterpret_cast<net::IcmpHeader*>(data + error.l4_offset);
    const std::size_t at = quoted.l4_offset + offsetof(net::TcpHeader, sequence);
    net::Be32 sequence;
    std::memcpy(&sequence, data + at, sizeof sequence);
    sequence = net::Be32::from_host(sequence.host() + delta);
    write(data + error.l4_offset, at - error.l4_offset, &sequence, sizeof sequence, icmp.checksum);
}

} // namespace sluice::packet
