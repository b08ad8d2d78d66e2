#include "fake_appliance.hpp"

#include "admin/flow_filter.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::sluicectl::test {

namespace {

using admin::ErrorCode;
using admin::Json;
using admin::Outcome;
using admin::Peer;
using admin::Permission;
using admin::Reply;
using admin::Result;

constexpr const char* kHostileName = "eth0\x1b]0;owned\x07\xc2\x9b"
                                     "31m";

Json status(const FakeData& data) {
    Json drops = Json::array();
    Json states = Json::object();
    if (!data.empty) {
        drops = {{{"reason", "no_rule"}, {"packets", 1234567}}, {{"reason", "not_a_syn"}, {"packets", 3}}};
        states = {{"tcp_established", 200}, {"udp_new", 50}};
    }
    return {{"version", "0.1.0"},
            {"pid", 4711},
            {"uptime_seconds", 11520.4},
            {"state", "forwarding"},
            {"policy",
             {{"name", "edge-1"},
              {"generation", 41},
              {"applied_at", "2026-01-31T09:30:00Z"},
              {"hash", "9f86d081884c7d65"},
              {"rules", 3},
              {"file", "/etc/sluice/policy.yaml"}}},
            {"workers", 2},
            {"flows",
             {{"used", data.empty ? 0 : 250},
              {"capacity", 262144},
              {"per_state", states},
              {"created", 900},
              {"refused", data.empty ? 0 : 7},
              {"ended", {{"expired", 600}, {"evicted_closing", data.empty ? 0 : 50}}},
              {"per_class", {{"closing", 10}, {"half_open", 40}, {"unanswered", 0}, {"answered", 200}}},
              {"half_open_limit", 65536},
              {"under_pressure", data.empty ? 0 : 1},
              {"pressure_entered", data.empty ? 0 : 3},
              {"pressure_seconds", data.empty ? Json() : Json(12.5)}}},
            {"fragments", {{"datagrams", 0}, {"capacity", 4096}, {"held", 0}, {"completed", 12}}},
            {"packets",
             {{"received", 12345678},
              {"forwarded", 11111108},
              {"dropped", 1234570},
              {"answered", 20},
              {"made", 20},
              {"held", 0}}},
            {"syn_cookies", {{"sent", 17}, {"accepted", 3}, {"refused", 2}, {"flows", 1}, {"without_buffer", 0}}},
            {"rates", {{"received_pps", 15300.5}, {"forwarded_pps", 15000.0}, {"dropped_pps", 300.5}}},
            {"worst_drops", drops},
            {"warnings", data.empty ? Json::array() : Json::array({"interface wan0: link is down\x1b[2J"})},
            {"memory", {{"flow_table_bytes", 38797312}, {"hugepages", true}}}};
}

Json interfaces() {
    const auto one = [](int port, const char* name, const char* peer, const char* device, Json link) {
        return Json{{"name", name},
                    {"port", port},
                    {"device", device},
                    {"driver", "net_af_xdp"},
                    {"peer", peer},
                    {"zone", name[0] == 'l' ? "inside" : "outside"},
                    {"mac", "02:00:00:00:00:01"},
                    {"link", std::move(link)},
                    {"mtu", 1500},
                    {"promiscuous", true},
                    {"queues", 2},
                    {"rss", "symmetric"},
                    {"offloads", {"rx_ipv4_cksum"}},
                    {"rx_packets", 1000000},
                    {"rx_bytes", 64000000},
                    {"rx_missed", 0},
                    {"rx_errors", 0},
                    {"rx_nombuf", 0},
                    {"tx_packets", 999},
                    {"tx_bytes", 63936},
                    {"tx_errors", 0}};
    };
    return {one(0, "lan0", "wan0", kHostileName, {{"up", true}, {"speed_mbps", 10000}}),
            one(1, "wan0", "lan0", "net_null1", {{"up", false}, {"speed_mbps", nullptr}})};
}

Json stages() {
    const Json spent =
        Json::array({{{"stage", "receive"}, {"cycles", 2000}}, {{"stage", "tracked"}, {"cycles", 6000}}});
    const Json nothing = Json::array({{{"stage", "receive"}, {"cycles", 0}}, {{"stage", "tracked"}, {"cycles", 0}}});
    return Json::array(
        {{{"worker", 0}, {"bursts", 4}, {"packets", 100}, {"cycles_per_second", 2e9}, {"stages", spent}},
         {{"worker", 1}, {"bursts", 0}, {"packets", 0}, {"cycles_per_second", 2e9}, {"stages", nothing}}});
}

Json workers() {
    Json list = Json::array();
    for (int worker = 0; worker < 2; ++worker) {
        list.push_back({{"worker", worker},
                        {"cpu", worker == 0 ? Json(2) : Json()},
                        {"busy_ratio", 0.312},
                        {"loops", 123456789},
                        {"bursts", 4000},
                        {"received", 6000000},
                        {"forwarded", 5999000},
                        {"dropped", 1000},
                        {"answered", 20},
                        {"made", 20},
                        {"handed_off", 10},
                        {"handed_in", 11},
                        {"held", 0},
                        {"held_fragments", 0},
                        {"flows_used", 125},
                        {"flows_capacity", 131072},
                        {"per_class", {{"closing", 0}, {"half_open", 5}, {"unanswered", 20}, {"answered", 100}}},
                        {"under_pressure", worker == 1},
                        {"epoch", 41}});
    }
    return list;
}

Json rules() {
    const auto one = [](int position, const char* name, const char* track, Json reply, std::uint64_t packets,
                        Json line) {
        return Json{{"position", position},
                    {"name", name},
                    {"action", position == 3 ? "drop" : "allow"},
                    {"track", track},
                    {"reply", reply},
                    {"packets", packets},
                    {"bytes", packets * 64},
                    {"flows", packets / 1000},
                    {"flows_created", packets / 10},
                    {"reserve", nullptr},
                    {"kept", 0},
                    {"evicted", Json::object()},
                    {"evicted_for", 0},
                    {"refused", 0},
                    {"last_hit_seconds", packets == 0 ? Json() : Json(3.14)},
                    {"line", std::move(line)}};
    };
    return {one(1, "memcached-fast", "untracked", "mirror", 987654, 12), one(2, "web-in", "tracked", nullptr, 0, 20),
            one(3, "default", "tracked", nullptr, 42, nullptr)};
}

/// The rules of a table that was short of room; "dns" has some of it reserved.
Json rules_short_of_room() {
    Json list = rules();
    list[1].update({{"name", "dns"},
                    {"track", "brief"},
                    {"reserve", 4096},
                    {"kept", 17},
                    {"evicted", {{"half_open", 12}, {"closing", 3}}},
                    {"evicted_for", 40},
                    {"refused", 2}});
    return list;
}

Reply show_rules(const Json& params, const FakeData& data) {
    Json chosen = Json::array();
    for (const Json& rule : data.short_of_room ? rules_short_of_room() : rules()) {
        if (params.contains("name") && rule["name"] != params["name"]) continue;
        if (params.value("unused", false) && rule["packets"] != 0) continue;
        chosen.push_back(rule);
    }
    if (chosen.empty() && params.contains("name")) {
        return Reply::error(ErrorCode::not_found, "no rule is named '" + params["name"].get<std::string>() + "'");
    }
    return Reply::result(chosen);
}

Json sets() {
    return {{{"name", "bogons"},
             {"prefixes", 12},
             {"sets", Json::array()},
             {"uses", 1},
             {"file", nullptr},
             {"line", 9},
             {"added", 0},
             {"removed", 0},
             {"changed_at", nullptr}},
            {{"name", "blocked"},
             {"prefixes", 1202},
             {"sets", {"bogons"}},
             {"uses", 2},
             {"file", "/etc/sluice/sets/blocked\x1b[31m.txt"},
             {"line", 10},
             {"added", 2},
             {"removed", 1},
             {"changed_at", "2026-01-31T09:30:00Z"}}};
}

Reply show_sets(const Json& params, const FakeData& data) {
    if (data.empty) return Reply::result(Json::array());
    if (!params.contains("name")) return Reply::result(sets());
    if (params["name"] != "blocked") return Reply::error(ErrorCode::not_found, "no address set is named so");
    const std::size_t wanted = params.value("limit", std::size_t{1202});
    return Reply::stream([wanted, sent = std::size_t{0}](Json& rows) mutable -> std::optional<admin::Outcome> {
        if (sent == wanted) return admin::Result{sets()[1]};
        for (; sent < wanted && rows.size() < 500; ++sent) {
            rows.push_back({{"prefix", "10.0." + std::to_string(sent / 256) + "." + std::to_string(sent % 256) + "/32"},
                            {"live", sent < 2}});
        }
        return std::nullopt;
    });
}

/// Says what it was asked.
Reply change_set(const char* verb, const Json& params) {
    if (params["name"] == "nosuch") return Reply::error(ErrorCode::not_found, "no address set is named 'nosuch'");
    std::size_t count = 0;
    if (params.contains("text")) {
        const std::string text = params["text"];
        count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    } else {
        count = params["addresses"].size();
    }
    const bool removes = std::string_view(verb) == "del";
    return Reply::result({{"name", params["name"]},
                          {"changed", params["name"] != "same"},
                          {"added", removes ? 0 : count},
                          {"removed", removes ? count : 0},
                          {"prefixes", 1202},
                          {"recompiled", count > 1000}});
}

Json evicted_end(int number, const char* rule) {
    return {{"protocol", "tcp"},
            {"source", number == 1 ? "2001:db8::7" : "10.0.0." + std::to_string(number)},
            {"source_port", 40000 + number},
            {"destination", number == 1 ? "2001:db8::80" : "192.0.2.80"},
            {"destination_port", 443},
            {"vlan", number == 3 ? Json(12) : Json()},
            {"rule", rule}};
}

Reply show_evictions(const Json& params, const FakeData& data) {
    if (params.contains("rule") && params["rule"] == "nobody") {
        return Reply::error(ErrorCode::not_found, "no rule is named 'nobody'");
    }
    const bool none = data.empty || (params.contains("rule") && params["rule"] == "default");
    Json latest = Json::array();
    const std::size_t limit = params.value("limit", std::size_t{20});
    for (int i = 1; !none && i <= 30 && latest.size() < limit; ++i) {
        latest.push_back({{"at_seconds_ago", 0.5 * i},
                          {"cause", i == 1 ? "half_open" : "closing"},
                          {"worker", i % 2},
                          {"lost", evicted_end(i, "dns\x1b[31m")},
                          {"taker", evicted_end(i + 100, "web-in")},
                          {"idle_seconds", 2.5},
                          {"age_seconds", 3661}});
    }
    Json by_rule = Json::array();
    if (!none) {
        by_rule = {{{"rule", "dns\x1b[31m"}, {"lost", {{"closing", 20}, {"half_open", 32}}}, {"taken", 0}},
                   {{"rule", "web-in"}, {"lost", Json::object()}, {"taken", 52}}};
    }
    return Reply::result({{"total", data.empty ? 0 : 52},
                          {"by_cause", data.empty ? Json::object() : Json{{"closing", 20}, {"half_open", 32}}},
                          {"by_rule", by_rule},
                          {"latest", latest}});
}

Json flow_row(std::size_t index) {
    const bool tcp = index % 5 != 0;
    const bool v6 = index % 7 == 0;
    return {{"protocol", tcp ? "tcp" : "udp"},
            {"source", v6 ? "2001:db8::" + std::to_string(index % 9) : "10.0.0." + std::to_string(index % 200 + 1)},
            {"source_port", 40000 + index % 10000},
            {"destination", v6 ? "2001:db8:1::1" : "192.0.2.80"},
            {"destination_port", tcp ? 443 : 53},
            {"vlan", index % 3 == 0 ? Json(12) : Json()},
            {"state", tcp ? "tcp_established" : "udp_new"},
            {"rule", tcp ? "web-in" : "dns\x1b[31m"},
            {"worker", index % 2},
            {"age_seconds", 12.5},
            {"idle_seconds", 0.2},
            {"timeout_seconds", 3600},
            {"packets", {7, 6}},
            {"bytes", {812, 93000}},
            {"interface", "lan0"}};
}

admin::FlowFields fields_of(const Json& row) {
    admin::FlowFields fields;
    fields.source = net::IpAddress::parse(row["source"].get_ref<const std::string&>()).value();
    fields.destination = net::IpAddress::parse(row["destination"].get_ref<const std::string&>()).value();
    fields.source_port = row["source_port"].get<std::uint16_t>();
    fields.destination_port = row["destination_port"].get<std::uint16_t>();
    fields.protocol = *admin::protocol_number(row["protocol"].get_ref<const std::string&>());
    fields.state = row["state"].get_ref<const std::string&>();
    fields.rule = row["rule"].get_ref<const std::string&>();
    fields.worker = row["worker"].get<unsigned>();
    return fields;
}

Reply show_flows(const Json& params, std::size_t total) {
    auto filter = admin::flow_filter_from(params, {"limit"});
    if (!filter) return Reply::error(ErrorCode::invalid_params, filter.error());
    const std::size_t limit = params.value("limit", total);
    return Reply::stream([=, filter = *filter, next = std::size_t{0},
                          matched = std::size_t{0}](Json& rows) mutable -> std::optional<Outcome> {
        for (int i = 0; i < 500 && next < total; ++i, ++next) {
            Json row = flow_row(next);
            if (!filter.matches(fields_of(row))) continue;
            if (++matched <= limit) rows.push_back(std::move(row));
        }
        if (next < total) return std::nullopt;
        return Result{{{"total", total}, {"matched", matched}}};
    });
}

Reply show_drops(const Json& params, const FakeData& data) {
    Json reasons = Json::array();
    const auto add = [&](const char* reason, std::uint64_t packets) {
        if (params.contains("reason") && params["reason"] != reason) return;
        if (packets == 0 && !params.contains("reason") && !params.value("all", false)) return;
        reasons.push_back({{"reason", reason}, {"text", std::string("about ") + reason}, {"packets", packets}});
    };
    add("no_rule", data.empty ? 0 : 1234567);
    add("not_a_syn", data.empty ? 0 : 3);
    add("handoff_full", 0);
    if (reasons.empty() && params.contains("reason")) {
        return Reply::error(ErrorCode::not_found, "no such drop reason");
    }
    return Reply::result({{"since_seconds", 11520.4},
                          {"received", 12345678},
                          {"forwarded", data.empty ? 12345678 : 11111108},
                          {"answered", 20},
                          {"made", 20},
                          {"held", 0},
                          {"reasons", reasons}});
}

Reply apply(const Json& params, bool really) {
    if (!params.contains("text") || !params["text"].is_string()) {
        return Reply::error(ErrorCode::invalid_params, "text is missing");
    }
    const auto text = params["text"].get<std::string>();
    const std::string name = params.value("name", "");
    const Json fine = {{"generation", really ? 42 : 41},
                       {"changed", true},
                       {"errors", 0},
                       {"warnings", 1},
                       {"rendered", name + ":1:1: warning[W105]: rule '\x1b[31mx' can never match\n\n1 warning."},
                       {"diagnostics",
                        {{{"severity", "warning"},
                          {"code", "W105"},
                          {"message", "x"},
                          {"file", name},
                          {"line", 1},
                          {"column", 1},
                          {"label", ""},
                          {"help", ""}}}}};
    if (text.starts_with("broken")) {
        return Reply::error(ErrorCode::policy_invalid, "the policy is invalid; generation 41 runs on",
                            {{"errors", 1},
                             {"warnings", 0},
                             {"rendered", name + ":1:1: error[P001]: no\n\n1 error."},
                             {"diagnostics", Json::array()}});
    }
    if (text.starts_with("restart")) {
        return Reply::error(ErrorCode::conflict, "a change of 'interfaces' needs a restart; generation 41 runs on");
    }
    Json result = fine;
    if (text.starts_with("same")) result.update({{"generation", 41}, {"changed", false}});
    result["size"] = text.size();
    return Reply::result(result);
}

} // namespace

void answer_like_an_appliance(admin::Server& server, const FakeData& data) {
    const auto canned = [&](const char* method, Json result) {
        server.handle(method, Permission::read,
                      [result = std::move(result)](const Json&, const Peer&) { return Reply::result(result); });
    };
    canned("version", {{"version", "0.1.0"}, {"dpdk", "DPDK 22.11.11"}, {"protocol", 1}});
    canned("status", status(data));
    canned("show.interfaces", data.empty ? Json::array() : interfaces());
    canned("show.workers", data.empty ? Json::array() : workers());
    canned("show.stages", data.empty ? Json::array() : stages());
    canned("show.policy", {{"generation", 41},
                           {"name", "edge-1"},
                           {"file", "/etc/sluice/policy.yaml"},
                           {"applied_at", "2026-01-31T09:30:00Z"},
                           {"hash", "9f86d081884c7d65"},
                           {"text", "version: 1\n# \x1b[31m\nname: edge-1\n"}});
    server.handle("show.rules", Permission::read,
                  [data](const Json& params, const Peer&) { return show_rules(params, data); });
    server.handle("show.sets", Permission::read,
                  [data](const Json& params, const Peer&) { return show_sets(params, data); });
    for (const char* verb : {"add", "del", "replace"}) {
        server.handle(std::string("set.") + verb, Permission::change,
                      [verb](const Json& params, const Peer&) { return change_set(verb, params); });
    }
    server.handle("show.evictions", Permission::read,
                  [data](const Json& params, const Peer&) { return show_evictions(params, data); });
    server.handle("show.flows", Permission::read, [data](const Json& params, const Peer&) {
        return show_flows(params, data.empty ? 0 : data.flow_count);
    });
    server.handle("show.drops", Permission::read,
                  [data](const Json& params, const Peer&) { return show_drops(params, data); });
    server.handle("policy.check", Permission::read,
                  [](const Json& params, const Peer&) { return apply(params, false); });
    server.handle("policy.apply", Permission::change,
                  [](const Json& params, const Peer&) { return apply(params, true); });
}

} // namespace sluice::sluicectl::test
