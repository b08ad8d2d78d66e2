#include "packet/transport.hpp"

#include "net/headers.hpp"
#include "net/protocol.hpp"
#include "packet/reader.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::packet {
namespace {

namespace option = net::tcp_option;

std::uint32_t be32(const std::uint8_t* at) {
    net::Be32 value;
    std::memcpy(&value, at, sizeof value);
    return value.host();
}

/// RFC 2018, 3: pairs of edges, each 4 bytes.
void read_sack(const std::uint8_t* blocks, std::size_t size, TcpOptions& out) {
    constexpr std::size_t kBlock = 8;
    if (size == 0 || size % kBlock != 0) return;
    for (std::size_t at = 0; at < size; at += kBlock) {
        const std::uint32_t edge = be32(blocks + at + 4);
        if (static_cast<std::int32_t>(edge - out.sack_edge) > 0) out.sack_edge = edge;
    }
}

/// Nothing but a timestamp, padded as RFC 7323's appendix A shows: what most segments have.
bool only_timestamp(const std::uint8_t* options, std::size_t size) {
    constexpr std::uint32_t kPaddedTimestamp = 0x0101080a;
    return size == 12 && be32(options) == kPaddedTimestamp;
}

namespace chunk {
constexpr std::uint8_t kInit = 1;
constexpr std::uint8_t kInitAck = 2;
constexpr std::uint8_t kAbort = 6;
constexpr std::uint8_t kShutdown = 7;
constexpr std::uint8_t kShutdownAck = 8;
constexpr std::uint8_t kCookieEcho = 10;
constexpr std::uint8_t kCookieAck = 11;
constexpr std::uint8_t kShutdownComplete = 14;
constexpr std::size_t kSmallestInit = 20; // RFC 9260, 3.3.2 and 3.3.3
} // namespace chunk

/// RFC 9260, 3.2.
struct ChunkHeader {
    std::uint8_t type;
    std::uint8_t flags;
    net::Be16 length; ///< header included, padding not
};
static_assert(sizeof(ChunkHeader) == 4);

/// RFC 9260, 6.10.
bool must_be_alone(std::uint8_t type) {
    return type == chunk::kInit || type == chunk::kInitAck || type == chunk::kShutdownComplete;
}

bool moves_state(std::uint8_t type) {
    switch (type) {
    case chunk::kInit:
    case chunk::kInitAck:
    case chunk::kAbort:
    case chunk::kShutdown:
    case chunk::kShutdownAck:
    case chunk::kCookieEcho:
    case chunk::kCookieAck:
    case chunk::kShutdownComplete: return true;
    default: return false;
    }
}

} // namespace

void read_tcp_options(const std::byte* bytes, std::size_t size, TcpOptions& out) {
    constexpr std::uint8_t kMaxScale = 14; // RFC 7323, 2.3
    const auto* options = reinterpret_cast<const std::uint8_t*>(bytes);
    if (only_timestamp(options, size)) return;
    std::size_t at = 0;
    while (at < size && options[at] != option::kEnd) {
        if (options[at] == option::kNoOperation) {
            ++at;
            continue;
        }
        if (at + 1 >= size) return;
        const std::size_t option_size = options[at + 1];
        if (option_size < 2 || option_size > size - at) return;
        const std::uint8_t* value = options + at + 2;
        switch (options[at]) {
        case option::kWindowScale:
            if (option_size == 3) out.window_scale = std::min(*value, kMaxScale);
            break;
        case option::kSackPermitted: out.sack_permitted |= option_size == 2; break;
        case option::kSack: read_sack(value, option_size - 2, out); break;
        default: break;
        }
        at += option_size;
    }
}

SctpPacket read_sctp_packet(std::span<const std::byte> data, const Parsed& parsed) {
    SctpPacket out;
    const std::size_t end = std::size_t{parsed.l3_offset} + parsed.ip_length;
    const Reader packet = Reader(data).before(std::min(data.size(), end)); // what there is of it: see the declaration
    const auto* common = packet.at<net::SctpHeader>(parsed.l4_offset);
    if (common == nullptr) return out;
    out.tag = common->verification_tag.host();
    std::size_t at = parsed.l4_offset + sizeof *common;
    unsigned count = 0;
    bool alone = false;
    while (const auto* header = packet.at<ChunkHeader>(at)) {
        const std::size_t length = header->length.host();
        if (length < sizeof *header || length > end - at) return out;
        if (count == 0 || (moves_state(header->type) && !moves_state(out.chunk))) {
            out.chunk = header->type;
            out.chunk_flags = header->flags;
        }
        if (header->type == chunk::kInit || header->type == chunk::kInitAck) {
            const auto* tag = packet.at<net::Be32>(at + sizeof *header);
            if (length < chunk::kSmallestInit || tag == nullptr) return out;
            out.initiate_tag = tag->host();
        }
        ++count;
        alone |= must_be_alone(header->type);
        at += (length + 3) & ~std::size_t{3}; // RFC 9260, 3.2: padded to four bytes
    }
    out.sound = count == 1 || (count > 1 && !alone);
    return out;
}

} // namespace sluice::packet
