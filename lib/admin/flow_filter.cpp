#include "admin/flow_filter.hpp"

#include "net/protocol.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::admin {

namespace {

using base::Unexpected;

struct ProtocolName {
    std::uint8_t number;
    std::string_view name;
};
constexpr std::array kProtocolNames = {
    ProtocolName{net::protocol::kIcmp, "icmp"},     ProtocolName{net::protocol::kTcp, "tcp"},
    ProtocolName{net::protocol::kUdp, "udp"},       ProtocolName{net::protocol::kGre, "gre"},
    ProtocolName{net::protocol::kEsp, "esp"},       ProtocolName{net::protocol::kAuthentication, "ah"},
    ProtocolName{net::protocol::kIcmpv6, "icmpv6"}, ProtocolName{net::protocol::kSctp, "sctp"},
};

template <typename Number> std::optional<Number> number_from(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<net::PortRange> ports_from(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = number_from<std::uint16_t>(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_from<std::uint16_t>(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return net::PortRange{*first, *last};
}

std::string wrong(std::string_view key, std::string_view value, std::string_view wanted) {
    return std::string(key) + " wants " + std::string(wanted) + ", not '" + std::string(value) + "'";
}

/// `established` stands for every protocol's, `tcp_established` for one's.
bool state_matches(std::string_view state, std::string_view wanted) {
    if (state == wanted) return true;
    return state.size() > wanted.size() && state.ends_with(wanted) && state[state.size() - wanted.size() - 1] == '_';
}

} // namespace

const FlowFilterKey* find_flow_filter_key(std::string_view word) {
    const auto found = std::find_if(kFlowFilterKeys.begin(), kFlowFilterKeys.end(), [word](const FlowFilterKey& key) {
        return key.name == word || (!key.alias.empty() && key.alias == word);
    });
    return found == kFlowFilterKeys.end() ? nullptr : &*found;
}

std::string protocol_name(std::uint8_t number) {
    for (const auto& entry : kProtocolNames) {
        if (entry.number == number) return std::string(entry.name);
    }
    return std::to_string(number);
}

std::optional<std::uint8_t> protocol_number(std::string_view name) {
    for (const auto& entry : kProtocolNames) {
        if (entry.name == name) return entry.number;
    }
    return number_from<std::uint8_t>(name);
}

base::Expected<void, std::string> FlowFilter::set(std::string_view word, std::string_view value) {
    const FlowFilterKey* key = find_flow_filter_key(word);
    if (key == nullptr) return Unexpected("unknown filter '" + std::string(word) + "'");
    const std::string_view name = key->name;

    if (name == "source" || name == "destination" || name == "address") {
        auto prefix = net::Prefix::parse(value);
        if (!prefix) return Unexpected(wrong(name, value, "an address or prefix") + ": " + prefix.error());
        (name == "source" ? source : name == "destination" ? destination : address) = *prefix;
    } else if (name == "sport" || name == "dport" || name == "port") {
        const auto ports = ports_from(value);
        if (!ports) return Unexpected(wrong(name, value, "a port or a range such as 8000-8080"));
        (name == "sport" ? sport : name == "dport" ? dport : port) = ports;
    } else if (name == "protocol") {
        protocol = protocol_number(value);
        if (!protocol) return Unexpected(wrong(name, value, "a protocol name or number"));
    } else if (name == "worker") {
        worker = number_from<unsigned>(value);
        if (!worker) return Unexpected(wrong(name, value, "a number"));
    } else if (name == "vlan") {
        vlan = number_from<std::uint16_t>(value);
        if (!vlan || *vlan > 4095) return Unexpected(wrong(name, value, "a VLAN id"));
    } else {
        if (value.empty()) return Unexpected(wrong(name, value, "a name"));
        (name == "state" ? state : name == "rule" ? rule : name == "zone" ? zone : interface) = std::string(value);
    }
    return {};
}

bool FlowFilter::matches(const FlowFields& flow) const {
    const auto is_either = [&](const std::string& wanted) {
        return flow.source_zone == wanted || flow.destination_zone == wanted;
    };
    return (!source || source->contains(flow.source)) && (!destination || destination->contains(flow.destination)) &&
           (!address || address->contains(flow.source) || address->contains(flow.destination)) &&
           (!sport || sport->contains(flow.source_port)) && (!dport || dport->contains(flow.destination_port)) &&
           (!port || port->contains(flow.source_port) || port->contains(flow.destination_port)) &&
           (!protocol || *protocol == flow.protocol) && (!state || state_matches(flow.state, *state)) &&
           (!rule || *rule == flow.rule) && (!zone || is_either(*zone)) &&
           (!interface || *interface == flow.interface) && (!worker || *worker == flow.worker) &&
           (!vlan || vlan == flow.vlan);
}

base::Expected<FlowFilter, std::string> flow_filter_from(const Json& params,
                                                         std::initializer_list<std::string_view> others) {
    FlowFilter filter;
    for (const auto& [key, value] : params.items()) {
        if (std::find(others.begin(), others.end(), key) != others.end()) continue;
        std::string text;
        if (value.is_string()) {
            text = value.get<std::string>();
        } else if (value.is_number_integer()) {
            text = std::to_string(value.get<std::int64_t>());
        } else {
            return Unexpected("the filter '" + key + "' wants a string or a number");
        }
        if (auto set = filter.set(key, text); !set) return Unexpected(set.error());
    }
    return filter;
}

} // namespace sluice::admin
