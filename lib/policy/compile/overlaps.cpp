#include "policy/compile/overlaps.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::policy {
namespace {

/// Pairs of prefixes that one rule may add or ask about; beyond that its longer list counts as everything.
constexpr std::size_t kMostPairs = 4096;

bool zones_overlap(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
    if (a.empty() || b.empty()) return true;
    return std::any_of(a.begin(), a.end(),
                       [&b](std::size_t zone) { return std::find(b.begin(), b.end(), zone) != b.end(); });
}

bool ports_overlap(const std::vector<net::PortRange>& a, const std::vector<net::PortRange>& b) {
    if (a.empty() || b.empty()) return true;
    return std::any_of(a.begin(), a.end(), [&b](const net::PortRange& x) {
        return std::any_of(b.begin(), b.end(), [&x](const net::PortRange& y) { return x.overlaps(y); });
    });
}

bool overlap(const Transport& a, const Transport& b) {
    if (a.protocol && b.protocol && *a.protocol != *b.protocol) return false;
    if (a.icmp_type && b.icmp_type && *a.icmp_type != *b.icmp_type) return false;
    return ports_overlap(a.source_ports, b.source_ports) && ports_overlap(a.destination_ports, b.destination_ports);
}

bool overlap(const std::vector<Transport>& a, const std::vector<Transport>& b) {
    return std::any_of(a.begin(), a.end(), [&b](const Transport& x) {
        return std::any_of(b.begin(), b.end(), [&x](const Transport& y) { return overlap(x, y); });
    });
}

bool same(const Transport& a, const Transport& b) {
    return a.protocol == b.protocol && a.icmp_type == b.icmp_type && a.source_ports == b.source_ports &&
           a.destination_ports == b.destination_ports;
}

bool nets_overlap(const Endpoint& a, const Endpoint& b) {
    const auto anything = [](const Endpoint& endpoint) { return endpoint.nets.empty() || !endpoint.sets.empty(); };
    if (anything(a) || anything(b)) return true;
    return std::any_of(a.nets.begin(), a.nets.end(), [&b](const net::Prefix& x) {
        return std::any_of(b.nets.begin(), b.nets.end(), [&x](const net::Prefix& y) { return x.overlaps(y); });
    });
}

const std::vector<net::Prefix>& everything() {
    static const std::vector<net::Prefix> kBoth = [] {
        std::vector<net::Prefix> both(2);
        both[1].address.family = net::Family::ipv6;
        return both;
    }();
    return kBoth;
}

/// The addresses of both ends, the one that packets come from first.
struct Ends {
    const std::vector<net::Prefix>* sources;
    const std::vector<net::Prefix>* destinations;
};

Ends ends_of(const Rule& rule, Facing facing) {
    const auto prefixes_of = [](const Endpoint& endpoint) {
        return endpoint.nets.empty() || !endpoint.sets.empty() ? &everything() : &endpoint.nets;
    };
    Ends ends{prefixes_of(rule.from), prefixes_of(rule.to)};
    if (facing == Facing::as_answered) std::swap(ends.sources, ends.destinations);
    if (ends.sources->size() * ends.destinations->size() > kMostPairs) {
        (ends.sources->size() > ends.destinations->size() ? ends.sources : ends.destinations) = &everything();
    }
    return ends;
}

template <typename Visit> bool any_pair(const Ends& ends, Visit visit) {
    for (const net::Prefix& source : *ends.sources) {
        for (const net::Prefix& destination : *ends.destinations) {
            if (source.address.family == destination.address.family && visit(source, destination)) return true;
        }
    }
    return false;
}

struct Nothing {};

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

} // namespace

template <typename T> net::Prefix PrefixMap<T>::shortened(net::Prefix prefix, std::uint8_t length) {
    const std::size_t whole = length / 8u;
    if (length % 8u != 0) prefix.address.bytes[whole] &= static_cast<std::uint8_t>(0xff << (8 - length % 8u));
    std::fill(prefix.address.bytes.begin() + static_cast<std::ptrdiff_t>(whole + (length % 8u != 0 ? 1 : 0)),
              prefix.address.bytes.end(), std::uint8_t{0});
    prefix.length = length;
    return prefix;
}

struct Overlaps::Kind {
    std::vector<std::size_t> from_zones;
    std::vector<std::size_t> to_zones;
    std::vector<Transport> transports;

    bool has_pairs = false;
    PrefixMap<PrefixMap<Nothing>> by_source;
    PrefixMap<PrefixMap<Nothing>> by_destination;

    std::vector<Kind*> meeting; ///< of the first `compared` of Overlaps::added_
    std::size_t compared = 0;

    [[nodiscard]] bool holds(const net::Prefix& source, const net::Prefix& destination, std::uint64_t& steps) const {
        const auto inner = [&steps](const net::Prefix& prefix) {
            return [&steps, &prefix](const PrefixMap<Nothing>& ends) {
                return ends.any(prefix, steps, [](Nothing) { return true; });
            };
        };
        return source.length >= destination.length ? by_source.any(source, steps, inner(destination))
                                                   : by_destination.any(destination, steps, inner(source));
    }
};

Overlaps::Overlaps(std::uint64_t most_steps)
    : most_steps_(most_steps) {}

Overlaps::~Overlaps() = default;

Overlaps::Kind& Overlaps::kind_of(const Rule& rule, Facing facing) {
    const bool answered = facing == Facing::as_answered;
    const auto& from = answered ? rule.to.zones : rule.from.zones;
    const auto& to = answered ? rule.from.zones : rule.to.zones;
    std::vector<Transport> transports = rule.transports;
    if (answered)
        std::transform(transports.begin(), transports.end(), transports.begin(),
                       [](const Transport& one) { return reversed(one); });
    std::uint64_t hash = mixed(from.size(), to.size());
    for (const auto* zones : {&from, &to}) {
        for (const std::size_t zone : *zones) {
            hash = mixed(hash, zone);
        }
    }
    for (const Transport& one : transports) {
        const auto or_any = [](const auto& number) { return number ? std::uint64_t{*number} : std::uint64_t{256}; };
        hash = mixed(hash, or_any(one.protocol) << 16 | or_any(one.icmp_type));
        for (const auto* ports : {&one.source_ports, &one.destination_ports}) {
            hash = mixed(hash, ports->size());
            for (const net::PortRange& range : *ports) {
                hash = mixed(hash, static_cast<std::uint64_t>(range.first) << 16 | range.last);
            }
        }
    }
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        const Kind& known = *it->second;
        if (known.from_zones == from && known.to_zones == to &&
            std::equal(known.transports.begin(), known.transports.end(), transports.begin(), transports.end(), same)) {
            return *it->second;
        }
    }
    Kind& kind = *kinds_.emplace_back(std::make_unique<Kind>());
    kind.from_zones = from;
    kind.to_zones = to;
    kind.transports = std::move(transports);
    by_hash_.emplace(hash, &kind);
    return kind;
}

void Overlaps::add(const Rule& rule, Facing facing) {
    Kind& kind = kind_of(rule, facing);
    if (!kind.has_pairs) added_.push_back(&kind);
    kind.has_pairs = true;
    (void)any_pair(ends_of(rule, facing), [&kind](const net::Prefix& source, const net::Prefix& destination) {
        (void)kind.by_source[source][destination];
        (void)kind.by_destination[destination][source];
        return false;
    });
}

void Overlaps::meet(Kind& kind) {
    for (; kind.compared < added_.size(); ++kind.compared, ++steps_) {
        Kind& other = *added_[kind.compared];
        if (zones_overlap(kind.from_zones, other.from_zones) && zones_overlap(kind.to_zones, other.to_zones) &&
            overlap(kind.transports, other.transports)) {
            kind.meeting.push_back(&other);
        }
    }
}

bool Overlaps::any(const Rule& rule, Facing facing) {
    if (steps_ > most_steps_) return true;
    Kind& kind = kind_of(rule, facing);
    meet(kind);
    const Ends ends = ends_of(rule, facing);
    return std::any_of(kind.meeting.begin(), kind.meeting.end(), [&](const Kind* other) {
        if (++steps_ > most_steps_) return true;
        return any_pair(ends, [&](const net::Prefix& source, const net::Prefix& destination) {
            return other->holds(source, destination, steps_);
        });
    });
}

bool may_overlap(const Rule& a, const Rule& b) {
    return zones_overlap(a.from.zones, b.from.zones) && zones_overlap(a.to.zones, b.to.zones) &&
           overlap(a.transports, b.transports) && nets_overlap(a.from, b.from) && nets_overlap(a.to, b.to);
}

} // namespace sluice::policy
