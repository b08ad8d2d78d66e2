#include "packet_words.hpp"

#include <charconv>
#include <map>

namespace sluice::scenario {
namespace {

constexpr std::uint32_t kMost8 = 0xff;
constexpr std::uint32_t kMost16 = 0xffff;
constexpr std::uint32_t kMost32 = 0xffffffff;
constexpr std::uint32_t kLongest = 20'000;

template <typename T> T narrow(std::string_view text, std::uint32_t most, std::string_view what) {
    return static_cast<T>(number(text, most, what));
}

/// So many bytes of no operation, or one option by its name.
test_support::Bytes ipv4_options(std::string_view text) {
    static const std::map<std::string_view, std::vector<unsigned>> kNamed = {
        {"loose_source_route", {131, 7, 4, 192, 0, 2, 1, 0}}, // RFC 791, 3.1
        {"strict_source_route", {137, 7, 4, 192, 0, 2, 1, 0}},
        {"record_route", {7, 7, 4, 0, 0, 0, 0, 0}},
        {"timestamp", {68, 8, 5, 0, 0, 0, 0, 0}},
        {"router_alert", {148, 4, 0, 0}}}; // RFC 2113
    constexpr std::byte kNoOperation{1};
    const auto known = kNamed.find(text);
    if (known == kNamed.end()) return test_support::Bytes(number(text, 40, "a size or an option's name"), kNoOperation);
    test_support::Bytes options;
    for (const unsigned value : known->second) {
        options.push_back(static_cast<std::byte>(value));
    }
    return options;
}

test_support::FragmentCut& part_of(Attributes& a) {
    constexpr std::size_t kToTheEnd = 65535;
    if (!a.part) a.part = {0, kToTheEnd, 1, std::nullopt};
    return *a.part;
}

/// `0-1000`, `1000-` to the end: bytes of the IP payload.
void set_part(Attributes& a, std::string_view value) {
    const std::size_t dash = value.find('-');
    if (dash == std::string_view::npos) wrong("a part is written as 0-1000, or 1000- to the end");
    test_support::FragmentCut& part = part_of(a);
    part.begin = number(value.substr(0, dash), 65528, "an offset");
    if (part.begin % 8 != 0) wrong("a part begins at a multiple of 8");
    if (dash + 1 < value.size()) part.end = number(value.substr(dash + 1), 65535, "an offset");
    if (part.end <= part.begin) wrong("the part " + quoted(value) + " ends before it begins");
}

void set_wrong(Attributes& a, std::string_view value) {
    if (value == "ip_checksum")
        a.wrong_ip_checksum = true;
    else if (value == "checksum")
        a.wrong_checksum = true;
    else
        wrong(quoted(value) + " cannot be made wrong: ip_checksum, checksum");
}

void set_tags(Attributes& a, std::string_view value, bool service_tag) {
    for (const std::string_view id : split(value, '.')) {
        a.vlans.push_back(narrow<std::uint16_t>(id, 4095, "a VLAN id"));
    }
    a.service_tag = service_tag;
}

/// `1000-1400`, of several `1000-1400,2000-2100`.
void set_sack(Attributes& a, std::string_view value) {
    for (const std::string_view block : split(value, ',')) {
        const std::vector<std::string_view> edges = split(block, '-');
        if (edges.size() != 2) wrong(quoted(block) + " is no block of data: write LEFT-RIGHT");
        a.sack_blocks.push_back(
            {number(edges[0], kMost32, "a sequence number"), number(edges[1], kMost32, "a sequence number")});
    }
}

void set_quote(Attributes& a, std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') {
        wrong("what an error quotes stands in double quotes: quote \"udp 10.0.0.1:1 > 10.0.0.2:2\"");
    }
    a.quote = value.substr(1, value.size() - 2);
}

using Setter = void (*)(Attributes&, std::string_view);

// clang-format off
const std::map<std::string_view, Setter>& setters() {
    static const std::map<std::string_view, Setter> kSetters = {
        {"vlan",    [](Attributes& a, std::string_view v) { set_tags(a, v, false); }},
        {"qinq",    [](Attributes& a, std::string_view v) { set_tags(a, v, true); }},
        {"ttl",     [](Attributes& a, std::string_view v) { a.ttl = narrow<std::uint8_t>(v, kMost8, "a TTL"); }},
        {"payload", [](Attributes& a, std::string_view v) { a.payload = number(v, kLongest, "a length"); }},
        {"size",    [](Attributes& a, std::string_view v) { a.size = number(v, kLongest, "a size"); }},
        {"pad",     [](Attributes& a, std::string_view v) { a.padded = number(v, kLongest, "a size"); }},
        {"cut",     [](Attributes& a, std::string_view v) { a.cut = number(v, kLongest, "a size"); }},
        {"options", [](Attributes& a, std::string_view v) { a.options = ipv4_options(v); }},
        {"wrong",   [](Attributes& a, std::string_view v) { set_wrong(a, v); }},
        {"ext",     [](Attributes& a, std::string_view v) { a.extensions = split(v, ','); }},
        {"fragment", [](Attributes& a, std::string_view v) { a.fragment = v; }},
        {"part",    [](Attributes& a, std::string_view v) { set_part(a, v); }},
        {"of",      [](Attributes& a, std::string_view v) { part_of(a).identification = number(v, kMost32, "an identification"); }},
        {"more",    [](Attributes& a, std::string_view v) { part_of(a).more = number(v, 1, "a bit") == 1; }},
        {"code",    [](Attributes& a, std::string_view v) { a.code = narrow<std::uint8_t>(v, kMost8, "an ICMP code"); }},
        {"id",      [](Attributes& a, std::string_view v) { a.identifier = narrow<std::uint16_t>(v, kMost16, "an identifier"); }},
        {"seq",     [](Attributes& a, std::string_view v) { a.sequence = number(v, kMost32, "a sequence number"); }},
        {"ack",     [](Attributes& a, std::string_view v) { a.acknowledgment = number(v, kMost32, "an acknowledgment"); }},
        {"win",     [](Attributes& a, std::string_view v) { a.window = narrow<std::uint16_t>(v, kMost16, "a window"); }},
        {"mss",     [](Attributes& a, std::string_view v) { a.segment_size = narrow<std::uint16_t>(v, kMost16, "a segment size"); }},
        {"wscale",  [](Attributes& a, std::string_view v) { a.window_scale = narrow<std::uint8_t>(v, kMost8, "a shift"); }},
        {"sack",    [](Attributes& a, std::string_view v) { set_sack(a, v); }},
        {"vtag",    [](Attributes& a, std::string_view v) { a.verification_tag = number(v, kMost32, "a tag"); }},
        {"tag",     [](Attributes& a, std::string_view v) { a.initiate_tag = number(v, kMost32, "a tag"); }},
        {"quote",   [](Attributes& a, std::string_view v) { set_quote(a, v); }},
    };
    return kSetters;
}
// clang-format on

/// Words that have no value.
bool set_flag(Attributes& a, std::string_view word) {
    static const std::map<std::string_view, bool Attributes::*> kFlags = {{"reply", &Attributes::answer},
                                                                          {"sackok", &Attributes::sack_permitted},
                                                                          {"reflected", &Attributes::tag_reflected},

                                                                          {"nosum", &Attributes::no_checksum}};
    const auto known = kFlags.find(word);
    if (known == kFlags.end()) return false;
    a.*known->second = true;
    return true;
}

} // namespace

void wrong(std::string clause) {
    throw Wrong{std::move(clause)};
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

std::uint32_t number(std::string_view text, std::uint32_t most, std::string_view what) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty() || value > most) {
        wrong(quoted(text) + " is not " + std::string(what) + " (0 to " + std::to_string(most) + ")");
    }
    return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

SortedWords sort_words(Words words) {
    SortedWords sorted;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (set_flag(sorted.attributes, words[i])) continue;
        const auto setter = setters().find(words[i]);
        if (setter == setters().end()) {
            sorted.left.push_back(words[i]);
        } else if (i + 1 == words.size()) {
            wrong(quoted(words[i]) + " wants a value");
        } else {
            setter->second(sorted.attributes, words[++i]);
        }
    }
    return sorted;
}

} // namespace sluice::scenario
