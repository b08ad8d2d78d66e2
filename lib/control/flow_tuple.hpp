// A flow's key as people see it, in every answer that names flows.
#pragma once

#include "admin/protocol.hpp"
#include "flow/key.hpp"
#include "net/address.hpp"

#include <cstdint>
#include <optional>

namespace sluice::control {

/// The end that opened the flow is the source.
struct FlowTuple {
    net::IpAddress source;
    net::IpAddress destination;
    std::uint16_t source_port = 0; ///< host order; ICMP queries: the identifier; 0 where the protocol has none
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    bool has_ports = false;
    bool is_query = false;
    std::optional<std::uint16_t> vlan; ///< the outer one
};

FlowTuple flow_tuple(const flow::Key& key, bool opener_is_second);

/// Members protocol, source, source_port, destination, destination_port, vlan; null where there is none.
admin::Json to_json(const FlowTuple& tuple);

/// Seconds from ticks; none below zero, because workers' clocks and the asker's may be a tick apart.
double seconds_of(std::int32_t ticks);

} // namespace sluice::control
