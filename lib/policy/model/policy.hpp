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
#include <memory>
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

/// When TCP clients have to answer a cookie before they get a flow.
enum class SynCookies : std::uint8_t { automatic, always, never };

/// What an Ethernet frame has beside its packet: a header and two VLAN tags.
inline constexpr std::size_t kFrameOverhead = 14 + 2 * 4;

/// `system:`
struct System {
    bool workers_auto = true;
    std::vector<unsigned> worker_cpus; ///< when not auto: CPU numbers, ascending, no duplicates
    std::uint64_t memory_size = 0;     ///< `memory: { hugepages: … }` in bytes; 0: as much as is needed
    std::uint64_t buffers = 0;         ///< packet buffers, all ports together; 0: as many as are needed
    std::uint16_t buffer_size = 0;     ///< bytes of frame in each of them; 0: as many as the interfaces need
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
inline constexpr std::size_t kMaxRules = 131'071;
inline constexpr std::uint64_t kMaxReserve = std::uint64_t{1} << 30;
inline constexpr std::size_t kMaxReservingRules = 16;
/// Prefixes that are written out in rules, all rules together.
inline constexpr std::size_t kMaxPrefixes = std::size_t{1024} * 1024;
/// Prefixes in all address sets together, those of sets within sets counted in each. However many rules use them.
inline constexpr std::size_t kMaxSetPrefixes = std::size_t{4} * 1024 * 1024;
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
    std::uint8_t half_open_percent = 25; ///< of the entries, for handshakes that are not complete
    std::uint8_t pressure_enter = 90;    ///< per cent of the entries in use
    std::uint8_t pressure_leave = 70;
    std::uint8_t timeout_scale = 25; ///< per cent of every timeout that are left under pressure
    SynCookies syn_cookies = SynCookies::automatic;
    Location where;
};

/// `tables: { fragments: … }`
struct FragmentTable {
    std::uint64_t datagrams = 4096; ///< incomplete at a time, all workers together
    std::uint32_t per_datagram = 64;
    base::Tick timeout = 30'000;
    Location where;
};

/// `tables: { rules: … }`
struct RuleTable {
    std::uint64_t memory_size = std::uint64_t{2} << 30; ///< bytes that the classifiers may take, both together
    Location where;
};

/// One way a packet's transport may look; a rule has one or more, any of which may match.
struct Transport {
    std::optional<std::uint8_t> protocol;     ///< absent: any
    std::vector<net::PortRange> source_ports; ///< empty: any. Only with tcp, udp, sctp. Ascending and apart
    std::vector<net::PortRange> destination_ports;
    std::optional<std::uint8_t> icmp_type; ///< only with icmp, icmpv6
};

/// By family and address. Shared, not copied: an address set may hold a million, and a hundred thousand rules use it.
using SharedPrefixes = std::shared_ptr<const std::vector<net::Prefix>>;

/// Which address families something can be of.
struct Families {
    bool ipv4 = true;
    bool ipv6 = true;

    [[nodiscard]] bool any() const { return ipv4 || ipv6; }
    [[nodiscard]] Families both(Families other) const { return {ipv4 && other.ipv4, ipv6 && other.ipv6}; }
    [[nodiscard]] Families either(Families other) const { return {ipv4 || other.ipv4, ipv6 || other.ipv6}; }
};

/// One of `address_sets:`. It keeps its identity, because addresses come into it and leave it while the policy runs.
struct AddressSet {
    std::string name;
    SharedPrefixes own;             ///< written in it or in its file, each once; some may lie inside others
    std::vector<std::size_t> inner; ///< sets that are written in it: indices into Policy::address_sets
    SharedPrefixes prefixes;        ///< all that it holds, inner sets too, none inside another
    std::string file;               ///< absolute or as the policy has it; empty when the policy itself lists them
    Location where;
};

/// `from:` or `to:`. Without zones: every zone. Without nets and sets: every address.
struct Endpoint {
    std::vector<std::size_t> zones;  ///< indices into Policy::zones
    std::vector<net::Prefix> nets;   ///< written out; by family and address, none inside another
    std::vector<std::size_t> sets{}; ///< indices into Policy::address_sets, ascending

    [[nodiscard]] bool any_address() const { return nets.empty() && sets.empty(); }
};

struct Rule {
    std::string name;
    std::string description;
    Endpoint from;
    Endpoint to;
    std::vector<Transport> transports; ///< never empty; {Transport{}} matches every protocol
    Action action = Action::drop;
    bool tracked = true;
    bool brief = false;            ///< tracked: a flow is forgotten as soon as it is over
    std::optional<OnFull> on_full; ///< tracked allow only; absent: as the flow table says
    std::uint64_t reserve = 0;     ///< tracked allow only: entries that are kept for its flows
    Reply reply = Reply::none;     ///< untracked allow only
    std::size_t timeouts = 0;      ///< index into Policy::timeouts
    Location where;                ///< of the key `name`
    Location track_where;          ///< of the key `track`, for lint; that of `name` when absent
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
    RuleTable rule_table;
    std::vector<Zone> zones;
    std::vector<AddressSet> address_sets; ///< in the order of the file
    Sanity sanity;
    std::vector<TimeoutProfile> timeouts; ///< [0] is "default"
    std::vector<Rule> rules;              ///< file order, first match wins
    Action default_action = Action::drop;
    std::vector<Unused> unused;     ///< in no particular order
    std::uint64_t content_hash = 0; ///< of the files' text
};

/// Which families a list is of; both when it is empty, as an end without addresses is.
Families families_of(const std::vector<net::Prefix>& prefixes);

/// By family, address and length: a prefix stands right before those inside it.
struct PrefixOrder {
    bool operator()(const net::Prefix& a, const net::Prefix& b) const;
};

/// Sorts, and takes out repetitions.
void sort_prefixes(std::vector<net::Prefix>& prefixes);
/// The same, and takes out what lies inside another.
void tidy(std::vector<net::Prefix>& prefixes);
/// Whether one of the prefixes, which are in order and none inside another, holds the address.
bool holds(const std::vector<net::Prefix>& prefixes, const net::IpAddress& address);
/// Whether the address is one of the end's, by its sets too.
bool holds(const Policy& policy, const Endpoint& endpoint, const net::IpAddress& address);

} // namespace sluice::policy
