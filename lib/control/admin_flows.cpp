// Admin methods show.flows and show.evictions: they read the workers' tables while those work, without asking them
// anything.
#include "control/admin_methods.hpp"

#include "admin/flow_filter.hpp"
#include "base/clock.hpp"
#include "control/eviction_report.hpp"
#include "control/flow_tuple.hpp"
#include "flow/entry.hpp"

#include <fmt/format.h>

#include <limits>

namespace sluice::control {
namespace {

using admin::ErrorCode;
using admin::Json;
using admin::Reply;

/// One flow as a person sees it: ends in original order, names for numbers.
struct Shown {
    FlowTuple tuple;
    admin::FlowFields fields;
    flow::FlowView view;
};

Shown shown(const flow::FlowView& view, const Appliance& appliance, unsigned worker) {
    const policy::Policy& policy = appliance.generation().policy;
    Shown out;
    out.view = view;
    out.tuple = flow_tuple(view.key, view.original_is_second);
    admin::FlowFields& fields = out.fields;
    fields.source = out.tuple.source;
    fields.destination = out.tuple.destination;
    fields.protocol = out.tuple.protocol;
    fields.source_port = out.tuple.source_port;
    fields.destination_port = out.tuple.destination_port;
    fields.vlan = out.tuple.vlan;
    fields.state = flow::name(view.state);
    const std::string* rule = appliance.slots().name_of(view.rule_slot);
    fields.rule = rule != nullptr ? std::string_view(*rule) : std::string_view("-");
    const std::uint16_t wire = view.key.wire;
    const std::size_t in = view.opened_at_peer ? policy.interfaces[wire].peer : wire;
    fields.interface = policy.interfaces[in].name;
    fields.source_zone = policy.zones[policy.interfaces[in].zone].name;
    fields.destination_zone = policy.zones[policy.interfaces[policy.interfaces[in].peer].zone].name;
    fields.worker = worker;
    return out;
}

Json row_of(const Shown& flow) {
    const admin::FlowFields& fields = flow.fields;
    const flow::FlowView& view = flow.view;
    const base::Tick now = base::monotonic_ticks();
    Json row = to_json(flow.tuple);
    row.update({{"state", fields.state},
                {"rule", fields.rule},
                {"worker", fields.worker},
                {"age_seconds", seconds_of(base::tick_difference(now, view.created_tick))},
                {"idle_seconds", seconds_of(base::tick_difference(now, view.last_seen_tick))},
                {"timeout_seconds", view.timeout_ticks / static_cast<double>(base::kTicksPerSecond)},
                {"packets", {view.packets[0], view.packets[1]}},
                {"bytes", {view.bytes[0], view.bytes[1]}},
                {"interface", fields.interface}});
    return row;
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
            while (worker_ < workers.size() && next_ >= entries_of(workers[worker_])) {
                ++worker_;
                next_ = 0;
            }
            if (worker_ >= workers.size()) return admin::Result{{{"total", total_}, {"matched", matched_}}};
            look_at(entry_of(workers[worker_], next_++), rows);
        }
        return std::nullopt;
    }

  private:
    /// While flows move to another table, those that have not yet come before those that have: one that moves meanwhile
    /// may be listed twice, but none is left out.
    static std::uint64_t entries_of(const Worker& worker) {
        return std::uint64_t{worker.flows->capacity()} + (worker.leaving ? worker.leaving->capacity() : 0);
    }
    static const flow::Entry& entry_of(const Worker& worker, std::uint64_t number) {
        const std::uint32_t first = worker.leaving ? worker.leaving->capacity() : 0;
        return number < first ? worker.leaving->entry(static_cast<flow::Index>(number))
                              : worker.flows->entry(static_cast<flow::Index>(number - first));
    }

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
    std::uint64_t next_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t matched_ = 0;
};

/// A parameter that counts rows; `otherwise` when it is absent or null. Nothing when it is no count.
std::optional<std::uint64_t> limit_param(const Json& params, std::uint64_t otherwise) {
    const auto it = params.find("limit");
    if (it == params.end() || it->is_null()) return otherwise;
    if (!it->is_number_unsigned()) return std::nullopt;
    return it->get<std::uint64_t>();
}

Reply no_limit() {
    return Reply::error(ErrorCode::invalid_params, "'limit' must be a number of rows");
}

Reply evictions(const Appliance& appliance, const Json& params) {
    constexpr std::uint64_t kDefaultLimit = 20;
    if (auto bad = unknown_params(params, {"limit", "rule"})) return std::move(*bad);
    const auto limit = limit_param(params, kDefaultLimit);
    if (!limit) return no_limit();
    if (auto bad = not_text(params, "rule")) return std::move(*bad);
    const auto rule = text_param(params, "rule");
    std::optional<std::uint32_t> slot;
    if (rule && !(slot = appliance.slots().slot_of(*rule))) {
        return Reply::error(ErrorCode::not_found, fmt::format("no rule is named '{}'", *rule));
    }
    std::vector<const flow::Table*> tables;
    for (const Worker& worker : appliance.plane().workers())
        tables.push_back(worker.flows.get());
    return Reply::result(eviction_report(tables, appliance.slots(), slot, *limit, base::monotonic_ticks()));
}

} // namespace

void register_flow_methods(admin::Server& server, Appliance& appliance) {
    server.handle("show.flows", admin::Permission::read, [&appliance](const Json& params, const admin::Peer&) {
        auto filter = admin::flow_filter_from(params, {"limit"});
        if (!filter) return Reply::error(ErrorCode::invalid_params, filter.error());
        const auto limit = limit_param(params, std::numeric_limits<std::uint64_t>::max());
        if (!limit) return no_limit();
        auto list = std::make_shared<FlowList>(appliance, std::move(*filter), *limit);
        return Reply::stream([list](Json& rows) { return list->produce(rows); });
    });
    server.handle("show.evictions", admin::Permission::read,
                  [&appliance](const Json& params, const admin::Peer&) { return evictions(appliance, params); });
}

void register_methods(admin::Server& server, Appliance& appliance) {
    register_status_methods(server, appliance);
    register_policy_methods(server, appliance);
    register_set_methods(server, appliance);
    register_flow_methods(server, appliance);
}

} // namespace sluice::control
