#include "flow/tcp_tracker.hpp"

#include "flow/tcp_ordinary.hpp"

#include <algorithm>

namespace sluice::flow::tcp {
namespace {

/// A SYN's window is not scaled (RFC 7323, 2.2), so it is not above this.
constexpr std::uint32_t kLargestUnscaledWindow = 65'535;

constexpr unsigned index_of(Direction direction) {
    return static_cast<unsigned>(direction);
}
constexpr std::uint32_t bit_of(Direction direction) {
    return 1u << index_of(direction);
}

constexpr unsigned number_of(Segment kind) {
    return static_cast<unsigned>(kind);
}

std::uint32_t scale_of(const Known& known, Direction direction) {
    const std::uint32_t scale = direction == Direction::original ? known.scale0 : known.scale1;
    return scale == kNoScale ? 0 : scale;
}

void take_options(Known& known, Direction direction, std::uint32_t scale, bool sack) {
    if (direction == Direction::original)
        known.scale0 = scale & 15u;
    else
        known.scale1 = scale & 15u;
    known.sack = (sack ? known.sack | bit_of(direction) : known.sack & ~bit_of(direction)) & 3u;
}

/// RFC 7323, 2.2: both ends offer scaling in their SYNs, or neither scales.
void agree_on_scaling(Known& known) {
    if (known.scale0 != kNoScale && known.scale1 != kNoScale) return;
    known.scale0 = kNoScale;
    known.scale1 = kNoScale;
}

/// How much the end that sent `acknowledging` lets the end of `sending` send from what it acknowledged last; 0 before
/// it did.
std::uint32_t room_for(const Side& sending, const Side& acknowledging, bool acked) {
    const std::uint32_t room = sending.max_end - acknowledging.max_ack;
    return acked && static_cast<std::int32_t>(room) > 0 ? room : 0;
}

/// A SYN or SYN/ACK from an end that begins, or begins again.
void begin_side(Side& side, Known& known, Direction direction, const Arrival& segment, std::uint32_t first_window) {
    side.end = segment.end();
    side.max_end = side.end + first_window;
    known.seen = (known.seen | bit_of(direction)) & 3u;
    take_options(known, direction, segment.window_scale, segment.sack_permitted);
    if (direction == Direction::reply) agree_on_scaling(known);
}

/// A segment from an end of which nothing is known: the flow was picked up, or begins again with the other end's SYN.
void join_side(Side& sender, Side& receiver, Known& known, Direction direction, const Arrival& segment,
               std::uint32_t sack) {
    sender.end = segment.end();
    sender.max_end = sender.end + std::max<std::uint32_t>(1, segment.window);
    known.seen = (known.seen | bit_of(direction)) & 3u;
    if (!(known.seen & bit_of(opposite(direction)))) {
        receiver.end = sack;
        receiver.max_end = sack;
    } else if (sack == receiver.end + 1) {
        ++receiver.end; // the answer to a keep-alive
    }
}

enum class Fit : std::uint8_t { inside, old, outside };

/// One segment against the windows. Works on copies, so that a segment that is refused leaves no trace.
class WindowCheck {
  public:
    WindowCheck(const Tracker& tracker, State state, Direction direction, const Arrival& segment)
        : segment_(segment)
        , state_(state)
        , direction_(direction)
        , sender_(tracker.side[index_of(direction)])
        , receiver_(tracker.side[index_of(opposite(direction))])
        , known_(tracker.known)
        , last_end_(tracker.last_end)
        , sequence_(segment.sequence)
        , end_(segment.end())
        , acknowledgment_(segment.acknowledgment)
        , sack_(tracker.known.sack & bit_of(opposite(direction)) ? segment.sack_edge : segment.acknowledgment) {}

    Fit run() {
        if (begins()) return Fit::inside;
        assume_what_is_missing();
        const Fit fit = place();
        if (fit != Fit::inside && !known_.loose) return fit;
        take_over();
        return Fit::inside;
    }

    /// Makes what run() found out the tracker's.
    void commit(Tracker& tracker) const {
        tracker.side[index_of(direction_)] = sender_;
        tracker.side[index_of(opposite(direction_))] = receiver_;
        tracker.known = known_;
        tracker.last_end = last_end_;
    }

  private:
    [[nodiscard]] bool has(std::uint8_t flag) const { return segment_.flags & flag; }

    /// Takes in an end that begins with this segment. True when there is nothing to compare it with: the SYN of a
    /// simultaneous open.
    bool begins() {
        const bool syn = has(net::tcp_flag::kSyn);
        const bool heard_of = known_.seen & bit_of(direction_);
        if (heard_of && !syn) [[likely]]
            return false;
        if (!syn) {
            join_side(sender_, receiver_, known_, direction_, segment_, sack_);
            return false;
        }
        // RFC 9293, 3.10.7: a SYN sent again may have a new initial sequence number and other options.
        const bool handshake = state_ == State::tcp_syn_sent || state_ == State::tcp_syn_received;
        if (heard_of && !(handshake && after(end_, sender_.end))) return false;
        // Before an end is heard of, its limit is what the other one's SYN lets it send.
        const std::uint32_t first_window = heard_of ? sender_.max_end - sender_.end : sender_.max_end;
        begin_side(sender_, known_, direction_, segment_, first_window);
        return !has(net::tcp_flag::kAck) && (!heard_of || direction_ == Direction::reply);
    }

    void assume_what_is_missing() {
        using namespace net::tcp_flag;
        // RFC 9293, 3.10.7.3: an RST that answers a SYN may bear no acknowledgment, or a broken zero.
        if (!has(kAck) || (has(kRst) && acknowledgment_ == 0)) {
            acknowledgment_ = receiver_.end;
            sack_ = receiver_.end;
        }
        if (has(kRst) && sequence_ == 0 && state_ == State::tcp_syn_sent) {
            sequence_ = sender_.end;
            end_ = sender_.end;
        }
    }

    /// Rules I to IV.
    Fit place() {
        const std::uint32_t window = room_for(sender_, receiver_, known_.acked & bit_of(opposite(direction_)));
        const std::uint32_t own_window = room_for(receiver_, sender_, known_.acked & bit_of(direction_));
        const bool recent = window == 0 || after(end_, sender_.end - window - 1);
        const std::uint32_t oldest = receiver_.end - std::max(own_window, kLateAcknowledgment);
        const bool both_recent = recent && after(sack_, oldest - 1);
        if (after(sack_, receiver_.end)) return Fit::outside;
        if (after(sequence_, sender_.max_end)) [[unlikely]]
            return overshoots_a_little(window, both_recent);
        return both_recent ? Fit::inside : Fit::old;
    }

    /// Hosts exist that send a little more than they may; the data is theirs all the same, and its acknowledgment must
    /// be understood (Linux, since 5.19).
    Fit overshoots_a_little(std::uint32_t window, bool recent) {
        if (!recent) return Fit::outside;
        if (!after(end_, sender_.end)) return Fit::old; // nothing new
        if (window == 0 || end_ - sender_.max_end + 1 > window) return Fit::outside;
        sender_.end = end_;
        known_.unanswered = (known_.unanswered | bit_of(direction_)) & 3u;
        return Fit::old;
    }

    void take_over() {
        const std::uint32_t scale = has(net::tcp_flag::kSyn) ? 0 : scale_of(known_, direction_);
        const std::uint32_t window = std::uint32_t{segment_.window} << scale;
        const bool acked_before = known_.acked & bit_of(direction_);
        const bool acknowledges_more = !acked_before || after(acknowledgment_, sender_.max_ack);
        const bool sends_more = after(end_, sender_.end);
        std::uint32_t unanswered = known_.unanswered;
        if (sends_more) {
            sender_.end = end_;
            unanswered |= bit_of(direction_);
        }
        if (has(net::tcp_flag::kAck) && acknowledges_more) {
            sender_.max_ack = acknowledgment_;
            known_.acked = (known_.acked | bit_of(direction_)) & 3u;
        }
        // A window of zero lets one byte through, as a probe (RFC 9293, 3.8.6.1).
        const std::uint32_t allowed = sack_ + std::max<std::uint32_t>(window, 1);
        if (after(allowed, receiver_.max_end) || !(known_.seen & bit_of(opposite(direction_))))
            receiver_.max_end = allowed;
        if (acknowledgment_ == receiver_.end) unanswered &= ~bit_of(opposite(direction_));
        known_.unanswered = unanswered & 3u;
        known_.zero_window = segment_.window == 0;
        count_retransmits(sends_more || acknowledges_more);
    }

    void count_retransmits(bool news) {
        if (classify(segment_.flags) != Segment::ack) return;
        const bool again = !news && last_end_ == end_ && known_.last_kind == number_of(Segment::ack) &&
                           known_.last_direction == index_of(direction_);
        if (!again)
            known_.retransmits = 0;
        else if (known_.retransmits < kRetransmitsOfStalled)
            known_.retransmits = (known_.retransmits + 1) & 3u;
        last_end_ = end_;
    }

    const Arrival& segment_;
    State state_;
    Direction direction_;
    Side sender_;
    Side receiver_;
    Known known_;
    std::uint32_t last_end_;
    std::uint32_t sequence_;
    std::uint32_t end_;
    std::uint32_t acknowledgment_;
    std::uint32_t sack_;
};

/// What the flow remembers of a segment for the next ones.
void remember(Known& known, Direction direction, Segment kind) {
    known.last_kind = number_of(kind) & 7u;
    known.last_direction = index_of(direction) & 1u;
}

bool last_was(const Tracker& tracker, Direction direction, Segment kind) {
    return tracker.known.last_kind == number_of(kind) && tracker.known.last_direction == index_of(direction);
}

/// A SYN/ACK that answers a SYN which was passed into the live flow: the two hosts have begun again, and so does the
/// tracker.
void begin_again(Tracker& tracker, Direction answering) {
    const Direction opener = opposite(answering);
    Known& known = tracker.known;
    tracker.side[index_of(opener)] = Side{tracker.last_end, tracker.last_end, 0};
    tracker.side[index_of(answering)] = Side{0, kLargestUnscaledWindow, 0};
    take_options(known, opener, known.syn_scale, known.syn_sack);
    known.seen = bit_of(opener) & 3u;
    known.acked = 0;
    known.unanswered = 0;
    known.retransmits = 0;
    known.loose = 0;
    known.challenge = 0;
}

/// Linux's "ignored" cells: the flow may be out of step with its hosts, so what may tell the truth about them passes
/// and is remembered. An answer sorts it out.
void note_ignored(Tracker& tracker, const Standing& standing, Direction direction, Segment kind,
                  const Arrival& segment) {
    remember(tracker.known, direction, kind);
    tracker.last_end = segment.end();
    if (kind == Segment::syn && direction == Direction::original) {
        tracker.known.syn_scale = segment.window_scale & 15u;
        tracker.known.syn_sack = segment.sack_permitted;
        tracker.known.simultaneous = 0;
        tracker.known.challenge = standing.state == State::tcp_last_ack;
    }
    // The challenge of RFC 5961, 4.2, or the ACK of RFC 9293, 3.5.2 (half-open): an RST for that number may follow.
    if (kind == Segment::ack && direction == Direction::reply && standing.state == State::tcp_syn_sent)
        tracker.side[index_of(direction)].max_ack = segment.acknowledgment;
}

/// How much an RST is worth (RFC 5961, 3.2, seen from between the hosts).
enum class Reset : std::uint8_t {
    refused,   ///< before what the other end has acknowledged
    challenge, ///< perhaps in the window: passes, the host answers with a challenge ACK, the state stays
    in_window, ///< ends the flow if it is in the window
    believed,  ///< ends the flow
};

bool is_closing(State state) {
    return timeout_class(state) == TimeoutClass::tcp_closing;
}

Reset judge_reset(const Tracker& tracker, const Standing& standing, Direction direction, const Arrival& segment) {
    // The ports may have been taken into use again meanwhile: numbers say nothing any more.
    if (is_closing(standing.state)) return Reset::believed;
    const Direction other = opposite(direction);
    // Only the end that a SYN went to has something to answer: an RST behind the SYN of its own end is worth no more
    // than any other, or whoever guesses one would send the SYN first.
    const bool answers_syn = last_was(tracker, other, Segment::syn);
    if ((tracker.known.acked & bit_of(other)) && !answers_syn) {
        const bool established = standing.state == State::tcp_established && standing.assured;
        if (segment.sequence == 0 && !established) return Reset::in_window; // it answers a SYN
        const std::uint32_t expected = tracker.side[index_of(other)].max_ack;
        if (before(segment.sequence, expected)) return Reset::refused;
        // It may also follow data of its own that is not acknowledged yet.
        const bool follows_own_data =
            last_was(tracker, direction, Segment::ack) && segment.sequence == tracker.last_end;
        const bool exact = segment.sequence == expected || follows_own_data;
        return established && !exact ? Reset::challenge : Reset::in_window;
    }
    const bool answers_ignored =
        (standing.replied && answers_syn) || (!standing.assured && last_was(tracker, other, Segment::ack));
    if (answers_ignored && segment.acknowledgment == tracker.last_end) return Reset::believed;
    const bool answers_challenge = standing.state == State::tcp_syn_sent &&
                                   last_was(tracker, Direction::reply, Segment::ack) &&
                                   segment.sequence == tracker.side[index_of(Direction::reply)].max_ack;
    return answers_challenge ? Reset::believed : Reset::in_window;
}

/// Where a segment of the table's "move" cells leads; `next` as the table says, changed where there is more to it.
Outcome judge_move(Tracker& tracker, const Standing& standing, Direction direction, Segment kind,
                   const Arrival& segment, State& next) {
    const Reset worth = kind == Segment::rst ? judge_reset(tracker, standing, direction, segment) : Reset::in_window;
    if (worth == Reset::refused) return Outcome::refuse_window;
    if (worth != Reset::believed) {
        WindowCheck check(tracker, standing.state, direction, segment);
        const Fit fit = check.run();
        if (fit == Fit::outside) return Outcome::refuse_window;
        if (worth == Reset::challenge) return Outcome::pass;
        check.commit(tracker);
        if (fit == Fit::old) return Outcome::pass;
    }
    remember(tracker.known, direction, kind);
    if (!standing.replied) {
        if (kind == Segment::rst) return Outcome::finish;
        // A SYN that is sent again and again must not keep alive what nobody answers.
        if (kind == Segment::syn && standing.state == State::tcp_syn_sent && next == standing.state)
            return Outcome::pass;
    }
    return Outcome::move;
}

/// A segment of the table's "pass" cells.
Outcome judge_ignored(Tracker& tracker, const Standing& standing, Direction direction, Segment kind,
                      const Arrival& segment, State& next) {
    const bool answers_syn = kind == Segment::syn_ack && last_was(tracker, opposite(direction), Segment::syn) &&
                             segment.acknowledgment == tracker.last_end;
    if (!answers_syn || !standing.replied) {
        note_ignored(tracker, standing, direction, kind, segment);
        return Outcome::pass;
    }
    Tracker changed = tracker;
    begin_again(changed, direction);
    const Standing fresh{State::tcp_syn_sent, standing.replied, standing.assured};
    next = State::tcp_syn_received;
    const Outcome outcome = judge_move(changed, fresh, direction, kind, segment, next);
    if (outcome == Outcome::move) tracker = changed;
    return outcome;
}

} // namespace

void open(Tracker& tracker, const Arrival& syn) {
    tracker.known.scale1 = kNoScale;
    begin_side(tracker.side[index_of(Direction::original)], tracker.known, Direction::original, syn, 0);
    tracker.side[index_of(Direction::reply)].max_end = syn.window;
    remember(tracker.known, Direction::original, Segment::syn);
    tracker.last_end = syn.end();
}

void pick_up(Tracker& tracker, const Arrival& segment) {
    tracker.known.scale0 = kNoScale;
    tracker.known.scale1 = kNoScale;
    tracker.known.sack = 3;
    tracker.known.loose = 1;
    remember(tracker.known, Direction::original, Segment::none);
    join_side(tracker.side[index_of(Direction::original)], tracker.side[index_of(Direction::reply)], tracker.known,
              Direction::original, segment, segment.sack_edge);
}

Outcome judge(Tracker& tracker, const Standing& standing, Direction direction, const Arrival& segment, State& next) {
    const Segment kind = classify(segment.flags);
    const Transition step = transition(direction, kind, standing.state);
    next = step.next;
    switch (step.step) {
    case Step::refuse: return Outcome::refuse_state;
    case Step::restart: return Outcome::restart;
    case Step::pass: return judge_ignored(tracker, standing, direction, kind, segment, next);
    case Step::move: break;
    }
    // RFC 5961, 4.2: the ACK that challenges a SYN does not acknowledge the last FIN.
    if (next == State::tcp_time_wait && standing.state == State::tcp_last_ack && kind == Segment::ack &&
        tracker.known.challenge && last_was(tracker, opposite(direction), Segment::syn)) {
        tracker.known.challenge = 0;
        return Outcome::pass;
    }
    // RFC 9293, figure 8: with both SYNs crossed, the ACK of either end completes the handshake.
    if (next == State::tcp_syn_received && direction == Direction::reply && kind == Segment::ack &&
        tracker.known.simultaneous)
        next = State::tcp_established;
    const Outcome outcome = judge_move(tracker, standing, direction, kind, segment, next);
    if (outcome == Outcome::move && next == State::tcp_syn_sent2) tracker.known.simultaneous = 1;
    return outcome;
}

bool may_be_quoted(const Tracker& tracker, Direction direction, std::uint32_t sequence) {
    const Side& sender = tracker.side[index_of(direction)];
    const Direction other = opposite(direction);
    if (tracker.known.loose) return true;
    if (!(tracker.known.seen & bit_of(direction))) return false; // it has sent nothing that anybody could have met
    const std::uint32_t room = room_for(sender, tracker.side[index_of(other)], tracker.known.acked & bit_of(other));
    const std::uint32_t window = std::max(room, kLateAcknowledgment);
    return !after(sequence, sender.end) && after(sequence, sender.end - 2 * window);
}

} // namespace sluice::flow::tcp
