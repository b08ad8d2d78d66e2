// `interfaces:` and `zones:`.
#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

#include <unordered_map>

namespace sluice::policy {
namespace {

constexpr std::uint64_t kMinMtu = 68; // RFC 791, 3.2: what every IPv4 node forwards unfragmented
constexpr std::uint64_t kMaxMtu = 9600;
constexpr std::uint64_t kMaxQueues = 64;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

void read_queues(Reading& reading, const YamlNode& node, Interface& interface) {
    if (node.kind == NodeKind::scalar && node.text == "auto") return;
    if (const auto queues = read_scalar(node, "'auto' or a number of queues", "P012", reading.diagnostics,
                                        [](std::string_view text) { return parse_number(text, 1, kMaxQueues); })) {
        interface.queues = static_cast<unsigned>(*queues);
    }
}

/// Everything but the peer, which may stand further down.
void read_interface(Reading& reading, const Entry& entry, Interface& interface) {
    Fields fields(entry.value, words::kInterface, reading.diagnostics);
    Diagnostics& diagnostics = reading.diagnostics;
    constexpr std::string_view kDeviceHelp = "a PCI address such as \"0000:8a:00.0\", or DPDK devargs";
    if (const Entry* device = fields.require("device", entry.key_where, kDeviceHelp)) {
        interface.device = read_scalar(device->value, kDeviceHelp, "P028", diagnostics, parse_device).value_or("");
    }
    fields.require("peer", entry.key_where, "name the interface at the other end of the wire");
    if (const Entry* mtu = fields.find("mtu")) {
        const auto size = read_scalar(mtu->value, "a number of bytes", "P012", diagnostics,
                                      [](std::string_view text) { return parse_number(text, kMinMtu, kMaxMtu); });
        interface.mtu = static_cast<std::uint16_t>(size.value_or(interface.mtu));
    }
    if (const Entry* promiscuous = fields.find("promiscuous")) {
        interface.promiscuous =
            read_scalar(promiscuous->value, "true or false", "P012", diagnostics, parse_boolean).value_or(true);
    }
    if (const Entry* queues = fields.find("queues")) read_queues(reading, queues->value, interface);
}

const YamlNode* peer_node(const Entry& interface) {
    for (const Entry& entry : interface.value.entries) {
        if (entry.key == "peer" && entry.value.kind != NodeKind::null) return &entry.value;
    }
    return nullptr;
}

/// `entries[i]` is what interface i was read from.
void read_peers(Reading& reading, const std::vector<const Entry*>& entries) {
    std::vector<Interface>& interfaces = reading.policy.interfaces;
    std::vector<std::size_t> peers(interfaces.size(), kNone);
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        const YamlNode* node = peer_node(*entries[i]);
        if (node == nullptr) continue;
        const auto peer = reading.interfaces.refer(*node, reading.diagnostics);
        if (peer == i) {
            reading.error("P023", node->where, "interface " + in_quotes(interfaces[i].name) + " is its own peer").help =
                "a wire has two ends: name the other interface";
        } else if (peer) {
            peers[i] = *peer;
            interfaces[i].peer = *peer;
        }
    }
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        const std::size_t peer = peers[i];
        if (peer == kNone || peers[peer] == kNone || peers[peer] == i) continue;
        auto& error =
            reading.error("P023", peer_node(*entries[i])->where,
                          in_quotes(interfaces[peer].name) + " is not the peer of " + in_quotes(interfaces[i].name) +
                              " but of " + in_quotes(interfaces[peers[peer]].name));
        error.help = "each of the two ends of a wire names the other";
        error.notes.push_back(
            {peer_node(*entries[peer])->where, in_quotes(interfaces[peer].name) + " names its peer here"});
    }
}

void check_devices(Reading& reading, const std::vector<const Entry*>& entries) {
    std::unordered_map<std::string, std::size_t> users;
    const std::vector<Interface>& interfaces = reading.policy.interfaces;
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        if (interfaces[i].device.empty()) continue;
        const auto [first, is_new] = users.emplace(device_identity(interfaces[i].device), i);
        if (is_new) continue;
        auto& error = reading.error("P028", entries[i]->key_where,
                                    "interface " + in_quotes(interfaces[i].name) + " has the same device as " +
                                        in_quotes(interfaces[first->second].name));
        error.notes.push_back(
            {entries[first->second]->key_where, in_quotes(interfaces[first->second].name) + " is defined here"});
    }
}

/// `system: { buffer_size: … }` against the interfaces, which are read after it.
void check_buffer_size(Reading& reading) {
    const std::size_t size = reading.policy.system.buffer_size;
    if (size == 0) return;
    for (const Interface& interface : reading.policy.interfaces) {
        const std::size_t wanted = interface.mtu + kFrameOverhead;
        if (wanted <= size) continue;
        auto& error = reading.error("P012", reading.buffer_size_where,
                                    "a frame of interface " + in_quotes(interface.name) + " takes up to " +
                                        std::to_string(wanted) + " bytes");
        error.help = "that is its mtu, " + std::to_string(interface.mtu) + ", an Ethernet header and two VLAN tags";
        error.notes.push_back({interface.where, in_quotes(interface.name) + " is defined here"});
        return;
    }
}

/// Puts one interface into a zone, unless it has one.
void join(Reading& reading, const YamlNode& node, std::size_t zone, std::vector<Location>& joined_at) {
    const auto index = reading.interfaces.refer(node, reading.diagnostics);
    if (!index) return;
    Interface& interface = reading.policy.interfaces[*index];
    if (interface.zone != kNone) {
        const bool again = interface.zone == zone;
        auto& error =
            reading.error("P024", node.where,
                          "interface " + in_quotes(interface.name) +
                              (again ? " is in this zone twice"
                                     : " is already in zone " + in_quotes(reading.policy.zones[interface.zone].name)));
        error.notes.push_back({joined_at[*index], again ? "first here" : "put there here"});
        return;
    }
    interface.zone = zone;
    joined_at[*index] = node.where;
    reading.policy.zones[zone].interfaces.push_back(*index);
}

void read_zone(Reading& reading, const Entry& entry, std::vector<Location>& joined_at) {
    std::vector<Zone>& zones = reading.policy.zones;
    reading.zones.define(entry.key, entry.key_where, zones.size(), reading.diagnostics);
    zones.push_back({entry.key, {}, entry.key_where});
    Fields fields(entry.value, words::kZone, reading.diagnostics);
    const Entry* members = fields.require("interfaces", entry.key_where, "list the interfaces of the zone");
    if (members == nullptr) return;
    const auto* items =
        as_list(members->value, "a list of interfaces", "a zone without interfaces is never met", reading.diagnostics);
    if (items == nullptr) return;
    for (const YamlNode& item : *items) {
        join(reading, item, zones.size() - 1, joined_at);
    }
}

} // namespace

void read_interfaces(Reading& reading, const YamlNode& node) {
    if (node.kind != NodeKind::map) {
        reading.interfaces.set_incomplete();
        report_shape(node, "a map of interfaces", "write interfaces: { lan: { device: …, peer: … }, … }",
                     reading.diagnostics);
        return;
    }
    std::vector<const Entry*> entries;
    for (const Entry& entry : node.entries) {
        Interface interface;
        interface.name = entry.key;
        interface.where = entry.key_where;
        interface.zone = kNone;
        reading.interfaces.define(entry.key, entry.key_where, entries.size(), reading.diagnostics);
        read_interface(reading, entry, interface);
        reading.policy.interfaces.push_back(std::move(interface));
        entries.push_back(&entry);
    }
    if (entries.size() > kMaxInterfaces) {
        reading.error("P026", node.where, "more than " + std::to_string(kMaxInterfaces) + " interfaces");
        return;
    }
    read_peers(reading, entries);
    check_devices(reading, entries);
    check_buffer_size(reading);
    if (entries.size() < 2) {
        reading.error("P009", node.where, "a policy needs at least two interfaces").help =
            "a wire has two ends, each with the other as its 'peer'";
    }
}

void read_zones(Reading& reading, const YamlNode* node) {
    std::vector<Location> joined_at(reading.policy.interfaces.size());
    if (node != nullptr && node->kind == NodeKind::map) {
        for (const Entry& entry : node->entries) {
            read_zone(reading, entry, joined_at);
        }
    } else if (node != nullptr) {
        reading.zones.set_incomplete();
        report_shape(*node, "a map of zones", "write zones: { inside: { interfaces: [lan] }, … }", reading.diagnostics);
    }
    std::vector<Zone>& zones = reading.policy.zones;
    for (std::size_t i = 0; i < reading.policy.interfaces.size(); ++i) {
        Interface& interface = reading.policy.interfaces[i];
        if (interface.zone != kNone) continue;
        interface.zone = zones.size();
        if (const auto clash = reading.zones.find(interface.name)) {
            auto& error =
                reading.error("P015", zones[*clash].where,
                              "zone " + in_quotes(interface.name) + " has the name of an interface that is in no zone");
            error.help = "put the interface into a zone, or give this zone another name";
            error.notes.push_back({interface.where, "an interface is its own zone unless a zone lists it"});
        } else {
            // The interface's name has been checked already; this one is nobody's to leave unused.
            Diagnostics quiet;
            reading.zones.define(interface.name, interface.where, zones.size(), quiet);
            reading.zones.mark_used(interface.name);
        }
        zones.push_back({interface.name, {i}, interface.where});
    }
    // Every zone that reads well has an interface of its own, so there cannot be too many.
    static_assert(kMaxInterfaces <= kMaxZones);
}

} // namespace sluice::policy
