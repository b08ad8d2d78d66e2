#include "policy/compile/rows.hpp"

#include "packet/parse.hpp"
#include "policy/compile/overlaps.hpp"
#include "policy/compile/row_maker.hpp"
#include "ruleset/ruleset.hpp"

#include <algorithm>
#include <utility>

namespace sluice::policy {
namespace {

using ruleset::Path;
using ruleset::UntrackedResult;

/// A second or two. Beyond that every tracked rule is taken to overlap: more rows, and as right.
constexpr std::uint64_t kMostComparisons = 50'000'000;

/// Each rule has two ranks: what it says of packets as written comes before what it says of their answers.
constexpr std::uint32_t direct_rank(std::size_t position) {
    return static_cast<std::uint32_t>(2 * position);
}
constexpr std::uint32_t answer_rank(std::size_t position) {
    return static_cast<std::uint32_t>(2 * position + 1);
}

bool has_mirror(const Rule& rule) {
    return !rule.tracked && rule.action == Action::allow && rule.reply != Reply::none;
}

/// Which ways a rule has to be in the untracked classifier.
struct Ways {
    bool direct = false;
    bool answer = false;
};

/// By rule. From the last one to the first: what comes after a rule is known when the rule is reached.
std::vector<Ways> ways_of(const Policy& policy) {
    std::vector<Ways> ways(policy.rules.size());
    Overlaps later(kMostComparisons);
    for (std::size_t position = policy.rules.size(); position-- > 0;) {
        const Rule& rule = policy.rules[position];
        if (rule.tracked) {
            ways[position] = {later.any(rule, Facing::as_written), later.any(rule, Facing::as_answered)};
            continue;
        }
        ways[position] = {true, has_mirror(rule)};
        later.add(rule, Facing::as_written);
        if (has_mirror(rule)) later.add(rule, Facing::as_answered);
    }
    return ways;
}

} // namespace

Transport reversed(const Transport& transport) {
    Transport out = transport;
    std::swap(out.source_ports, out.destination_ports);
    if (out.icmp_type) {
        const bool ipv6 = transport.protocol == net::protocol::kIcmpv6;
        out.icmp_type = packet::icmp_counterpart(ipv6 ? net::Family::ipv6 : net::Family::ipv4, *out.icmp_type);
    }
    return out;
}

Rule reversed(const Rule& rule) {
    Rule out = rule;
    std::swap(out.from, out.to);
    for (Transport& transport : out.transports) {
        transport = reversed(transport);
    }
    return out;
}

ClassifierRows untracked_rows(const Policy& policy) {
    RowMaker rows(policy);
    const std::vector<Ways> ways = ways_of(policy);
    const std::uint32_t to_tracked = UntrackedResult{Path::tracked, 0}.encode();
    for (std::size_t position = 0; position < policy.rules.size(); ++position) {
        const Rule& rule = policy.rules[position];
        const auto index = static_cast<std::uint32_t>(position);
        const Path answers = rule.reply == Reply::mirror ? Path::mirror : Path::mirror_any;
        const std::uint32_t direct = rule.tracked ? to_tracked : UntrackedResult{Path::direct, index}.encode();
        const std::uint32_t answer = rule.tracked ? to_tracked : UntrackedResult{answers, index}.encode();
        if (ways[position].direct) rows.add(position, Facing::as_written, direct_rank(position), direct);
        if (ways[position].answer) rows.add(position, Facing::as_answered, answer_rank(position), answer);
    }
    return rows.take();
}

ClassifierRows tracked_rows(const Policy& policy) {
    RowMaker rows(policy);
    for (std::size_t position = 0; position < policy.rules.size(); ++position) {
        rows.add(position, Facing::as_written, direct_rank(position), static_cast<std::uint32_t>(position) + 1);
    }
    return rows.take();
}

} // namespace sluice::policy
