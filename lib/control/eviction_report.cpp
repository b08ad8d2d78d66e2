#include "control/eviction_report.hpp"

#include "control/flow_tuple.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

using admin::Json;
using telemetry::kEvictionCauseNames;
using Causes = std::array<std::uint64_t, kEvictionCauseNames.size()>;

Json to_json(const Causes& causes) {
    Json out = Json::object();
    for (std::size_t cause = 0; cause < causes.size(); ++cause) {
        if (causes[cause] != 0) out[std::string(kEvictionCauseNames[cause])] = causes[cause];
    }
    return out;
}

Causes causes_of(std::span<const flow::Table* const> tables) {
    constexpr auto kFirst = static_cast<std::size_t>(flow::EndReason::evicted_expired);
    static_assert(static_cast<std::size_t>(flow::EndReason::evicted_answered) - kFirst + 1 ==
                  kEvictionCauseNames.size());
    Causes causes{};
    for (const flow::Table* table : tables) {
        for (std::size_t cause = 0; cause < causes.size(); ++cause)
            causes[cause] += table->stats().ended[kFirst + cause].load();
    }
    return causes;
}

/// Every rule of the policy that lost an entry or took one, by name.
Json by_rule(const CounterSlots& slots, std::optional<std::uint32_t> only) {
    Json rows = Json::array();
    for (const auto& [name, slot] : slots.by_name()) {
        if (only && slot != *only) continue;
        const RuleTotals totals = slots.totals(slot);
        Json lost = to_json(totals.lost);
        if (lost.empty() && totals.taken == 0) continue;
        rows.push_back({{"rule", name}, {"lost", std::move(lost)}, {"taken", totals.taken}});
    }
    return rows;
}

struct Logged {
    flow::Eviction eviction;
    std::size_t worker;
};

/// What the logs still have, newest first.
std::vector<Logged> logged(std::span<const flow::Table* const> tables, std::optional<std::uint32_t> only) {
    std::vector<Logged> all;
    for (std::size_t worker = 0; worker < tables.size(); ++worker) {
        const flow::EvictionLog& log = tables[worker]->evictions();
        const std::uint64_t end = log.written();
        const std::uint64_t begin = end - std::min<std::uint64_t>(end, flow::EvictionLog::kRecords);
        for (std::uint64_t number = end; number-- > begin;) {
            const auto one = log.read(number); // nothing: the worker needed its place meanwhile
            if (!one || (only && one->lost_rule != *only && one->taker_rule != *only)) continue;
            all.push_back({*one, worker});
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const Logged& a, const Logged& b) {
        return base::tick_difference(a.eviction.at, b.eviction.at) > 0;
    });
    return all;
}

Json end_of(const flow::OrientedKey& key, std::uint32_t slot, const CounterSlots& slots) {
    Json end = to_json(flow_tuple(key.key, key.sender_is_second));
    const std::string* rule = slots.name_of(slot);
    end["rule"] = rule != nullptr ? *rule : "-";
    return end;
}

Json row_of(const Logged& logged, const CounterSlots& slots, base::Tick now) {
    const flow::Eviction& eviction = logged.eviction;
    return {{"at_seconds_ago", seconds_of(base::tick_difference(now, eviction.at))},
            {"cause", kEvictionCauseNames[static_cast<std::size_t>(eviction.cause)]},
            {"worker", logged.worker},
            {"lost", end_of(eviction.lost, eviction.lost_rule, slots)},
            {"taker", end_of(eviction.taker, eviction.taker_rule, slots)},
            {"idle_seconds", seconds_of(static_cast<std::int32_t>(eviction.idle_ticks))},
            {"age_seconds", seconds_of(static_cast<std::int32_t>(eviction.age_ticks))}};
}

} // namespace

Json evictions_by_cause(const RuleTotals& totals) {
    return to_json(totals.lost);
}

Json eviction_report(std::span<const flow::Table* const> tables, const CounterSlots& slots,
                     std::optional<std::uint32_t> rule, std::uint64_t limit, base::Tick now) {
    const Causes causes = causes_of(tables);
    std::uint64_t total = 0;
    for (const std::uint64_t count : causes)
        total += count;
    Json latest = Json::array();
    for (const Logged& one : logged(tables, rule)) {
        if (latest.size() >= limit) break;
        latest.push_back(row_of(one, slots, now));
    }
    return {{"total", total}, {"by_cause", to_json(causes)}, {"by_rule", by_rule(slots, rule)}, {"latest", latest}};
}

} // namespace sluice::control
