// Rule sets and packets in the form that the project's classifier takes them.
#pragma once

#include "classifier/rows.hpp"
#include "rule_sets/rule_set.hpp"
#include "ruleset/query.hpp"

#include <cstring>
#include <deque>
#include <map>
#include <span>

namespace sluice::bench {

/// Everything goes from one zone to another.
inline constexpr classifier::ZonePair kZones{0, 1};

/// Each different prefix is a list; rank and result are a rule's position, and that plus 1.
class ClassifierRows {
  public:
    explicit ClassifierRows(const rule_sets::RuleSet& set) {
        rows_.zone_pairs = {kZones};
        for (std::size_t i = 0; i < set.rules.size(); ++i) {
            const rule_sets::Rule& rule = set.rules[i];
            classifier::Row row;
            row.ipv4 = set.family == net::Family::ipv4;
            row.ipv6 = !row.ipv4;
            row.protocol = rule.protocol;
            if (rule.source.length != 0) row.sources = {list_of(rule.source)};
            if (rule.destination.length != 0) row.destinations = {list_of(rule.destination)};
            if (!rule.source_ports.is_any()) row.source_ports = {rule.source_ports};
            if (!rule.destination_ports.is_any()) row.destination_ports = {rule.destination_ports};
            row.rank = static_cast<std::uint32_t>(i);
            row.result = static_cast<std::uint32_t>(i + 1);
            rows_.rows.push_back(std::move(row));
        }
    }
    ClassifierRows(const ClassifierRows&) = delete;
    ClassifierRows& operator=(const ClassifierRows&) = delete;

    /// A list of its own; the prefixes must outlive this.
    classifier::ListId add_list(std::span<const net::Prefix> prefixes) {
        rows_.lists.push_back(prefixes);
        return static_cast<classifier::ListId>(rows_.lists.size() - 1);
    }
    classifier::Rows& rows() { return rows_; }
    [[nodiscard]] const classifier::Rows& rows() const { return rows_; }

  private:
    classifier::ListId list_of(const net::Prefix& prefix) {
        const auto [at, is_new] = lists_.try_emplace(prefix, static_cast<classifier::ListId>(rows_.lists.size()));
        if (is_new) {
            prefixes_.push_back(prefix);
            rows_.lists.emplace_back(&prefixes_.back(), 1);
        }
        return at->second;
    }

    std::deque<net::Prefix> prefixes_; ///< does not move them
    std::map<net::Prefix, classifier::ListId> lists_;
    classifier::Rows rows_;
};

inline ruleset::Query query_of(const rule_sets::Packet& packet) {
    ruleset::Query query;
    query.protocol = packet.protocol;
    query.from_zone = kZones.from;
    query.to_zone = kZones.to;
    query.source_port = net::Be16::from_host(packet.source_port);
    query.destination_port = net::Be16::from_host(packet.destination_port);
    std::memcpy(query.source, packet.source.bytes.data(), sizeof query.source);
    std::memcpy(query.destination, packet.destination.bytes.data(), sizeof query.destination);
    return query;
}

} // namespace sluice::bench
