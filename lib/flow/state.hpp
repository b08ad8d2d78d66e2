// The states a flow can be in, over all protocols, and which timeout each has.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::flow {

/// TCP states carry Linux's names (nf_conntrack), because operators know them; see flow/tcp.hpp for the transitions.
enum class State : std::uint8_t {
    tcp_syn_sent,
    tcp_syn_received,
    tcp_established,
    tcp_fin_wait,
    tcp_close_wait,
    tcp_last_ack,
    tcp_time_wait,
    tcp_closed,
    tcp_syn_sent2, ///< both ends sent a SYN
    udp_new,
    udp_established,
    icmp_query,
    other_new,
    other_established,
    count
};
inline constexpr std::size_t kStateCount = static_cast<std::size_t>(State::count);
static_assert(kStateCount <= 16);

inline constexpr std::array<std::string_view, kStateCount> kStateNames = {
    "tcp_syn_sent",    "tcp_syn_received", "tcp_established", "tcp_fin_wait",     "tcp_close_wait",
    "tcp_last_ack",    "tcp_time_wait",    "tcp_closed",      "tcp_syn_sent2",    "udp_new",
    "udp_established", "icmp_query",       "other_new",       "other_established"};

constexpr std::string_view name(State state) {
    return kStateNames[static_cast<std::size_t>(state)];
}

/// The keys of a timeout profile, in the order in which profiles store them.
enum class TimeoutClass : std::uint8_t {
    tcp_new,
    tcp_established,
    tcp_closing,
    udp_new,
    udp_established,
    icmp,
    other,
    count
};
inline constexpr std::size_t kTimeoutClassCount = static_cast<std::size_t>(TimeoutClass::count);

constexpr TimeoutClass timeout_class(State state) {
    switch (state) {
    case State::tcp_syn_sent:
    case State::tcp_syn_received:
    case State::tcp_syn_sent2: return TimeoutClass::tcp_new;
    case State::tcp_established: return TimeoutClass::tcp_established;
    case State::tcp_fin_wait:
    case State::tcp_close_wait:
    case State::tcp_last_ack:
    case State::tcp_time_wait:
    case State::tcp_closed: return TimeoutClass::tcp_closing;
    case State::udp_new: return TimeoutClass::udp_new;
    case State::udp_established: return TimeoutClass::udp_established;
    case State::icmp_query: return TimeoutClass::icmp;
    case State::other_new:
    case State::other_established:
    case State::count: break;
    }
    return TimeoutClass::other;
}

/// What gives way first when the table is full: lower values go first.
enum class EvictionClass : std::uint8_t { closing, unanswered, idle };

constexpr EvictionClass eviction_class(State state) {
    switch (timeout_class(state)) {
    case TimeoutClass::tcp_closing: return EvictionClass::closing;
    case TimeoutClass::tcp_new:
    case TimeoutClass::udp_new: return EvictionClass::unanswered;
    default:
        return state == State::other_new || state == State::icmp_query ? EvictionClass::unanswered
                                                                       : EvictionClass::idle;
    }
}

} // namespace sluice::flow
