// Admin methods about address sets: what they hold, and changing them while traffic passes.
#include "control/admin_methods.hpp"

#include "policy/model/read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::control {
namespace {

using admin::ErrorCode;
using admin::Json;
using admin::Reply;

/// Addresses that one request may list; more come as text.
constexpr std::size_t kMostListed = 1000;
/// Rows of a list that are made at a time.
constexpr std::size_t kRowsAtATime = 1000;

std::vector<std::size_t> rules_by_set(const policy::Policy& policy) {
    std::vector<std::size_t> counts(policy.address_sets.size());
    for (const policy::Rule& rule : policy.rules) {
        for (const policy::Endpoint* end : {&rule.from, &rule.to}) {
            for (const std::size_t set : end->sets) {
                counts[set] += 1;
            }
        }
    }
    return counts;
}

Json set_row(const Generation& running, std::size_t set, std::size_t rules) {
    const policy::AddressSet& written = running.policy.address_sets[set];
    Json inner = Json::array();
    for (const std::size_t one : written.inner) {
        inner.push_back(running.policy.address_sets[one].name);
    }
    const auto changed_at = running.sets.changed_at(set);
    return {{"name", written.name},
            {"prefixes", running.sets.size(set)},
            {"sets", std::move(inner)},
            {"uses", rules},
            {"file", written.file.empty() ? Json(nullptr) : Json(written.file)},
            {"line", written.where.line},
            {"added", running.sets.added(set).size()},
            {"removed", running.sets.removed(set).size()},
            {"changed_at", changed_at ? Json(rfc3339(*changed_at)) : Json(nullptr)}};
}

Reply all_sets(const Appliance& appliance) {
    const Generation& running = appliance.generation();
    const std::vector<std::size_t> rules = rules_by_set(running.policy);
    Json rows = Json::array();
    for (std::size_t set = 0; set < rules.size(); ++set) {
        rows.push_back(set_row(running, set, rules[set]));
    }
    return Reply::result(std::move(rows));
}

/// What one set holds, in order, and its row at the end. A change while the list is under way shows in what is left of
/// it; another policy ends it.
Reply one_set(const Appliance& appliance, const std::string& name, std::size_t limit) {
    const Generation& running = appliance.generation();
    const auto set = running.sets.find(name);
    if (!set) return Reply::error(ErrorCode::not_found, fmt::format("no address set is named '{}'", name));
    auto last = std::make_shared<std::optional<net::Prefix>>();
    return Reply::stream([&appliance, number = running.number, set = *set, last, left = limit](Json& rows) mutable {
        const Generation& now = appliance.generation();
        if (now.number != number) {
            return std::optional<admin::Outcome>(
                admin::Error{ErrorCode::failed, "another policy was applied meanwhile", nullptr});
        }
        const auto prefixes = now.sets.some(set, *last, std::min(left, kRowsAtATime));
        left -= prefixes.size();
        for (const net::Prefix& prefix : prefixes) {
            rows.push_back({{"prefix", prefix.to_string()}, {"live", now.sets.added(set).contains(prefix)}});
        }
        if (!prefixes.empty()) {
            *last = prefixes.back();
            return std::optional<admin::Outcome>();
        }
        return std::optional<admin::Outcome>(admin::Result{set_row(now, set, rules_by_set(now.policy)[set])});
    });
}

Reply show_sets(const Appliance& appliance, const Json& params) {
    if (auto bad = unknown_params(params, {"name", "limit"})) return std::move(*bad);
    if (auto bad = not_text(params, "name")) return std::move(*bad);
    const auto name = text_param(params, "name");
    if (!name) return all_sets(appliance);
    const auto limit = params.find("limit");
    if (limit == params.end()) return one_set(appliance, *name, policy::kMaxSetPrefixes);
    if (!limit->is_number_unsigned()) {
        return Reply::error(ErrorCode::invalid_params, "'limit' must be a number that is not negative");
    }
    return one_set(appliance, *name, limit->get<std::size_t>());
}

base::Unexpected<Reply> wrong(std::string message) {
    return base::Unexpected(Reply::error(ErrorCode::invalid_params, std::move(message)));
}

/// `addresses`, a list, or `text`, as a set's file has them.
base::Expected<std::vector<net::Prefix>, Reply> prefixes_of(const Json& params) {
    std::vector<net::Prefix> prefixes;
    if (const auto text = text_param(params, "text")) {
        policy::Diagnostics diagnostics;
        auto read = policy::read_prefixes(*text, diagnostics);
        if (read) return std::move(*read);
        const std::string rendered = diagnostics.render(false);
        return wrong(rendered.substr(0, rendered.find('\n')));
    }
    const auto list = params.find("addresses");
    if (list == params.end() || !list->is_array()) return wrong("'addresses' must be a list of addresses and prefixes");
    if (list->size() > kMostListed) {
        return wrong(fmt::format("more than {} addresses in one request: send them as 'text'", kMostListed));
    }
    for (const Json& one : *list) {
        if (!one.is_string()) return wrong("an address must be a text");
        auto prefix = net::Prefix::parse(one.get_ref<const std::string&>());
        if (!prefix) return wrong(prefix.error());
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

base::Expected<SetChange, Reply> change_of(const Json& params, SetChange::Kind kind) {
    if (auto bad = unknown_params(params, {"name", "addresses", "text"})) return base::Unexpected(std::move(*bad));
    const auto name = text_param(params, "name");
    if (!name) return wrong("'name' must be the set's name");
    if (params.contains("addresses") && params.contains("text")) return wrong("'addresses' beside 'text'");
    auto prefixes = prefixes_of(params);
    if (!prefixes) return base::Unexpected(std::move(prefixes.error()));
    if (prefixes->empty() && kind != SetChange::Kind::replace) return wrong("no address is given");
    return SetChange{kind, *name, std::move(*prefixes)};
}

Reply reply_for(const SetChange& change, const SetOutcome& outcome) {
    using Kind = SetOutcome::Kind;
    switch (outcome.kind) {
    case Kind::changed:
    case Kind::unchanged: break;
    case Kind::no_such_set:
    case Kind::not_in_set: return Reply::error(ErrorCode::not_found, outcome.message);
    case Kind::too_large: return Reply::error(ErrorCode::conflict, outcome.message);
    case Kind::failed: return Reply::error(ErrorCode::failed, outcome.message);
    }
    return Reply::result({{"name", change.name},
                          {"changed", outcome.kind == Kind::changed},
                          {"added", outcome.added},
                          {"removed", outcome.removed},
                          {"prefixes", outcome.prefixes},
                          {"recompiled", outcome.recompiled}});
}

} // namespace

void register_set_methods(admin::Server& server, Appliance& appliance) {
    using admin::Peer;
    using admin::Permission;
    server.handle("show.sets", Permission::read,
                  [&appliance](const Json& params, const Peer&) { return show_sets(appliance, params); });
    const auto handle = [&](const char* method, SetChange::Kind kind) {
        server.handle(method, Permission::change, [&appliance, kind](const Json& params, const Peer& peer) {
            auto change = change_of(params, kind);
            if (!change) return std::move(change.error());
            const std::string who = fmt::format("uid {}, pid {}", peer.uid, peer.pid);
            return reply_for(*change, appliance.change_set(*change, who));
        });
    };
    handle("set.add", SetChange::Kind::add);
    handle("set.del", SetChange::Kind::remove);
    handle("set.replace", SetChange::Kind::replace);
}

} // namespace sluice::control
