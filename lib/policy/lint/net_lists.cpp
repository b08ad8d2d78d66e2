#include "policy/lint/net_lists.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace sluice::policy {
namespace {

/// Below this, comparing again costs less than remembering.
constexpr std::size_t kLongList = 16;
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

NetLists::Id NetLists::add(const std::vector<net::Prefix>& prefixes) {
    if (prefixes.empty()) return kEverything;
    const auto [known, is_new] = ids_.emplace(prefixes, static_cast<Id>(lists_.size()));
    if (!is_new) return known->second;

    std::vector<Range> ranges;
    ranges.reserve(prefixes.size());
    for (const net::Prefix& prefix : prefixes) {
        ranges.push_back(range_of(prefix));
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return std::tie(a.family, a.first) < std::tie(b.family, b.first); });
    std::vector<Range> merged;
    for (const Range& range : ranges) {
        if (!merged.empty() && touches(merged.back(), range))
            merged.back().last = std::max(merged.back().last, range.last);
        else
            merged.push_back(range);
    }
    lists_.push_back(std::move(merged));
    return known->second;
}

bool NetLists::covers(Id outer, Id inner, std::uint64_t& steps) {
    if (outer == inner || outer == kEverything) return true;
    if (inner == kEverything) return false; // a list of all addresses is not told from one that is not: rare, harmless
    const std::vector<Range>& a = lists_[outer];
    const std::vector<Range>& b = lists_[inner];
    if (a.size() < kLongList && b.size() < kLongList) return compare(outer, inner, steps);
    const auto [known, is_new] = known_.emplace(std::uint64_t{outer} << 32 | inner, false);
    if (is_new) known->second = compare(outer, inner, steps);
    return known->second;
}

bool NetLists::overlap(Id a, Id b, std::uint64_t& steps) const {
    if (a == b || a == kEverything || b == kEverything) return true;
    auto x = lists_[a].begin();
    auto y = lists_[b].begin();
    while (x != lists_[a].end() && y != lists_[b].end()) {
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
    const std::vector<Range>& ranges = lists_[inner];
    return std::all_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return holds(lists_[outer], range, steps); });
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
