#include "flow/sctp.hpp"

#include <algorithm>
#include <array>

namespace sluice::flow::sctp {
namespace {

constexpr std::size_t kFirst = static_cast<std::size_t>(State::sctp_cookie_wait);
constexpr std::size_t kStates = static_cast<std::size_t>(State::sctp_closed) - kFirst + 1;
static_assert(kStates == 7);

constexpr Judgement to(State next) {
    return {Outcome::move, next};
}
constexpr Judgement CW = to(State::sctp_cookie_wait);
constexpr Judgement CE = to(State::sctp_cookie_echoed);
constexpr Judgement ES = to(State::sctp_established);
constexpr Judgement SS = to(State::sctp_shutdown_sent);
constexpr Judgement SR = to(State::sctp_shutdown_received);
constexpr Judgement SA = to(State::sctp_shutdown_ack_sent);
constexpr Judgement CL = to(State::sctp_closed);
constexpr Judgement iv{Outcome::refuse, State::sctp_cookie_wait};
constexpr Judgement nw{Outcome::restart, State::sctp_cookie_wait};

using Row = std::array<Judgement, kStates>;

// SS: the opener has sent SHUTDOWN. SR: the other end has. SA: one of them has acknowledged it.
// clang-format off
constexpr std::array<std::array<Row, kChunks>, 2> kTable = {{
  // From the end that opened the association.
  {{ //                 CW  CE  ES  SS  SR  SA  CL
    /* init          */ Row{CW, iv, iv, iv, iv, iv, nw},
    // CW: a retransmit. CL: a new association (RFC 9260, 5.2.2). A host that lost its state answers what it gets with
    // an ABORT, which closes the flow; its INIT opens a new one then.
    /* init_ack      */ Row{iv, iv, iv, iv, iv, iv, iv},
    /* abort         */ Row{CL, CL, CL, CL, CL, CL, CL},
    /* shutdown      */ Row{iv, iv, SS, SS, SR, SA, iv},
    // SR: both shut down at once (9.2); each acknowledges the other's.
    /* shutdown_ack  */ Row{iv, iv, iv, SA, SA, SA, CL},
    // CL: the SHUTDOWN COMPLETE was lost (9.2); the other end, or what is left of it, answers again (8.4).
    /* cookie_echo   */ Row{CE, CE, ES, iv, iv, iv, iv},
    // ES: the COOKIE ACK was lost.
    /* cookie_ack    */ Row{iv, iv, iv, iv, iv, iv, iv},
    /* shutdown_comp */ Row{iv, iv, iv, iv, iv, CL, CL},
    /* other         */ Row{iv, CE, ES, SS, SR, SA, iv},
    // CE: data may travel with the COOKIE ECHO and behind it (5.1 C).
  }},
  // From the other end.
  {{ //                 CW  CE  ES  SS  SR  SA  CL
    /* init          */ Row{iv, iv, iv, iv, iv, iv, iv},
    /* init_ack      */ Row{CW, CE, iv, iv, iv, iv, iv},
    /* abort         */ Row{CL, CL, CL, CL, CL, CL, CL},
    /* shutdown      */ Row{iv, iv, SR, SS, SR, SA, iv},
    /* shutdown_ack  */ Row{iv, iv, iv, SA, SA, SA, CL},
    /* cookie_echo   */ Row{iv, iv, iv, iv, iv, iv, iv},
    /* cookie_ack    */ Row{iv, ES, ES, iv, iv, iv, iv},
    /* shutdown_comp */ Row{iv, iv, iv, iv, iv, CL, CL},
    /* other         */ Row{iv, CE, ES, SS, SR, SA, iv},
    // CE: an ERROR, such as a stale cookie (5.2.6).
  }},
}};
// clang-format on

bool is_offered(const Tracker& tracker, std::uint32_t tag) {
    return tag != 0 &&
           std::find(std::begin(tracker.offered), std::end(tracker.offered), tag) != std::end(tracker.offered);
}

/// An INIT ACK while the opener has taken none yet.
void offer(Tracker& tracker, std::uint32_t tag) {
    if (tag == tracker.tag[1] || is_offered(tracker, tag)) return;
    std::copy_backward(std::begin(tracker.offered), std::end(tracker.offered) - 1, std::end(tracker.offered));
    tracker.offered[0] = tracker.tag[1];
    tracker.tag[1] = tag;
}

/// RFC 9260, 8.5 and 8.5.1.
bool tag_fits(const Tracker& tracker, Direction direction, const Arrival& packet) {
    if (packet.chunk == Chunk::init) return packet.tag == 0;
    const auto sender = static_cast<std::size_t>(direction);
    const std::size_t receiver = 1 - sender;
    const bool ends = packet.chunk == Chunk::abort || packet.chunk == Chunk::shutdown_complete;
    const std::uint32_t wanted = ends && packet.tag_reflected ? tracker.tag[sender] : tracker.tag[receiver];
    return (wanted != 0 && packet.tag == wanted) || (receiver == 1 && is_offered(tracker, packet.tag));
}

} // namespace

bool opens(const Arrival& packet) {
    return packet.chunk == Chunk::init && packet.tag == 0 && packet.initiate != 0;
}

void open(Tracker& tracker, const Arrival& init) {
    tracker.tag[0] = init.initiate;
}

Judgement judge(Tracker& tracker, State state, Direction direction, const Arrival& packet) {
    const Judgement step = kTable[static_cast<std::size_t>(direction)][static_cast<std::size_t>(packet.chunk)]
                                 [static_cast<std::size_t>(state) - kFirst];
    if (step.outcome != Outcome::move) return step;
    if (!tag_fits(tracker, direction, packet)) return {Outcome::refuse_tag, state};
    if (packet.chunk == Chunk::init || packet.chunk == Chunk::init_ack) {
        if (packet.initiate == 0) return {Outcome::refuse_tag, state}; // RFC 9260, 3.3.2 and 3.3.3
        if (packet.chunk == Chunk::init)
            tracker.tag[0] = packet.initiate;
        else if (state == State::sctp_cookie_wait) // behind the COOKIE ECHO its receiver discards it (5.2.3)
            offer(tracker, packet.initiate);
    } else if (packet.chunk == Chunk::cookie_echo && state == State::sctp_cookie_wait) {
        tracker.tag[1] = packet.tag;
        std::fill(std::begin(tracker.offered), std::end(tracker.offered), 0u);
    }
    return step;
}

bool may_be_quoted(const Tracker& tracker, Direction direction, std::uint32_t tag) {
    return tag == 0 ? direction == Direction::original : tag == tracker.tag[1 - static_cast<std::size_t>(direction)];
}

} // namespace sluice::flow::sctp
