#include "control/flow_tuple.hpp"

#include "admin/flow_filter.hpp"
#include "base/ticks.hpp"
#include "net/byte_order.hpp"

#include <algorithm>

namespace sluice::control {

FlowTuple flow_tuple(const flow::Key& key, bool opener_is_second) {
    FlowTuple out;
    const unsigned opener = opener_is_second ? 1 : 0;
    out.source = net::IpAddress::from_wire(key.family, key.address[opener]);
    out.destination = net::IpAddress::from_wire(key.family, key.address[1 - opener]);
    out.protocol = key.protocol;
    out.is_query = key.protocol == net::protocol::kIcmp || key.protocol == net::protocol::kIcmpv6;
    out.has_ports = key.protocol == net::protocol::kTcp || key.protocol == net::protocol::kUdp ||
                    key.protocol == net::protocol::kSctp;
    if (out.has_ports) {
        out.source_port = net::byte_swap(key.port[opener]);
        out.destination_port = net::byte_swap(key.port[1 - opener]);
    } else if (out.is_query) {
        out.source_port = net::byte_swap(key.port[0]); // the identifier
    }
    if (key.outer_vlan != 0) out.vlan = static_cast<std::uint16_t>(key.outer_vlan & 0x0fff);
    return out;
}

admin::Json to_json(const FlowTuple& tuple) {
    using admin::Json;
    return {{"protocol", admin::protocol_name(tuple.protocol)},
            {"source", tuple.source.to_string()},
            {"source_port", tuple.has_ports || tuple.is_query ? Json(tuple.source_port) : Json(nullptr)},
            {"destination", tuple.destination.to_string()},
            {"destination_port", tuple.has_ports ? Json(tuple.destination_port) : Json(nullptr)},
            {"vlan", tuple.vlan ? Json(*tuple.vlan) : Json(nullptr)}};
}

double seconds_of(std::int32_t ticks) {
    return std::max(0, ticks) / static_cast<double>(base::kTicksPerSecond);
}

} // namespace sluice::control
