// Admin method show.flows: reads the workers' tables while they work, without asking them anything.
#include "control/admin_methods.hpp"

#include "admin/flow_filter.hpp"
#include "base/clock.hpp"
#include "flow/entry.hpp"
#include "packet/parsed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace sluice::control {
namespace {

using admin::ErrorCode;
using admin::Json;
using admin::Reply;

/// One flow as a person sees it: ends in original order, names for numbers.
struct Shown {
    admin::FlowFields fields;
    flow::FlowView view;
    bool has_ports = false;
    bool is_query = false;
};

std::uint16_t port_of(std::uint16_t raw) {
    return net::byte_swap(raw);
}

Shown shown(const flow::FlowView& view, const Appliance& appliance, unsigned worker) {
    const policy::Policy& policy = appliance.generation().policy;
    Shown out;
    out.view = view;
    const unsigned opener = view.original_is_second ? 1 : 0;
    const flow::Key& key = view.key;
    admin::FlowFields& fields = out.fields;
    fields.source = net::IpAddress::from_wire(key.family, key.address[opener]);
    fields.destination = net::IpAddress::from_wire(key.family, key.address[1 - opener]);
    fields.protocol = key.protocol;
    out.is_query = key.protocol == net::protocol::kIcmp || key.protocol == net::protocol::kIcmpv6;
    out.has_ports = key.protocol == net::protocol::kTcp || key.protocol == net::protocol::kUdp ||
                    key.protocol == net::protocol::kSctp;
    if (out.has_ports) {
        fields.source_port = port_of(key.port[opener]);
        fields.destination_port = port_of(key.port[1 - opener]);
    } else if (out.is_query) {
        fields.source_port = port_of(key.port[0]); // the identifier
    }
    fields.state = flow::name(view.state);
    const std::string* rule = appliance.slots().name_of(view.rule_slot);
    fields.rule = rule != nullptr ? std::string_view(*rule) : std::string_view("-");
    const std::size_t in = view.opened_at_peer ? policy.interfaces[key.wire].peer : key.wire;
    fields.interface = policy.interfaces[in].name;
    fields.source_zone = policy.zones[policy.interfaces[in].zone].name;
    fields.destination_zone = policy.zones[policy.interfaces[policy.interfaces[in].peer].zone].name;
    fields.worker = worker;
    if (key.outer_vlan != 0) fields.vlan = static_cast<std::uint16_t>(key.outer_vlan & 0x0fff);
    return out;
}

double seconds(std::int32_t ticks) {
    return std::max(0, ticks) / static_cast<double>(base::kTicksPerSecond);
}

Json row_of(const Shown& flow) {
    const admin::FlowFields& fields = flow.fields;
    const flow::FlowView& view = flow.view;
    const base::Tick now = base::monotonic_ticks();
    return {{"protocol", admin::protocol_name(fields.protocol)},
            {"source", fields.source.to_string()},
            {"source_port", flow.has_ports || flow.is_query ? Json(fields.source_port) : Json(nullptr)},
            {"destination", fields.destination.to_string()},
            {"destination_port", flow.has_ports ? Json(fields.destination_port) : Json(nullptr)},
            {"vlan", fields.vlan ? Json(*fields.vlan) : Json(nullptr)},
            {"state", fields.state},
            {"rule", fields.rule},
            {"worker", fields.worker},
            {"age_seconds", seconds(base::tick_difference(now, view.created_tick))},
            {"idle_seconds", seconds(base::tick_difference(now, view.last_seen_tick))},
            {"timeout_seconds", view.timeout_ticks / static_cast<double>(base::kTicksPerSecond)},
            {"packets", {view.packets[0], view.packets[1]}},
            {"bytes", {view.bytes[0], view.bytes[1]}},
            {"interface", fields.interface}};
}

/// Walks the tables a stretch at a time, as the client reads.
class FlowList {
  public:
    FlowList(const Appliance& appliance, admin::FlowFilter filter, std::uint64_t limit)
        : appliance_(appliance)
        , filter_(std::move(filter))
        , limit_(limit) {}

    std::optional<admin::Outcome> produce(Json& rows) {
        constexpr unsigned kEntriesACall = 4096;
        const auto& workers = appliance_.plane().workers();
        for (unsigned looked_at = 0; looked_at < kEntriesACall; ++looked_at) {
            while (worker_ < workers.size() && next_ >= workers[worker_].flows->capacity()) {
                ++worker_;
                next_ = 0;
            }
            if (worker_ >= workers.size()) return admin::Result{{{"total", total_}, {"matched", matched_}}};
            look_at(workers[worker_].flows->entry(next_++), rows);
        }
        return std::nullopt;
    }

  private:
    void look_at(const flow::Entry& entry, Json& rows) {
        const auto view = flow::snapshot(entry);
        if (!view) return;
        ++total_;
        const Shown flow = shown(*view, appliance_, static_cast<unsigned>(worker_));
        if (!filter_.matches(flow.fields)) return;
        if (matched_++ < limit_) rows.push_back(row_of(flow));
    }

    const Appliance& appliance_;
    admin::FlowFilter filter_;
    std::uint64_t limit_;
    std::size_t worker_ = 0;
    flow::Index next_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t matched_ = 0;
};

} // namespace

void register_flow_methods(admin::Server& server, Appliance& appliance) {
    server.handle("show.flows", admin::Permission::read, [&appliance](const Json& params, const admin::Peer&) {
        auto filter = admin::flow_filter_from(params, {"limit"});
        if (!filter) return Reply::error(ErrorCode::invalid_params, filter.error());
        std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
        if (const auto it = params.find("limit"); it != params.end() && !it->is_null()) {
            if (!it->is_number_unsigned())
                return Reply::error(ErrorCode::invalid_params, "'limit' must be a number of rows");
            limit = it->get<std::uint64_t>();
        }
        auto list = std::make_shared<FlowList>(appliance, std::move(*filter), limit);
        return Reply::stream([list](Json& rows) { return list->produce(rows); });
    });
}

void register_methods(admin::Server& server, Appliance& appliance) {
    register_status_methods(server, appliance);
    register_policy_methods(server, appliance);
    register_flow_methods(server, appliance);
}

} // namespace sluice::control
