// `timeouts:`.
#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::size_t kMaxInheritDepth = 16;

/// One profile as written: what it sets itself, and where the rest comes from.
struct Written {
    std::array<std::optional<base::Tick>, kTimeoutCount> ticks{};
    std::optional<bool> pickup_loose;
    const YamlNode* inherit = nullptr;
    std::size_t parent = kNone; ///< only the default has none
};

Written read_profile(Reading& reading, const Entry& entry) {
    const Fields fields(entry.value, words::kTimeouts, reading.diagnostics);
    Written written;
    for (std::size_t i = 0; i < kTimeoutCount; ++i) {
        if (const Entry* timeout = fields.find(kTimeoutNames[i])) {
            written.ticks[i] =
                read_scalar(timeout->value, "a duration such as 20s", "P012", reading.diagnostics, parse_duration);
        }
    }
    if (const Entry* pickup = fields.find("pickup")) {
        const auto choice = read_choice(pickup->value, {"strict", "loose"}, {}, reading.diagnostics);
        if (choice) written.pickup_loose = *choice == 1;
    }
    if (const Entry* inherit = fields.find("inherit")) written.inherit = &inherit->value;
    return written;
}

/// Follows `inherit` upwards. False after an error about a circle or too many steps.
bool find_chain(Reading& reading, const std::vector<Written>& profiles, std::size_t start,
                std::vector<std::size_t>& chain) {
    for (std::size_t at = start; at != kNone; at = profiles[at].parent) {
        const YamlNode* inherit = profiles[start].inherit;
        if (std::find(chain.begin(), chain.end(), at) != chain.end()) {
            // Told once a member, and not to those that merely lead into the circle.
            if (at != start) return false;
            reading.error("P018", inherit->where,
                          "timeouts profile " + in_quotes(reading.policy.timeouts[start].name) +
                              " inherits from itself");
            return false;
        }
        if (chain.size() > kMaxInheritDepth) {
            reading.error("P005", inherit->where,
                          "profiles inherit from one another more than " + std::to_string(kMaxInheritDepth) +
                              " times in a row");
            return false;
        }
        chain.push_back(at);
    }
    return true;
}

void resolve_parents(Reading& reading, std::vector<Written>& profiles) {
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        if (i == 0) {
            if (profiles[0].inherit != nullptr) {
                reading.error("P018", profiles[0].inherit->where,
                              "profile 'default' cannot inherit: the others inherit from it");
            }
            continue;
        }
        profiles[i].parent = 0;
        if (profiles[i].inherit != nullptr) {
            profiles[i].parent = reading.profiles.refer(*profiles[i].inherit, reading.diagnostics).value_or(0);
        }
    }
}

/// `profiles[i]` is what `policy.timeouts[i]` was read from; [0] is the default, written or not.
std::vector<Written> read_profiles(Reading& reading, const YamlNode* section) {
    std::vector<TimeoutProfile>& named = reading.policy.timeouts;
    named.push_back({"default", kDefaultTimeouts, false, {reading.file, 0, 0, 0}});
    std::vector<Written> profiles(1);
    std::copy(kDefaultTimeouts.begin(), kDefaultTimeouts.end(), profiles[0].ticks.begin());
    if (section == nullptr) return profiles;
    for (const Entry& entry : section->entries) {
        Written written = read_profile(reading, entry);
        if (entry.key != "default") {
            reading.profiles.define(entry.key, entry.key_where, named.size(), reading.diagnostics);
            named.push_back({entry.key, {}, false, entry.key_where});
            profiles.push_back(written);
            continue;
        }
        named[0].where = entry.key_where;
        profiles[0].inherit = written.inherit;
        profiles[0].pickup_loose = written.pickup_loose;
        for (std::size_t i = 0; i < kTimeoutCount; ++i) {
            if (written.ticks[i]) profiles[0].ticks[i] = written.ticks[i];
        }
    }
    if (named.size() > kMaxTimeoutProfiles) {
        reading.error("P026", section->where,
                      "more than " + std::to_string(kMaxTimeoutProfiles) + " timeouts profiles");
    }
    return profiles;
}

} // namespace

void read_timeouts(Reading& reading, const YamlNode* node) {
    if (node != nullptr && node->kind != NodeKind::map) {
        reading.profiles.set_incomplete();
        report_shape(*node, "a map of timeouts profiles", "write timeouts: { default: { tcp_new: 20s }, … }",
                     reading.diagnostics);
        node = nullptr;
    }
    std::vector<Written> profiles = read_profiles(reading, node);
    std::vector<TimeoutProfile>& named = reading.policy.timeouts;
    if (named.size() > kMaxTimeoutProfiles) return;
    reading.profiles.define("default", named[0].where, 0, reading.diagnostics);
    reading.profiles.mark_used("default");
    resolve_parents(reading, profiles);
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        std::vector<std::size_t> chain;
        if (!find_chain(reading, profiles, i, chain)) continue;
        for (std::size_t t = 0; t < kTimeoutCount; ++t) {
            const auto set = std::find_if(chain.begin(), chain.end(),
                                          [&](std::size_t p) { return profiles[p].ticks[t].has_value(); });
            named[i].ticks[t] = set == chain.end() ? kDefaultTimeouts[t] : *profiles[*set].ticks[t];
        }
        const auto set = std::find_if(chain.begin(), chain.end(),
                                      [&](std::size_t p) { return profiles[p].pickup_loose.has_value(); });
        named[i].pickup_loose = set != chain.end() && *profiles[*set].pickup_loose;
    }
}

} // namespace sluice::policy
