#include "policy/compile/row_maker.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::policy {
namespace {

using classifier::ListId;
using classifier::Row;

/// FNV-1a over the words of the prefixes.
std::uint64_t hash_of(const std::vector<net::Prefix>& nets) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const net::Prefix& prefix : nets) {
        std::uint64_t words[3] = {};
        std::memcpy(words, prefix.address.bytes.data(), prefix.address.bytes.size());
        words[2] = static_cast<std::uint64_t>(prefix.address.family) << 8 | prefix.length;
        for (const std::uint64_t word : words) {
            hash = (hash ^ word) * 0x100000001b3;
            hash ^= hash >> 29;
        }
    }
    return hash;
}

bool same(std::span<const net::Prefix> a, const std::vector<net::Prefix>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// ICMP has no ports: its type and code stand in the destination port's place (ruleset::Query).
net::PortRange icmp_range(std::uint8_t type) {
    return {static_cast<std::uint16_t>(type << 8), static_cast<std::uint16_t>(type << 8 | 0xff)};
}

/// Each family has an ICMP of its own; the other's number in its packets means nothing.
Families carrying(const Transport& transport) {
    return {transport.protocol != net::protocol::kIcmpv6, transport.protocol != net::protocol::kIcmp};
}

/// Sets may get addresses of the other family while the policy runs; what is written out stays.
Families possible(const Endpoint& endpoint) {
    return endpoint.sets.empty() ? families_of(endpoint.nets) : Families{};
}

std::vector<std::uint8_t> zones_of(const Endpoint& endpoint) {
    return {endpoint.zones.begin(), endpoint.zones.end()};
}
static_assert(kMaxZones <= 256);

} // namespace

RowMaker::RowMaker(const Policy& policy)
    : policy_(policy)
    , within_(policy.address_sets.size()) {
    out_.set_lists.resize(policy.address_sets.size());
    for (const Interface& interface : policy.interfaces) {
        const classifier::ZonePair pair{static_cast<std::uint8_t>(interface.zone),
                                        static_cast<std::uint8_t>(policy.interfaces[interface.peer].zone)};
        auto& pairs = out_.rows.zone_pairs;
        if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
    }
}

void RowMaker::add(std::size_t rule, Facing facing, std::uint32_t rank, std::uint32_t result) {
    const Rule& written = policy_.rules[rule];
    const bool answered = facing == Facing::as_answered;
    const Endpoint& from = answered ? written.to : written.from;
    const Endpoint& to = answered ? written.from : written.to;
    const Families ends = possible(from).both(possible(to));
    Row row;
    row.from_zones = zones_of(from);
    row.to_zones = zones_of(to);
    row.sources = lists_of(from);
    row.destinations = lists_of(to);
    row.rank = rank;
    row.result = result;
    for (const Transport& one : written.transports) {
        const Transport transport = answered ? reversed(one) : one;
        const Families families = ends.both(carrying(transport));
        if (!families.any()) continue;
        row.ipv4 = families.ipv4;
        row.ipv6 = families.ipv6;
        row.protocol = transport.protocol;
        row.source_ports = transport.source_ports;
        row.destination_ports =
            transport.icmp_type ? std::vector{icmp_range(*transport.icmp_type)} : transport.destination_ports;
        out_.rows.rows.push_back(row);
        out_.row_rules.push_back(static_cast<std::uint32_t>(rule));
    }
}

std::vector<ListId> RowMaker::lists_of(const Endpoint& endpoint) {
    std::vector<ListId> lists;
    if (!endpoint.nets.empty()) lists.push_back(list_of(endpoint.nets));
    for (const std::size_t set : endpoint.sets) {
        for (const std::size_t inside : within(set)) {
            lists.push_back(list_of_set(inside));
        }
    }
    std::sort(lists.begin(), lists.end());
    lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
    return lists;
}

ListId RowMaker::list_of(const std::vector<net::Prefix>& nets) {
    const std::uint64_t hash = hash_of(nets);
    const auto [begin, end] = written_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        if (same(out_.rows.lists[it->second], nets)) return it->second;
    }
    const auto list = static_cast<ListId>(out_.rows.lists.size());
    out_.rows.lists.emplace_back(nets);
    written_.emplace(hash, list);
    return list;
}

ListId RowMaker::list_of_set(std::size_t set) {
    std::optional<ListId>& list = out_.set_lists[set];
    if (!list) {
        list = static_cast<ListId>(out_.rows.lists.size());
        out_.rows.lists.emplace_back(*policy_.address_sets[set].own);
    }
    return *list;
}

const std::vector<std::size_t>& RowMaker::within(std::size_t set) {
    std::vector<std::size_t>& all = within_[set];
    if (!all.empty()) return all;
    std::vector<std::size_t> found = {set};
    std::vector<bool> seen(policy_.address_sets.size());
    seen[set] = true;
    for (std::size_t next = 0; next < found.size(); ++next) {
        for (const std::size_t inner : policy_.address_sets[found[next]].inner) {
            if (!seen[inner]) found.push_back(inner);
            seen[inner] = true;
        }
    }
    return all = std::move(found);
}

} // namespace sluice::policy
