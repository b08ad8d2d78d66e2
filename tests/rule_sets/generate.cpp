#include "rule_sets/generate.hpp"

#include "rule_sets/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace sluice::rule_sets {
namespace {

/// Draws in a row that may be known already, before prefixes are made that nobody has.
constexpr unsigned kPatience = 8;
/// Binary orders of magnitude by which a wide rule may come before a narrow one.
constexpr double kDisorder = 12;
constexpr double kListedPort = 0.85; // of exact ports: one of the well-known list

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;

void set_bit(net::IpAddress& address, unsigned bit, bool value) {
    std::uint8_t& byte = address.bytes[bit / 8];
    const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
    byte = static_cast<std::uint8_t>(value ? byte | mask : byte & ~mask);
}

/// Random bits from `first` to before `last`.
void fill(Random& random, net::IpAddress& address, unsigned first, unsigned last) {
    std::uint64_t bits = 0;
    for (unsigned bit = first; bit < last; ++bit) {
        if ((bit - first) % 64 == 0) bits = random();
        set_bit(address, bit, (bits >> (bit - first) % 64 & 1) != 0);
    }
}

/// Where unrelated prefixes begin: an octet of unicast space, or a block of a regional registry.
net::Prefix root(Random& random, net::Family family) {
    static constexpr std::array<std::array<std::uint8_t, 2>, 6> kRegistries = {
        {{0x20, 0x01}, {0x24, 0x00}, {0x26, 0x00}, {0x28, 0x00}, {0x2a, 0x00}, {0x2c, 0x00}}};
    net::Prefix prefix;
    prefix.address.family = family;
    if (family == net::Family::ipv6) {
        const auto& registry = kRegistries[below(random, kRegistries.size())];
        std::copy(registry.begin(), registry.end(), prefix.address.bytes.begin());
        prefix.length = registry[0] == 0x20 ? 16 : 12;
        return prefix;
    }
    constexpr std::uint8_t kLoopback = 127;
    do {
        prefix.address.bytes[0] = static_cast<std::uint8_t>(1 + below(random, 223));
    } while (prefix.address.bytes[0] == kLoopback);
    prefix.length = 8;
    return prefix;
}

/// Makes a prefix longer. IPv6 hosts have short numbers more often than random ones.
net::Prefix part_of(Random& random, net::Prefix prefix, std::uint8_t length) {
    constexpr unsigned kSubnet = 64;
    const bool host = prefix.address.family == net::Family::ipv6 && length == 128;
    if (host && prefix.length <= kSubnet && with_probability(random, 0.6)) {
        fill(random, prefix.address, prefix.length, kSubnet);
        fill(random, prefix.address, 116, length);
    } else {
        fill(random, prefix.address, prefix.length, length);
    }
    prefix.length = length;
    return prefix;
}

/// Shorter than its root: the root's first bits.
net::Prefix cut(net::Prefix prefix, std::uint8_t length) {
    for (unsigned bit = length; bit < prefix.address.width(); ++bit)
        set_bit(prefix.address, bit, false);
    prefix.length = length;
    return prefix;
}

/// The prefixes that one side of the rules so far has.
class Prefixes {
  public:
    Prefixes(net::Family family, Sharing sharing)
        : family_(family)
        , sharing_(sharing) {}

    /// One of that length; `fresh`: that no rule has, most likely.
    net::Prefix draw(Random& random, std::uint8_t length, bool fresh) {
        if (length == 0) return cut(root(random, family_), 0);
        auto& known = by_length_[length];
        if (!fresh && !known.empty() && with_probability(random, sharing_.reused)) {
            // Old ones more often: some hosts are in many rules, many in one.
            const double place = fraction(random);
            return known[static_cast<std::size_t>(place * place * static_cast<double>(known.size()))];
        }
        const net::Prefix made = make(random, length);
        known.push_back(made);
        return made;
    }

  private:
    net::Prefix make(Random& random, std::uint8_t length) {
        if (with_probability(random, sharing_.nested)) {
            std::vector<std::uint8_t> shorter;
            for (std::uint8_t candidate = 1; candidate < length; ++candidate) {
                if (!by_length_[candidate].empty()) shorter.push_back(candidate);
            }
            if (!shorter.empty()) {
                const auto& known = by_length_[shorter[below(random, shorter.size())]];
                return part_of(random, known[below(random, known.size())], length);
            }
        }
        const net::Prefix start = root(random, family_);
        return length < start.length ? cut(start, length) : part_of(random, start, length);
    }

    net::Family family_;
    Sharing sharing_;
    std::array<std::vector<net::Prefix>, 129> by_length_;
};

net::PortRange ports_of(Random& random, PortClass wanted, const Parameters& parameters) {
    switch (wanted) {
    case PortClass::wc: return {};
    case PortClass::hi: return {1024, 65535};
    case PortClass::lo: return {0, 1023};
    case PortClass::ar: {
        const PortChoice& range = weighted(random, parameters.ranges);
        return {range.first, range.last};
    }
    case PortClass::em: break;
    }
    if (with_probability(random, kListedPort)) {
        const PortChoice& port = weighted(random, parameters.exact);
        return {port.first, port.last};
    }
    const auto port = static_cast<std::uint16_t>(below(random, 65536));
    return {port, port};
}

class Generator {
  public:
    explicit Generator(const GenerateOptions& options)
        : random_(options.seed * 8 + static_cast<unsigned>(options.kind) * 2 + (options.family == net::Family::ipv6))
        , parameters_(parameters(options.kind))
        , family_(options.family)
        , sources_(options.family, parameters_.source)
        , destinations_(options.family, parameters_.destination) {}

    Rule draw(bool fresh) {
        const ProtocolShare& protocol = weighted(random_, parameters_.protocols);
        const PortPair& ports = weighted(random_, protocol.ports);
        const LengthPair& lengths = weighted(random_, ports.lengths);
        Rule rule;
        if (protocol.protocol != ProtocolShare::kAny) {
            const auto number = static_cast<std::uint8_t>(protocol.protocol);
            rule.protocol = family_ == net::Family::ipv6 && number == kIcmp ? kIcmpv6 : number;
        }
        rule.source_ports = ports_of(random_, ports.source, parameters_);
        rule.destination_ports = ports_of(random_, ports.destination, parameters_);
        rule.source = sources_.draw(random_, length_of(lengths.source), fresh);
        rule.destination = destinations_.draw(random_, length_of(lengths.destination), fresh);
        return rule;
    }

    Random& random() { return random_; }

  private:
    [[nodiscard]] std::uint8_t length_of(std::uint8_t ipv4_length) const {
        return family_ == net::Family::ipv4 ? ipv4_length : ipv6_length(ipv4_length);
    }

    Random random_;
    const Parameters& parameters_;
    net::Family family_;
    Prefixes sources_;
    Prefixes destinations_;
};

/// Binary logarithm of how many packets a rule takes, an IPv6 prefix counted as if half of its bits did not matter.
double width_of(const Rule& rule) {
    const auto prefix = [](const net::Prefix& each) {
        const double free = each.address.width() - each.length;
        return each.address.family == net::Family::ipv4 ? free : free / 4;
    };
    const auto ports = [](const net::PortRange& each) { return std::log2(each.last - each.first + 1.0); };
    return prefix(rule.source) + prefix(rule.destination) + ports(rule.source_ports) + ports(rule.destination_ports) +
           (rule.protocol ? 0 : 8);
}

void put_in_order(Random& random, std::vector<Rule>& rules) {
    std::vector<std::pair<double, std::size_t>> order(rules.size());
    for (std::size_t i = 0; i < rules.size(); ++i)
        order[i] = {width_of(rules[i]) + fraction(random) * kDisorder, i};
    std::sort(order.begin(), order.end());
    std::vector<Rule> sorted;
    sorted.reserve(rules.size());
    for (const auto& [width, place] : order)
        sorted.push_back(rules[place]);
    rules = std::move(sorted);
}

} // namespace

RuleSet generate(const GenerateOptions& options) {
    RuleSet set;
    set.family = options.family;
    Rule everything;
    everything.source.address.family = options.family;
    everything.destination.address.family = options.family;
    const bool with_default = options.default_rule && options.count > 1;
    const std::size_t wanted = options.count - (with_default ? 1 : 0);
    Generator generator(options);
    std::set<Rule> seen = {everything};
    unsigned known = 0;
    while (set.rules.size() < wanted) {
        const Rule rule = generator.draw(known >= kPatience);
        if (!seen.insert(rule).second) {
            ++known;
            continue;
        }
        known = 0;
        set.rules.push_back(rule);
    }
    put_in_order(generator.random(), set.rules);
    if (with_default) set.rules.push_back(everything);
    return set;
}

std::vector<net::Prefix> generate_prefixes(net::Family family, std::size_t count, std::uint64_t seed) {
    // Lengths as in tables of routes: most networks, some hosts.
    struct Length {
        std::uint8_t ipv4;
        std::uint8_t ipv6;
        double weight;
    };
    static constexpr Length kLengths[] = {{32, 128, 0.35}, {24, 48, 0.35}, {28, 64, 0.1}, {22, 44, 0.1}, {26, 56, 0.1}};
    Random random(seed);
    std::vector<net::Prefix> prefixes;
    while (prefixes.size() < count) {
        while (prefixes.size() < count + count / 16) {
            const Length& length = weighted(random, std::span<const Length>(kLengths));
            prefixes.push_back(
                part_of(random, root(random, family), family == net::Family::ipv4 ? length.ipv4 : length.ipv6));
        }
        std::sort(prefixes.begin(), prefixes.end());
        // Sorted, a prefix stands before all that lie in it.
        std::vector<net::Prefix> apart;
        for (const net::Prefix& prefix : prefixes) {
            if (apart.empty() || !apart.back().contains(prefix)) apart.push_back(prefix);
        }
        prefixes = std::move(apart);
    }
    // Any `count` of them: the first ones would leave out the highest addresses.
    for (std::size_t i = 0; i < count; ++i)
        std::swap(prefixes[i], prefixes[i + below(random, prefixes.size() - i)]);
    prefixes.resize(count);
    std::sort(prefixes.begin(), prefixes.end());
    return prefixes;
}

} // namespace sluice::rule_sets
