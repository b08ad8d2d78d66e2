#include "sets.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::property {
namespace {

using Nets = std::vector<net::Prefix>;

void append(Nets& nets, const Nets& more) {
    nets.insert(nets.end(), more.begin(), more.end());
}

/// All that a set holds, from what is written in it and in those within it.
Nets held(const policy::Policy& policy, const policy::AddressSet& set) {
    Nets nets = *set.own;
    for (const std::size_t inner : set.inner)
        append(nets, held(policy, policy.address_sets[inner]));
    tidy_nets(nets);
    return nets;
}

void write_out(const policy::Policy& policy, policy::Endpoint& endpoint) {
    if (endpoint.sets.empty()) return;
    for (const std::size_t set : endpoint.sets)
        append(endpoint.nets, held(policy, policy.address_sets[set]));
    endpoint.sets.clear();
    tidy_nets(endpoint.nets);
}

} // namespace

void tidy_nets(Nets& nets) {
    std::sort(nets.begin(), nets.end(), [](const net::Prefix& a, const net::Prefix& b) {
        return std::pair(a.address.family, a) < std::pair(b.address.family, b);
    });
    Nets apart;
    for (const net::Prefix& prefix : nets) {
        if (apart.empty() || !apart.back().contains(prefix)) apart.push_back(prefix);
    }
    nets = std::move(apart);
}

void add_set(policy::Policy& policy, std::string name, Nets own, std::vector<std::size_t> inner) {
    policy::AddressSet set;
    set.name = std::move(name);
    tidy_nets(own);
    set.own = std::make_shared<const Nets>(std::move(own));
    set.inner = std::move(inner);
    set.prefixes = std::make_shared<const Nets>(held(policy, set));
    policy.address_sets.push_back(std::move(set));
}

void change_set(policy::Policy& policy, std::size_t changed, Nets own) {
    policy.address_sets[changed].own = std::make_shared<const Nets>(std::move(own));
    for (policy::AddressSet& set : policy.address_sets)
        set.prefixes = std::make_shared<const Nets>(held(policy, set));
}

policy::Policy without_sets(const policy::Policy& policy) {
    policy::Policy out = policy;
    for (policy::Rule& rule : out.rules) {
        write_out(policy, rule.from);
        write_out(policy, rule.to);
    }
    out.address_sets.clear();
    return out;
}

} // namespace sluice::property
