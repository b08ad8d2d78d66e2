// Why a packet was not forwarded. One list: the counters, the CLI, the logs and the manual all read it.
//
// Reasons exclude each other: a dropped packet counts under exactly one, so that
// received + made = forwarded + answered + sum of drops + held (see telemetry/counters.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::telemetry {

// clang-format off
#define SLUICE_DROP_REASONS(X) \
    X(no_rule,                      "no rule matched and the default action is drop") \
    X(rule_drop,                    "a rule with action drop matched") \
    X(policy_changed,               "the flow was allowed by an earlier policy and no longer is") \
    X(not_a_syn,                    "a TCP packet that belongs to no flow and does not open one") \
    X(syn_cookie_bad,               "a TCP packet that belongs to no flow and acknowledges no cookie of ours, or one that is too old") \
    X(not_a_query,                  "an ICMP message that belongs to no flow and asks for no answer") \
    X(tcp_bad_flags,                "a combination of TCP flags that no host sends") \
    X(tcp_bad_state,                "a TCP packet that does not fit the state of its flow") \
    X(tcp_out_of_window,            "a TCP packet outside the windows of its flow, or a reset that is not in order") \
    X(not_an_init,                  "an SCTP packet that belongs to no association and does not open one") \
    X(sctp_bad_state,               "an SCTP packet that does not fit the state of its association") \
    X(sctp_bad_tag,                 "an SCTP packet without the verification tag that its receiver wants") \
    X(icmp_unrelated,               "an ICMP error that quotes no packet of a known flow") \
    X(spoofed_source,               "a packet that cannot come from where it claims: from its own destination, or from the other side of its flow") \
    X(untracked_syn_on_reply,       "a TCP packet without ACK or RST on the reply half of an untracked rule") \
    X(untracked_query_on_reply,     "an ICMP query on the reply half of an untracked rule") \
    X(flow_table_full,              "no room for a new flow, and none could be made") \
    X(fragment_timeout,             "the rest of the fragment's datagram did not come in time") \
    X(fragment_overlap,             "fragments of one datagram overlap or disagree about its end") \
    X(fragment_duplicate,           "a fragment that was there already, byte for byte") \
    X(fragment_tiny,                "a TCP fragment that begins inside the TCP header") \
    X(fragment_limit,               "more fragments than a datagram may have") \
    X(fragment_table_full,          "the oldest incomplete datagram made room for the fragments of others") \
    X(bad_ethernet_header,          "the frame ends before its Ethernet or VLAN header does, or has more than two tags") \
    X(bad_ip_header,                "the IP header contradicts itself or the frame") \
    X(bad_extension_header,         "an IPv6 extension header chain that is cut off, too long or out of order") \
    X(bad_l4_header,                "the transport header is cut off or contradicts the IP length") \
    X(bad_checksum,                 "a checksum is wrong") \
    X(martian_source,               "a source address that no host sends from, such as a loopback or multicast one") \
    X(source_route,                 "an IPv4 option that says by which way to go") \
    X(ipv4_options,                 "an IPv4 option, where the policy wants none") \
    X(routing_header,               "an IPv6 routing header of type 0 that sends the packet elsewhere") \
    X(ttl_expired,                  "a TTL or hop limit of zero") \
    X(stacked_vlan,                 "a VLAN tag behind one of 802.1Q, where the policy does not allow it") \
    X(unknown_ethertype,            "a frame that is not IP, of a type that the policy does not let pass") \
    X(frame_in_pieces,              "a frame that did not fit one buffer") \
    X(no_peer,                      "the interface has no peer to forward to") \
    X(mtu_exceeded,                 "the frame is longer than the peer's MTU allows") \
    X(handoff_full,                 "the ring to the worker that owns the flow was full") \
    X(tx_queue_full,                "the port's transmit queue did not take the packet") \
    X(peer_down,                    "the peer's link is down") \
    X(shutdown,                     "still held when the appliance stopped") \
    X(internal_error,               "a state that should not exist; please report it")
// clang-format on

enum class DropReason : std::uint8_t {
#define SLUICE_ENUMERATOR(name, text) name,
    SLUICE_DROP_REASONS(SLUICE_ENUMERATOR)
#undef SLUICE_ENUMERATOR
};

inline constexpr std::array kDropReasonNames = {
#define SLUICE_NAME(name, text) std::string_view(#name),
    SLUICE_DROP_REASONS(SLUICE_NAME)
#undef SLUICE_NAME
};

inline constexpr std::array kDropReasonTexts = {
#define SLUICE_TEXT(name, text) std::string_view(text),
    SLUICE_DROP_REASONS(SLUICE_TEXT)
#undef SLUICE_TEXT
};

inline constexpr std::size_t kDropReasonCount = kDropReasonNames.size();
static_assert(kDropReasonCount < 255);

constexpr std::string_view name(DropReason reason) {
    return kDropReasonNames[static_cast<std::size_t>(reason)];
}
/// What it means, in one clause without a full stop.
constexpr std::string_view text(DropReason reason) {
    return kDropReasonTexts[static_cast<std::size_t>(reason)];
}

constexpr std::optional<DropReason> drop_reason_from_name(std::string_view wanted) {
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        if (kDropReasonNames[i] == wanted) return static_cast<DropReason>(i);
    }
    return std::nullopt;
}

} // namespace sluice::telemetry
