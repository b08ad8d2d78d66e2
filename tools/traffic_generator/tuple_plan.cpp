#include "traffic_generator/tuple_plan.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::traffic {

AddressRange AddressRange::of(const net::Prefix& prefix) {
    AddressRange range;
    range.prefix_ = prefix;
    range.base_ = prefix.address;
    const bool ipv4 = prefix.address.family == net::Family::ipv4;
    net::Be32 low;
    std::memcpy(&low, prefix.address.bytes.data() + (ipv4 ? 0 : 12), sizeof low);
    range.first_ = low.host();
    const unsigned host_bits = std::min(prefix.address.width() - prefix.length, 32u);
    const uint64_t addresses = uint64_t{1} << host_bits;
    const bool spare_ends = host_bits >= 2; // RFC 1122, 3.2.1.3; in IPv6 the first is the routers' (RFC 4291, 2.6.1)
    range.first_ += spare_ends ? 1 : 0;
    range.size_ = static_cast<uint32_t>(spare_ends ? addresses - 2 : addresses);
    return range;
}

base::Expected<TuplePlan, std::string> TuplePlan::make(const Options& options) {
    TuplePlan plan;
    if (options.clients.address.family != options.servers.address.family)
        return base::Unexpected(options.clients.to_string() + " and " + options.servers.to_string() +
                                " are of two families: clients and servers must be of one");
    if (options.clients.overlaps(options.servers))
        return base::Unexpected("the clients " + options.clients.to_string() + " and the servers " +
                                options.servers.to_string() + " overlap");
    plan.clients_ = AddressRange::of(options.clients);
    plan.servers_ = AddressRange::of(options.servers);
    plan.client_ports_ = options.client_ports;
    plan.server_ports_ = options.server_ports;
    plan.client_port_count_ = uint32_t{options.client_ports.last} - options.client_ports.first + 1;
    plan.server_port_count_ = uint32_t{options.server_ports.last} - options.server_ports.first + 1;
    const uint64_t tuples = uint64_t{plan.clients_.size()} * plan.client_port_count_;
    plan.count_ = static_cast<uint32_t>(std::min<uint64_t>(tuples, UINT32_MAX));
    return plan;
}

} // namespace sluice::traffic
