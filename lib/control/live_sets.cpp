#include "control/live_sets.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace sluice::control {

using net::Prefix;
using policy::PrefixOrder;

LiveSets::LiveSets(const std::vector<policy::AddressSet>& sets) {
    for (const policy::AddressSet& set : sets) {
        by_name_.emplace(set.name, sets_.size());
        sets_.push_back({set.own, {}, {}, std::nullopt});
    }
}

std::optional<std::size_t> LiveSets::find(std::string_view name) const {
    const auto found = by_name_.find(std::string(name));
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

bool LiveSets::holds(std::size_t set, const Prefix& prefix) const {
    const Set& one = sets_[set];
    if (one.added.contains(prefix)) return true;
    return std::binary_search(one.written->begin(), one.written->end(), prefix, PrefixOrder{}) &&
           !one.removed.contains(prefix);
}

SetDifference LiveSets::difference(std::size_t set, const SetChange& change) const {
    SetDifference out;
    std::vector<Prefix> wanted = change.prefixes;
    policy::sort_prefixes(wanted);
    if (change.kind == SetChange::Kind::replace) {
        const std::vector<Prefix> now = all(set);
        std::set_difference(wanted.begin(), wanted.end(), now.begin(), now.end(), std::back_inserter(out.added),
                            PrefixOrder{});
        std::set_difference(now.begin(), now.end(), wanted.begin(), wanted.end(), std::back_inserter(out.removed),
                            PrefixOrder{});
        return out;
    }
    const bool adds = change.kind == SetChange::Kind::add;
    for (const Prefix& prefix : wanted) {
        if (holds(set, prefix) != adds) (adds ? out.added : out.removed).push_back(prefix);
    }
    return out;
}

void LiveSets::apply(std::size_t set, const SetDifference& difference, Time now) {
    Set& one = sets_[set];
    for (const Prefix& prefix : difference.added) {
        if (one.removed.erase(prefix) == 0) one.added.insert(prefix);
    }
    for (const Prefix& prefix : difference.removed) {
        if (one.added.erase(prefix) == 0) one.removed.insert(prefix);
    }
    one.changed_at = now;
}

std::size_t LiveSets::size(std::size_t set) const {
    const Set& one = sets_[set];
    return one.written->size() + one.added.size() - one.removed.size();
}

bool LiveSets::differ() const {
    return std::any_of(sets_.begin(), sets_.end(),
                       [](const Set& one) { return !one.added.empty() || !one.removed.empty(); });
}

std::vector<Prefix> LiveSets::all(std::size_t set) const {
    return some(set, std::nullopt, std::numeric_limits<std::size_t>::max());
}

std::vector<Prefix> LiveSets::some(std::size_t set, const std::optional<Prefix>& after, std::size_t count) const {
    const Set& one = sets_[set];
    auto written = after ? std::upper_bound(one.written->begin(), one.written->end(), *after, PrefixOrder{})
                         : one.written->begin();
    auto added = after ? one.added.upper_bound(*after) : one.added.begin();
    std::vector<Prefix> out;
    while (out.size() < count && (written != one.written->end() || added != one.added.end())) {
        const bool take_added =
            written == one.written->end() || (added != one.added.end() && PrefixOrder{}(*added, *written));
        if (take_added) {
            out.push_back(*added++);
        } else {
            if (one.removed.empty() || !one.removed.contains(*written)) out.push_back(*written);
            ++written;
        }
    }
    return out;
}

} // namespace sluice::control
