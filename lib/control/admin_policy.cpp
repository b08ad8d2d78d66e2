// Admin methods about the policy: rules, the text that runs, checking and applying another.
#include "control/admin_methods.hpp"

#include "base/clock.hpp"
#include "control/eviction_report.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace sluice::control {
namespace {

using admin::ErrorCode;
using admin::Json;
using admin::Reply;

Json reply_word(const policy::Rule& rule) {
    if (rule.tracked || rule.action != policy::Action::allow) return nullptr;
    switch (rule.reply) {
    case policy::Reply::none: return "none";
    case policy::Reply::mirror: return "mirror";
    case policy::Reply::mirror_any: return "mirror_any";
    }
    return nullptr;
}

/// null: nothing is kept for it.
Json reserve_of(const policy::Rule& rule) {
    return rule.reserve == 0 ? Json(nullptr) : Json(rule.reserve);
}

const char* track_word(const policy::Rule& rule) {
    return rule.brief ? "brief" : rule.tracked ? "tracked" : "untracked";
}

const char* action_word(policy::Action action) {
    return action == policy::Action::allow ? "allow" : "drop";
}

Json rule_row(const Appliance& appliance, std::size_t i) {
    const Generation& generation = appliance.generation();
    const auto& rules = generation.policy.rules;
    const std::uint32_t slot = generation.ruleset->rule(static_cast<std::uint32_t>(i)).counter_slot;
    const RuleTotals totals = appliance.slots().totals(slot);
    Json last_hit = nullptr;
    if (totals.last_hit_tick) {
        last_hit = std::max(0, base::tick_difference(base::monotonic_ticks(), *totals.last_hit_tick)) /
                   static_cast<double>(base::kTicksPerSecond);
    }
    const bool is_default = i == rules.size();
    const policy::Action action = is_default ? generation.policy.default_action : rules[i].action;
    return {{"position", i + 1},
            {"name", is_default ? "default" : rules[i].name},
            {"action", action_word(action)},
            {"track", is_default ? "tracked" : track_word(rules[i])},
            {"reply", is_default ? Json(nullptr) : reply_word(rules[i])},
            {"packets", totals.packets},
            {"bytes", totals.bytes},
            {"flows", totals.flows},
            {"flows_created", totals.flows_created},
            {"reserve", is_default ? Json(nullptr) : reserve_of(rules[i])},
            {"kept", totals.kept},
            {"evicted", evictions_by_cause(totals)},
            {"evicted_for", totals.taken},
            {"refused", totals.refused},
            {"last_hit_seconds", last_hit},
            {"line", is_default ? Json(nullptr) : Json(rules[i].where.line)}};
}

Reply rules(const Appliance& appliance, const Json& params) {
    if (auto bad = unknown_params(params, {"name", "unused"})) return std::move(*bad);
    if (auto bad = not_text(params, "name")) return std::move(*bad);
    const auto name = text_param(params, "name");
    const bool unused = params.value("unused", Json(false)) == true;
    Json rows = Json::array();
    for (std::size_t i = 0; i <= appliance.generation().policy.rules.size(); ++i) {
        Json row = rule_row(appliance, i);
        if (name && row["name"] != *name) continue;
        if (unused && row["packets"] != 0) continue;
        rows.push_back(std::move(row));
    }
    if (name && rows.empty() && !unused) {
        return Reply::error(ErrorCode::not_found, fmt::format("no rule is named '{}'", *name));
    }
    return Reply::result(std::move(rows));
}

Json policy_of(const Appliance& appliance) {
    const Generation& generation = appliance.generation();
    return {{"generation", generation.number},
            {"name", generation.policy.name},
            {"file", generation.file.empty() ? Json(nullptr) : Json(generation.file)},
            {"applied_at", rfc3339(generation.applied_at)},
            {"hash", fmt::format("{:016x}", generation.policy.content_hash)},
            {"text", generation.text}};
}

Json diagnostics_of(const policy::Diagnostics& diagnostics) {
    Json rows = Json::array();
    for (const policy::Diagnostic& one : diagnostics.all()) {
        const bool has_file = one.where.file < diagnostics.files().size();
        rows.push_back({{"severity", one.severity == policy::Severity::error ? "error" : "warning"},
                        {"code", one.code},
                        {"message", one.message},
                        {"file", has_file ? diagnostics.files()[one.where.file].name : std::string()},
                        {"line", one.where.line},
                        {"column", one.where.column},
                        {"label", one.label},
                        {"help", one.help}});
    }
    return rows;
}

Reply reply_for(const Appliance& appliance, const PolicyOutcome& outcome) {
    using Kind = PolicyOutcome::Kind;
    Json data = {{"generation", appliance.generation().number},
                 {"changed", outcome.kind == Kind::applied || outcome.kind == Kind::valid},
                 {"errors", outcome.diagnostics.error_count()},
                 {"warnings", outcome.diagnostics.warning_count()},
                 {"rendered", outcome.diagnostics.render(false)},
                 {"diagnostics", diagnostics_of(outcome.diagnostics)}};
    switch (outcome.kind) {
    case Kind::applied:
    case Kind::unchanged:
    case Kind::valid: return Reply::result(std::move(data));
    case Kind::invalid:
        return Reply::error(ErrorCode::policy_invalid,
                            fmt::format("the policy has errors; the running policy (generation {}) was not changed",
                                        appliance.generation().number),
                            std::move(data));
    case Kind::needs_restart: return Reply::error(ErrorCode::conflict, outcome.message, std::move(data));
    case Kind::failed: break;
    }
    return Reply::error(ErrorCode::failed, outcome.message, std::move(data));
}

/// The parameters of policy.check and policy.apply.
struct PolicyParams {
    std::string name;
    std::string file;
    std::string text;
};

/// The parameters, or why not.
base::Expected<PolicyParams, Reply> policy_params(const Json& params) {
    if (auto bad = unknown_params(params, {"text", "name", "file"})) return base::Unexpected(std::move(*bad));
    auto text = text_param(params, "text");
    if (!text) return base::Unexpected(Reply::error(ErrorCode::invalid_params, "'text' must be the policy's text"));
    if (text->size() > admin::kMaxPolicySize) {
        return base::Unexpected(Reply::error(ErrorCode::invalid_params, "the policy is larger than 16 MiB"));
    }
    std::string file = text_param(params, "file").value_or("");
    if (!file.empty() && file.front() != '/') {
        return base::Unexpected(Reply::error(ErrorCode::invalid_params, "'file' must be an absolute path"));
    }
    return PolicyParams{text_param(params, "name").value_or("policy"), std::move(file), std::move(*text)};
}

/// Root and the appliance's own user may read what the appliance may; others not, see policy::SetFiles.
policy::SetFiles set_files_for(const admin::Peer& peer) {
    return peer.uid == 0 || peer.uid == geteuid() ? policy::SetFiles::follow : policy::SetFiles::refuse;
}

} // namespace

void register_policy_methods(admin::Server& server, Appliance& appliance) {
    using admin::Peer;
    using admin::Permission;
    server.handle("show.rules", Permission::read,
                  [&appliance](const Json& params, const Peer&) { return rules(appliance, params); });
    server.handle("show.policy", Permission::read, [&appliance](const Json& params, const Peer&) {
        if (auto bad = unknown_params(params, {})) return std::move(*bad);
        return Reply::result(policy_of(appliance));
    });
    server.handle("policy.check", Permission::change, [&appliance](const Json& params, const Peer& peer) {
        auto given = policy_params(params);
        if (!given) return std::move(given.error());
        const PolicyOutcome outcome = appliance.check(given->name, given->text, set_files_for(peer));
        return reply_for(appliance, outcome);
    });
    server.handle("policy.apply", Permission::change, [&appliance](const Json& params, const Peer& peer) {
        auto given = policy_params(params);
        if (!given) return std::move(given.error());
        const std::string who = fmt::format("uid {}, pid {}", peer.uid, peer.pid);
        return reply_for(appliance, appliance.apply(given->name, given->file, given->text, who, set_files_for(peer)));
    });
}

} // namespace sluice::control
