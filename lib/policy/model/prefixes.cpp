// Lists of prefixes, and what the ends of rules hold of them.
#include "policy/model/policy.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::policy {

bool PrefixOrder::operator()(const net::Prefix& a, const net::Prefix& b) const {
    if (a.address.family != b.address.family) return a.address.family < b.address.family;
    const int bytes = std::memcmp(a.address.bytes.data(), b.address.bytes.data(), a.address.bytes.size());
    return bytes != 0 ? bytes < 0 : a.length < b.length;
}

void sort_prefixes(std::vector<net::Prefix>& prefixes) {
    if (!std::is_sorted(prefixes.begin(), prefixes.end(), PrefixOrder{})) {
        std::sort(prefixes.begin(), prefixes.end(), PrefixOrder{});
    }
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
}

void tidy(std::vector<net::Prefix>& prefixes) {
    sort_prefixes(prefixes);
    std::size_t kept = 0;
    for (const net::Prefix& prefix : prefixes) {
        if (kept == 0 || !prefixes[kept - 1].contains(prefix)) prefixes[kept++] = prefix;
    }
    prefixes.resize(kept);
}

Families families_of(const std::vector<net::Prefix>& prefixes) {
    if (prefixes.empty()) return {};
    const auto is_ipv4 = [](const net::Prefix& p) { return p.address.family == net::Family::ipv4; };
    return {std::any_of(prefixes.begin(), prefixes.end(), is_ipv4),
            !std::all_of(prefixes.begin(), prefixes.end(), is_ipv4)};
}

bool holds(const std::vector<net::Prefix>& prefixes, const net::IpAddress& address) {
    const net::Prefix wanted{address, static_cast<std::uint8_t>(address.width())};
    const auto after = std::upper_bound(prefixes.begin(), prefixes.end(), wanted, PrefixOrder{});
    return after != prefixes.begin() && (after - 1)->contains(address);
}

bool holds(const Policy& policy, const Endpoint& endpoint, const net::IpAddress& address) {
    if (endpoint.any_address() || holds(endpoint.nets, address)) return true;
    return std::any_of(endpoint.sets.begin(), endpoint.sets.end(),
                       [&](std::size_t set) { return holds(*policy.address_sets[set].prefixes, address); });
}

} // namespace sluice::policy
