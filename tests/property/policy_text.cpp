#include "policy_text.hpp"

#include <sstream>

namespace sluice::property {
namespace {

/// `[a, b]` of what `text_of` makes of each.
template <typename List, typename TextOf> std::string list(const List& items, TextOf text_of) {
    std::string out = "[";
    for (const auto& item : items)
        out += (out.size() == 1 ? "" : ", ") + text_of(item);
    return out + "]";
}

std::string range(const net::PortRange& ports) {
    return ports.first == ports.last ? std::to_string(ports.first)
                                     : std::to_string(ports.first) + '-' + std::to_string(ports.last);
}

std::string ports(const std::vector<net::PortRange>& ranges) {
    return ranges.empty() ? "" : "ports: " + list(ranges, range);
}

/// Prefixes and the names of sets, in one list.
std::vector<std::string> net_words(const policy::Policy& policy, const std::vector<net::Prefix>& prefixes,
                                   const std::vector<std::size_t>& sets) {
    std::vector<std::string> words;
    for (const net::Prefix& prefix : prefixes)
        words.push_back('"' + prefix.to_string() + '"');
    for (const std::size_t set : sets)
        words.push_back(policy.address_sets[set].name);
    return words;
}

std::string same(const std::string& word) {
    return word;
}

std::string nets(const policy::Policy& policy, const std::vector<net::Prefix>& prefixes,
                 const std::vector<std::size_t>& sets) {
    const std::vector<std::string> words = net_words(policy, prefixes, sets);
    return words.empty() ? "" : "nets: " + list(words, same);
}

/// Those that the rules use, and those within them.
std::vector<bool> used_sets(const policy::Policy& policy) {
    std::vector<bool> used(policy.address_sets.size());
    for (const policy::Rule& rule : policy.rules) {
        for (const policy::Endpoint* endpoint : {&rule.from, &rule.to}) {
            for (const std::size_t set : endpoint->sets)
                used[set] = true;
        }
    }
    // A set is written behind those that it holds.
    for (std::size_t set = used.size(); set-- > 0;) {
        for (const std::size_t inner : policy.address_sets[set].inner)
            used[inner] = used[inner] || used[set];
    }
    return used;
}

std::string set_texts(const policy::Policy& policy) {
    const std::vector<bool> used = used_sets(policy);
    std::string out;
    for (std::size_t i = 0; i < used.size(); ++i) {
        const policy::AddressSet& set = policy.address_sets[i];
        if (used[i]) out += "  " + set.name + ": " + list(net_words(policy, *set.own, set.inner), same) + "\n";
    }
    return out.empty() ? "" : "address_sets:\n" + out;
}

/// `name: { a, b }` of the parts that are not empty, or nothing.
std::string map(const char* name, std::initializer_list<std::string> parts) {
    std::string inside;
    for (const std::string& part : parts) {
        if (!part.empty()) inside += (inside.empty() ? "" : ", ") + part;
    }
    return inside.empty() ? "" : std::string(name) + ": { " + inside + " }, ";
}

std::string end(const policy::Policy& policy, const policy::Endpoint& endpoint, const char* name,
                const std::vector<net::PortRange>& port_ranges) {
    const auto zone_name = [&policy](std::size_t zone) { return policy.zones[zone].name; };
    return map(name, {endpoint.zones.empty() ? "" : "zone: " + list(endpoint.zones, zone_name),
                      nets(policy, endpoint.nets, endpoint.sets), ports(port_ranges)});
}

std::string transport(const policy::Transport& each) {
    std::string out = "{ protocol: " + std::to_string(*each.protocol);
    if (each.icmp_type) out += ", icmp_type: " + std::to_string(*each.icmp_type);
    if (!each.destination_ports.empty()) out += ", " + ports(each.destination_ports);
    return out + " }";
}

/// Several transports are a service.
std::string service_name(std::size_t rule) {
    return "service-" + std::to_string(rule);
}

std::string rule_text(const policy::Policy& policy, std::size_t number) {
    const policy::Rule& rule = policy.rules[number];
    const bool service = rule.transports.size() > 1;
    const policy::Transport& first = rule.transports.front();
    std::string out = "  - { name: " + rule.name + ", " + end(policy, rule.from, "from", first.source_ports) +
                      end(policy, rule.to, "to", service ? std::vector<net::PortRange>{} : first.destination_ports);
    if (service) {
        out += "service: " + service_name(number) + ", ";
    } else {
        if (first.protocol) out += "protocol: " + std::to_string(*first.protocol) + ", ";
        if (first.icmp_type) out += "icmp_type: " + std::to_string(*first.icmp_type) + ", ";
    }
    out += rule.action == policy::Action::allow ? "action: allow" : "action: drop";
    if (rule.tracked) return out + " }\n";
    out += ", track: false";
    if (rule.action == policy::Action::allow) {
        static constexpr const char* kReplies[] = {"none", "mirror", "mirror_any"};
        out += std::string(", reply: ") + kReplies[static_cast<unsigned>(rule.reply)];
    }
    return out + " }\n";
}

} // namespace

std::string policy_text(const policy::Policy& policy) {
    std::ostringstream out;
    out << "version: 1\ninterfaces:\n";
    for (const policy::Interface& interface : policy.interfaces) {
        out << "  " << interface.name << ": { device: \"" << interface.device
            << "\", peer: " << policy.interfaces[interface.peer].name << " }\n";
    }
    out << "zones:\n";
    for (const policy::Zone& zone : policy.zones) {
        out << "  " << zone.name << ": { interfaces: "
            << list(zone.interfaces, [&policy](std::size_t i) { return policy.interfaces[i].name; }) << " }\n";
    }
    out << set_texts(policy);
    std::string services;
    std::string rules;
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        const auto& transports = policy.rules[i].transports;
        if (transports.size() > 1) services += "  " + service_name(i) + ": " + list(transports, transport) + "\n";
        rules += rule_text(policy, i);
    }
    if (!services.empty()) out << "services:\n" << services;
    out << (rules.empty() ? "rules: []\n" : "rules:\n") << rules;
    out << "default: { action: " << (policy.default_action == policy::Action::allow ? "allow" : "drop") << " }\n";
    return out.str();
}

} // namespace sluice::property
