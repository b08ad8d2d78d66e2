#include "frame_text.hpp"

#include "policy/model/protocols.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace sluice::scenario {
namespace {

using test_support::Bytes;
using test_support::PacketBuilder;
using Words = std::span<const std::string_view>;

/// Ends the reading of a packet; what() is the clause that the steps file's reader shows.
struct Wrong {
    std::string clause;
};

[[noreturn]] void wrong(std::string clause) {
    throw Wrong{std::move(clause)};
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

unsigned number(std::string_view text, unsigned most, std::string_view what) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty() || value > most) {
        wrong(quoted(text) + " is not " + std::string(what) + " (0 to " + std::to_string(most) + ")");
    }
    return value;
}

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

std::uint8_t icmp_type(std::uint8_t protocol, std::string_view text) {
    if (const auto known = policy::icmp_type_number(protocol, text)) return *known;
    return static_cast<std::uint8_t>(number(text, 255, "an ICMP type"));
}

/// What the words behind the ends say, whatever their order.
struct Attributes {
    std::vector<std::uint16_t> vlans;
    bool service_tag = false; ///< the outer tag is 802.1ad's
    std::optional<std::uint8_t> ttl;
    std::size_t payload = 0;
    std::optional<std::size_t> size; ///< of the IP packet
    std::size_t padded = 0;
    std::optional<std::size_t> cut;
    std::size_t options = 0;
    std::vector<std::string_view> extensions;
    std::string_view fragment;
    std::uint8_t code = 0;
    std::uint16_t identifier = 0;
    std::uint16_t sequence = 0;
    bool answer = false; ///< ARP
};

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

/// Takes `key value` pairs out of `words`, which keep what is left.
class AttributeReader {
  public:
    explicit AttributeReader(Words words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i] == "reply") {
                read_.answer = true;
            } else if (!is_key(words[i])) {
                left_.push_back(words[i]);
            } else if (i + 1 == words.size()) {
                wrong(quoted(words[i]) + " wants a value");
            } else {
                set(words[i], words[i + 1]);
                ++i;
            }
        }
    }
    [[nodiscard]] const Attributes& attributes() const { return read_; }
    [[nodiscard]] const std::vector<std::string_view>& left() const { return left_; }

  private:
    static bool is_key(std::string_view word) {
        static constexpr std::string_view kKeys[] = {"vlan",    "qinq", "ttl",      "payload", "size", "pad", "cut",
                                                     "options", "ext",  "fragment", "code",    "id",   "seq"};
        return std::find(std::begin(kKeys), std::end(kKeys), word) != std::end(kKeys);
    }

    void set(std::string_view key, std::string_view value) {
        constexpr unsigned kLongest = 20'000;
        if (key == "vlan" || key == "qinq") {
            for (const std::string_view id : split(value, '.')) {
                read_.vlans.push_back(static_cast<std::uint16_t>(number(id, 4095, "a VLAN id")));
            }
            read_.service_tag = key == "qinq";
        } else if (key == "ttl")
            read_.ttl = static_cast<std::uint8_t>(number(value, 255, "a TTL"));
        else if (key == "payload")
            read_.payload = number(value, kLongest, "a length");
        else if (key == "size")
            read_.size = number(value, kLongest, "a size");
        else if (key == "pad")
            read_.padded = number(value, kLongest, "a size");
        else if (key == "cut")
            read_.cut = number(value, kLongest, "a size");
        else if (key == "options")
            read_.options = number(value, 40, "a size");
        else if (key == "ext")
            read_.extensions = split(value, ',');
        else if (key == "fragment")
            read_.fragment = value;
        else if (key == "code")
            read_.code = static_cast<std::uint8_t>(number(value, 255, "an ICMP code"));
        else if (key == "id")
            read_.identifier = static_cast<std::uint16_t>(number(value, 65535, "an identifier"));
        else
            read_.sequence = static_cast<std::uint16_t>(number(value, 65535, "a sequence number"));
    }

    Attributes read_;
    std::vector<std::string_view> left_;
};

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
    static const std::map<std::string_view, std::uint8_t> kNumbers = {
        {"hop_by_hop", net::protocol::kHopByHop},
        {"routing", net::protocol::kRouting},
        {"destination", net::protocol::kDestinationOptions},
        {"ah", net::protocol::kAuthentication},
        {"mobility", net::protocol::kMobility}};
    const auto known = kNumbers.find(name);
    if (known == kNumbers.end()) {
        wrong(quoted(name) + " is no extension header: hop_by_hop, routing, destination, ah, mobility");
    }
    const std::size_t size = known->second == net::protocol::kAuthentication ? 24 : 8;
    builder.extension({.protocol = known->second, .size = size});
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
        constexpr std::byte kNoOperation{1};
        builder.ipv4({.source = source,
                      .destination = destination,
                      .ttl = ttl,
                      .more_fragments = fragment.more,
                      .fragment_offset = fragment.offset,
                      .options = Bytes(a.options, kNoOperation),
                      .protocol = protocol});
        return;
    }
    if (a.options != 0) wrong("options go with IPv4; IPv6 has 'ext'");
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

/// Those of one packet of a range.
struct Ports {
    std::uint16_t source = 0;
    std::uint16_t destination = 0;
};

/// What a packet text says, ends and transport apart from the attributes.
struct Packet {
    std::uint8_t protocol = 0;
    End source;
    End destination;
    std::uint8_t flags = 0;
    std::uint8_t type = 0;
};

Bytes build(const Packet& p, const Attributes& a, Ports ports, std::size_t payload) {
    PacketBuilder builder = link_header(a);
    add_ip(builder, a, p.source.address, p.destination.address, p.protocol);
    const Fragment fragment = fragment_of(a.fragment);
    if (fragment.offset == 0) {
        if (p.protocol == net::protocol::kIcmp || p.protocol == net::protocol::kIcmpv6) {
            builder.icmp({.protocol = p.protocol,
                          .type = p.type,
                          .code = a.code,
                          .identifier = a.identifier,
                          .sequence = a.sequence});
        } else if (p.protocol == net::protocol::kTcp) {
            builder.tcp({.source_port = ports.source, .destination_port = ports.destination, .flags = p.flags});
        } else if (p.protocol == net::protocol::kUdp) {
            builder.udp({.source_port = ports.source, .destination_port = ports.destination});
        } else if (p.protocol == net::protocol::kSctp) {
            builder.sctp({.source_port = ports.source, .destination_port = ports.destination});
        }
    }
    builder.payload_size(payload);
    return builder.pad_to(a.padded).build();
}

Bytes build_sized(const Packet& p, const Attributes& a, Ports ports) {
    std::size_t payload = a.payload;
    if (fragment_of(a.fragment).more && payload == 0) {
        // All fragments but the last are a multiple of 8 long: a TCP or SCTP header leaves 4 bytes over.
        const bool odd = p.protocol == net::protocol::kTcp || p.protocol == net::protocol::kSctp;
        payload = odd && fragment_of(a.fragment).offset == 0 ? 68 : 64;
    }
    if (a.size) {
        Attributes bare = a;
        bare.padded = 0;
        const std::size_t headers = build(p, bare, ports, 0).size() - (14 + 4 * a.vlans.size());
        if (*a.size < headers) wrong("the headers alone have " + std::to_string(headers) + " bytes");
        payload = *a.size - headers;
    }
    Bytes frame = build(p, a, ports, payload);
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
    Packet p;
    p.protocol = protocol_of(words[0]);
    const bool icmp = policy::has_icmp_type(p.protocol);
    const bool tcp = p.protocol == net::protocol::kTcp;
    const std::size_t wanted = icmp || tcp ? 5 : 4;
    if (words.size() < 4 || words[2] != ">") wrong("a packet is written as: " + std::string(words[0]) + " FROM > TO …");
    if (words.size() < wanted) wrong(icmp ? "the ICMP type is missing" : "the TCP flags are missing");
    if (words.size() > wanted) wrong("what is " + quoted(words[wanted]) + "?");
    p.source = read_end(words[1], policy::has_ports(p.protocol));
    p.destination = read_end(words[3], policy::has_ports(p.protocol));
    if (p.source.first_port != p.source.last_port && p.destination.first_port != p.destination.last_port) {
        wrong("only one of the two ports may be a range");
    }
    if (tcp) p.flags = tcp_flags(words[4]);
    if (icmp) p.type = icmp_type(p.protocol, words[4]);
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

base::Expected<std::vector<Bytes>, std::string> read_frames(Words words) {
    try {
        if (words.empty()) wrong("the packet is missing");
        if (words[0] == "raw") return std::vector<Bytes>{read_raw(words.subspan(1))};
        const AttributeReader reader(words);
        const std::vector<std::string_view>& left = reader.left();
        if (left.empty()) wrong("the packet is missing");
        if (left[0] == "arp") return std::vector<Bytes>{read_arp(left, reader.attributes())};
        if (left[0] == "ethertype") return std::vector<Bytes>{read_other(left, reader.attributes())};
        return read_ip(left, reader.attributes());
    } catch (const Wrong& problem) {
        return base::Unexpected(problem.clause);
    }
}

} // namespace sluice::scenario
