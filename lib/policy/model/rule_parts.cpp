#include "policy/model/rule_parts.hpp"

#include "net/protocol.hpp"
#include "policy/diagnostic/text.hpp"
#include "policy/model/protocols.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

const char* name_of(Families families) {
    return families.ipv4 ? "IPv4" : "IPv6";
}

Families families_of(const Transport& transport) {
    return {transport.protocol != net::protocol::kIcmpv6, transport.protocol != net::protocol::kIcmp};
}

/// Where a list is best pointed at: its first item.
Location place_of(const YamlNode& node) {
    return node.kind == NodeKind::sequence && !node.items.empty() ? node.items.front().where : node.where;
}

} // namespace

void RuleParts::read_endpoints() {
    if (const Entry* entry = rule_.find("from")) read_end(*entry, from, from_end_);
    if (const Entry* entry = rule_.find("to")) read_end(*entry, to, to_end_);
}

void RuleParts::read_end(const Entry& entry, Endpoint& endpoint, End& end) {
    const Fields fields(entry.value, words::kEndpoint, reading_.diagnostics);
    if (fields.is_map() && entry.value.entries.empty()) {
        reading_.error("P027", entry.value.where, in_quotes(entry.key) + " is empty").help = kLeaveOut;
    }
    if (const Entry* zone = fields.find("zone")) read_zones(zone->value, endpoint);
    if (fields.has("nets")) end.nets_known = false;
    if (const Entry* nets = fields.find("nets")) read_nets(nets->value, endpoint, end);
    if (const Entry* ports = fields.find("ports")) {
        end.ports_entry = ports;
        const auto ranges = read_ports(reading_, ports->value);
        transports_known_ &= ranges.has_value();
        end.ports = ranges.value_or(std::vector<net::PortRange>{});
    }
}

void RuleParts::read_zones(const YamlNode& node, Endpoint& endpoint) {
    for (const YamlNode* item : as_one_or_more(node, kLeaveOut, reading_.diagnostics)) {
        const auto interface = reading_.zones.find(item->text) ? std::nullopt : reading_.interfaces.find(item->text);
        if (interface) {
            const std::size_t zone = reading_.policy.interfaces[*interface].zone;
            auto& error =
                reading_.error("P014", item->where, "interface " + in_quotes(item->text) + " is not a zone of its own");
            error.label = "write " + in_quotes(reading_.policy.zones[zone].name) + ", the zone it is in";
            continue;
        }
        const auto zone = reading_.zones.refer(
            *item, reading_.diagnostics, "zones are those under 'zones', and each interface that is in none of them");
        if (zone) endpoint.zones.push_back(*zone);
    }
    std::sort(endpoint.zones.begin(), endpoint.zones.end());
    endpoint.zones.erase(std::unique(endpoint.zones.begin(), endpoint.zones.end()), endpoint.zones.end());
}

void RuleParts::read_nets(const YamlNode& node, Endpoint& endpoint, End& end) {
    end.nets = &node;
    const auto* items = as_list(node, "a list of addresses and sets", kLeaveOut, reading_.diagnostics);
    if (items == nullptr) return;
    end.nets_known = true;
    for (const YamlNode& item : *items) {
        add_net(item, endpoint, end);
    }
    tidy(endpoint.nets);
    std::sort(endpoint.sets.begin(), endpoint.sets.end());
    endpoint.sets.erase(std::unique(endpoint.sets.begin(), endpoint.sets.end()), endpoint.sets.end());
}

void RuleParts::add_net(const YamlNode& item, Endpoint& endpoint, End& end) {
    const std::string* text = as_scalar(item, "an address, a prefix or the name of a set", reading_.diagnostics);
    std::optional<net::Prefix> prefix;
    std::optional<std::size_t> set;
    if (text != nullptr && is_literal_net(*text)) {
        prefix = read_prefix(reading_.diagnostics, *text, item.where);
    } else if (text != nullptr) {
        const auto index = reading_.sets.refer(item, reading_.diagnostics, "sets are defined under 'address_sets'");
        if (index && !reading_.resolved_sets[*index].broken) set = index;
    }
    if (set) endpoint.sets.push_back(*set);
    if (!prefix) {
        end.nets_known &= set.has_value();
        return;
    }
    if (reading_.rule_prefixes_left == 0) {
        reading_.error("P026", item.where,
                       "more than " + std::to_string(kMaxPrefixes) + " prefixes written out in all rules together");
        end.nets_known = false;
        return;
    }
    --reading_.rule_prefixes_left;
    endpoint.nets.push_back(*prefix);
}

Families RuleParts::families_of_end(const Endpoint& endpoint) const {
    if (endpoint.any_address()) return {};
    Families families{false, false};
    if (!endpoint.nets.empty()) families = families_of(endpoint.nets);
    for (const std::size_t set : endpoint.sets) {
        families = families.either(reading_.resolved_sets[set].families);
    }
    return families;
}

void RuleParts::read_transports() {
    if (const Entry* service = rule_.find("service")) {
        transport_node_ = &service->value;
        refuse_beside_service();
        read_named_services(service->value);
    } else if (!rule_.has("service")) {
        read_plain_transport();
    }
    add_source_ports();
    std::size_t size = transports.size();
    for (const Transport& transport : transports) {
        size += transport.source_ports.size() + transport.destination_ports.size();
    }
    if (size > reading_.rule_transports_left) {
        reading_.error("P026", transport_node_ != nullptr ? transport_node_->where : Location{reading_.file, 0, 0, 0},
                       "more than " + std::to_string(kMaxTransports) + " protocols and ports in all rules together");
        size = reading_.rule_transports_left;
        transports.assign(1, Transport{});
    }
    reading_.rule_transports_left -= size;
}

void RuleParts::refuse_beside_service() {
    for (const char* key : {"protocol", "icmp_type"}) {
        if (const Entry* entry = rule_.find(key)) {
            auto& error = reading_.error("P029", entry->key_where, in_quotes(key) + " beside 'service'");
            error.help = "the service says it already; write one or the other";
        }
    }
    if (to_end_.ports_entry != nullptr) {
        auto& error = reading_.error("P029", to_end_.ports_entry->key_where, "'ports' of 'to' beside 'service'");
        error.help = "the service says where to; write 'protocol' with the ports, or a service of its own";
    }
}

void RuleParts::read_named_services(const YamlNode& node) {
    for (const YamlNode* item : as_one_or_more(node, kLeaveOut, reading_.diagnostics)) {
        const auto index =
            reading_.services.refer(*item, reading_.diagnostics, "services are defined under 'services'");
        if (!index || reading_.resolved_services[*index].broken) {
            transports_known_ = false;
            continue;
        }
        const std::vector<Transport>& found = reading_.resolved_services[*index].transports;
        transports.insert(transports.end(), found.begin(), found.end());
        if (transports.size() > kMaxTransports) return; // refused by the caller
    }
    transports_known_ &= !transports.empty();
    if (transports.empty()) transports.emplace_back();
}

void RuleParts::read_plain_transport() {
    Transport transport;
    const Entry* protocol = rule_.find("protocol");
    bool protocol_known = !rule_.has("protocol");
    if (protocol != nullptr) {
        transport_node_ = &protocol->value;
        transport.protocol = read_protocol(reading_, protocol->value);
        protocol_known = transport.protocol.has_value();
    }
    transports_known_ &= protocol_known;
    if (const Entry* type = rule_.find("icmp_type"); type != nullptr && protocol_known) {
        transport_node_ = &type->value;
        transport.icmp_type = read_icmp_type(reading_, type->value, transport.protocol);
    }
    transport.destination_ports = to_end_.ports;
    for (const End* end : {&from_end_, &to_end_}) {
        if (end->ports_entry == nullptr || !protocol_known) continue;
        if (transport.protocol && has_ports(*transport.protocol)) continue;
        auto& error = reading_.error("P019", end->ports_entry->key_where,
                                     transport.protocol
                                         ? "protocol " + in_quotes(protocol_name(*transport.protocol)) + " has no ports"
                                         : std::string("ports without a protocol"));
        error.help = transport.protocol ? "ports go with tcp, udp and sctp"
                                        : "add 'protocol: tcp' or 'protocol: udp' to the rule, or use a 'service'";
        transports_known_ = false;
    }
    transports.push_back(std::move(transport));
}

void RuleParts::add_source_ports() {
    if (from_end_.ports_entry == nullptr || !transports_known_) return;
    for (Transport& transport : transports) {
        if (transport.protocol && has_ports(*transport.protocol)) {
            transport.source_ports = from_end_.ports;
            continue;
        }
        auto& error =
            reading_.error("P019", from_end_.ports_entry->key_where,
                           "the service also holds protocol " +
                               in_quotes(protocol_name(transport.protocol.value_or(0))) + ", which has no ports");
        error.help = "ports go with tcp, udp and sctp";
        return;
    }
}

void RuleParts::check_families() {
    if (!from_end_.nets_known || !to_end_.nets_known) return;
    const Families sources = families_of_end(from);
    const Families destinations = families_of_end(to);
    const Families ends = sources.both(destinations);
    if (!ends.any()) {
        auto& error =
            reading_.error("P020", place_of(*to_end_.nets),
                           std::string("no packet goes from ") + name_of(sources) + " to " + name_of(destinations));
        error.notes.push_back(
            {place_of(*from_end_.nets), std::string("the other end is ") + name_of(sources) + " only"});
        return;
    }
    if (!transports_known_ || transport_node_ == nullptr) return;
    const bool fits = std::any_of(transports.begin(), transports.end(),
                                  [&](const Transport& t) { return ends.both(families_of(t)).any(); });
    if (fits) return;
    auto& error = reading_.error("P020", transport_node_->where,
                                 std::string("no ") + name_of(ends) + " packet carries this protocol");
    error.help = "icmp is for IPv4, icmpv6 for IPv6";
    const End& culprit =
        from_end_.nets != nullptr && !sources.both(families_of(transports.front())).any() ? from_end_ : to_end_;
    if (culprit.nets != nullptr) {
        error.notes.push_back({place_of(*culprit.nets), std::string("these addresses are ") + name_of(ends) + " only"});
    }
}

} // namespace sluice::policy
