// TCP with both directions' windows: whether a segment belongs into its flow, and what it does to it.
//
// The rules are those of Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter" (2000), as Linux's
// nf_conntrack applies them in its strict setting (tcp_loose = 0, tcp_be_liberal = 0). For a segment from `sender`:
//
//   I.   its first byte is not beyond what the receiver has allowed:   seq <= sender.max_end
//   II.  its end is not older than a window before what was sent:      end >= sender.end - window of the receiver
//   III. it acknowledges nothing that was not sent:                    ack <= receiver.end
//   IV.  its acknowledgment is not older than a window:                ack >= receiver.end - max(window, 66,000)
//
// What breaks I or III is refused. What breaks only II or IV is old: it passes, since the host answers it (RFC 9293,
// 3.10.7.4), and changes nothing.
//
// Owner: one worker. All state is in Tracker, 32 bytes of the flow's entry.
#pragma once

#include "flow/key.hpp"
#include "flow/state.hpp"
#include "flow/tcp.hpp"

#include <cstdint>

namespace sluice::flow::tcp {

/// Arrival::window_scale of a segment that offers none.
inline constexpr std::uint8_t kNoScale = 15;
inline constexpr std::uint8_t kMaxScale = 14; ///< RFC 7323, 2.3

/// What of a segment the tracker looks at, in host order.
struct Arrival {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint32_t sack_edge = 0;          ///< the highest right edge of its SACK blocks; `acknowledgment` without any
    std::uint32_t length = 0;             ///< bytes of data
    std::uint16_t window = 0;             ///< as it stands in the header
    std::uint8_t flags = 0;               ///< net::tcp_flag
    std::uint8_t window_scale = kNoScale; ///< of the option, at most kMaxScale
    bool sack_permitted = false;

    /// The sequence number behind the segment; SYN and FIN count as a byte each (RFC 9293, 3.4).
    [[nodiscard]] std::uint32_t end() const {
        const std::uint32_t syn = flags & net::tcp_flag::kSyn ? 1 : 0;
        const std::uint32_t fin = flags & net::tcp_flag::kFin ? 1 : 0;
        return sequence + length + syn + fin;
    }
};

/// What one end of a flow has sent and said.
struct Side {
    std::uint32_t end;     ///< behind the last byte it sent
    std::uint32_t max_end; ///< as far as the other end has let it send
    std::uint32_t max_ack; ///< the highest acknowledgment it sent, if `acked`
};

/// What is known about both ends, and about the last segments, in one word. Bit d of a pair is end d.
struct Known {
    std::uint32_t scale0 : 4, scale1 : 4; ///< shift of the windows each end announces; kNoScale: none offered
    std::uint32_t seen : 2;               ///< the end has been heard of
    std::uint32_t acked : 2;              ///< it has acknowledged something
    std::uint32_t sack : 2;               ///< it permits selective acknowledgments
    std::uint32_t unanswered : 2;         ///< it sent data that is not acknowledged yet
    std::uint32_t last_kind : 3;          ///< Segment of the last segment that counted
    std::uint32_t last_direction : 1;
    std::uint32_t syn_scale : 4; ///< of a SYN that was passed into a live flow
    std::uint32_t syn_sack : 1;
    std::uint32_t retransmits : 2; ///< in a row, without an answer; stays at 3
    std::uint32_t zero_window : 1; ///< the last window announced was zero
    std::uint32_t simultaneous : 1;
    std::uint32_t loose : 1;     ///< picked up in its middle: windows are not known
    std::uint32_t challenge : 1; ///< a SYN was passed while the last FIN's ACK was awaited
    std::uint32_t spare : 1;
};
static_assert(sizeof(Known) == 4);

/// Plain memory: only the owner looks.
struct Tracker {
    Side side[2];           ///< by direction
    std::uint32_t last_end; ///< end of the segment that `last_kind` tells of
    Known known;
};
static_assert(sizeof(Tracker) == 32);

/// What becomes of a segment.
enum class Outcome : std::uint8_t {
    move,          ///< passes; the flow's state becomes `next` and it counts as seen
    pass,          ///< passes and refreshes nothing: old, or a probe that the host itself has to answer
    restart,       ///< a SYN for the ports of a finished flow: a new flow, judged anew
    finish,        ///< passes, and the flow is over: the only answer to its SYN was an RST
    refuse_state,  ///< dropped: does not fit the state
    refuse_window, ///< dropped: outside the windows, or a reset that is not in order
};

/// What the entry knows beside the tracker.
struct Standing {
    State state = State::tcp_syn_sent;
    bool replied = false;
    bool assured = false;
};

/// Begins with a SYN. `tracker` is zeroed.
void open(Tracker& tracker, const Arrival& syn);
/// Begins in the middle, with whatever the segment says (`pickup: loose`). `tracker` is zeroed.
void pick_up(Tracker& tracker, const Arrival& segment);

/// Judges a segment with possible flags (flags_possible()) from the `direction` end. Changes `tracker` only when the
/// segment passes, and sets `next` only for Outcome::move. (Two results side by side in one register would be put
/// together in memory: a stall for every segment.)
Outcome judge(Tracker& tracker, const Standing& standing, Direction direction, const Arrival& segment, State& next);

/// Whether the flow waits for an end that may be gone: data unanswered, retransmitted three times, or no window. Its
/// timeout is then capped (`tcp_stalled`).
inline bool stalled(const Tracker& tracker) {
    return tracker.known.retransmits == 3 || tracker.known.unanswered != 0 || tracker.known.zero_window != 0;
}

/// Whether `sequence`, quoted by an ICMP error, is one that the `direction` end has in flight or had within a window
/// (RFC 5927, 4.1).
bool may_be_quoted(const Tracker& tracker, Direction direction, std::uint32_t sequence);

} // namespace sluice::flow::tcp
