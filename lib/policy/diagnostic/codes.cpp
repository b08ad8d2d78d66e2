#include "policy/diagnostic/codes.hpp"

#include <algorithm>
#include <array>

namespace sluice::policy {
namespace {

constexpr std::array kCodes = {
    Code{"P001", "a file cannot be read",
         "The policy, or the file of an address set, is missing, not readable, not a regular file, or larger than 16 "
         "MiB. "
         "Paths of address sets start from the folder of the policy's file.",
         "", ""},
    Code{"P002", "a character that does not belong into a policy",
         "Policies are UTF-8. Control characters, tabs outside comments and invisible marks that change the direction "
         "of "
         "writing are refused: what a reviewer sees must be what is read.",
         "", ""},
    Code{"P003", "the text is not YAML",
         "The place is where reading stopped; the cause is often in the line above: a missing ':' or bracket, a quote "
         "that "
         "is not closed, or an indentation that differs from its neighbours'.",
         "rules:\n  - name: web\n   action: allow", "rules:\n  - name: web\n    action: allow"},
    Code{"P004", "a part of YAML that policies do not use",
         "Anchors, aliases, tags, merge keys and several documents in one file make a text mean something else than it "
         "shows. Names (address_sets, services, timeouts) do the same in plain sight. Quote a text that begins with "
         "one of "
         "! & *.",
         "nets: [!10.0.0.0/8]", "nets: [10.0.0.0/8]"},
    Code{"P005", "too large or too deep",
         "A policy may have 16 MiB, lines of 1 MiB, 32 levels and 4,194,304 values; sets and profiles may refer to one "
         "another 16 times in a row. Long lists of addresses go into files of their own.",
         "", "address_sets:\n  bogons: { file: bogons.txt }"},
    Code{"P006", "the same key twice in one map",
         "YAML readers disagree about which of the two counts, so neither does.", "action: allow\naction: drop",
         "action: drop"},
    Code{"P007", "an unknown key",
         "Nothing is passed over in silence: a key that is misspelt would otherwise leave a rule wider than it was "
         "meant.",
         "from: { zones: lan }", "from: { zone: lan }"},
    Code{
        "P008", "known, but not available in this version",
        "The word belongs to the language, but this version would do nothing about it. It is refused, because a policy "
        "that asks for it relies on it.",
        "action: reject", "action: drop"},
    Code{"P009", "something required is missing",
         "A policy needs 'version', two 'interfaces' and 'rules'; an interface needs 'device' and 'peer'; a rule needs "
         "'name' and 'action'.",
         "- { from: { zone: lan }, action: allow }", "- { name: lan-out, from: { zone: lan }, action: allow }"},
    Code{
        "P010", "a value of the wrong shape",
        "A list stands where a word is expected, a word where a map is, or a key has no value at all. In YAML a ':' at "
        "the end of a text makes a map of it (fe80::), and without a space behind it a ':' makes no key (name:web).",
        "nets: [fe80::]", "nets: [\"fe80::\"]"},
    Code{"P011", "not one of the words that can stand here",
         "The message lists them. Words of other firewalls get a hint: deny is drop, accept is allow.", "action: deny",
         "action: drop"},
    Code{"P012", "a number, size, duration or true/false that cannot be read",
         "Numbers are decimal without leading zeros (some tools read 010 as 8). Sizes take k M G T (1000) or Ki Mi Gi "
         "Ti "
         "(1024). Durations want one unit of ms s m h d. Of all the words for yes and no only true and false mean the "
         "same to every YAML tool.",
         "tcp_new: 20", "tcp_new: 20s"},
    Code{"P013", "a version of the language that is not known",
         "'version' names the version of the policy language, not of the policy. This one is 1.", "version: 2",
         "version: 1"},
    Code{"P014", "a name that is not defined",
         "An interface, zone, address set, service or timeouts profile is named that the policy does not define. An "
         "interface is a zone of its own only if no zone lists it.",
         "nets: [memcached_client]", "nets: [memcached_clients]"},
    Code{"P015", "a name that is taken",
         "Rules have unique names because counters, logs and flows go by them over reloads. A zone may have an "
         "interface's name only if it is not that interface's own zone.",
         "", ""},
    Code{"P016", "not a name",
         "Names are 1 to 63 lower-case letters and digits, with - _ . inside, and hold at least one letter. Words that "
         "YAML tools or readers take for something else (yes, off, null, any, …) are not names.",
         "name: Web Servers", "name: web-servers"},
    Code{"P017", "not an address or prefix",
         "Addresses are IPv4 or IPv6, alone or with a prefix length. Bits behind the prefix must be zero: 10.1.2.3/8 "
         "means "
         "either 10.0.0.0/8 or 10.1.2.3, and only its author knows which.",
         "nets: [10.1.2.3/8]", "nets: [10.0.0.0/8]"},
    Code{"P018", "a definition that leads back to itself",
         "An address set contains itself, or a timeouts profile inherits from itself, directly or through others.",
         "address_sets:\n  a: [b]\n  b: [a]", "address_sets:\n  a: [10.0.0.1]\n  b: [a]"},
    Code{"P019", "ports that cannot be",
         "Ports are 0 to 65535, alone or as ranges, and only tcp, udp and sctp have them: the rule must say which.",
         "to: { ports: [23] }", "to: { ports: [23] }\nprotocol: tcp"},
    Code{"P020", "no packet can match",
         "A packet has two addresses of the same family, and icmp goes with IPv4, icmpv6 with IPv6.",
         "from: { nets: [10.0.0.0/8] }\nto: { nets: [\"2001:db8::/32\"] }", ""},
    Code{
        "P021", "an untracked rule that does not say what happens to replies",
        "Without tracking nothing remembers who asked, so the way back is a rule as well. 'reply: mirror' lets answers "
        "back: ends swapped, TCP only with ACK or RST, ICMP only answers. 'reply: mirror_any' is the same without that "
        "check. 'reply: none' when another rule allows the answers, or there are none.",
        "action: allow\ntrack: false", "action: allow\ntrack: false\nreply: mirror"},
    Code{"P022", "a key that has no meaning on this rule",
         "'reply' goes with an untracked allow: answers to tracked flows are let back anyway, and what is dropped has "
         "none. 'timeouts', 'on_full' and 'reserve' go with a tracked allow: only those have flows.",
         "action: drop\nreply: mirror", "action: drop"},
    Code{"P023", "interfaces that do not pair up",
         "Two interfaces make a wire: each names the other as its 'peer', and none names itself.",
         "lan: { device: …, peer: wan }\nwan: { device: …, peer: dmz }",
         "lan: { device: …, peer: wan }\nwan: { device: …, peer: lan }"},
    Code{"P024", "an interface in two zones", "A packet comes from exactly one zone, so an interface is in one.", "",
         ""},
    Code{
        "P025", "an ICMP type that does not fit",
        "'icmp_type' wants 'protocol: icmp' or 'protocol: icmpv6', whose types differ in name and number. With 'reply: "
        "mirror' it must be a type that something answers, such as echo_request.",
        "protocol: icmp\nicmp_type: packet_too_big", "protocol: icmpv6\nicmp_type: packet_too_big"},
    Code{"P026", "more than the appliance is built for",
         "Limits: 32 interfaces, 255 timeouts profiles, 131,071 rules, 128 workers; 262,144 protocols and ports in all "
         "rules together, services counted at every use; 1,048,576 prefixes written out in all rules together, and "
         "4,194,304 in all address sets together, however many rules use them.",
         "", ""},
    Code{"P027", "an empty list",
         "An empty list matches nothing, but reads like no restriction at all. To match everything, leave the key out.",
         "nets: []", ""},
    Code{"P028", "not a device, or a device used twice",
         "A PCI address is written in quotes, \"0000:8a:00.0\"; everything else is handed to DPDK as devargs, such as "
         "\"net_af_xdp0,iface=eth1\". Inside { } a ',' wants quotes.",
         "device: net_af_xdp0,iface=eth1", "device: \"net_af_xdp0,iface=eth1\""},
    Code{"P029", "the same thing said twice",
         "A 'service' says protocol, ports and ICMP type; beside it they could only repeat or contradict it. Source "
         "ports may be added with 'from: { ports: … }'.",
         "service: web\nprotocol: tcp", "service: web"},
    Code{
        "P030", "a set file in a policy that did not come from root",
        "Diagnostics quote the lines they are about. An appliance that followed 'file:' in anybody's policy would show "
        "anybody lines of files that only root may read. As root, or by SIGHUP, the file is read.",
        "", ""},
    Code{"P031", "bounds that contradict each other",
         "Pressure is entered above the mark where it is left, or it would never end. All that rules reserve must fit "
         "into half of the flow table, and at most 16 rules may reserve anything: what is kept for some is missing for "
         "the others.",
         "pressure: { enter: 70%, leave: 90% }", "pressure: { enter: 90%, leave: 70% }"},
    Code{"P090", "a rule cuts across too many others",
         "Addresses become classes, and a rule the boxes of classes and ports that it covers. Scattered prefixes on "
         "both "
         "sides, cut to pieces by the lists of other rules, can make too many of them. Use wider prefixes, or put what "
         "belongs together into one address set: however many prefixes it has, it cuts as one.",
         "", ""},
    Code{"P091", "a classifier cannot be built",
         "For lack of memory: give the appliance more, or make rules and address sets smaller.", "", ""},
    Code{"W101", "defined, but not used",
         "Nothing refers to the address set, service, zone or timeouts profile. A rule may have been forgotten, or "
         "removed without it.",
         "", ""},
    Code{"W102", "the two ends of a wire differ in MTU",
         "Packets that come in by the end with the larger MTU may be dropped at the other (reason mtu_exceeded).", "",
         ""},
    Code{"W103", "no wire joins the zones of a rule",
         "The rule can never match: no interface of 'from' has a peer in 'to'.", "", ""},
    Code{"W104", "nothing tells an answer from a question",
         "TCP answers carry ACK or RST; UDP has no such mark. The reply half of an untracked UDP rule therefore lets "
         "the "
         "server reach every port of the clients from its service port, unasked. Track such a rule, or say which ports "
         "clients ask from.",
         "service: dns\ntrack: false\nreply: mirror",
         "from: { ports: [1024-65535] }\nservice: dns\ntrack: false\nreply: mirror"},
    Code{"W105", "a rule that can never match",
         "The first rule that matches decides. An earlier one takes every packet that this one describes: zones, "
         "addresses, protocol and ports of this one all lie within it. Move it up, or take it out.",
         "", ""},
    Code{"W106", "answers to an untracked rule go to an earlier rule",
         "The reply half of an untracked rule stands in the list where the rule stands. An earlier rule describes all "
         "of "
         "the answers, so they are judged by that one. Move the untracked rule above it.",
         "", ""},
    Code{"W107", "the search for rules that never match was cut short",
         "Comparing every rule with every earlier one takes the square of their number; after a fixed amount of work "
         "the "
         "rest is not compared. The policy itself is read in full.",
         "", ""},
    Code{"W108", "a tracked rule for ICMP messages that begin no flow",
         "A tracked rule allows what opens a flow, and the answers. An ICMP message that asks for no answer opens "
         "none, so "
         "it is dropped (reason not_a_query). Use 'track: false' with 'reply: none'.",
         "icmp_type: packet_too_big\naction: allow",
         "icmp_type: packet_too_big\naction: allow\ntrack: false\nreply: none"},
    Code{"W109", "a rule about neighbour discovery, which no rule is asked about",
         "Neighbour and router solicitations and advertisements (ICMPv6 133 to 136, code 0, hop limit 255) pass a wire "
         "as ARP does, or no host behind it would find another. The rule has no effect on them.",
         "", ""},
    Code{"W110", "the rules want more memory than they are given",
         "Within 'tables: { rules: { memory: … } }' (2Gi unless said) the rules could not be laid out as quickly as "
         "possible, and are looked up slower, but as right. The rules with the most table entries are named: mostly "
         "they have many ranges and prefixes that cut across those of others. 'sluicectl policy check --verbose' shows "
         "them all.",
         "", "tables: { rules: { memory: 4Gi } }"},
};

constexpr bool in_order() {
    for (std::size_t i = 1; i < kCodes.size(); ++i) {
        if (!(kCodes[i - 1].code < kCodes[i].code)) return false;
    }
    return true;
}
static_assert(in_order());

} // namespace

std::span<const Code> codes() {
    return kCodes;
}

const Code* find_code(std::string_view code) {
    const auto found = std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& c) { return c.code == code; });
    return found == kCodes.end() ? nullptr : &*found;
}

} // namespace sluice::policy
