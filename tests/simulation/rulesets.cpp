#include "rulesets.hpp"

#include "policy/compile/compile.hpp"
#include "policy/model/read.hpp"

#include <stdexcept>
#include <string>

namespace sluice::simulation {
namespace {

constexpr const char* kWires = R"(version: 1
interfaces:
  a0: { device: net_null0, peer: a1 }
  a1: { device: net_null1, peer: a0 }
  b0: { device: net_null2, peer: b1 }
  b1: { device: net_null3, peer: b0 }
zones:
  clients: { interfaces: [a0, b1] }
  servers: { interfaces: [a1, b0] }
)";

// GRE has no ports that tell who asked whom: without the networks, a reflected packet would open a flow the other way
// round.
constexpr const char* kAlways = R"(
  - { name: dns, from: { zone: clients }, to: { zone: servers, ports: [53] }, protocol: udp, action: allow }
  - { name: echo, from: { zone: clients }, to: { zone: servers }, protocol: icmp, icmp_type: echo_request, action: allow }
  - { name: echo6, from: { zone: clients }, to: { zone: servers }, protocol: icmpv6, icmp_type: echo_request, action: allow }
  - { name: tunnels, from: { zone: clients }, to: { zone: servers, nets: [10.1.0.0/16, "2001:db8:0:1::/64"] }, protocol: gre, action: allow }
  - { name: signalling, from: { zone: clients }, to: { zone: servers, ports: [5060] }, protocol: sctp, action: allow }
)";

std::string wide() {
    return std::string(kWires) + R"(
timeouts:
  default: { tcp_new: 20s, tcp_established: 2h, tcp_closing: 30s, udp_new: 10s, udp_established: 60s, icmp: 10s, other: 60s }
rules:
  - { name: web, from: { zone: clients }, to: { zone: servers, ports: [80-83] }, protocol: tcp, action: allow }
  - { name: media, from: { zone: clients }, to: { zone: servers, ports: [4000] }, protocol: udp, action: allow }
)" + kAlways;
}

std::string narrow() {
    return std::string(kWires) + R"(
timeouts:
  default: { tcp_new: 25s, tcp_established: 4m, tcp_closing: 40s, udp_new: 15s, udp_established: 20s, icmp: 10s, other: 60s }
rules:
  - { name: web, from: { zone: clients }, to: { zone: servers, ports: [80-82] }, protocol: tcp, action: allow }
)" + kAlways;
}

std::string with_untracked() {
    return std::string(kWires) + R"(
timeouts:
  default: { tcp_new: 20s, tcp_established: 1h, tcp_closing: 30s, udp_new: 10s, udp_established: 60s, icmp: 10s, other: 60s }
rules:
  - { name: cache, from: { zone: clients }, to: { zone: servers, ports: [7777] }, protocol: tcp, action: allow,
      track: false, reply: mirror }
  - { name: clock, from: { zone: clients }, to: { zone: servers, ports: [7778] }, protocol: udp, action: allow,
      track: false, reply: mirror_any }
  - { name: web, from: { zone: clients }, to: { zone: servers, ports: [80-83] }, protocol: tcp, action: allow }
  - { name: media, from: { zone: clients }, to: { zone: servers, ports: [4000] }, protocol: udp, action: allow }
)" + kAlways;
}

std::unique_ptr<const ruleset::Ruleset> compiled(const std::string& text, std::uint32_t epoch) {
    policy::Diagnostics diagnostics;
    const auto policy = policy::read("policy.yaml", text, diagnostics);
    if (!policy) throw std::runtime_error(diagnostics.render(false));
    auto ruleset = policy::compile(*policy, {.epoch = epoch, .counter_slots = {}, .progress = {}}, diagnostics);
    if (ruleset == nullptr) throw std::runtime_error(diagnostics.render(false));
    return ruleset;
}

} // namespace

bool NamedRuleset::allows(const Tuple& tuple) const {
    const std::uint16_t service = tuple.port[server];
    switch (tuple.protocol) {
    case net::protocol::kTcp: return service >= kFirstTcpPort && service <= last_tcp_port;
    case net::protocol::kUdp: return service == kDnsPort || (media && service == kMediaPort);
    case net::protocol::kIcmp: return tuple.family == net::Family::ipv4 && service == net::icmp::kEchoRequest;
    case net::protocol::kIcmpv6: return tuple.family == net::Family::ipv6 && service == net::icmpv6::kEchoRequest;
    case net::protocol::kGre: return is_server_address(tuple.family, tuple.address[server]);
    case net::protocol::kSctp: return service == 5060;
    default: return false;
    }
}

std::vector<NamedRuleset> make_rulesets(bool evict) {
    const std::string tables = std::string("tables: { flows: { on_full: ") + (evict ? "evict" : "drop_new") + " } }\n";
    std::vector<NamedRuleset> rulesets;
    rulesets.push_back({compiled(wide() + tables, 1), kLastTcpPort, true, false});
    rulesets.push_back({compiled(narrow() + tables, 2), kLastTcpPort - 1, false, false});
    rulesets.push_back({compiled(with_untracked() + tables, 3), kLastTcpPort, true, true});
    return rulesets;
}

} // namespace sluice::simulation
