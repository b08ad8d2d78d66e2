#include "policy/model/words.hpp"

#include "policy/model/policy.hpp"

#include <algorithm>
#include <array>

namespace sluice::policy::words {
namespace {

using Word = std::string_view;

constexpr std::array<Word, 12> kTopKeys = {"version",      "name",     "system", "interfaces", "tables", "zones",
                                           "address_sets", "services", "sanity", "timeouts",   "rules",  "default"};
constexpr std::array<Word, 9> kTopLater = {"include",          "routes",  "limits",    "inspection", "nat",
                                           "virtual_services", "logging", "telemetry", "tests"};
constexpr std::array<Word, 5> kSystemKeys = {"workers", "memory", "buffers", "buffer_size", "idle"};
constexpr std::array<Word, 1> kSystemLater = {"offload"};
constexpr std::array<Word, 1> kMemoryKeys = {"hugepages"};
constexpr std::array<Word, 1> kMemoryLater = {"numa"};
constexpr std::array<Word, 5> kInterfaceKeys = {"device", "peer", "mtu", "promiscuous", "queues"};
constexpr std::array<Word, 1> kInterfaceLater = {"addresses"};
constexpr std::array<Word, 3> kTablesKeys = {"flows", "fragments", "rules"};
constexpr std::array<Word, 5> kFlowsKeys = {"size", "on_full", "half_open", "pressure", "syn_cookies"};
constexpr std::array<Word, 3> kPressureKeys = {"enter", "leave", "timeout_scale"};
constexpr std::array<Word, 3> kFragmentsKeys = {"size", "per_datagram", "timeout"};
constexpr std::array<Word, 1> kRuleTableKeys = {"memory"};
constexpr std::array<Word, 1> kZoneKeys = {"interfaces"};
constexpr std::array<Word, 1> kAddressFileKeys = {"file"};
constexpr std::array<Word, 3> kServiceKeys = {"protocol", "ports", "icmp_type"};
constexpr std::array<Word, 8> kSanityKeys = {"bad_checksum",     "martian_source", "source_route",  "ipv4_options",
                                             "routing_header_0", "ttl_zero",       "stacked_vlans", "ethertypes"};
constexpr auto kTimeoutsKeys = [] {
    std::array<Word, kTimeoutCount + 2> keys = {"inherit", "pickup"};
    std::copy(kTimeoutNames.begin(), kTimeoutNames.end(), keys.begin() + 2);
    return keys;
}();
constexpr std::array<Word, 13> kRuleKeys = {"name",     "description", "from",   "to",    "service",
                                            "protocol", "icmp_type",   "action", "track", "reply",
                                            "timeouts", "on_full",     "reserve"};
constexpr std::array<Word, 4> kRuleLater = {"inspect", "limit", "log", "offload"};
constexpr std::array<Word, 3> kEndpointKeys = {"zone", "nets", "ports"};
constexpr std::array<Word, 1> kEndpointLater = {"not_nets"};
constexpr std::array<Word, 1> kDefaultKeys = {"action"};
constexpr std::array<Word, 1> kDefaultLater = {"log"};

} // namespace

const Keys kTop{"a policy", "", kTopKeys, kTopLater};
const Keys kSystem{"'system'", "system", kSystemKeys, kSystemLater};
const Keys kMemory{"'memory'", "system.memory", kMemoryKeys, kMemoryLater};
const Keys kInterface{"an interface", "interfaces.*", kInterfaceKeys, kInterfaceLater};
const Keys kTables{"'tables'", "tables", kTablesKeys, {}};
const Keys kFlows{"'flows'", "tables.flows", kFlowsKeys, {}};
const Keys kPressure{"'pressure'", "tables.flows.pressure", kPressureKeys, {}};
const Keys kFragments{"'fragments'", "tables.fragments", kFragmentsKeys, {}};
const Keys kRuleTable{"'rules'", "tables.rules", kRuleTableKeys, {}};
const Keys kZone{"a zone", "zones.*", kZoneKeys, {}};
const Keys kAddressFile{"an address set", "address_sets.*", kAddressFileKeys, {}};
const Keys kService{"a service", "services.*", kServiceKeys, {}};
const Keys kSanity{"'sanity'", "sanity", kSanityKeys, {}};
const Keys kTimeouts{"a timeouts profile", "timeouts.*", kTimeoutsKeys, {}};
const Keys kRule{"a rule", "rules[]", kRuleKeys, kRuleLater};
const Keys kEndpoint{"'from' and 'to'", "rules[].from", kEndpointKeys, kEndpointLater};
const Keys kDefault{"'default'", "default", kDefaultKeys, kDefaultLater};

namespace {

constexpr std::array<const Keys*, 17> kAllKeys = {
    &kTop,  &kSystem,      &kMemory,  &kInterface, &kTables,   &kFlows, &kPressure, &kFragments, &kRuleTable,
    &kZone, &kAddressFile, &kService, &kSanity,    &kTimeouts, &kRule,  &kEndpoint, &kDefault};

constexpr std::string_view kOrderHint = "rules are judged in the order of the file; move the rule";
constexpr std::string_view kNotNetsHint =
    "negation is not available in this version; put a rule for the exception above this one";

constexpr std::array kForeignKeys = {
    Foreign{"source", "write 'from'"},
    Foreign{"src", "write 'from'"},
    Foreign{"destination", "write 'to'"},
    Foreign{"dest", "write 'to'"},
    Foreign{"dst", "write 'to'"},
    Foreign{"notnets", kNotNetsHint},
    Foreign{"not_net", kNotNetsHint},
    Foreign{"donottrack", "write 'track: false'"},
    Foreign{"do_not_track", "write 'track: false'"},
    Foreign{"notrack", "write 'track: false'"},
    Foreign{"no_track", "write 'track: false'"},
    Foreign{"stateless", "write 'track: false'"},
    Foreign{"stateful", "write 'track: true', which is the default"},
    Foreign{"tracked", "write 'track'"},
    Foreign{"dport", "write 'to: { ports: […] }'"},
    Foreign{"dports", "write 'to: { ports: […] }'"},
    Foreign{"destination_port", "write 'to: { ports: […] }'"},
    Foreign{"destination_ports", "write 'to: { ports: […] }'"},
    Foreign{"sport", "write 'from: { ports: […] }'"},
    Foreign{"sports", "write 'from: { ports: […] }'"},
    Foreign{"source_port", "write 'from: { ports: […] }'"},
    Foreign{"source_ports", "write 'from: { ports: […] }'"},
    Foreign{"order", kOrderHint},
    Foreign{"priority", kOrderHint},
    Foreign{"seq", kOrderHint},
    Foreign{"sequence", kOrderHint},
    Foreign{"proto", "write 'protocol'"},
    Foreign{"ip_protocol", "write 'protocol'"},
    Foreign{"type", "write 'icmp_type'"},
    Foreign{"comment", "write 'description', or a comment after '#'"},
    Foreign{"cidr", "write 'nets'"},
    Foreign{"addresses", "write 'nets'"},
    Foreign{"address", "write 'nets'"},
    Foreign{"networks", "write 'nets'"},
    Foreign{"net", "write 'nets'"},
    Foreign{"interface", "write 'zone': an interface is its own zone unless 'zones' groups it"},
    Foreign{"target", "write 'action'"},
    Foreign{"verdict", "write 'action'"},
    Foreign{"jump", "write 'action'"},
    Foreign{"policies", "write 'rules'"},
    Foreign{"groups", "write 'address_sets'"},
    Foreign{"sets", "write 'address_sets'"},
    Foreign{"ipsets", "write 'address_sets'"},
    Foreign{"applications", "write 'services'"},
    Foreign{"pci", "write 'device'"},
    Foreign{"checksum", "write 'bad_checksum'"},
    Foreign{"checksums", "write 'bad_checksum'"},
    Foreign{"martians", "write 'martian_source'"},
    Foreign{"bogons", "write 'martian_source'"},
    Foreign{"lsrr", "write 'source_route'"},
    Foreign{"ssrr", "write 'source_route'"},
    Foreign{"ip_options", "write 'ipv4_options'"},
    Foreign{"rh0", "write 'routing_header_0'"},
    Foreign{"non_ip", "write 'ethertypes'"},
};

constexpr std::array kForeignValues = {
    Foreign{"deny", "write 'drop'"},
    Foreign{"block", "write 'drop'"},
    Foreign{"discard", "write 'drop'"},
    Foreign{"accept", "write 'allow'"},
    Foreign{"permit", "write 'allow'"},
    Foreign{"pass", "write 'allow'"},
    Foreign{"any", "leave the key out to match everything"},
    Foreign{"all", "leave the key out to match everything"},
    Foreign{"*", "leave the key out to match everything"},
    Foreign{"ping", "write 'echo_request'"},
    Foreign{"echo", "write 'echo_request'"},
    Foreign{"stp", "write 'llc'"},
    Foreign{"bpdu", "write 'llc'"},
    Foreign{"8021x", "write 'eapol'"},
    Foreign{"802.1x", "write 'eapol'"},
    Foreign{"pppoe", "write 'pppoe_session'"},
};

bool same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? '_' : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view hint_in(std::span<const Foreign> words, std::string_view wanted) {
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const Foreign& f) { return same_word(f.word, wanted); });
    return found == words.end() ? std::string_view{} : found->hint;
}

} // namespace

std::span<const Keys* const> all_keys() {
    return kAllKeys;
}

std::string_view hint_for_key(std::string_view key) {
    return hint_in(kForeignKeys, key);
}
std::string_view hint_for_value(std::string_view value) {
    return hint_in(kForeignValues, value);
}

std::string_view key_in_hint(std::string_view hint) {
    constexpr std::string_view kBefore = "write '";
    if (!hint.starts_with(kBefore) || !hint.ends_with('\'')) return {};
    return hint.substr(kBefore.size(), hint.size() - kBefore.size() - 1);
}

} // namespace sluice::policy::words
