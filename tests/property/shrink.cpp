#include "shrink.hpp"

#include "policy/model/read.hpp"
#include "policy_text.hpp"
#include "sets.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace sluice::property {
namespace {

bool has_ports(std::uint8_t protocol) {
    return protocol == 6 || protocol == 17 || protocol == 132;
}

bool is_icmp(std::uint8_t protocol) {
    return protocol == 1 || protocol == 58;
}

/// Whether an operator could have written it.
bool can_be_written(const policy::Policy& policy) {
    policy::Diagnostics diagnostics;
    return policy::read("shrunk.yaml", policy_text(policy), diagnostics, policy::SetFiles::refuse).has_value();
}

/// Leaves out as many elements of a list as it can, half of them at a time, then a quarter, down to single ones.
/// `least` of them stay.
template <typename T, typename Keep>
void leave_out(std::vector<T>& list, std::size_t least, const Keep& still_differs) {
    for (std::size_t size = std::max<std::size_t>(list.size() / 2, 1); size > 0; size /= 2) {
        for (std::size_t end = list.size(); end > 0;) {
            const std::size_t begin = end > size ? end - size : 0;
            if (list.size() - (end - begin) >= least) {
                std::vector<T> fewer(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(begin));
                fewer.insert(fewer.end(), list.begin() + static_cast<std::ptrdiff_t>(end), list.end());
                if (still_differs(fewer)) list = std::move(fewer);
            }
            end = begin;
        }
    }
}

// What is plainer than something never is plainer than itself by a detour: shrinking comes to an end.

std::vector<net::Prefix> plainer(const net::Prefix& prefix) {
    std::vector<net::Prefix> out;
    for (const unsigned length : {prefix.length / 2u, prefix.length - prefix.length / 4u, prefix.length - 1u}) {
        if (length == 0 || length >= prefix.length) continue;
        net::Prefix shorter = prefix;
        shorter.length = static_cast<std::uint8_t>(length);
        for (unsigned bit = length; bit < prefix.address.width(); ++bit) {
            std::uint8_t& byte = shorter.address.bytes[bit / 8];
            byte = static_cast<std::uint8_t>(byte & ~(0x80u >> bit % 8));
        }
        out.push_back(shorter);
    }
    return out;
}

template <typename T> void fewer_of(const std::vector<T>& list, std::vector<std::vector<T>>& out) {
    if (list.empty()) return;
    out.emplace_back();
    if (list.size() == 1) return;
    for (const T& one : list)
        out.push_back({one});
}

std::vector<policy::Endpoint> plainer(const policy::Endpoint& endpoint) {
    std::vector<policy::Endpoint> out;
    const auto with = [&](auto member, const auto& lists) {
        for (const auto& list : lists) {
            out.push_back(endpoint);
            out.back().*member = list;
        }
    };
    std::vector<std::vector<std::size_t>> zones;
    fewer_of(endpoint.zones, zones);
    with(&policy::Endpoint::zones, zones);
    std::vector<std::vector<std::size_t>> sets;
    fewer_of(endpoint.sets, sets);
    with(&policy::Endpoint::sets, sets);
    std::vector<std::vector<net::Prefix>> nets;
    fewer_of(endpoint.nets, nets);
    if (endpoint.nets.size() == 1) {
        for (const net::Prefix& prefix : plainer(endpoint.nets.front()))
            nets.push_back({prefix});
    }
    with(&policy::Endpoint::nets, nets);
    return out;
}

std::vector<std::vector<net::PortRange>> plainer(const std::vector<net::PortRange>& ranges) {
    std::vector<std::vector<net::PortRange>> out;
    fewer_of(ranges, out);
    if (ranges.size() != 1) return out;
    const auto [first, last] = ranges.front();
    if (first != last) {
        out.push_back({{first, first}});
        out.push_back({{last, last}});
    }
    return out;
}

std::vector<policy::Transport> plainer(const policy::Transport& transport) {
    std::vector<policy::Transport> out;
    if (transport.protocol) out.emplace_back();
    const auto with = [&](auto member, const auto& values) {
        for (const auto& value : values) {
            out.push_back(transport);
            out.back().*member = value;
        }
    };
    with(&policy::Transport::source_ports, plainer(transport.source_ports));
    with(&policy::Transport::destination_ports, plainer(transport.destination_ports));
    if (transport.icmp_type) with(&policy::Transport::icmp_type, std::vector{std::optional<std::uint8_t>{}});
    return out;
}

std::vector<policy::Rule> plainer(const policy::Rule& rule) {
    std::vector<policy::Rule> out;
    const auto with = [&](auto member, const auto& values) {
        for (const auto& value : values) {
            out.push_back(rule);
            out.back().*member = value;
        }
    };
    with(&policy::Rule::from, plainer(rule.from));
    with(&policy::Rule::to, plainer(rule.to));
    std::vector<std::vector<policy::Transport>> transports;
    if (rule.transports.size() > 1) fewer_of(rule.transports, transports);
    std::erase_if(transports, [](const auto& list) { return list.empty(); });
    if (rule.transports.size() == 1) {
        for (const policy::Transport& transport : plainer(rule.transports.front()))
            transports.push_back({transport});
    }
    with(&policy::Rule::transports, transports);
    if (!rule.tracked) {
        out.push_back(rule);
        out.back().tracked = true;
        out.back().reply = policy::Reply::none;
        if (rule.reply != policy::Reply::none) with(&policy::Rule::reply, std::vector{policy::Reply::none});
    }
    if (rule.action == policy::Action::allow) {
        out.push_back(rule);
        out.back().action = policy::Action::drop;
        out.back().reply = policy::Reply::none;
    }
    return out;
}

void zero_from(net::IpAddress& address, unsigned byte) {
    std::fill(address.bytes.begin() + byte, address.bytes.end(), std::uint8_t{0});
}

std::vector<Tuple> plainer(const Tuple& tuple) {
    std::vector<Tuple> out;
    const auto add = [&](auto change) {
        Tuple other = tuple;
        change(other);
        // Members alone do not make tuples comparable; text does.
        if (to_string(other) != to_string(tuple)) out.push_back(other);
    };
    for (unsigned byte = 1; byte < tuple.source.width() / 8; ++byte) {
        add([byte](Tuple& t) { zero_from(t.source, byte); });
        add([byte](Tuple& t) { zero_from(t.destination, byte); });
    }
    if (has_ports(tuple.protocol)) {
        add([](Tuple& t) { t.source_port = 0; });
        add([](Tuple& t) { t.destination_port = 0; });
        if (tuple.protocol != 6) add([](Tuple& t) { t.protocol = 6; });
    } else {
        add([](Tuple& t) { t.protocol = 6, t.icmp_type = 0; });
        if (is_icmp(tuple.protocol)) add([](Tuple& t) { t.icmp_type = t.protocol == 1 ? 8 : 128; });
    }
    return out;
}

/// Tries what is plainer than one element of the case until nothing is. Whether anything was.
template <typename T> bool simplify(Case& current, T& element, const Differs& differs, std::size_t& left) {
    bool changed = false;
    for (bool again = true; again;) {
        again = false;
        for (T& candidate : plainer(element)) {
            if (left == 0) return changed;
            --left;
            std::swap(element, candidate);
            if (can_be_written(current.policy) && differs(current)) {
                again = changed = true;
                break;
            }
            std::swap(element, candidate);
        }
    }
    return changed;
}

/// Whether a rule names the set.
bool uses(const policy::Policy& policy, std::size_t set) {
    const auto has = [set](const policy::Endpoint& endpoint) {
        return std::find(endpoint.sets.begin(), endpoint.sets.end(), set) != endpoint.sets.end();
    };
    return std::any_of(policy.rules.begin(), policy.rules.end(),
                       [&has](const policy::Rule& rule) { return has(rule.from) || has(rule.to); });
}

/// Sets without sets in them, and those as short as they may be. Whether anything changed.
bool simplify_sets(Case& current, const Differs& differs) {
    bool changed = false;
    const auto try_it = [&](const policy::Policy& simpler) {
        if (!can_be_written(simpler) || !differs({simpler, current.packets})) return false;
        current.policy = simpler;
        return changed = true;
    };
    for (std::size_t set = 0; set < current.policy.address_sets.size(); ++set) {
        const policy::AddressSet shown = current.policy.address_sets[set];
        for (const std::size_t inner : shown.inner) {
            policy::Policy narrower = current.policy;
            for (policy::Rule& rule : narrower.rules) {
                std::replace(rule.from.sets.begin(), rule.from.sets.end(), set, inner);
                std::replace(rule.to.sets.begin(), rule.to.sets.end(), set, inner);
            }
            if (uses(current.policy, set)) try_it(narrower);
        }
        if (!uses(current.policy, set)) continue;
        if (!shown.inner.empty()) {
            policy::Policy flat = current.policy;
            flat.address_sets[set].inner.clear();
            change_set(flat, set, *shown.prefixes);
            try_it(flat);
        }
        std::vector<net::Prefix> own = *current.policy.address_sets[set].own;
        leave_out(own, 1, [&](const std::vector<net::Prefix>& fewer) {
            policy::Policy shorter = current.policy;
            change_set(shorter, set, fewer);
            return try_it(shorter);
        });
    }
    return changed;
}

/// Questions asked at most for making fields plainer: a small policy takes hundreds.
constexpr std::size_t kMostQuestions = 20'000;

} // namespace

Case shrink(Case start, const Differs& differs) {
    Case current = std::move(start);
    std::size_t left = kMostQuestions;
    for (bool again = true; again;) {
        leave_out(current.packets, 1, [&](const std::vector<Tuple>& fewer) {
            return differs({current.policy, fewer});
        });
        const std::size_t rules_before = current.policy.rules.size();
        leave_out(current.policy.rules, 0, [&](const std::vector<policy::Rule>& fewer) {
            Case smaller = current;
            smaller.policy.rules = fewer;
            return differs(smaller);
        });
        again = current.policy.rules.size() != rules_before;
        for (policy::Rule& rule : current.policy.rules)
            again |= simplify(current, rule, differs, left);
        again |= simplify_sets(current, differs);
        for (Tuple& packet : current.packets)
            again |= simplify(current, packet, differs, left);
    }
    return current;
}

std::string to_string(const Tuple& tuple) {
    std::ostringstream out;
    out << "zone " << tuple.from_zone << " to zone " << tuple.to_zone << ", protocol " << int{tuple.protocol} << ", "
        << tuple.source.to_string();
    if (has_ports(tuple.protocol)) out << " port " << tuple.source_port;
    out << " > " << tuple.destination.to_string();
    if (has_ports(tuple.protocol)) out << " port " << tuple.destination_port;
    if (is_icmp(tuple.protocol)) out << ", type " << int{tuple.icmp_type};
    return out.str();
}

std::string to_string(const Case& shown) {
    std::string out = policy_text(shown.policy);
    for (const Tuple& tuple : shown.packets)
        out += "packet: " + to_string(tuple) + '\n';
    return out;
}

} // namespace sluice::property
