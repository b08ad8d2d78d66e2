#include "policy/compile/rows.hpp"

#include "packet/parse.hpp"
#include "ruleset/ruleset.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

namespace sluice::policy {
namespace {

using ruleset::Path;
using ruleset::Row;

/// Prefixes on both sides, multiplied, beyond which saying that they overlap costs less than finding out.
constexpr std::size_t kWorthComparing = 100'000;

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

std::size_t saturating_add(std::size_t a, std::size_t b) {
    return a > kMost - b ? kMost : a + b;
}

std::size_t saturating_product(std::initializer_list<std::size_t> factors) {
    std::size_t product = 1;
    for (const std::size_t factor : factors) {
        if (__builtin_mul_overflow(product, factor, &product)) return kMost;
    }
    return product;
}

const std::vector<net::PortRange> kAnyPort = {net::PortRange{}};

const std::vector<net::PortRange>& or_any(const std::vector<net::PortRange>& ranges) {
    return ranges.empty() ? kAnyPort : ranges;
}

net::Prefix everything(net::Family family) {
    net::Prefix prefix;
    prefix.address.family = family;
    return prefix;
}

std::vector<net::Prefix> of_family(const std::vector<net::Prefix>& nets, net::Family family) {
    if (nets.empty()) return {everything(family)};
    std::vector<net::Prefix> out;
    std::copy_if(nets.begin(), nets.end(), std::back_inserter(out),
                 [family](const net::Prefix& prefix) { return prefix.address.family == family; });
    return out;
}

std::vector<std::optional<std::uint16_t>> zones_of(const Endpoint& endpoint) {
    if (endpoint.zones.empty()) return {std::nullopt};
    std::vector<std::optional<std::uint16_t>> out;
    for (const std::size_t zone : endpoint.zones) {
        out.emplace_back(static_cast<std::uint16_t>(zone));
    }
    return out;
}

net::Family family_of_icmp(std::uint8_t protocol) {
    return protocol == net::protocol::kIcmpv6 ? net::Family::ipv6 : net::Family::ipv4;
}

/// ICMP has no ports: its type and code stand in the destination port's place (ruleset::Query).
net::PortRange icmp_range(std::uint8_t type) {
    return {static_cast<std::uint16_t>(type << 8), static_cast<std::uint16_t>(type << 8 | 0xff)};
}

void emit_transport(const Rule& rule, const Transport& transport, net::Family family, std::uint32_t rank,
                    std::uint32_t result, std::vector<Row>& out) {
    const std::vector<net::PortRange> icmp =
        transport.icmp_type ? std::vector{icmp_range(*transport.icmp_type)} : kAnyPort;
    const auto& destination_ports = transport.icmp_type ? icmp : or_any(transport.destination_ports);
    const auto sources = of_family(rule.from.nets, family);
    const auto destinations = of_family(rule.to.nets, family);
    Row row;
    row.family = family;
    row.protocol = transport.protocol;
    row.rank = rank;
    row.result = result;
    for (const auto& from_zone : zones_of(rule.from)) {
        for (const auto& to_zone : zones_of(rule.to)) {
            for (const net::Prefix& source : sources) {
                for (const net::Prefix& destination : destinations) {
                    for (const net::PortRange& source_port : or_any(transport.source_ports)) {
                        for (const net::PortRange& destination_port : destination_ports) {
                            row.from_zone = from_zone;
                            row.to_zone = to_zone;
                            row.source = source;
                            row.destination = destination;
                            row.source_ports = source_port;
                            row.destination_ports = destination_port;
                            out.push_back(row);
                        }
                    }
                }
            }
        }
    }
}

/// Each family has an ICMP of its own; the other's number in its packets means nothing.
bool carries(net::Family family, const Transport& transport) {
    if (transport.protocol == net::protocol::kIcmp) return family == net::Family::ipv4;
    if (transport.protocol == net::protocol::kIcmpv6) return family == net::Family::ipv6;
    return true;
}

void emit(const Rule& rule, std::uint32_t rank, std::uint32_t result, std::vector<Row>& out) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        for (const Transport& transport : rule.transports) {
            if (carries(family, transport)) emit_transport(rule, transport, family, rank, result, out);
        }
    }
}

bool zones_overlap(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
    if (a.empty() || b.empty()) return true;
    return std::any_of(a.begin(), a.end(),
                       [&b](std::size_t zone) { return std::find(b.begin(), b.end(), zone) != b.end(); });
}

bool nets_overlap(const std::vector<net::Prefix>& a, const std::vector<net::Prefix>& b) {
    if (a.empty() || b.empty()) return true;
    if (a.size() * b.size() > kWorthComparing) return true;
    return std::any_of(a.begin(), a.end(), [&b](const net::Prefix& x) {
        return std::any_of(b.begin(), b.end(), [&x](const net::Prefix& y) { return x.overlaps(y); });
    });
}

bool ports_overlap(const std::vector<net::PortRange>& a, const std::vector<net::PortRange>& b) {
    if (a.empty() || b.empty()) return true;
    return std::any_of(a.begin(), a.end(), [&b](const net::PortRange& x) {
        return std::any_of(b.begin(), b.end(), [&x](const net::PortRange& y) { return x.overlaps(y); });
    });
}

bool transports_overlap(const Transport& a, const Transport& b) {
    if (a.protocol && b.protocol && *a.protocol != *b.protocol) return false;
    if (a.icmp_type && b.icmp_type && *a.icmp_type != *b.icmp_type) return false;
    return ports_overlap(a.source_ports, b.source_ports) && ports_overlap(a.destination_ports, b.destination_ports);
}

/// Which ways an earlier rule has to be in the untracked classifier.
struct Ways {
    bool direct = false;
    bool answer = false;
};

/// A rule index and what it covers there: the rule itself, and its mirror.
struct UntrackedRule {
    const Rule* rule;
    Rule mirror;
};

Ways ways_into(const Rule& earlier, const std::vector<UntrackedRule>& later) {
    const Rule answer = reversed(earlier);
    Ways ways;
    for (const UntrackedRule& u : later) {
        ways.direct = ways.direct || may_overlap(earlier, *u.rule);
        ways.answer = ways.answer || may_overlap(answer, *u.rule);
        if (u.rule->reply != Reply::none) {
            ways.direct = ways.direct || may_overlap(earlier, u.mirror);
            ways.answer = ways.answer || may_overlap(answer, u.mirror);
        }
        if (ways.direct && ways.answer) break;
    }
    return ways;
}

/// How many comparisons finding the overlaps of one rule may take.
std::size_t comparisons(const Rule& rule, std::size_t later_rules, std::size_t most_nets) {
    const std::size_t nets = (rule.from.nets.size() + rule.to.nets.size()) * most_nets;
    return saturating_product({later_rules, 4, 1 + std::min(nets, kWorthComparing)});
}

/// Comparisons for a whole policy, some seconds of them. Beyond that every tracked rule is taken to overlap: more rows,
/// and as right.
constexpr std::size_t kMostComparisons = 500'000'000;

/// Each rule has two ranks: what it says of packets as written comes before what it says of their answers.
constexpr std::uint32_t direct_rank(std::size_t position) {
    return static_cast<std::uint32_t>(2 * position);
}
constexpr std::uint32_t answer_rank(std::size_t position) {
    return static_cast<std::uint32_t>(2 * position + 1);
}

void emit_untracked(const Rule& rule, std::size_t position, std::vector<Row>& rows) {
    const auto index = static_cast<std::uint32_t>(position);
    emit(rule, direct_rank(position), ruleset::UntrackedResult{Path::direct, index}.encode(), rows);
    if (rule.action != Action::allow || rule.reply == Reply::none) return;
    const Path path = rule.reply == Reply::mirror ? Path::mirror : Path::mirror_any;
    emit(reversed(rule), answer_rank(position), ruleset::UntrackedResult{path, index}.encode(), rows);
}

} // namespace

Rule reversed(const Rule& rule) {
    Rule out = rule;
    std::swap(out.from, out.to);
    for (Transport& transport : out.transports) {
        std::swap(transport.source_ports, transport.destination_ports);
        if (transport.icmp_type) {
            const net::Family family = family_of_icmp(transport.protocol.value_or(net::protocol::kIcmp));
            transport.icmp_type = packet::icmp_counterpart(family, *transport.icmp_type);
        }
    }
    return out;
}

bool may_overlap(const Rule& a, const Rule& b) {
    if (!zones_overlap(a.from.zones, b.from.zones) || !zones_overlap(a.to.zones, b.to.zones)) return false;
    const bool transports = std::any_of(a.transports.begin(), a.transports.end(), [&b](const Transport& x) {
        return std::any_of(b.transports.begin(), b.transports.end(),
                           [&x](const Transport& y) { return transports_overlap(x, y); });
    });
    return transports && nets_overlap(a.from.nets, b.from.nets) && nets_overlap(a.to.nets, b.to.nets);
}

std::size_t row_count(const Rule& rule) {
    const std::size_t zones =
        std::max<std::size_t>(1, rule.from.zones.size()) * std::max<std::size_t>(1, rule.to.zones.size());
    std::size_t rows = 0;
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        const auto count = [family](const std::vector<net::Prefix>& nets) {
            if (nets.empty()) return std::size_t{1};
            return static_cast<std::size_t>(std::count_if(
                nets.begin(), nets.end(), [family](const net::Prefix& p) { return p.address.family == family; }));
        };
        std::size_t transports = 0;
        for (const Transport& transport : rule.transports) {
            if (!carries(family, transport)) continue;
            transports += std::max<std::size_t>(1, transport.source_ports.size()) *
                          std::max<std::size_t>(1, transport.destination_ports.size());
        }
        rows =
            saturating_add(rows, saturating_product({zones, count(rule.from.nets), count(rule.to.nets), transports}));
    }
    return rows;
}

std::vector<Row> untracked_rows(const Policy& policy) {
    std::vector<Row> rows;
    std::vector<UntrackedRule> later;
    std::size_t most_nets = 0; // of a rule in `later`
    std::size_t work = 0;
    // From the last rule to the first: what comes after a rule is known when the rule is reached.
    for (std::size_t position = policy.rules.size(); position-- > 0;) {
        const Rule& rule = policy.rules[position];
        if (!rule.tracked) {
            later.push_back({&rule, reversed(rule)});
            most_nets = std::max(most_nets, rule.from.nets.size() + rule.to.nets.size());
            emit_untracked(rule, position, rows);
            continue;
        }
        work = saturating_add(work, comparisons(rule, later.size(), most_nets));
        const Ways ways = work > kMostComparisons ? Ways{true, true} : ways_into(rule, later);
        const std::uint32_t to_tracked = ruleset::UntrackedResult{Path::tracked, 0}.encode();
        if (ways.direct) emit(rule, direct_rank(position), to_tracked, rows);
        if (ways.answer) emit(reversed(rule), answer_rank(position), to_tracked, rows);
    }
    return rows;
}

std::vector<Row> tracked_rows(const Policy& policy) {
    std::vector<Row> rows;
    for (std::size_t position = 0; position < policy.rules.size(); ++position) {
        emit(policy.rules[position], direct_rank(position), static_cast<std::uint32_t>(position) + 1, rows);
    }
    return rows;
}

} // namespace sluice::policy
