#include "policy/lint/net_lists.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace sluice::policy {
namespace {

/// Below this, comparing again costs less than remembering.
constexpr std::size_t kLongList = 16;
/// Beyond this an end of several sets is kept as these, or rules that name a large one would each copy it.
constexpr std::size_t kWorthMerging = 1024;
constexpr std::uint64_t kAllOnes = std::numeric_limits<std::uint64_t>::max();

std::uint64_t big_endian(const std::uint8_t* bytes, unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/// The lowest `count` bits, 0 to 64.
std::uint64_t low_bits(unsigned count) {
    return count == 0 ? 0 : kAllOnes >> (64 - count);
}

} // namespace

NetLists::Range NetLists::range_of(const net::Prefix& prefix) {
    const std::uint8_t* bytes = prefix.address.bytes.data();
    const unsigned host_bits = prefix.address.width() - prefix.length;
    if (prefix.address.family == net::Family::ipv4) {
        const std::uint64_t first = big_endian(bytes, 4);
        return {net::Family::ipv4, {0, first}, {0, first | low_bits(host_bits)}};
    }
    const Address first{big_endian(bytes, 8), big_endian(bytes + 8, 8)};
    const unsigned high_bits = host_bits > 64 ? host_bits - 64 : 0;
    return {
        net::Family::ipv6, first, {first.high | low_bits(high_bits), first.low | low_bits(std::min(host_bits, 64u))}};
}

bool NetLists::touches(const Range& earlier, const Range& later) {
    if (earlier.family != later.family) return false;
    if (earlier.last >= later.first) return true;
    const Address next{earlier.last.low == kAllOnes ? earlier.last.high + 1 : earlier.last.high, earlier.last.low + 1};
    return next == later.first; // the last address of all has no next one, and nothing comes after it
}

NetLists::Id NetLists::add(const Policy& policy, const Endpoint& endpoint) {
    if (endpoint.any_address()) return kEverything;
    if (endpoint.nets.empty() && endpoint.sets.size() == 1) return add_set(policy, endpoint.sets.front());
    const auto [known, is_new] = ids_.try_emplace({endpoint.sets, endpoint.nets}, kEverything);
    if (!is_new) return known->second;

    std::size_t size = endpoint.nets.size();
    for (const std::size_t set : endpoint.sets) {
        size += policy.address_sets[set].prefixes->size();
    }
    if (size <= kWorthMerging || endpoint.sets.empty()) {
        std::vector<net::Prefix> all = endpoint.nets;
        for (const std::size_t set : endpoint.sets) {
            const std::vector<net::Prefix>& more = *policy.address_sets[set].prefixes;
            all.insert(all.end(), more.begin(), more.end());
        }
        return known->second = add_ranges(all);
    }
    List list;
    for (const std::size_t set : endpoint.sets) {
        list.parts.push_back(add_set(policy, set));
    }
    if (!endpoint.nets.empty()) list.parts.push_back(add_ranges(endpoint.nets));
    lists_.push_back(std::move(list));
    return known->second = static_cast<Id>(lists_.size() - 1);
}

NetLists::Id NetLists::add_set(const Policy& policy, std::size_t set) {
    set_ids_.resize(policy.address_sets.size(), kEverything);
    if (set_ids_[set] == kEverything) set_ids_[set] = add_ranges(*policy.address_sets[set].prefixes);
    return set_ids_[set];
}

NetLists::Id NetLists::add_ranges(const std::vector<net::Prefix>& prefixes) {
    std::vector<Range> ranges;
    ranges.reserve(prefixes.size());
    for (const net::Prefix& prefix : prefixes) {
        ranges.push_back(range_of(prefix));
    }
    const auto order = [](const Range& a, const Range& b) {
        return std::tie(a.family, a.first) < std::tie(b.family, b.first);
    };
    if (!std::is_sorted(ranges.begin(), ranges.end(), order)) std::sort(ranges.begin(), ranges.end(), order);
    std::size_t kept = 0;
    for (const Range& range : ranges) {
        if (kept != 0 && touches(ranges[kept - 1], range))
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
        else
            ranges[kept++] = range;
    }
    ranges.resize(kept);
    lists_.push_back({std::move(ranges), {}});
    return static_cast<Id>(lists_.size() - 1);
}

bool NetLists::covers(Id outer, Id inner, std::uint64_t& steps) {
    if (outer == inner || outer == kEverything) return true;
    if (inner == kEverything) return false; // a list of all addresses is not told from one that is not: rare, harmless
    const List& a = lists_[outer];
    const List& b = lists_[inner];
    if (!b.parts.empty()) {
        return std::all_of(b.parts.begin(), b.parts.end(), [&](Id part) { return covers(outer, part, steps); });
    }
    if (!a.parts.empty()) {
        return std::any_of(a.parts.begin(), a.parts.end(), [&](Id part) { return covers(part, inner, steps); });
    }
    if (a.ranges.size() < kLongList && b.ranges.size() < kLongList) return compare(outer, inner, steps);
    const auto [known, is_new] = known_.emplace(std::uint64_t{outer} << 32 | inner, false);
    if (is_new) known->second = compare(outer, inner, steps);
    return known->second;
}

bool NetLists::overlap(Id a, Id b, std::uint64_t& steps) const {
    if (a == b || a == kEverything || b == kEverything) return true;
    for (const auto& [whole, other] : {std::pair(a, b), std::pair(b, a)}) {
        const std::vector<Id>& parts = lists_[whole].parts;
        if (parts.empty()) continue;
        return std::any_of(parts.begin(), parts.end(),
                           [&, rest = other](Id part) { return overlap(part, rest, steps); });
    }
    auto x = lists_[a].ranges.begin();
    auto y = lists_[b].ranges.begin();
    while (x != lists_[a].ranges.end() && y != lists_[b].ranges.end()) {
        ++steps;
        if (std::tie(x->family, x->last) < std::tie(y->family, y->first))
            ++x;
        else if (std::tie(y->family, y->last) < std::tie(x->family, x->first))
            ++y;
        else
            return true;
    }
    return false;
}

bool NetLists::compare(Id outer, Id inner, std::uint64_t& steps) const {
    const std::vector<Range>& ranges = lists_[inner].ranges;
    return std::all_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return holds(lists_[outer].ranges, range, steps); });
}

bool NetLists::holds(const std::vector<Range>& outer, const Range& inner, std::uint64_t& steps) {
    const auto after = std::partition_point(outer.begin(), outer.end(), [&](const Range& range) {
        ++steps;
        return std::tie(range.family, range.first) <= std::tie(inner.family, inner.first);
    });
    if (after == outer.begin()) return false;
    const Range& candidate = *(after - 1);
    return candidate.family == inner.family && candidate.last >= inner.last;
}

} // namespace sluice::policy
