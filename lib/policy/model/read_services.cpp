// `services:`, and the pieces that rules share with them: protocols, ports, ICMP types.
#include "policy/diagnostic/text.hpp"
#include "policy/model/protocols.hpp"
#include "policy/model/reading.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

constexpr std::size_t kMaxPorts = 1024;

bool is_number(std::string_view text) {
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

/// Ascending, and what overlaps or touches made one.
std::vector<net::PortRange> merged(std::vector<net::PortRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<net::PortRange> out;
    for (const net::PortRange& range : ranges) {
        if (!out.empty() && range.first <= static_cast<unsigned>(out.back().last) + 1) {
            out.back().last = std::max(out.back().last, range.last);
        } else {
            out.push_back(range);
        }
    }
    return out;
}

void check_port_protocol(Reading& reading, const Entry& ports, std::optional<std::uint8_t> protocol) {
    if (!protocol || has_ports(*protocol)) return;
    auto& error =
        reading.error("P019", ports.key_where, "protocol " + in_quotes(protocol_name(*protocol)) + " has no ports");
    error.help = "ports go with tcp, udp and sctp";
}

/// One map of a service.
std::optional<Transport> read_transport(Reading& reading, const YamlNode& node) {
    const std::size_t errors_before = reading.diagnostics.error_count();
    Fields fields(node, words::kService, reading.diagnostics);
    Transport transport;
    if (const Entry* protocol = fields.require("protocol", node.where, "such as { protocol: tcp, ports: [443] }")) {
        transport.protocol = read_protocol(reading, protocol->value);
    }
    if (const Entry* ports = fields.find("ports")) {
        transport.destination_ports = read_ports(reading, ports->value).value_or(std::vector<net::PortRange>{});
        check_port_protocol(reading, *ports, transport.protocol);
    }
    if (const Entry* type = fields.find("icmp_type"); type != nullptr && transport.protocol) {
        transport.icmp_type = read_icmp_type(reading, type->value, transport.protocol);
    }
    if (reading.diagnostics.error_count() != errors_before || !fields.is_map()) return std::nullopt;
    return transport;
}

} // namespace

std::optional<std::uint8_t> read_protocol(Reading& reading, const YamlNode& node) {
    const std::string* text = as_scalar(node, "a protocol", reading.diagnostics);
    if (text == nullptr) return std::nullopt;
    if (is_number(*text)) {
        const auto number = read_scalar(node, "a protocol", "P012", reading.diagnostics,
                                        [](std::string_view t) { return parse_number(t, 0, 255); });
        if (!number) return std::nullopt;
        return static_cast<std::uint8_t>(*number);
    }
    if (const auto number = protocol_number(*text)) return number;
    auto& error = reading.error("P011", node.where, "unknown protocol " + in_quotes(*text));
    error.label = words::hint_for_value(*text);
    const std::string_view near = nearest(*text, protocol_names());
    if (error.label.empty() && !near.empty()) error.label = "did you mean " + in_quotes(near) + "?";
    if (error.label.empty()) error.help = "any protocol can be given by its number, 0 to 255";
    return std::nullopt;
}

std::optional<std::uint8_t> read_icmp_type(Reading& reading, const YamlNode& node,
                                           std::optional<std::uint8_t> protocol) {
    if (!protocol || !has_icmp_type(*protocol)) {
        auto& error = reading.error("P025", node.where, "'icmp_type' goes with protocol icmp or icmpv6");
        error.help = "say 'protocol: icmp' for IPv4 or 'protocol: icmpv6' for IPv6";
        return std::nullopt;
    }
    const std::string* text = as_scalar(node, "an ICMP type", reading.diagnostics);
    if (text == nullptr) return std::nullopt;
    if (is_number(*text)) {
        const auto number = read_scalar(node, "an ICMP type", "P012", reading.diagnostics,
                                        [](std::string_view t) { return parse_number(t, 0, 255); });
        if (!number) return std::nullopt;
        return static_cast<std::uint8_t>(*number);
    }
    if (const auto number = icmp_type_number(*protocol, *text)) return number;
    auto& error = reading.error("P025", node.where, in_quotes(*text) + " is not a type of " + protocol_name(*protocol));
    error.label = words::hint_for_value(*text);
    const std::string_view near = nearest(*text, icmp_type_names(*protocol));
    if (error.label.empty() && !near.empty()) error.label = "did you mean " + in_quotes(near) + "?";
    if (error.label.empty()) error.help = "known are " + alternatives(icmp_type_names(*protocol)) + ", or a number";
    return std::nullopt;
}

std::optional<std::vector<net::PortRange>> read_ports(Reading& reading, const YamlNode& node) {
    const auto* items = as_list(node, "a list of ports", kLeaveOut, reading.diagnostics);
    if (items == nullptr) return std::nullopt;
    if (items->size() > kMaxPorts) {
        reading.error("P026", node.where, "more than " + std::to_string(kMaxPorts) + " ports in one list").help =
            "write ranges, such as 8000-8080";
        return std::nullopt;
    }
    bool good = true;
    std::vector<net::PortRange> ranges;
    for (const YamlNode& item : *items) {
        const auto range = read_scalar(item, "a port", "P019", reading.diagnostics, parse_port_range);
        if (range) ranges.push_back(*range);
        good &= range.has_value();
    }
    if (!good) return std::nullopt;
    return merged(std::move(ranges));
}

void read_services(Reading& reading, const YamlNode& node) {
    if (node.kind != NodeKind::map) {
        reading.services.set_incomplete();
        report_shape(node, "a map of services", "write services: { web: { protocol: tcp, ports: [443] }, … }",
                     reading.diagnostics);
        return;
    }
    for (const Entry& entry : node.entries) {
        reading.services.define(entry.key, entry.key_where, reading.resolved_services.size(), reading.diagnostics);
        ResolvedService service;
        for (const YamlNode* item :
             as_one_or_more(entry.value, "a service that is nothing cannot be matched", reading.diagnostics)) {
            if (auto transport = read_transport(reading, *item)) {
                service.transports.push_back(std::move(*transport));
            } else {
                service.broken = true;
            }
        }
        service.broken |= service.transports.empty();
        reading.resolved_services.push_back(std::move(service));
    }
}

} // namespace sluice::policy
