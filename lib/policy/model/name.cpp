// Names of things in a policy, and of devices.
#include "policy/diagnostic/text.hpp"
#include "policy/model/scalar.hpp"

#include <algorithm>
#include <array>

namespace sluice::policy {
namespace {

// Read as a boolean or as nothing by YAML tools, or as "everything" by people.
constexpr std::array<std::string_view, 12> kReservedNames = {"true", "false", "yes",  "no",  "on",  "off",
                                                             "y",    "n",     "null", "any", "all", "none"};

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

base::Unexpected<TextError> wrong(std::string message, std::string help = {}) {
    return base::Unexpected(TextError{std::move(message), std::move(help)});
}

bool is_name_shaped(std::string_view text) {
    const auto word = [](char c) { return is_letter(c) || is_digit(c); };
    const auto inside = [&](char c) { return word(c) || c == '-' || c == '_' || c == '.'; };
    return !text.empty() && word(text.front()) && word(text.back()) && std::all_of(text.begin(), text.end(), inside) &&
           std::any_of(text.begin(), text.end(), is_letter);
}

/// The nearest text that would be a name: lower case, other characters to '-'. Empty when nothing is left.
std::string as_name(std::string_view text) {
    std::string name;
    for (const char c : text.substr(0, kMaxNameLength)) {
        const char small = lower(c);
        if (is_letter(small) || is_digit(small) || small == '_' || small == '.') {
            name += small;
        } else if (!name.empty() && name.back() != '-') {
            name += '-';
        }
    }
    while (!name.empty() && !is_letter(name.back()) && !is_digit(name.back())) {
        name.pop_back();
    }
    return is_name_shaped(name) ? name : std::string{};
}

/// Digits, colons and a dot as in 0000:8a:00.0: the domain may be left out.
struct PciParts {
    std::string_view domain;
    std::string_view rest; ///< bus:device.function
};

bool all_hex(std::string_view text, std::size_t count) {
    return text.size() == count && std::all_of(text.begin(), text.end(), is_hex);
}

bool is_pci(std::string_view text, PciParts& parts) {
    if (text.size() != 7 && text.size() != 12) return false;
    parts.rest = text.substr(text.size() - 7);
    parts.domain = text.size() == 12 ? text.substr(0, 4) : std::string_view("0000");
    const bool domain_fits = text.size() == 7 || (all_hex(parts.domain, 4) && text[4] == ':');
    const std::string_view r = parts.rest;
    return domain_fits && all_hex(r.substr(0, 2), 2) && r[2] == ':' && all_hex(r.substr(3, 2), 2) && r[5] == '.' &&
           r[6] >= '0' && r[6] <= '7';
}

/// A driver's name, as DPDK calls virtual devices: net_pcap0, eth_af_packet1.
bool is_virtual_device(std::string_view name) {
    const auto inside = [](char c) { return is_letter(lower(c)) || is_digit(c) || c == '_' || c == '-' || c == '.'; };
    return !name.empty() && is_letter(lower(name.front())) && std::all_of(name.begin(), name.end(), inside);
}

} // namespace

Meaning<std::string> parse_name(std::string_view text) {
    if (text.empty()) return wrong("a name is empty");
    if (text.size() > kMaxNameLength) {
        return wrong("the name " + in_quotes(text) + " is longer than " + std::to_string(kMaxNameLength) +
                     " characters");
    }
    if (std::find(kReservedNames.begin(), kReservedNames.end(), text) != kReservedNames.end()) {
        return wrong(in_quotes(text) + " cannot be a name: it means something else to YAML tools and to readers");
    }
    if (!is_name_shaped(text)) {
        const std::string better = as_name(text);
        return wrong(in_quotes(text) +
                         " is not a name: lower-case letters, digits and - _ . inside, with at least one letter",
                     better.empty() ? "" : "write '" + better + "'");
    }
    return std::string(text);
}

Meaning<std::string> parse_device(std::string_view text) {
    const auto shown = [](char c) { return c > ' ' && c < 0x7f; };
    if (text.empty() || !std::all_of(text.begin(), text.end(), shown)) {
        return wrong(in_quotes(text) + " is not a device", "write a PCI address or DPDK devargs, without spaces");
    }
    constexpr std::string_view kPciBus = "pci:";
    const std::string_view name = text.substr(0, text.find(','));
    const std::string_view address = name.starts_with(kPciBus) ? name.substr(kPciBus.size()) : name;
    PciParts parts;
    if (is_pci(address, parts)) return std::string(text);
    if (address.find(':') != std::string_view::npos || is_digit(address.front())) {
        return wrong(in_quotes(text) + " is not a PCI address", "write it as \"0000:8a:00.0\", in quotes");
    }
    if (!is_virtual_device(name)) {
        return wrong(in_quotes(text) + " is not a device",
                     "write a PCI address such as \"0000:8a:00.0\" or DPDK devargs such as \"net_af_xdp0,iface=eth1\"");
    }
    return std::string(text);
}

std::string device_identity(std::string_view device) {
    constexpr std::string_view kPciBus = "pci:";
    if (device.starts_with(kPciBus)) device.remove_prefix(kPciBus.size());
    const std::string_view name = device.substr(0, device.find(','));
    PciParts parts;
    if (!is_pci(name, parts)) return std::string(name);
    // Arguments count for PCI: representors share the address of their port.
    std::string identity = std::string(parts.domain) + ":" + std::string(parts.rest);
    std::transform(identity.begin(), identity.end(), identity.begin(), lower);
    return identity + std::string(device.substr(name.size()));
}

} // namespace sluice::policy
