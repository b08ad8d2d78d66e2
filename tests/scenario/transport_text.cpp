#include "transport_text.hpp"

#include "policy/model/protocols.hpp"

#include <map>

namespace sluice::scenario {
namespace {

using test_support::Bytes;
namespace protocol = net::protocol;

void append(Bytes& out, std::uint32_t value, unsigned size) {
    for (unsigned shift = size * 8; shift != 0; shift -= 8) {
        out.push_back(static_cast<std::byte>(value >> (shift - 8)));
    }
}

std::uint8_t tcp_flags(std::string_view text) {
    using namespace net::tcp_flag;
    static const std::map<char, std::uint8_t> kLetters = {{'S', kSyn}, {'A', kAck}, {'F', kFin}, {'R', kRst},
                                                          {'P', kPsh}, {'U', kUrg}, {'E', kEce}, {'C', kCwr}};
    if (text == "-") return 0;
    std::uint8_t flags = 0;
    for (const char letter : text) {
        const auto known = kLetters.find(letter);
        if (known == kLetters.end()) wrong(quoted(text) + " are not TCP flags: S A F R P U E C, or - for none");
        flags |= known->second;
    }
    return flags;
}

/// RFC 9293, 3.2; RFC 7323, 2.2; RFC 2018, 2 and 3.
Bytes tcp_options(const Attributes& a) {
    Bytes options;
    if (a.segment_size) {
        append(options, 0x0204, 2);
        append(options, *a.segment_size, 2);
    }
    if (a.window_scale) {
        append(options, 0x0303, 2);
        append(options, *a.window_scale, 1);
    }
    if (a.sack_permitted) append(options, 0x0402, 2);
    if (!a.sack_blocks.empty()) {
        append(options, 5, 1);
        append(options, static_cast<std::uint32_t>(2 + 8 * a.sack_blocks.size()), 1);
        for (const SackBlock& block : a.sack_blocks) {
            append(options, block.left, 4);
            append(options, block.right, 4);
        }
    }
    if (options.size() > 40) wrong("TCP has no room for so many options");
    return options;
}

std::uint8_t icmp_type(std::uint8_t number_of_protocol, std::string_view text) {
    if (const auto known = policy::icmp_type_number(number_of_protocol, text)) return *known;
    return static_cast<std::uint8_t>(number(text, 255, "an ICMP type"));
}

/// RFC 9260, 3.2.
constexpr std::uint8_t kInit = 1;
constexpr std::uint8_t kInitAck = 2;

std::uint8_t sctp_chunk(std::string_view text) {
    static const std::map<std::string_view, std::uint8_t> kChunks = {
        {"data", 0},          {"init", kInit},    {"init_ack", kInitAck},   {"selective_ack", 3}, {"heartbeat", 4},
        {"heartbeat_ack", 5}, {"abort", 6},       {"shutdown", 7},          {"shutdown_ack", 8},  {"error", 9},
        {"cookie_echo", 10},  {"cookie_ack", 11}, {"shutdown_complete", 14}};
    const auto known = kChunks.find(text);
    return known != kChunks.end() ? known->second : static_cast<std::uint8_t>(number(text, 255, "an SCTP chunk"));
}

/// Chunks with bodies of zeros, as long as each kind is at least.
Bytes sctp_chunks(const Transport& transport, const Attributes& a) {
    constexpr std::uint32_t kHeader = 4;
    static const std::map<std::uint8_t, std::uint32_t> kBodies = {{0, 16}, {kInit, 16}, {kInitAck, 20}, {3, 12},
                                                                  {4, 8},  {5, 8},      {7, 4},         {10, 8}};
    Bytes out;
    for (const std::uint8_t type : transport.chunks) {
        const auto known = kBodies.find(type);
        const std::uint32_t body = known == kBodies.end() ? 0 : known->second;
        append(out, type, 1);
        append(out, a.tag_reflected ? 1 : 0, 1);
        append(out, kHeader + body, 2);
        Bytes content(body);
        if (type == kInit || type == kInitAck) {
            content.clear();
            append(content, a.initiate_tag, 4);
            content.resize(body);
        }
        out.insert(out.end(), content.begin(), content.end());
    }
    return out;
}

} // namespace

Transport read_transport(std::uint8_t number_of_protocol, Words words) {
    Transport transport;
    transport.protocol = number_of_protocol;
    const bool icmp = policy::has_icmp_type(number_of_protocol);
    const bool tcp = number_of_protocol == protocol::kTcp;
    const bool sctp = number_of_protocol == protocol::kSctp;
    if (words.empty() && icmp) wrong("the ICMP type is missing");
    if (words.empty() && tcp) wrong("the TCP flags are missing");
    const std::size_t most = icmp || tcp || sctp ? 1 : 0;
    if (words.size() > most) wrong("what is " + quoted(words[most]) + "?");
    if (tcp) transport.flags = tcp_flags(words[0]);
    if (icmp) transport.type = icmp_type(number_of_protocol, words[0]);
    if (!words.empty() && sctp) {
        for (const std::string_view chunk : split(words[0], ',')) {
            transport.chunks.push_back(sctp_chunk(chunk));
        }
    }
    return transport;
}

void add_transport(test_support::PacketBuilder& builder, const Transport& transport, const Attributes& a, Ports ports,
                   std::optional<std::uint16_t> checksum) {
    switch (transport.protocol) {
    case protocol::kIcmp:
    case protocol::kIcmpv6:
        builder.icmp({.protocol = transport.protocol,
                      .type = transport.type,
                      .code = a.code,
                      .identifier = a.identifier,
                      .sequence = static_cast<std::uint16_t>(a.sequence),
                      .checksum = checksum});
        return;
    case protocol::kTcp:
        builder.tcp({.source_port = ports.source,
                     .destination_port = ports.destination,
                     .flags = transport.flags,
                     .sequence = a.sequence,
                     .acknowledgment = a.acknowledgment,
                     .window = a.window,
                     .options = tcp_options(a),
                     .checksum = checksum});
        return;
    case protocol::kUdp:
        if (a.no_checksum) checksum = std::uint16_t{0};
        builder.udp({.source_port = ports.source, .destination_port = ports.destination, .checksum = checksum});
        return;
    case protocol::kSctp:
        builder.sctp({.source_port = ports.source,
                      .destination_port = ports.destination,
                      .verification_tag = a.verification_tag,
                      .checksum = checksum});
        builder.payload(sctp_chunks(transport, a));
        return;
    default: return;
    }
}

} // namespace sluice::scenario
