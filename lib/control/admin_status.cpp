// Admin methods that show the appliance: version, status, interfaces, workers, drops.
#include "control/admin_methods.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <span>

namespace sluice::control {

using admin::Json;
using admin::Reply;

std::string rfc3339(std::chrono::system_clock::time_point at) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

double uptime_seconds(const Appliance& appliance) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - appliance.started_at()).count();
}

namespace {

Json worst_drops(const std::vector<Worker>& workers) {
    constexpr std::size_t kMost = 5;
    std::vector<std::pair<std::uint64_t, std::string_view>> drops;
    for (std::size_t i = 0; i < telemetry::kDropReasonCount; ++i) {
        const std::uint64_t packets = drops_of(workers, static_cast<telemetry::DropReason>(i));
        if (packets != 0) drops.emplace_back(packets, telemetry::kDropReasonNames[i]);
    }
    std::sort(drops.rbegin(), drops.rend());
    Json rows = Json::array();
    for (std::size_t i = 0; i < std::min(kMost, drops.size()); ++i) {
        rows.push_back({{"reason", drops[i].second}, {"packets", drops[i].first}});
    }
    return rows;
}

Json per_class_of(std::span<const Worker> workers) {
    constexpr std::array<const char*, flow::kEvictionClassCount> kNames = {"closing", "half_open", "unanswered",
                                                                           "answered"};
    Json classes = Json::object();
    for (std::size_t c = 0; c < kNames.size(); ++c) {
        std::uint64_t count = 0;
        for (const Worker& worker : workers)
            count += worker.flows->stats().per_class[c].load();
        classes[kNames[c]] = count;
    }
    return classes;
}

/// What is known of the tables' room, into status.flows.
void put_pressure(Json& flows, const Appliance& appliance) {
    const std::vector<Worker>& workers = appliance.plane().workers();
    std::uint64_t half_open_limit = 0;
    std::uint64_t entered = 0;
    for (const Worker& worker : workers) {
        half_open_limit += worker.flows->half_open_limit();
        entered += worker.flows->stats().pressure_entered.load();
    }
    flows["per_class"] = per_class_of(workers);
    flows["half_open_limit"] = half_open_limit;
    flows["under_pressure"] = appliance.workers_under_pressure();
    flows["pressure_entered"] = entered;
    const auto seconds = appliance.pressure_seconds();
    flows["pressure_seconds"] = seconds ? Json(*seconds) : Json(nullptr);
}

Json flows_of(const Appliance& appliance) {
    const std::vector<Worker>& workers = appliance.plane().workers();
    std::uint64_t used = 0;
    std::uint64_t capacity = 0;
    std::uint64_t created = 0;
    std::uint64_t refused = 0;
    std::array<std::uint64_t, flow::kStateCount> per_state{};
    Json ended = Json::object();
    for (const Worker& worker : workers) {
        const flow::Stats& stats = worker.flows->stats();
        used += worker.flows_used();
        capacity += worker.flows->capacity();
        created += stats.created.load();
        refused += stats.refused.load();
        for (std::size_t s = 0; s < flow::kStateCount; ++s) {
            per_state[s] += stats.per_state[s].load();
        }
    }
    Json states = Json::object();
    for (std::size_t s = 0; s < flow::kStateCount; ++s) {
        if (per_state[s] != 0) states[std::string(flow::kStateNames[s])] = per_state[s];
    }
    for (std::size_t r = 0; r < flow::kEndReasonNames.size(); ++r) {
        std::uint64_t count = 0;
        for (const Worker& worker : workers) {
            count += worker.flows->stats().ended[r].load();
        }
        if (count != 0) ended[std::string(flow::kEndReasonNames[r])] = count;
    }
    Json flows = {{"used", used},       {"capacity", capacity}, {"per_state", states},
                  {"created", created}, {"refused", refused},   {"ended", ended}};
    put_pressure(flows, appliance);
    return flows;
}

Json fragments_of(const std::vector<Worker>& workers) {
    std::uint64_t datagrams = 0;
    std::uint64_t capacity = 0;
    std::uint64_t held = 0;
    std::uint64_t completed = 0;
    for (const Worker& worker : workers) {
        const reassembly::Stats& stats = worker.fragments->stats();
        datagrams += stats.datagrams.load();
        capacity += worker.fragments->config().datagrams;
        held += worker.counters->held_fragments.load();
        completed += stats.completed.load();
    }
    return {{"datagrams", datagrams}, {"capacity", capacity}, {"held", held}, {"completed", completed}};
}

Json syn_cookies_of(const std::vector<Worker>& workers) {
    std::uint64_t sent = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t without_buffer = 0;
    std::uint64_t proxied = 0;
    for (const Worker& worker : workers) {
        sent += worker.counters->cookies_sent.load();
        accepted += worker.counters->cookies_accepted.load();
        refused += worker.counters->cookies_refused.load();
        without_buffer += worker.counters->made_without_buffer.load();
        proxied += worker.flows->sequence_offsets().used();
    }
    return {{"sent", sent},
            {"accepted", accepted},
            {"refused", refused},
            {"flows", proxied},
            {"without_buffer", without_buffer}};
}

Json status(const Appliance& appliance) {
    const Generation& generation = appliance.generation();
    const auto& workers = appliance.plane().workers();
    const Totals totals = totals_of(workers);
    return {
        {"version", SLUICE_VERSION},
        {"pid", getpid()},
        {"uptime_seconds", uptime_seconds(appliance)},
        {"state", "forwarding"},
        {"policy",
         {{"name", generation.policy.name},
          {"generation", generation.number},
          {"applied_at", rfc3339(generation.applied_at)},
          {"hash", fmt::format("{:016x}", generation.policy.content_hash)},
          {"rules", generation.policy.rules.size()},
          {"file", generation.file.empty() ? Json(nullptr) : Json(generation.file)}}},
        {"workers", workers.size()},
        {"flows", flows_of(appliance)},
        {"fragments", fragments_of(workers)},
        {"syn_cookies", syn_cookies_of(workers)},
        {"packets",
         {{"received", totals.received},
          {"forwarded", totals.forwarded},
          {"dropped", totals.dropped},
          {"answered", totals.answered},
          {"made", totals.made},
          {"held", totals.held}}},
        {"rates",
         {{"received_pps", appliance.rates().received_per_second()},
          {"forwarded_pps", appliance.rates().forwarded_per_second()},
          {"dropped_pps", appliance.rates().dropped_per_second()}}},
        {"worst_drops", worst_drops(workers)},
        {"warnings", appliance.warnings()},
        {"memory",
         {{"flow_table_bytes", appliance.plane().table_memory_size()}, {"hugepages", appliance.options().hugepages}}},
    };
}

Json interface_row(const Appliance& appliance, std::size_t i) {
    const dpdk::Port& port = appliance.plane().ports()[i];
    const dpdk::PortInfo& info = port.info();
    const dpdk::LinkState& link = appliance.plane().links()[i];
    const policy::Policy& policy = appliance.generation().policy;
    const policy::Interface& interface = policy.interfaces[i];
    const dpdk::PortStatistics stats = port.statistics();
    const char* rss = info.receive_queues < 2 ? "none" : info.symmetric_rss ? "symmetric" : "asymmetric";
    return {{"name", interface.name},
            {"port", port.id()},
            {"device", interface.device},
            {"driver", info.driver},
            {"peer", policy.interfaces[interface.peer].name},
            {"zone", policy.zones[interface.zone].name},
            {"mac", info.mac},
            {"link", {{"up", link.up}, {"speed_mbps", link.speed_mbps == 0 ? Json(nullptr) : Json(link.speed_mbps)}}},
            {"mtu", info.mtu},
            {"promiscuous", info.promiscuous},
            {"queues", info.receive_queues},
            {"rss", rss},
            {"offloads", info.offloads},
            {"rx_packets", stats.rx_packets},
            {"rx_bytes", stats.rx_bytes},
            {"rx_missed", stats.rx_missed},
            {"rx_errors", stats.rx_errors},
            {"rx_nombuf", stats.rx_no_buffer},
            {"tx_packets", stats.tx_packets},
            {"tx_bytes", stats.tx_bytes},
            {"tx_errors", stats.tx_errors}};
}

Json interfaces(const Appliance& appliance) {
    Json rows = Json::array();
    for (std::size_t i = 0; i < appliance.plane().ports().size(); ++i) {
        rows.push_back(interface_row(appliance, i));
    }
    return rows;
}

Json workers(const Appliance& appliance) {
    Json rows = Json::array();
    const auto& all = appliance.plane().workers();
    for (std::size_t w = 0; w < all.size(); ++w) {
        const Worker& worker = all[w];
        const telemetry::WorkerCounters& counters = *worker.counters;
        const Totals totals = totals_of(worker);
        const std::uint64_t off = counters.handed_off_packets.load();
        const std::uint64_t in = counters.handed_in_packets.load();
        rows.push_back({{"worker", w},
                        {"cpu", worker.cpu},
                        {"busy_ratio", appliance.rates().busy_ratio(w)},
                        {"loops", counters.loops.load()},
                        {"bursts", counters.bursts.load()},
                        {"received", totals.received},
                        {"forwarded", totals.forwarded},
                        {"dropped", totals.dropped},
                        {"answered", totals.answered},
                        {"made", totals.made},
                        {"handed_off", off},
                        {"handed_in", in},
                        {"held", static_cast<std::int64_t>(totals.received + totals.made + in - off - totals.forwarded -
                                                           totals.answered - totals.dropped)},
                        {"held_fragments", counters.held_fragments.load()},
                        {"flows_used", worker.flows_used()},
                        {"flows_capacity", worker.flows->capacity()},
                        {"per_class", per_class_of({&worker, 1})},
                        {"under_pressure", worker.flows->stats().under_pressure.load() != 0},
                        {"epoch", counters.epoch.load()}});
    }
    return rows;
}

Json stages(const Appliance& appliance) {
    Json rows = Json::array();
    const auto& all = appliance.plane().workers();
    for (std::size_t w = 0; w < all.size(); ++w) {
        const telemetry::StageCycles& sampled = all[w].counters->stages;
        Json list = Json::array();
        for (std::size_t i = 0; i < telemetry::kStageCount; ++i) {
            list.push_back({{"stage", telemetry::kStageNames[i]}, {"cycles", sampled.cycles[i].load()}});
        }
        rows.push_back({{"worker", w},
                        {"bursts", sampled.bursts.load()},
                        {"packets", sampled.packets.load()},
                        {"cycles_per_second", dpdk::Eal::cycles_per_second()},
                        {"stages", std::move(list)}});
    }
    return rows;
}

Reply drops(const Appliance& appliance, const Json& params) {
    const auto& workers = appliance.plane().workers();
    std::optional<telemetry::DropReason> only;
    if (params.contains("reason")) {
        if (auto bad = not_text(params, "reason")) return std::move(*bad);
        const auto wanted = text_param(params, "reason");
        only = wanted ? telemetry::drop_reason_from_name(*wanted) : std::nullopt;
        if (!only) return Reply::error(admin::ErrorCode::not_found, "no such drop reason");
    }
    const bool all = params.value("all", Json(false)) == true;
    const Totals totals = totals_of(workers);
    Json rows = Json::array();
    for (std::size_t i = 0; i < telemetry::kDropReasonCount; ++i) {
        const auto reason = static_cast<telemetry::DropReason>(i);
        if (only && *only != reason) continue;
        const std::uint64_t packets = drops_of(workers, reason);
        if (packets == 0 && !all && !only) continue;
        rows.push_back({{"reason", telemetry::name(reason)}, {"text", telemetry::text(reason)}, {"packets", packets}});
    }
    return Reply::result({{"since_seconds", uptime_seconds(appliance)},
                          {"received", totals.received},
                          {"forwarded", totals.forwarded},
                          {"answered", totals.answered},
                          {"made", totals.made},
                          {"held", totals.held},
                          {"reasons", rows}});
}

} // namespace

std::optional<std::string> text_param(const Json& params, const char* key) {
    const auto it = params.find(key);
    if (it == params.end() || !it->is_string()) return std::nullopt;
    return it->get<std::string>();
}

std::optional<Reply> not_text(const Json& params, const char* key) {
    const auto it = params.find(key);
    if (it == params.end() || it->is_null() || it->is_string()) return std::nullopt;
    return Reply::error(admin::ErrorCode::invalid_params, fmt::format("'{}' must be a text", key));
}

std::optional<Reply> unknown_params(const Json& params, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : params.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            return Reply::error(admin::ErrorCode::invalid_params, fmt::format("unknown parameter '{}'", key));
        }
    }
    return std::nullopt;
}

void register_status_methods(admin::Server& server, Appliance& appliance) {
    using admin::Permission;
    const auto show = [&server](const char* method, auto make) {
        server.handle(method, Permission::read, [make](const Json& params, const admin::Peer&) {
            if (auto bad = unknown_params(params, {})) return std::move(*bad);
            return Reply::result(make());
        });
    };
    show("version", [] {
        return Json{{"version", SLUICE_VERSION}, {"dpdk", dpdk::Eal::version()}, {"protocol", admin::kProtocolVersion}};
    });
    show("status", [&appliance] { return status(appliance); });
    show("show.interfaces", [&appliance] { return interfaces(appliance); });
    show("show.workers", [&appliance] { return workers(appliance); });
    show("show.stages", [&appliance] { return stages(appliance); });
    server.handle("show.drops", Permission::read, [&appliance](const Json& params, const admin::Peer&) {
        if (auto bad = unknown_params(params, {"reason", "all"})) return std::move(*bad);
        return drops(appliance, params);
    });
}

} // namespace sluice::control
