// `sanity:`.
#include "net/protocol.hpp"
#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::policy {
namespace {

struct Key {
    std::string_view name;
    Action Sanity::*action;
};
constexpr std::array kKeys = {
    Key{"bad_checksum", &Sanity::bad_checksum},         Key{"martian_source", &Sanity::martian_source},
    Key{"source_route", &Sanity::source_route},         Key{"ipv4_options", &Sanity::ipv4_options},
    Key{"routing_header_0", &Sanity::routing_header_0}, Key{"ttl_zero", &Sanity::ttl_zero},
    Key{"stacked_vlans", &Sanity::stacked_vlans}};

constexpr std::uint16_t kLowestEtherType = 0x0600; // IEEE 802.3, 3.2.6: what is below is a length

struct EtherTypeName {
    std::string_view name;
    std::uint16_t number;
};
constexpr std::array kEtherTypeNames = {EtherTypeName{"llc", 0}, // every frame with a length in place of a type
                                        EtherTypeName{"arp", 0x0806},
                                        EtherTypeName{"mpls", 0x8847},
                                        EtherTypeName{"pppoe_discovery", 0x8863},
                                        EtherTypeName{"pppoe_session", 0x8864},
                                        EtherTypeName{"lacp", 0x8809},
                                        EtherTypeName{"eapol", 0x888e},
                                        EtherTypeName{"lldp", 0x88cc},
                                        EtherTypeName{"ptp", 0x88f7}};

/// What an EtherType that the wire reads by itself is called; empty for every other.
std::string_view read_by_itself(std::uint16_t number) {
    switch (static_cast<net::EtherType>(number)) {
    case net::EtherType::ipv4: return "IPv4, which the rules decide about";
    case net::EtherType::ipv6: return "IPv6, which the rules decide about";
    case net::EtherType::vlan:
    case net::EtherType::qinq: return "a VLAN tag, and the type behind it decides";
    default: return {};
    }
}

/// `0x88cc`: EtherTypes are written in hexadecimal digits everywhere, so they are here too.
std::optional<std::uint16_t> hexadecimal(std::string_view text) {
    constexpr std::size_t kSize = 6;
    if (text.size() != kSize || !text.starts_with("0x")) return std::nullopt;
    std::uint16_t number = 0;
    const auto [end, problem] = std::from_chars(text.data() + 2, text.data() + kSize, number, 16);
    if (problem != std::errc{} || end != text.data() + kSize) return std::nullopt;
    return number;
}

std::optional<std::uint16_t> number_of_name(Reading& reading, const YamlNode& node) {
    std::vector<std::string_view> names;
    for (const EtherTypeName& known : kEtherTypeNames) {
        if (known.name == node.text) return known.number;
        names.push_back(known.name);
    }
    auto& error = reading.error("P011", node.where, in_quotes(node.text) + " is not an EtherType");
    error.label = words::hint_for_value(node.text);
    const std::string_view near = nearest(node.text, names);
    if (error.label.empty() && !near.empty()) error.label = "did you mean " + in_quotes(near) + "?";
    if (error.label.empty()) error.help = "write " + alternatives(names) + ", or a number such as 0x88cc";
    return std::nullopt;
}

std::optional<std::uint16_t> read_ethertype(Reading& reading, const YamlNode& node) {
    const std::string* text = as_scalar(node, "an EtherType", reading.diagnostics);
    if (text == nullptr) return std::nullopt;
    const bool is_number = !text->empty() && text->front() >= '0' && text->front() <= '9';
    if (!is_number) return number_of_name(reading, node);
    const auto number = hexadecimal(*text);
    if (!number || *number < kLowestEtherType) {
        reading.error("P012", node.where, in_quotes(*text) + " is not an EtherType").help =
            number ? "what is below 0x0600 is a length; 'llc' lets such frames pass" : "write four digits: 0x88cc";
        return std::nullopt;
    }
    if (const std::string_view what = read_by_itself(*number); !what.empty()) {
        reading.error("P011", node.where, in_quotes(*text) + " is " + std::string(what)).help = "leave it out";
        return std::nullopt;
    }
    return number;
}

/// The one list of the language that may be empty: then nothing passes that is not IP.
void read_ethertypes(Reading& reading, const YamlNode& node) {
    std::vector<std::uint16_t>& ethertypes = reading.policy.sanity.ethertypes;
    const bool empty = node.kind == NodeKind::sequence && node.items.empty();
    const auto* items = empty ? &node.items : as_list(node, "a list of EtherTypes", "", reading.diagnostics);
    if (items == nullptr) return;
    ethertypes.clear();
    if (items->size() > Sanity::kMaxEtherTypes) {
        reading.error("P026", node.where, "more than " + std::to_string(Sanity::kMaxEtherTypes) + " EtherTypes");
        return;
    }
    for (const YamlNode& item : *items) {
        const auto number = read_ethertype(reading, item);
        if (!number) continue;
        if (std::find(ethertypes.begin(), ethertypes.end(), *number) != ethertypes.end()) {
            reading.error("P029", item.where, "EtherType " + in_quotes(item.text) + " is in the list already");
            continue;
        }
        ethertypes.push_back(*number);
    }
}

} // namespace

void read_sanity(Reading& reading, const YamlNode& node) {
    const Fields fields(node, words::kSanity, reading.diagnostics);
    Sanity& sanity = reading.policy.sanity;
    for (const Key& key : kKeys) {
        const Entry* entry = fields.find(key.name);
        if (entry == nullptr) continue;
        sanity.*key.action = read_action(reading, entry->value).value_or(sanity.*key.action);
    }
    if (const Entry* entry = fields.find("ethertypes")) read_ethertypes(reading, entry->value);
}

} // namespace sluice::policy
