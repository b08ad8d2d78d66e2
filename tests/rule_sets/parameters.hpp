// What access lists, firewalls and IP chains look like, in numbers.
//
// The model is that of ClassBench (D. Taylor, J. Turner: ClassBench: A Packet Classification Benchmark, IEEE/ACM
// Transactions on Networking 15(3), 2007): a protocol is drawn, then the classes of both ports given the protocol, then
// the lengths of both prefixes given the classes, then addresses that share and nest prefixes as real ones do.
//
// acl has the shares of the parameter file acl1 that the authors publish, rounded. For fw and ipc the weights are ours;
// they have the properties that the paper reports of these families: firewalls leave one address open in half of
// their rules, name few hosts again and again and give exact and wide ranges on both ports; IP chains have the most
// different pairs of lengths and all classes of ports.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::rule_sets {

enum class Kind : std::uint8_t { acl, fw, ipc };
inline constexpr Kind kKinds[] = {Kind::acl, Kind::fw, Kind::ipc};
const char* name(Kind kind);

/// How a rule speaks of a port: all of them, the user ports 1024-65535, the well-known ones 0-1023, another range, one.
enum class PortClass : std::uint8_t { wc, hi, lo, ar, em };

struct LengthPair {
    std::uint8_t source; ///< IPv4's; IPv6's come from ipv6_length()
    std::uint8_t destination;
    double weight;
};

struct PortPair {
    PortClass source;
    PortClass destination;
    double weight;
    std::span<const LengthPair> lengths;
};

struct ProtocolShare {
    static constexpr int kAny = -1;
    /// IPv6 rules have ICMPv6 in ICMP's place.
    int protocol;
    double weight;
    std::span<const PortPair> ports;
};

struct PortChoice {
    std::uint16_t first;
    std::uint16_t last;
    double weight;
};

/// Where the prefixes of one side come from.
struct Sharing {
    double reused; ///< one that an earlier rule has, of the same length
    double nested; ///< of the others: a part of a shorter one that an earlier rule has
};

struct Parameters {
    std::span<const ProtocolShare> protocols;
    std::span<const PortChoice> ranges; ///< class ar
    std::span<const PortChoice> exact;  ///< class em: most of the time one of these, else any port
    Sharing source;
    Sharing destination;
};

const Parameters& parameters(Kind kind);

/// What stands for an IPv4 prefix length in IPv6 rules: 0; /32 for what providers have (/1-/8), /34 to /64 for sites
/// and their networks (/9-/24 and longer), /128 for hosts.
constexpr std::uint8_t ipv6_length(std::uint8_t ipv4_length) {
    if (ipv4_length == 0) return 0;
    if (ipv4_length <= 8) return 32;
    if (ipv4_length < 25) return static_cast<std::uint8_t>(32 + 2 * (ipv4_length - 8));
    return ipv4_length < 32 ? 64 : 128;
}

} // namespace sluice::rule_sets
