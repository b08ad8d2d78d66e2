// What the operator wrote, as plain structs: names resolved, values checked, order kept, nothing compiled yet.
//
// Life cycle: made by policy::read(), looked at by lint, turned into a ruleset by compile, then thrown away. One
// thread.
#pragma once

#include "base/ticks.hpp"
#include "net/address.hpp"
#include "policy/diagnostic/diagnostic.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policy {

enum class Action : std::uint8_t { allow, drop };

/// What an untracked allow does about answers.
enum class Reply : std::uint8_t {
    none,       ///< another rule allows them
    mirror,     ///< ends swapped; TCP wants ACK or RST, an ICMP query is refused
    mirror_any, ///< ends swapped, nothing else asked
};

enum class OnFull : std::uint8_t { evict, drop_new };

/// `system:`
struct System {
    bool workers_auto = true;
    std::vector<unsigned> worker_cpus; ///< when not auto: CPU numbers, ascending, no duplicates
    std::uint64_t memory_size = 0;     ///< `memory: { hugepages: … }` in bytes; 0: as much as is needed
    std::uint64_t buffers = 0;         ///< packet buffers, all ports together; 0: as many as are needed
    bool sleep_when_idle = false;      ///< `idle: poll | sleep`
};

/// One entry of `interfaces:`; its position is the port index everywhere else.
struct Interface {
    std::string name;
    std::string device;       ///< PCI address or devargs
    std::size_t peer = 0;     ///< index of the interface at the other end of the wire
    std::uint16_t mtu = 1500; ///< bytes of IP packet; Ethernet and VLAN headers come on top
    bool promiscuous = true;
    std::optional<unsigned> queues; ///< receive queues; absent: auto
    std::size_t zone = 0;           ///< index into Policy::zones
    Location where;
};

/// A named zone, or the one an interface is for itself. At most kMaxZones.
struct Zone {
    std::string name;
    std::vector<std::size_t> interfaces;
    Location where;
};
inline constexpr std::size_t kMaxZones = 255;
inline constexpr std::size_t kMaxInterfaces = 32;
inline constexpr std::size_t kMaxTimeoutProfiles = 255;
inline constexpr std::size_t kMaxRules = 65'535;
/// Prefixes in all rules together, sets resolved.
inline constexpr std::size_t kMaxPrefixes = std::size_t{1024} * 1024;
/// Port ranges and protocols in all rules together, services resolved.
inline constexpr std::size_t kMaxTransports = std::size_t{256} * 1024;

/// Seconds a flow stays without a packet, per state. In the order of kTimeoutNames.
enum class Timeout : std::uint8_t {
    tcp_new,
    tcp_established,
    tcp_closing,
    tcp_stalled,
    udp_new,
    udp_established,
    icmp,
    sctp_new,
    sctp_established,
    sctp_closing,
    other,
    count
};
inline constexpr std::size_t kTimeoutCount = static_cast<std::size_t>(Timeout::count);
inline constexpr std::array<const char*, kTimeoutCount> kTimeoutNames = {
    "tcp_new", "tcp_established", "tcp_closing",      "tcp_stalled",  "udp_new", "udp_established",
    "icmp",    "sctp_new",        "sctp_established", "sctp_closing", "other"};

/// One of `timeouts:`. Profile 0 is always "default".
struct TimeoutProfile {
    std::string name;
    std::array<base::Tick, kTimeoutCount> ticks{};
    bool pickup_loose = false; ///< `pickup: loose`: a TCP flow may be taken up from its middle
    Location where;
};

/// The documented defaults. tcp_stalled is Linux's tcp_timeout_max_retrans and tcp_timeout_unacknowledged.
inline constexpr std::array<base::Tick, kTimeoutCount> kDefaultTimeouts = {
    20'000, 3'600'000, 30'000, 300'000, 10'000, 60'000, 10'000, 20'000, 3'600'000, 10'000, 60'000};

/// `sanity:`. `drop` or `allow` for each oddity, and what passes without being IP.
struct Sanity {
    static constexpr std::size_t kMaxEtherTypes = 32;

    Action bad_checksum = Action::drop;
    Action martian_source = Action::drop;
    Action source_route = Action::drop;
    Action ipv4_options = Action::allow;
    Action routing_header_0 = Action::drop;
    Action ttl_zero = Action::drop;
    Action stacked_vlans = Action::drop;              ///< 802.1Q in 802.1Q; 802.1ad's own order always passes
    std::vector<std::uint16_t> ethertypes = {0x0806}; ///< in the order of the file; 0 stands for `llc`
};

/// `tables: { flows: … }`
struct FlowTable {
    std::uint64_t capacity = 262'144; ///< entries, all workers together
    OnFull on_full = OnFull::evict;
    Location where;
};

/// `tables: { fragments: … }`
struct FragmentTable {
    std::uint64_t datagrams = 4096; ///< incomplete at a time, all workers together
    std::uint32_t per_datagram = 64;
    base::Tick timeout = 30'000;
    Location where;
};

/// One way a packet's transport may look; a rule has one or more, any of which may match.
struct Transport {
    std::optional<std::uint8_t> protocol;     ///< absent: any
    std::vector<net::PortRange> source_ports; ///< empty: any. Only with tcp, udp, sctp. Ascending and apart
    std::vector<net::PortRange> destination_ports;
    std::optional<std::uint8_t> icmp_type; ///< only with icmp, icmpv6
};

/// `from:` or `to:`. Empty lists match everything.
struct Endpoint {
    std::vector<std::size_t> zones; ///< indices into Policy::zones
    std::vector<net::Prefix> nets;  ///< sets resolved; by family and address, none inside another
};

struct Rule {
    std::string name;
    std::string description;
    Endpoint from;
    Endpoint to;
    std::vector<Transport> transports; ///< never empty; {Transport{}} matches every protocol
    Action action = Action::drop;
    bool tracked = true;
    Reply reply = Reply::none; ///< untracked allow only
    std::size_t timeouts = 0;  ///< index into Policy::timeouts
    Location where;            ///< of the key `name`
    Location track_where;      ///< of the key `track`, for lint; that of `name` when absent
};

/// Something with a name that nothing refers to, for lint.
struct Unused {
    std::string what; ///< "address set", "service", "zone", "timeouts profile"
    std::string name;
    Location where;
};

struct Policy {
    std::string name;
    System system;
    std::vector<Interface> interfaces;
    FlowTable flow_table;
    FragmentTable fragment_table;
    std::vector<Zone> zones;
    Sanity sanity;
    std::vector<TimeoutProfile> timeouts; ///< [0] is "default"
    std::vector<Rule> rules;              ///< file order, first match wins
    Action default_action = Action::drop;
    std::vector<Unused> unused;     ///< in no particular order
    std::uint64_t content_hash = 0; ///< of the files' text
};

} // namespace sluice::policy
