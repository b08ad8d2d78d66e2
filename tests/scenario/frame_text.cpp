#include "frame_text.hpp"

#include "packet_words.hpp"
#include "policy/model/protocols.hpp"
#include "support/fragments.hpp"
#include "transport_text.hpp"

#include <charconv>
#include <map>
#include <optional>

namespace sluice::scenario {
namespace {

using test_support::Bytes;
using test_support::PacketBuilder;

net::IpAddress address(std::string_view text) {
    const auto parsed = net::IpAddress::parse(text);
    if (!parsed) wrong(parsed.error());
    return *parsed;
}

/// One end of a packet. A range of ports stands for as many packets.
struct End {
    net::IpAddress address;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 0;
};

End read_end(std::string_view text, bool with_port) {
    if (!with_port) return {address(text), 0, 0};
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) wrong(quoted(text) + " has no port");
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        wrong("write the IPv6 address in brackets: [2001:db8::1]:80");
    const std::string_view ports = text.substr(colon + 1);
    const std::size_t dash = ports.find('-');
    End end;
    end.address = address(host);
    end.first_port = static_cast<std::uint16_t>(number(ports.substr(0, dash), 65535, "a port"));
    end.last_port = dash == std::string_view::npos
                        ? end.first_port
                        : static_cast<std::uint16_t>(number(ports.substr(dash + 1), 65535, "a port"));
    if (end.last_port < end.first_port) wrong("the range " + quoted(ports) + " ends before it begins");
    return end;
}

PacketBuilder link_header(const Attributes& a) {
    PacketBuilder builder;
    for (std::size_t i = 0; i < a.vlans.size(); ++i) {
        constexpr std::uint16_t kServiceTag = 0x88a8;
        constexpr std::uint16_t kTag = 0x8100;
        builder.vlan({.id = a.vlans[i], .tpid = i == 0 && a.service_tag ? kServiceTag : kTag});
    }
    return builder;
}

void add_extension(PacketBuilder& builder, std::string_view name) {
    struct Header {
        std::uint8_t protocol;
        std::optional<Bytes> content = {};
    };
    static const std::map<std::string_view, Header> kHeaders = {
        {"hop_by_hop", {net::protocol::kHopByHop}},
        {"routing", {net::protocol::kRouting}}, // type 0, and nothing left to visit
        {"routing_0", {net::protocol::kRouting, test_support::bytes({0, 1})}},
        {"routing_2", {net::protocol::kRouting, test_support::bytes({2, 1})}},
        {"destination", {net::protocol::kDestinationOptions}},
        {"long_option", {net::protocol::kDestinationOptions, test_support::bytes({1, 200})}}, // beyond its header
        {"ah", {net::protocol::kAuthentication}},
        {"mobility", {net::protocol::kMobility}}};
    const auto known = kHeaders.find(name);
    if (known == kHeaders.end()) {
        wrong(quoted(name) + " is no extension header: hop_by_hop, routing, routing_0, routing_2, destination, "
                             "long_option, ah, mobility");
    }
    const Header& header = known->second;
    const std::size_t size = header.protocol == net::protocol::kAuthentication ? 24 : 8;
    builder.extension({.protocol = header.protocol, .size = size, .content = header.content});
}

/// Where a fragment lies in its datagram.
struct Fragment {
    std::uint16_t offset = 0;
    bool more = false;
    bool any = false;
};

Fragment fragment_of(std::string_view word) {
    if (word.empty()) return {};
    if (word == "first") return {0, true, true};
    if (word == "later") return {1480, true, true};
    if (word == "last") return {2960, false, true};
    if (word == "atomic") return {0, false, true};
    wrong(quoted(word) + " is no kind of fragment: first, later, last, atomic");
}

/// IP with its options, extension headers and fragment header.
void add_ip(PacketBuilder& builder, const Attributes& a, const net::IpAddress& source,
            const net::IpAddress& destination, std::uint8_t protocol) {
    if (source.family != destination.family) wrong("the two ends are not of one address family");
    const Fragment fragment = fragment_of(a.fragment);
    const std::uint8_t ttl = a.ttl.value_or(64);
    if (source.family == net::Family::ipv4) {
        if (!a.extensions.empty()) wrong("extension headers go with IPv6");
        builder.ipv4({.source = source,
                      .destination = destination,
                      .ttl = ttl,
                      .more_fragments = fragment.more,
                      .fragment_offset = fragment.offset,
                      .options = a.options,
                      .protocol = protocol});
        return;
    }
    if (!a.options.empty()) wrong("options go with IPv4; IPv6 has 'ext'");
    const bool last_header = a.extensions.empty() && !fragment.any;
    builder.ipv6({.source = source,
                  .destination = destination,
                  .hop_limit = ttl,
                  .next_header = last_header ? std::optional(protocol) : std::nullopt});
    for (const std::string_view name : a.extensions) {
        add_extension(builder, name);
    }
    if (fragment.any) {
        builder.ipv6_fragment({.offset = fragment.offset, .more_fragments = fragment.more, .next_header = protocol});
    }
}

/// What a packet text says, apart from the attributes.
struct Packet {
    End source;
    End destination;
    Transport transport;
};

/// The IP packet that an ICMP error is about.
Bytes quoted_packet(std::string_view text) {
    const auto frames = read_frames(words_of(text));
    if (!frames) wrong("in the quote: " + frames.error());
    constexpr std::size_t kEthernet = 14;
    if (frames->size() != 1 || frames->front().size() < kEthernet) wrong("an error quotes one IP packet");
    return Bytes(frames->front().begin() + kEthernet, frames->front().end());
}

Bytes build(const Packet& p, const Attributes& a, Ports ports, std::size_t payload,
            std::optional<std::uint16_t> checksum = {}) {
    PacketBuilder builder = link_header(a);
    add_ip(builder, a, p.source.address, p.destination.address, p.transport.protocol);
    if (fragment_of(a.fragment).offset == 0) add_transport(builder, p.transport, a, ports, checksum);
    if (!a.quote.empty()) builder.payload(quoted_packet(a.quote));
    builder.payload_size(payload);
    return builder.pad_to(a.padded).build();
}

Bytes build_with_wrong_checksum(const Packet& p, const Attributes& a, Ports ports, std::size_t payload) {
    const Bytes good = build(p, a, ports, payload);
    Bytes bad = build(p, a, ports, payload, std::uint16_t{0xbad1});
    return bad == good ? build(p, a, ports, payload, std::uint16_t{0xbad2}) : bad;
}

Bytes build_sized(const Packet& p, const Attributes& a, Ports ports) {
    std::size_t payload = a.payload;
    if (fragment_of(a.fragment).more && payload == 0) {
        // All fragments but the last are a multiple of 8 long: a TCP or SCTP header leaves 4 bytes over.
        const std::uint8_t protocol = p.transport.protocol;
        const bool odd = protocol == net::protocol::kTcp || protocol == net::protocol::kSctp;
        payload = odd && fragment_of(a.fragment).offset == 0 ? 68 : 64;
    }
    if (a.size) {
        Attributes bare = a;
        bare.padded = 0;
        const std::size_t headers = build(p, bare, ports, 0).size() - (14 + 4 * a.vlans.size());
        if (*a.size < headers) wrong("the headers alone have " + std::to_string(headers) + " bytes");
        payload = *a.size - headers;
    }
    Bytes frame = a.wrong_checksum ? build_with_wrong_checksum(p, a, ports, payload) : build(p, a, ports, payload);
    if (a.wrong_ip_checksum) {
        if (p.source.address.family != net::Family::ipv4) wrong("only IPv4 headers have a checksum");
        frame[14 + 4 * a.vlans.size() + 10] ^= std::byte{0x5a};
    }
    if (a.part) {
        if (a.part->begin >= test_support::fragmented_size(frame)) wrong("the packet ends before the part begins");
        frame = test_support::fragment_of(frame, *a.part);
    }
    if (a.cut) {
        if (*a.cut > frame.size()) wrong("the frame has only " + std::to_string(frame.size()) + " bytes");
        frame.resize(*a.cut);
    }
    return frame;
}

std::uint8_t protocol_of(std::string_view word) {
    if (const auto known = policy::protocol_number(word)) return *known;
    return static_cast<std::uint8_t>(number(word, 255, "a protocol"));
}

std::vector<Bytes> read_ip(Words words, const Attributes& a) {
    const std::uint8_t protocol = protocol_of(words[0]);
    if (words.size() < 4 || words[2] != ">") wrong("a packet is written as: " + std::string(words[0]) + " FROM > TO …");
    Packet p;
    p.transport = read_transport(protocol, words.subspan(4));
    if (protocol != net::protocol::kTcp && a.sequence > 65535) {
        wrong(quoted(std::to_string(a.sequence)) + " is not a sequence number (0 to 65535)");
    }
    p.source = read_end(words[1], policy::has_ports(protocol));
    p.destination = read_end(words[3], policy::has_ports(protocol));
    if (p.source.first_port != p.source.last_port && p.destination.first_port != p.destination.last_port) {
        wrong("only one of the two ports may be a range");
    }
    std::vector<Bytes> frames;
    for (unsigned from = p.source.first_port; from <= p.source.last_port; ++from) {
        for (unsigned to = p.destination.first_port; to <= p.destination.last_port; ++to) {
            frames.push_back(build_sized(p, a, {static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(to)}));
        }
    }
    return frames;
}

Bytes read_arp(Words words, const Attributes& a) {
    if (words.size() != 4 || words[2] != ">") wrong("ARP is written as: arp 10.0.0.1 > 10.0.0.2 [reply]");
    PacketBuilder builder = link_header(a);
    const std::uint16_t operation = a.answer ? 2 : 1;
    builder.arp({.operation = operation, .sender = address(words[1]), .target = address(words[3])});
    return builder.pad_to(a.padded).build();
}

Bytes read_raw(Words digits) {
    std::string all;
    for (const std::string_view word : digits) {
        all += word;
    }
    if (all.size() % 2 != 0) wrong("an odd number of hexadecimal digits");
    Bytes frame;
    for (std::size_t i = 0; i < all.size(); i += 2) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(&all[i], &all[i] + 2, value, 16);
        if (error != std::errc{} || end != &all[i] + 2) wrong(quoted(all.substr(i, 2)) + " is no byte");
        frame.push_back(static_cast<std::byte>(value));
    }
    return frame;
}

Bytes read_other(Words words, const Attributes& a) {
    unsigned type = 0;
    if (words.size() != 2) wrong("another frame is written as: ethertype 88cc [payload N]");
    const auto [end, error] = std::from_chars(words[1].data(), words[1].data() + words[1].size(), type, 16);
    if (error != std::errc{} || end != words[1].data() + words[1].size() || type > 0xffff) {
        wrong(quoted(words[1]) + " is no EtherType in hexadecimal digits");
    }
    return PacketBuilder({.ether_type = static_cast<std::uint16_t>(type)}).payload_size(a.payload).build();
}

} // namespace

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    constexpr std::string_view kBlank = " \t\r";
    while (true) {
        const std::size_t start = text.find_first_not_of(kBlank);
        if (start == std::string_view::npos) return words;
        text.remove_prefix(start);
        const std::size_t closing = text.front() == '"' ? text.find('"', 1) : std::string_view::npos;
        const std::size_t end = closing == std::string_view::npos ? text.find_first_of(kBlank) : closing + 1;
        words.push_back(text.substr(0, end));
        text.remove_prefix(words.back().size());
    }
}

base::Expected<std::vector<Bytes>, std::string> read_frames(Words words) {
    try {
        if (words.empty()) wrong("the packet is missing");
        if (words[0] == "raw") return std::vector<Bytes>{read_raw(words.subspan(1))};
        const SortedWords sorted = sort_words(words);
        const Words left = sorted.left;
        if (left.empty()) wrong("the packet is missing");
        if (left[0] == "arp") return std::vector<Bytes>{read_arp(left, sorted.attributes)};
        if (left[0] == "ethertype") return std::vector<Bytes>{read_other(left, sorted.attributes)};
        return read_ip(left, sorted.attributes);
    } catch (const Wrong& problem) {
        return base::Unexpected(problem.clause);
    }
}

} // namespace sluice::scenario
