#include "quick_oracle.hpp"

#include <algorithm>

namespace sluice::property {
namespace {

using rule_sets::Line;
using rule_sets::Lines;

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;

std::uint32_t bits_of(const std::vector<std::size_t>& zones) {
    if (zones.empty()) return ~0u;
    std::uint32_t bits = 0;
    for (const std::size_t zone : zones)
        bits |= 1u << zone;
    return bits;
}

std::vector<net::Prefix> nets_of(const std::vector<net::Prefix>& nets, net::Family family) {
    net::Prefix everything;
    everything.address.family = family;
    if (nets.empty()) return {everything};
    std::vector<net::Prefix> out;
    std::copy_if(nets.begin(), nets.end(), std::back_inserter(out),
                 [family](const net::Prefix& net) { return net.address.family == family; });
    return out;
}

std::vector<net::PortRange> ports_of(const std::vector<net::PortRange>& ranges) {
    return ranges.empty() ? std::vector{net::PortRange{}} : ranges;
}

/// A packet has an ICMP type or ports, never both: one pair of fields has room for them.
net::PortRange all_codes_of(std::uint8_t type) {
    return {static_cast<std::uint16_t>(type * 256), static_cast<std::uint16_t>(type * 256 + 255)};
}

void write_out(const policy::Rule& rule, net::Family family, std::uint32_t number, std::vector<Line>& out) {
    Line line;
    line.owner = number;
    line.from_zones = bits_of(rule.from.zones);
    line.to_zones = bits_of(rule.to.zones);
    const auto sources = nets_of(rule.from.nets, family);
    const auto destinations = nets_of(rule.to.nets, family);
    for (const policy::Transport& transport : rule.transports) {
        line.rule.protocol = transport.protocol;
        const auto destination_ports = transport.icmp_type ? std::vector{all_codes_of(*transport.icmp_type)}
                                                           : ports_of(transport.destination_ports);
        for (const net::Prefix& source : sources) {
            for (const net::Prefix& destination : destinations) {
                for (const net::PortRange& source_port : ports_of(transport.source_ports)) {
                    for (const net::PortRange& destination_port : destination_ports) {
                        line.rule.source = source;
                        line.rule.destination = destination;
                        line.rule.source_ports = source_port;
                        line.rule.destination_ports = destination_port;
                        out.push_back(line);
                    }
                }
            }
        }
    }
}

Lines lines_of(const policy::Policy& policy, net::Family family) {
    std::vector<Line> lines;
    for (std::size_t i = 0; i < policy.rules.size(); ++i)
        write_out(policy.rules[i], family, static_cast<std::uint32_t>(i), lines);
    return {family, lines};
}

rule_sets::Passage passage_of(const Tuple& tuple) {
    rule_sets::Passage passage;
    passage.packet = {tuple.source, tuple.destination, tuple.source_port, tuple.destination_port, tuple.protocol};
    if (tuple.protocol == kIcmp || tuple.protocol == kIcmpv6)
        passage.packet.destination_port = static_cast<std::uint16_t>(tuple.icmp_type * 256);
    passage.from_zone = static_cast<unsigned>(tuple.from_zone);
    passage.to_zone = static_cast<unsigned>(tuple.to_zone);
    return passage;
}

} // namespace

QuickOracle::QuickOracle(const policy::Policy& policy)
    : ipv4_(lines_of(policy, net::Family::ipv4))
    , ipv6_(lines_of(policy, net::Family::ipv6)) {
    for (const policy::Rule& rule : policy.rules)
        kinds_.push_back({rule.tracked, rule.action == policy::Action::allow ? rule.reply : policy::Reply::none});
}

First QuickOracle::first_concerned(const Tuple& tuple) const {
    const Lines& all = lines(tuple);
    const rule_sets::Passage written = passage_of(tuple);
    const rule_sets::Passage question = passage_of(answered_by(tuple));
    Lines::Taken direct;
    Lines::Taken as_answer;
    // A rule has several lines: as written it comes before its answers, so the answer of one line waits for the others.
    std::optional<std::size_t> answered;
    for (std::size_t block = 0; block < all.block_count(); ++block) {
        const bool any_direct = all.take(block, written, direct);
        const bool any_answer = all.take(block, question, as_answer);
        if (!any_direct && !any_answer && !answered) continue;
        for (std::size_t place = 0; place < Lines::kBlock; ++place) {
            const std::uint32_t rule = all.owner(block, place);
            if (answered && *answered != rule) return {First::How::untracked_answer, *answered};
            if (rule == Lines::kNobody) return {};
            const Kind& kind = kinds_[rule];
            if (kind.tracked && (direct[place] | as_answer[place]) != 0) return {First::How::tracked, rule};
            if (!kind.tracked && direct[place] != 0) return {First::How::untracked_direct, rule};
            if (kind.reply != policy::Reply::none && as_answer[place] != 0) answered = rule;
        }
    }
    if (answered) return {First::How::untracked_answer, *answered};
    return {};
}

std::optional<std::size_t> QuickOracle::first_match(const Tuple& tuple) const {
    const std::uint32_t rule = lines(tuple).first(passage_of(tuple));
    return rule == Lines::kNobody ? std::nullopt : std::optional<std::size_t>(rule);
}

} // namespace sluice::property
