#include "support/packet_reference.hpp"

#include "net/address.hpp"
#include "net/checksum.hpp"
#include "net/oddity.hpp"
#include "packet/parse.hpp"
#include "packet/parse_ordinary.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

namespace sluice::test_support {
namespace {

namespace oddity = net::oddity;
using packet::FragmentState;
using packet::Kind;
using packet::Malformed;
using packet::Parsed;

struct Refused {
    Malformed reason;
};

/// Numbers read one after the other from a piece of the frame. Reading behind its end throws `when_short`.
class Cursor {
  public:
    Cursor(std::vector<unsigned> bytes, Malformed when_short)
        : bytes_(std::move(bytes))
        , when_short_(when_short) {}

    unsigned u8() {
        if (at_ >= bytes_.size()) throw Refused{when_short_};
        return bytes_[at_++];
    }
    unsigned u16() {
        const unsigned high = u8();
        return high * 256 + u8();
    }
    void skip(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            u8();
    }
    void copy_to(std::uint8_t* target, unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            target[i] = static_cast<std::uint8_t>(u8());
    }
    void when_short(Malformed reason) { when_short_ = reason; }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
    /// Forgets all but the next `count` bytes.
    void cut(std::size_t count) { bytes_.resize(at_ + count); }

  private:
    std::vector<unsigned> bytes_;
    std::size_t at_ = 0;
    Malformed when_short_;
};

std::uint16_t narrow(std::size_t value) {
    return static_cast<std::uint16_t>(value);
}

void set_ports(Parsed& out, unsigned source, unsigned destination) {
    out.source_port = net::Be16::from_host(narrow(source));
    out.destination_port = net::Be16::from_host(narrow(destination));
}

bool has_identifier(bool v4, unsigned type) {
    static const std::vector<unsigned> v4_types = {8, 0, 13, 14, 15, 16, 17, 18};
    static const std::vector<unsigned> v6_types = {128, 129};
    const auto& types = v4 ? v4_types : v6_types;
    return std::find(types.begin(), types.end(), type) != types.end();
}

void transport(Cursor cursor, Parsed& out) {
    const bool v4 = out.family == net::Family::ipv4;
    const std::size_t size = cursor.left();
    cursor.when_short(Malformed::truncated_l4);
    if (out.protocol == 6) {
        const unsigned source = cursor.u16();
        const unsigned destination = cursor.u16();
        cursor.skip(8);
        const unsigned words = cursor.u8() / 16;
        const unsigned flags = cursor.u8();
        cursor.skip(6);
        if (words < 5 || words * std::size_t{4} > size) throw Refused{Malformed::tcp_header_length};
        set_ports(out, source, destination);
        out.tcp_flags = static_cast<std::uint8_t>(flags);
    } else if (out.protocol == 17) {
        const unsigned source = cursor.u16();
        const unsigned destination = cursor.u16();
        const unsigned length = cursor.u16();
        cursor.skip(2);
        if (length < 8) throw Refused{Malformed::udp_length};
        if (length > size && out.fragment != FragmentState::first) throw Refused{Malformed::udp_length};
        set_ports(out, source, destination);
    } else if (out.protocol == 132) {
        const unsigned source = cursor.u16();
        const unsigned destination = cursor.u16();
        cursor.skip(8);
        set_ports(out, source, destination);
    } else if (out.protocol == (v4 ? 1 : 58)) {
        out.icmp_type = static_cast<std::uint8_t>(cursor.u8());
        out.icmp_code = static_cast<std::uint8_t>(cursor.u8());
        cursor.skip(2);
        const unsigned identifier = cursor.u16();
        cursor.skip(2);
        if (has_identifier(v4, out.icmp_type)) set_ports(out, identifier, identifier);
    }
}

void set_oddity(Parsed& out, std::uint16_t bit) {
    out.oddities = static_cast<std::uint16_t>(out.oddities | bit);
}

/// `before` is what the whole datagram's length counts in front of its fragmented part.
void fragment(std::size_t offset, bool more, std::size_t before, const Cursor& cursor, Parsed& out) {
    if (offset == 0 && !more) return;
    if (cursor.left() == 0) throw Refused{Malformed::fragment_length};
    if (more && cursor.left() % 8 != 0) throw Refused{Malformed::fragment_length};
    if (before + offset + cursor.left() > 65535) throw Refused{Malformed::fragment_length};
    if (out.protocol == 6 && offset == 8) throw Refused{Malformed::fragment_tiny};
    out.fragment = offset > 0 ? FragmentState::later : FragmentState::first;
}

void ipv4_options(std::vector<unsigned> options, Parsed& out) {
    while (!options.empty() && options[0] != 0) {
        if (options[0] == 1) {
            options.erase(options.begin());
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) throw Refused{Malformed::ipv4_options};
        const bool routes = options[0] == 131 || options[0] == 137;
        set_oddity(out, routes ? oddity::kSourceRoute : oddity::kIpv4Option);
        options.erase(options.begin(), options.begin() + static_cast<std::ptrdiff_t>(options[1]));
    }
}

void ipv4(Cursor cursor, Parsed& out) {
    const std::size_t held = cursor.left();
    if (held < 20) throw Refused{Malformed::truncated_ip};
    const unsigned version_ihl = cursor.u8();
    cursor.skip(1);
    const unsigned total_length = cursor.u16();
    cursor.skip(2);
    const unsigned flags_offset = cursor.u16();
    const unsigned ttl = cursor.u8();
    const unsigned protocol = cursor.u8();
    cursor.skip(2);
    if (version_ihl / 16 != 4) throw Refused{Malformed::ip_version};
    const unsigned header_size = version_ihl % 16 * 4;
    if (header_size < 20) throw Refused{Malformed::ip_header_length};
    if (header_size > held) throw Refused{Malformed::truncated_ip};
    if (header_size > total_length) throw Refused{Malformed::ip_header_length};
    if (total_length > held) throw Refused{Malformed::ip_total_length};
    out.family = net::Family::ipv4;
    out.ttl = static_cast<std::uint8_t>(ttl);
    out.protocol = static_cast<std::uint8_t>(protocol);
    out.ip_length = narrow(total_length);
    cursor.copy_to(out.source, 4);
    cursor.copy_to(out.destination, 4);
    std::vector<unsigned> options;
    for (unsigned i = 20; i < header_size; ++i)
        options.push_back(cursor.u8());
    ipv4_options(options, out);
    cursor.cut(total_length - header_size);
    out.l4_offset = narrow(cursor.at());
    fragment(flags_offset % 0x2000 * std::size_t{8}, flags_offset / 0x2000 % 2 == 1, header_size, cursor, out);
    if (out.fragment != FragmentState::later) transport(cursor, out);
}

bool is_extension(unsigned number) {
    static const std::vector<unsigned> numbers = {0, 43, 44, 51, 60};
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

void ipv6_options(std::vector<unsigned> options) {
    unsigned count = 0;
    while (!options.empty()) {
        if (++count > 64) throw Refused{Malformed::extension_options};
        const bool pad1 = options[0] == 0;
        if (!pad1 && options.size() < 2) throw Refused{Malformed::extension_options};
        const std::size_t size = pad1 ? 1 : 2 + std::size_t{options[1]};
        if (size > options.size()) throw Refused{Malformed::extension_options};
        options.erase(options.begin(), options.begin() + static_cast<std::ptrdiff_t>(size));
    }
}

/// The header `number` begins at the cursor; `before` are the numbers of the extension headers already read.
void ipv6_chain(unsigned number, std::vector<unsigned> before, Cursor cursor, Parsed& out) {
    out.protocol = static_cast<std::uint8_t>(number);
    out.l4_offset = narrow(cursor.at());
    out.extension_headers = static_cast<std::uint8_t>(before.size());
    if (number == 0 && !before.empty()) throw Refused{Malformed::extension_order};
    if (number == 44 && std::count(before.begin(), before.end(), 44u) > 0) throw Refused{Malformed::fragment_nested};
    if (out.fragment == FragmentState::later) return;
    if (!is_extension(number)) return transport(cursor, out);
    if (before.size() == 8) throw Refused{Malformed::extension_chain_long};

    cursor.when_short(Malformed::extension_truncated);
    const std::size_t start = cursor.at();
    const unsigned next = cursor.u8();
    const unsigned units = cursor.u8();
    if (number == 44) {
        const unsigned offset_more = cursor.u16();
        cursor.skip(4);
        const std::size_t unfragmentable = start - out.l3_offset - 40;
        out.protocol = static_cast<std::uint8_t>(next);
        fragment(offset_more / 8 * std::size_t{8}, offset_more % 2 == 1, unfragmentable, cursor, out);
    } else if (number == 51) {
        cursor.skip((units + std::size_t{2}) * 4 - 2);
    } else {
        std::vector<unsigned> content;
        for (std::size_t i = 2; i < (units + std::size_t{1}) * 8; ++i)
            content.push_back(cursor.u8());
        if (number != 43) ipv6_options(content);
        if (number == 43 && content[0] == 0 && content[1] != 0) set_oddity(out, oddity::kRoutingHeader0);
    }
    before.push_back(number);
    ipv6_chain(next, before, cursor, out);
}

void ipv6(Cursor cursor, Parsed& out) {
    const std::size_t held = cursor.left();
    if (held < 40) throw Refused{Malformed::truncated_ip};
    const unsigned version = cursor.u8() / 16;
    cursor.skip(3);
    const unsigned payload_length = cursor.u16();
    const unsigned next = cursor.u8();
    const unsigned hop_limit = cursor.u8();
    if (version != 6) throw Refused{Malformed::ip_version};
    if (payload_length == 0 && next == 0) throw Refused{Malformed::ip_total_length};
    if (40 + payload_length > held || 40 + payload_length > 65535) throw Refused{Malformed::ip_total_length};
    out.family = net::Family::ipv6;
    out.ttl = static_cast<std::uint8_t>(hop_limit);
    out.ip_length = narrow(40 + payload_length);
    cursor.copy_to(out.source, 16);
    cursor.copy_to(out.destination, 16);
    cursor.cut(payload_length);
    ipv6_chain(next, {}, cursor, out);
}

void ethernet(Cursor cursor, Parsed& out) {
    cursor.skip(12);
    unsigned type = cursor.u16();
    const bool customers_tag = type == 0x8100;
    std::vector<unsigned> tags;
    while (type == 0x8100 || type == 0x88a8) {
        if (tags.size() == 2) throw Refused{Malformed::too_many_vlan_tags};
        const unsigned control = cursor.u16();
        type = cursor.u16();
        tags.push_back(control % 4096);
        (tags.size() == 1 ? out.outer_vlan : out.inner_vlan) = narrow(4096 + tags.back());
        if (tags.back() == 4095) throw Refused{Malformed::vlan_id_reserved};
    }
    if (customers_tag && tags.size() == 2) set_oddity(out, oddity::kStackedVlan);
    out.ether_type = narrow(type);
    out.l3_offset = narrow(cursor.at());
    out.kind = type == 0x0800 || type == 0x86dd ? Kind::ip : type == 0x0806 ? Kind::arp : Kind::other;
    if (type == 0x0800) ipv4(cursor, out);
    if (type == 0x86dd) ipv6(cursor, out);
}

bool within(const Parsed& p, const char* prefix) {
    return net::Prefix::parse(prefix)->contains(net::IpAddress::from_wire(p.family, p.source));
}
bool sent_to(const Parsed& p, const char* prefix) {
    return net::Prefix::parse(prefix)->contains(net::IpAddress::from_wire(p.family, p.destination));
}

bool martian(const Parsed& p) {
    if (p.family == net::Family::ipv4) {
        if (within(p, "0.0.0.0/32") && p.protocol == 17 && p.destination_port.host() == 67)
            return !sent_to(p, "255.255.255.255/32");
        if (within(p, "0.0.0.0/32") && p.protocol == 2) return !sent_to(p, "224.0.0.0/24");
        return within(p, "0.0.0.0/8") || within(p, "127.0.0.0/8") || within(p, "224.0.0.0/3");
    }
    if (within(p, "::/128") && p.protocol == 58) {
        for (unsigned flags = 0; flags < 16; ++flags) {
            const char digit = "0123456789abcdef"[flags];
            if (sent_to(p, (std::string("ff") + digit + "2::/16").c_str())) return false;
        }
    }
    return within(p, "::/128") || within(p, "::1/128") || within(p, "::ffff:0:0/96") || within(p, "ff00::/8");
}

/// `packet` begins with the IP header.
void fixed_header_oddities(std::span<const std::byte> packet, Parsed& out) {
    if (out.ttl == 0) set_oddity(out, oddity::kTtlZero);
    if (martian(out)) set_oddity(out, oddity::kMartianSource);
    if (out.family != net::Family::ipv4) return;
    const auto header = packet.first(std::to_integer<std::size_t>(packet[0]) % 16 * 4);
    if (net::checksum_finish(net::checksum_add(header)) != 0) set_oddity(out, oddity::kHeaderChecksum);
}

/// The real parser's answer about an exact heap copy, so that the address sanitizer sees a read outside of it. `stale`
/// is what the output holds before.
Parsed parse_copy(std::span<const std::byte> frame, unsigned char stale) {
    const auto copy = std::make_unique<std::byte[]>(frame.size());
    std::copy(frame.begin(), frame.end(), copy.get());
    Parsed parsed;
    std::fill_n(reinterpret_cast<unsigned char*>(&parsed), sizeof parsed, stale);
    packet::parse({copy.get(), frame.size()}, parsed);
    return parsed;
}

bool same(const Parsed& a, const Parsed& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

/// What is wrong with the answer of parse_ordinary(), beside that of parse().
std::string ordinary_broken(std::span<const std::byte> frame, const Parsed& parsed) {
    const auto copy = std::make_unique<std::byte[]>(frame.size());
    std::copy(frame.begin(), frame.end(), copy.get());
    Parsed quick;
    std::fill_n(reinterpret_cast<unsigned char*>(&quick), sizeof quick, static_cast<unsigned char>(0xa5));
    const Parsed untouched = quick;
    if (!packet::parse_ordinary({copy.get(), frame.size()}, quick))
        return same(quick, untouched) ? "" : "parse_ordinary() writes what it leaves to parse()";
    if (!same(quick, parsed)) return "parse_ordinary() and parse() disagree";
    const bool to_itself = std::memcmp(quick.source, quick.destination, sizeof quick.source) == 0;
    if (to_itself || quick.oddities != 0) return "parse_ordinary() takes what is decided before the rules";
    return "";
}

std::string bounds_broken(std::span<const std::byte> frame, const Parsed& parsed) {
    if (parsed.kind == Kind::malformed) return parsed.malformed == Malformed::none ? "malformed for no reason" : "";
    if (parsed.malformed != Malformed::none) return "a reason, but not malformed";
    if (parsed.l3_offset > frame.size()) return "l3_offset is outside the frame";
    if (parsed.kind != Kind::ip) return "";
    const std::size_t end = std::size_t{parsed.l3_offset} + parsed.ip_length;
    if (end > frame.size()) return "the IP packet is outside the frame";
    if (parsed.l4_offset > end) return "l4_offset is outside the IP packet";
    if (parsed.l4_offset < parsed.l3_offset + 20) return "l4_offset is inside the IP header";
    return "";
}

} // namespace

Parsed reference_parse(std::span<const std::byte> frame) {
    std::vector<unsigned> bytes;
    for (const std::byte byte : frame)
        bytes.push_back(std::to_integer<unsigned>(byte));
    Parsed out{};
    try {
        ethernet(Cursor(bytes, Malformed::truncated_ethernet), out);
    } catch (const Refused& refused) {
        Parsed rejected{}; // of which only the link layer is kept
        rejected.kind = Kind::malformed;
        rejected.malformed = refused.reason;
        rejected.outer_vlan = out.outer_vlan;
        rejected.inner_vlan = out.inner_vlan;
        rejected.ether_type = out.ether_type;
        rejected.l3_offset = out.l3_offset;
        return rejected;
    }
    if (out.kind == Kind::ip) fixed_header_oddities(frame.subspan(out.l3_offset), out);
    return out;
}

std::string describe(const Parsed& p) {
    std::ostringstream text;
    text << std::hex;
    const auto address = [&](const std::uint8_t* bytes) {
        for (unsigned i = 0; i < 16; ++i)
            text << (i % 4 == 0 ? " " : "") << bytes[i] / 16u << bytes[i] % 16u;
    };
    text << "source";
    address(p.source);
    text << ", destination";
    address(p.destination);
    text << std::dec << ", ports " << p.source_port.host() << ' ' << p.destination_port.host() << ", vlans "
         << p.outer_vlan << ' ' << p.inner_vlan << ", protocol " << unsigned{p.protocol} << ", family "
         << static_cast<unsigned>(p.family) << ", kind " << static_cast<unsigned>(p.kind) << ", malformed "
         << packet::name(p.malformed) << ", fragment " << static_cast<unsigned>(p.fragment) << ", flags "
         << unsigned{p.tcp_flags} << ", icmp " << unsigned{p.icmp_type} << ' ' << unsigned{p.icmp_code}
         << ", ether_type " << p.ether_type << ", offsets " << p.l3_offset << ' ' << p.l4_offset << ", ip_length "
         << p.ip_length << ", ttl " << unsigned{p.ttl} << ", extension headers " << unsigned{p.extension_headers}
         << ", oddities " << p.oddities;
    return text.str();
}

std::string broken_property(std::span<const std::byte> frame) {
    const Parsed parsed = parse_copy(frame, 0);
    const Parsed expected = reference_parse(frame);
    if (!same(parsed, expected)) {
        return "parse() and the reference disagree:\n  " + describe(parsed) + "\n  " + describe(expected);
    }
    if (std::string broken = ordinary_broken(frame, parsed); !broken.empty()) return broken;
    if (!same(parsed, parse_copy(frame, 0xa5))) return "the answer depends on what stood in the output before";
    if (std::string broken = bounds_broken(frame, parsed); !broken.empty()) return broken;
    if (parsed.kind != Kind::ip) return "";

    const std::size_t end = std::size_t{parsed.l3_offset} + parsed.ip_length;
    if (!same(parsed, parse_copy(frame.first(end), 0))) return "the answer depends on bytes behind the IP packet";
    std::vector<std::byte> padded(frame.begin(), frame.end());
    padded.resize(frame.size() + 46, std::byte{0xff});
    if (!same(parsed, parse_copy(padded, 0))) return "the answer depends on padding";
    return "";
}

} // namespace sluice::test_support
