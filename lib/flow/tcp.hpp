// TCP's states: flags in, next state out.
//
// The table is that of Linux's nf_conntrack_proto_tcp.c in its strict setting (tcp_loose = 0), written down cell by
// cell. Sequence numbers and windows are flow/tcp_tracker.hpp's.
#pragma once

#include "flow/key.hpp"
#include "flow/state.hpp"
#include "net/protocol.hpp"

#include <array>
#include <cstdint>

namespace sluice::flow::tcp {

/// What a segment is, by the flags that move the state (RFC 9293, 3.10.7). RST outranks SYN outranks FIN.
enum class Segment : std::uint8_t { syn, syn_ack, fin, ack, rst, none };

constexpr Segment classify(std::uint8_t flags) {
    using namespace net::tcp_flag;
    if (flags & kRst) return Segment::rst;
    if (flags & kSyn) return flags & kAck ? Segment::syn_ack : Segment::syn;
    if (flags & kFin) return Segment::fin;
    return flags & kAck ? Segment::ack : Segment::none;
}

/// Whether a host following RFC 9293 may send this combination of SYN, FIN, RST, ACK and URG. PSH and the ECN bits
/// do not matter. Everything else (null, Xmas, SYN+FIN, …) is a probe.
constexpr bool flags_possible(std::uint8_t flags) {
    using namespace net::tcp_flag;
    switch (flags & (kSyn | kFin | kRst | kAck | kUrg)) {
    case kSyn:
    case kSyn | kUrg:
    case kSyn | kAck:
    case kRst:
    case kRst | kAck:
    case kFin | kAck:
    case kFin | kAck | kUrg:
    case kAck:
    case kAck | kUrg: return true;
    default: return false;
    }
}

/// What a table cell says.
enum class Step : std::uint8_t {
    move,    ///< pass, and the state becomes `next`
    pass,    ///< pass, the state stays
    refuse,  ///< drop, the state stays
    restart, ///< a SYN that reuses the ports of a finished flow: a new flow, judged anew
};

struct Transition {
    Step step = Step::refuse;
    State next = State::tcp_syn_sent;
};

namespace detail {

constexpr Transition to(State next) {
    return {Step::move, next};
}
inline constexpr Transition SS = to(State::tcp_syn_sent);
inline constexpr Transition SR = to(State::tcp_syn_received);
inline constexpr Transition ES = to(State::tcp_established);
inline constexpr Transition FW = to(State::tcp_fin_wait);
inline constexpr Transition CW = to(State::tcp_close_wait);
inline constexpr Transition LA = to(State::tcp_last_ack);
inline constexpr Transition TW = to(State::tcp_time_wait);
inline constexpr Transition CL = to(State::tcp_closed);
inline constexpr Transition S2 = to(State::tcp_syn_sent2);
inline constexpr Transition ig{Step::pass, State::tcp_syn_sent};
inline constexpr Transition iv{Step::refuse, State::tcp_syn_sent};
inline constexpr Transition nw{Step::restart, State::tcp_syn_sent};

inline constexpr std::size_t kSegments = 5;
inline constexpr std::size_t kTcpStates = 9;
static_assert(static_cast<std::size_t>(State::tcp_syn_sent2) + 1 == kTcpStates);

using Row = std::array<Transition, kTcpStates>;

// clang-format off
inline constexpr std::array<std::array<Row, kSegments>, 2> kTable = {{
  // From the end that opened the flow.
  {{ //         SS  SR  ES  FW  CW  LA  TW  CL  S2
    /* syn */ Row{SS, ig, ig, ig, ig, ig, nw, nw, S2},
    // SS: a retransmit. SR to LA: the other host answers it (challenge ACK, RFC 5961 4), the state stands.
    // TW, CL: port reuse, a new flow at once (RFC 9293, 3.6.1). S2: a retransmit in a simultaneous open.
    /* s/a */ Row{iv, SR, iv, iv, iv, iv, iv, iv, SR},
    // The opener answers no SYN, but for S2: simultaneous open, its half of the answer (RFC 9293, 3.5); SR: again.
    /* fin */ Row{iv, FW, FW, LA, LA, LA, TW, CL, iv},
    // SS, S2: nothing to finish yet. ES: first FIN. FW, CW: second FIN.
    /* ack */ Row{iv, ES, ES, CW, CW, TW, TW, CL, iv},
    // SS: an ACK before the SYN/ACK acknowledges nothing. SR: the handshake is complete. FW: the FIN is acknowledged.
    // LA: the last ACK.
    /* rst */ Row{CL, CL, CL, CL, CL, CL, CL, CL, CL},
  }},
  // From the other end.
  {{ //         SS  SR  ES  FW  CW  LA  TW  CL  S2
    /* syn */ Row{S2, iv, iv, iv, iv, iv, nw, iv, S2},
    // SS: simultaneous open (RFC 9293, 3.5). TW: the other end opens, if the rules let it. Otherwise the answering end
    // opens nothing inside this flow.
    /* s/a */ Row{SR, ig, ig, ig, ig, ig, ig, ig, SR},
    // SS: the answer. Later ones are retransmits.
    /* fin */ Row{iv, FW, FW, LA, LA, LA, TW, CL, iv},
    // SR: an end that answered may finish before the handshake's last ACK arrives.
    /* ack */ Row{ig, SR, ES, CW, CW, TW, TW, CL, ig},
    // SS: an ACK to a SYN means an old connection on that host; its RST follows, so it passes (RFC 9293, 3.5.2).
    // SR: not the ACK that completes the handshake.
    /* rst */ Row{CL, CL, CL, CL, CL, CL, CL, CL, CL},
    // SS: refused.
  }},
}};
// clang-format on

} // namespace detail

/// What `segment`, sent by the `direction` end, does to a flow in TCP state `state`. Never called with Segment::none:
/// flags_possible() refuses those before.
constexpr Transition transition(Direction direction, Segment segment, State state) {
    return detail::kTable[static_cast<std::size_t>(direction)][static_cast<std::size_t>(segment)]
                         [static_cast<std::size_t>(state)];
}

} // namespace sluice::flow::tcp
