// `rules:`, one after the other.
#include "policy/diagnostic/text.hpp"
#include "policy/model/protocols.hpp"
#include "policy/model/reading.hpp"
#include "policy/model/rule_parts.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

constexpr std::size_t kMaxDescription = 1000;

void read_name(Reading& reading, Fields& fields, const YamlNode& node, Names& rule_names, Rule& rule) {
    rule.where = node.where;
    const Entry* name = fields.require("name", node.where, "counters, logs and traces call a rule by its name");
    if (name == nullptr) return;
    rule.where = name->key_where;
    const std::string* text = as_scalar(name->value, "a name", reading.diagnostics);
    if (text == nullptr) return;
    rule.name = *text;
    if (*text == "default") {
        auto& error = reading.error("P015", name->value.where, "the rule name 'default' is taken");
        error.help = "the default action is shown and counted under it";
        return;
    }
    rule_names.define(*text, name->value.where, reading.policy.rules.size(), reading.diagnostics);
}

void read_description(Reading& reading, const Fields& fields, Rule& rule) {
    const Entry* description = fields.find("description");
    if (description == nullptr) return;
    const std::string* text = as_scalar(description->value, "a text", reading.diagnostics);
    if (text == nullptr) return;
    if (count_characters(*text) > kMaxDescription) {
        reading.error("P012", description->value.where,
                      "a description longer than " + std::to_string(kMaxDescription) + " characters");
        return;
    }
    rule.description = *text;
}

/// `track:`, true, brief or false.
void read_track(Reading& reading, const Fields& fields, Rule& rule) {
    rule.track_where = rule.where;
    const Entry* track = fields.find("track");
    if (track == nullptr) return;
    rule.track_where = track->key_where;
    if (track->value.kind == NodeKind::scalar && track->value.text == "brief") {
        rule.brief = true;
        return;
    }
    rule.tracked =
        read_scalar(track->value, "true, brief or false", "P012", reading.diagnostics, parse_boolean).value_or(true);
}

/// What a rule's flows may take of the flow table, and what is kept for them.
void read_room(Reading& reading, const Fields& fields, Rule& rule, bool action_known) {
    const bool no_flows = !rule.tracked || (action_known && rule.action == Action::drop);
    const auto refuse = [&](const Entry& entry) {
        auto& error = reading.error("P022", entry.key_where, in_quotes(entry.key) + " on a rule that makes no flows");
        error.help = "only tracked rules that allow have flows";
    };
    if (const Entry* entry = fields.find("on_full")) {
        if (no_flows) refuse(*entry);
        if (const auto choice = read_choice(entry->value, {"evict", "drop_new"}, {}, reading.diagnostics))
            rule.on_full = *choice == 0 ? OnFull::evict : OnFull::drop_new;
    }
    if (const Entry* entry = fields.find("reserve")) {
        if (no_flows) refuse(*entry);
        rule.reserve = read_scalar(entry->value, "a number of entries such as 64Ki", "P012", reading.diagnostics,
                                   [](std::string_view text) { return parse_size(text, 1, kMaxReserve); })
                           .value_or(0);
    }
}

void read_reply(Reading& reading, const Fields& fields, Rule& rule, bool action_known) {
    const Entry* reply = fields.find("reply");
    if (reply == nullptr) {
        if (rule.tracked || rule.action != Action::allow || !action_known || fields.has("reply")) return;
        auto& error = reading.error("P021", rule.track_where,
                                    "untracked rule " + in_quotes(rule.name) + " does not say what happens to replies");
        error.help = "'reply: mirror' lets answers back; 'reply: none' if another rule allows them";
        return;
    }
    const auto choice = read_choice(reply->value, {"mirror", "mirror_any", "none"}, {}, reading.diagnostics);
    if (rule.tracked || (action_known && rule.action == Action::drop)) {
        auto& error = reading.error("P022", reply->key_where,
                                    rule.tracked ? "'reply' on a tracked rule" : "'reply' on a rule that drops");
        error.help = rule.tracked ? "answers to tracked flows are let back anyway; 'reply' goes with 'track: false'"
                                  : "what is dropped has no answer: leave 'reply' out";
    }
    if (!choice) return;
    rule.reply = *choice == 0 ? Reply::mirror : *choice == 1 ? Reply::mirror_any : Reply::none;
}

/// The reply half of a rule about one ICMP type matches the type that answers it, so there must be one.
void check_mirrored_types(Reading& reading, const Fields& fields, const Rule& rule) {
    if (rule.tracked || rule.action != Action::allow || rule.reply == Reply::none) return;
    const Entry* reply = fields.find("reply");
    for (const Transport& transport : rule.transports) {
        if (!transport.icmp_type || !transport.protocol) continue;
        if (icmp_answer(*transport.protocol, *transport.icmp_type) || reply == nullptr) continue;
        auto& error = reading.error("P025", reply->value.where,
                                    "nothing answers " + protocol_name(*transport.protocol) + " type " +
                                        in_quotes(icmp_type_name(*transport.protocol, *transport.icmp_type)) +
                                        ", so there is no reply to mirror");
        error.help = "write 'reply: none'";
        return;
    }
}

void read_rule(Reading& reading, const YamlNode& node, Names& rule_names) {
    Fields fields(node, words::kRule, reading.diagnostics);
    if (!fields.is_map()) return;
    Rule rule;
    read_name(reading, fields, node, rule_names, rule);
    read_description(reading, fields, rule);
    RuleParts parts(reading, fields);
    parts.read_endpoints();
    parts.read_transports();
    parts.check_families();

    const Entry* action = fields.require("action", rule.where, "write 'action: allow' or 'action: drop'");
    const auto known_action = action == nullptr ? std::nullopt : read_action(reading, action->value);
    rule.action = known_action.value_or(Action::drop);
    read_track(reading, fields, rule);
    read_reply(reading, fields, rule, known_action.has_value());
    if (const Entry* timeouts = fields.find("timeouts")) {
        rule.timeouts =
            reading.profiles.refer(timeouts->value, reading.diagnostics, "profiles are defined under 'timeouts'")
                .value_or(0);
        if (!rule.tracked || (known_action && rule.action == Action::drop)) {
            auto& error = reading.error("P022", timeouts->key_where, "'timeouts' on a rule that makes no flows");
            error.help = "only tracked rules that allow have flows, and timeouts";
        }
    }
    read_room(reading, fields, rule, known_action.has_value());
    rule.from = std::move(parts.from);
    rule.to = std::move(parts.to);
    rule.transports = std::move(parts.transports);
    check_mirrored_types(reading, fields, rule);
    reading.policy.rules.push_back(std::move(rule));
}

/// What is kept for some is missing for the others.
void check_reserves(Reading& reading, const YamlNode& node) {
    std::uint64_t sum = 0;
    std::size_t rules = 0;
    for (const Rule& rule : reading.policy.rules) {
        sum += rule.reserve;
        rules += rule.reserve != 0 ? 1 : 0;
    }
    if (rules > kMaxReservingRules) {
        reading.error("P031", node.where,
                      std::to_string(rules) + " rules have a 'reserve', which at most " +
                          std::to_string(kMaxReservingRules) + " may");
    }
    const std::uint64_t half = reading.policy.flow_table.capacity / 2;
    if (sum > half) {
        auto& error = reading.error("P031", node.where,
                                    "rules reserve " + std::to_string(sum) + " flow table entries, more than half of " +
                                        std::to_string(reading.policy.flow_table.capacity));
        error.help = "make the table larger with 'tables: { flows: { size: … } }', or the reserves smaller";
    }
}

} // namespace

void read_rules(Reading& reading, const YamlNode& node) {
    if (node.kind != NodeKind::sequence) {
        report_shape(node, "a list of rules", "write every rule behind a '- '", reading.diagnostics);
        return;
    }
    if (node.items.size() > kMaxRules) {
        reading.error("P026", node.where, "more than " + std::to_string(kMaxRules) + " rules");
        return;
    }
    Names rule_names{"rule"};
    for (const YamlNode& item : node.items) {
        read_rule(reading, item, rule_names);
    }
    check_reserves(reading, node);
}

} // namespace sluice::policy
