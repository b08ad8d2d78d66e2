// Which flows `show flows` asks for: read from a request's parameters by the appliance, checked by the command line
// before it asks.
#pragma once

#include "admin/protocol.hpp"
#include "base/expected.hpp"
#include "net/address.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::admin {

/// A word that may stand in a filter, with its value after it.
struct FlowFilterKey {
    std::string_view name;
    std::string_view alias; ///< may be empty; the command line translates it, requests carry the name
    std::string_view value; ///< what follows, for help
    std::string_view help;
};

inline constexpr std::array kFlowFilterKeys = {
    FlowFilterKey{"source", "src", "ADDRESS|PREFIX", "the end that opened the flow"},
    FlowFilterKey{"destination", "dst", "ADDRESS|PREFIX", "the end it was opened to"},
    FlowFilterKey{"address", "host", "ADDRESS|PREFIX", "either end"},
    FlowFilterKey{"sport", "", "PORT|FROM-TO", "port of the source"},
    FlowFilterKey{"dport", "", "PORT|FROM-TO", "port of the destination"},
    FlowFilterKey{"port", "", "PORT|FROM-TO", "port of either end"},
    FlowFilterKey{"protocol", "proto", "NAME|NUMBER", "tcp, udp, icmp, icmpv6, sctp, gre, esp, ah or a number"},
    FlowFilterKey{"state", "", "STATE", "such as tcp_established, or established for every protocol"},
    FlowFilterKey{"rule", "", "NAME", "the rule that allowed the flow"},
    FlowFilterKey{"zone", "", "NAME", "zone of either end"},
    FlowFilterKey{"interface", "", "NAME", "where the flow's first packet came in"},
    FlowFilterKey{"worker", "", "NUMBER", "the worker that owns the flow"},
    FlowFilterKey{"vlan", "", "ID", "outer VLAN id"},
};

/// What a filter looks at in a flow; ends in original order.
struct FlowFields {
    net::IpAddress source;
    net::IpAddress destination;
    std::uint16_t source_port = 0; ///< host order; 0 where the protocol has none
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    std::string_view state;
    std::string_view rule;
    std::string_view source_zone;
    std::string_view destination_zone;
    std::string_view interface;
    unsigned worker = 0;
    std::optional<std::uint16_t> vlan;
};

/// All conditions must hold; an absent one holds always.
struct FlowFilter {
    std::optional<net::Prefix> source;
    std::optional<net::Prefix> destination;
    std::optional<net::Prefix> address;
    std::optional<net::PortRange> sport;
    std::optional<net::PortRange> dport;
    std::optional<net::PortRange> port;
    std::optional<std::uint8_t> protocol;
    std::optional<std::string> state;
    std::optional<std::string> rule;
    std::optional<std::string> zone;
    std::optional<std::string> interface;
    std::optional<unsigned> worker;
    std::optional<std::uint16_t> vlan;

    /// Sets the condition `key` (a name or alias of kFlowFilterKeys) from text; a sentence when either is wrong.
    base::Expected<void, std::string> set(std::string_view key, std::string_view value);

    [[nodiscard]] bool matches(const FlowFields& flow) const;
};

/// From the parameters of show.flows: strings under the names of kFlowFilterKeys (numbers are taken too). `limit` and
/// other parameters that are no filter are the caller's and passed over only if named in `others`.
base::Expected<FlowFilter, std::string> flow_filter_from(const Json& params,
                                                         std::initializer_list<std::string_view> others);

/// The entry of kFlowFilterKeys with this name or alias; null when there is none.
const FlowFilterKey* find_flow_filter_key(std::string_view word);

/// "tcp" for 6 and so on; the number as text where there is no name.
std::string protocol_name(std::uint8_t number);
/// The reverse, numbers accepted.
std::optional<std::uint8_t> protocol_number(std::string_view name);

} // namespace sluice::admin
