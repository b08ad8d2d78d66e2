// The states a flow can be in, over all protocols, and which timeout each has.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::flow {

/// TCP states carry Linux's names (nf_conntrack), because operators know them; see flow/tcp.hpp for the transitions.
/// SCTP states carry those of RFC 9260, 4.
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
    sctp_cookie_wait,
    sctp_cookie_echoed,
    sctp_established,
    sctp_shutdown_sent,
    sctp_shutdown_received,
    sctp_shutdown_ack_sent,
    sctp_closed,
    udp_new,
    udp_established,
    icmp_query,
    other_new,
    other_established,
    count
};
inline constexpr std::size_t kStateCount = static_cast<std::size_t>(State::count);
static_assert(kStateCount <= 32);

inline constexpr std::array<std::string_view, kStateCount> kStateNames = {"tcp_syn_sent",
                                                                          "tcp_syn_received",
                                                                          "tcp_established",
                                                                          "tcp_fin_wait",
                                                                          "tcp_close_wait",
                                                                          "tcp_last_ack",
                                                                          "tcp_time_wait",
                                                                          "tcp_closed",
                                                                          "tcp_syn_sent2",
                                                                          "sctp_cookie_wait",
                                                                          "sctp_cookie_echoed",
                                                                          "sctp_established",
                                                                          "sctp_shutdown_sent",
                                                                          "sctp_shutdown_received",
                                                                          "sctp_shutdown_ack_sent",
                                                                          "sctp_closed",
                                                                          "udp_new",
                                                                          "udp_established",
                                                                          "icmp_query",
                                                                          "other_new",
                                                                          "other_established"};

constexpr std::string_view name(State state) {
    return kStateNames[static_cast<std::size_t>(state)];
}

/// The keys of a timeout profile, in the order in which profiles store them.
enum class TimeoutClass : std::uint8_t {
    tcp_new,
    tcp_established,
    tcp_closing,
    tcp_stalled, ///< no state's own: what is left of another one while an end does not answer
    udp_new,
    udp_established,
    icmp,
    sctp_new,
    sctp_established,
    sctp_closing,
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
    case State::sctp_cookie_wait:
    case State::sctp_cookie_echoed: return TimeoutClass::sctp_new;
    case State::sctp_established: return TimeoutClass::sctp_established;
    case State::sctp_shutdown_sent:
    case State::sctp_shutdown_received:
    case State::sctp_shutdown_ack_sent:
    case State::sctp_closed: return TimeoutClass::sctp_closing;
    case State::udp_new: return TimeoutClass::udp_new;
    case State::udp_established: return TimeoutClass::udp_established;
    case State::icmp_query: return TimeoutClass::icmp;
    case State::other_new:
    case State::other_established:
    case State::count: break;
    }
    return TimeoutClass::other;
}

/// What a flow's entry is worth to others when the table is full, and the order in which it gives way.
enum class EvictionClass : std::uint8_t {
    closing,    ///< over, but for late packets: both ends have finished, or one has given up
    half_open,  ///< a handshake under way, or a flow taken up from its middle that nobody has answered
    unanswered, ///< one-way so far, and no handshake to tell more
    answered,   ///< both ends take part: only another answered flow may take its place
};
inline constexpr std::size_t kEvictionClassCount = 4;

namespace detail {

/// Nothing is to come any more. After one FIN, the other end may still have much to say, and the last ACK of two is
/// still wanted by who waits for it.
constexpr bool is_finished(State state) {
    return state == State::tcp_time_wait || state == State::tcp_closed || state == State::sctp_closed;
}

constexpr EvictionClass work_out_eviction_class(State state, bool replied) {
    if (is_finished(state)) return EvictionClass::closing;
    switch (timeout_class(state)) {
    case TimeoutClass::tcp_new:
    case TimeoutClass::sctp_new: return EvictionClass::half_open;
    case TimeoutClass::tcp_established:
    case TimeoutClass::tcp_closing:
    case TimeoutClass::sctp_established:
    case TimeoutClass::sctp_closing: return replied ? EvictionClass::answered : EvictionClass::half_open;
    case TimeoutClass::udp_new: return EvictionClass::unanswered;
    default:
        return state == State::other_new || state == State::icmp_query ? EvictionClass::unanswered
                                                                       : EvictionClass::answered;
    }
}

inline constexpr auto kEvictionClasses = [] {
    std::array<std::array<EvictionClass, kStateCount>, 2> all{};
    for (std::size_t s = 0; s < kStateCount; ++s) {
        all[0][s] = work_out_eviction_class(static_cast<State>(s), false);
        all[1][s] = work_out_eviction_class(static_cast<State>(s), true);
    }
    return all;
}();

} // namespace detail

/// `replied`: the other end has sent something.
constexpr EvictionClass eviction_class(State state, bool replied) {
    return detail::kEvictionClasses[replied ? 1 : 0][static_cast<std::size_t>(state)];
}

} // namespace sluice::flow
