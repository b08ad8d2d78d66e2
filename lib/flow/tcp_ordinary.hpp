// The segments that nearly all are: an ACK, with data or without, in an established flow, inside the windows; and those
// that bring a connection from its handshake to its end as the table says, inside the windows as well.
//
// They are judged for every packet of a connection, so by straight code: the tracker is read once, all rules are looked
// at without branches between them, and what has changed is written. Whatever is not so is left to the machine of
// flow/tcp_tracker.hpp, whose answer would be the same.
#pragma once

#include "flow/tcp_tracker.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace sluice::flow::tcp {

/// The acknowledgments that a sender with a small window may be late by: Linux's MAXACKWINCONST.
inline constexpr std::uint32_t kLateAcknowledgment = 66'000;
inline constexpr std::uint32_t kRetransmitsOfStalled = 3;

// Sequence numbers compare modulo 2^32 (RFC 9293, 3.4).
constexpr bool before(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b) < 0;
}
constexpr bool after(std::uint32_t a, std::uint32_t b) {
    return before(b, a);
}

namespace detail {

/// Where the compiler has put bits of Known. The word is worked on as a whole: read back after a field of it was
/// written, it would be waited for.
template <typename Set> std::uint32_t bits_of(Set set) {
    Known known{};
    set(known);
    return std::bit_cast<std::uint32_t>(known);
}

inline std::uint32_t room_or_zero(std::uint32_t room) {
    return static_cast<std::uint32_t>(std::max<std::int32_t>(static_cast<std::int32_t>(room), 0));
}

/// Takes a segment inside the windows; `kind` is Segment::ack, or Segment::fin, which has an ACK too. `may_be_first`:
/// its sender may not have acknowledged anything before. The last two are known where it is inlined.
[[gnu::always_inline]] inline bool take_inside(Tracker& tracker, Direction direction, const Arrival& segment,
                                               Segment kind, bool may_be_first) {
    const auto sending = static_cast<unsigned>(direction);
    const unsigned other = 1 - sending;
    Side& sender = tracker.side[sending];
    Side& receiver = tracker.side[other];
    const auto known = std::bit_cast<std::uint32_t>(tracker.known);

    // Both ends have been heard of and have acknowledged something, the sender with this segment at the latest.
    const std::uint32_t both_known = bits_of([](Known& k) { k.seen = k.acked = 3; });
    const std::uint32_t own_acked = bits_of([](Known& k) { k.acked = 1; }) << sending;
    const std::uint32_t wanted = may_be_first ? both_known & ~own_acked : both_known;
    const bool first = may_be_first && (known & own_acked) == 0;
    const std::uint32_t sack_permitted = bits_of([](Known& k) { k.sack = 1; }) << other;
    const bool ack = kind == Segment::ack;
    const std::uint32_t end = segment.sequence + segment.length + (ack ? 0 : 1); // a FIN counts as a byte
    const std::uint32_t sack = known & sack_permitted ? segment.sack_edge : segment.acknowledgment;
    const std::uint32_t window = room_or_zero(sender.max_end - receiver.max_ack);
    const std::uint32_t own_window = first ? 0 : room_or_zero(receiver.max_end - sender.max_ack);
    const bool allowed = !after(segment.sequence, sender.max_end);                                   // rule I
    const bool recent = (window == 0) | after(end, sender.end - window - 1);                         // rule II
    const bool was_sent = !after(sack, receiver.end);                                                // rule III
    const bool not_late = after(sack, receiver.end - std::max(own_window, kLateAcknowledgment) - 1); // rule IV
    if (!(((known & wanted) == wanted) & allowed & recent & was_sent & not_late)) [[unlikely]]
        return false;

    const auto scale_at = static_cast<unsigned>(std::countr_zero(bits_of([](Known& k) { k.scale0 = 1; })));
    const std::uint32_t offered = known >> (scale_at + 4 * sending) & 15u;
    const std::uint32_t scaled = std::uint32_t{segment.window} << (offered == kNoScale ? 0 : offered);
    const std::uint32_t limit = sack + std::max<std::uint32_t>(scaled, 1);
    const bool sends_more = after(end, sender.end);
    const bool acknowledges_more = first | after(segment.acknowledgment, sender.max_ack);

    const auto kind_at = static_cast<unsigned>(std::countr_zero(bits_of([](Known& k) { k.last_kind = 1; })));
    const std::uint32_t unanswered = bits_of([](Known& k) { k.unanswered = 1; });
    const std::uint32_t last = bits_of([](Known& k) { k.last_kind = 7, k.last_direction = 1; });
    const std::uint32_t last_now = (static_cast<std::uint32_t>(kind) << kind_at) |
                                   (sending != 0 ? bits_of([](Known& k) { k.last_direction = 1; }) : 0u);
    const std::uint32_t retransmits = bits_of([](Known& k) { k.retransmits = kRetransmitsOfStalled; });
    const std::uint32_t one_retransmit = bits_of([](Known& k) { k.retransmits = 1; });
    const std::uint32_t zero_window = bits_of([](Known& k) { k.zero_window = 1; });
    const bool again = !(sends_more | acknowledges_more) & (tracker.last_end == end) & ((known & last) == last_now);
    const std::uint32_t repeated = known & retransmits;
    const std::uint32_t once_more = repeated == retransmits ? repeated : repeated + one_retransmit;

    // Only ACKs that are sent again count, and end the count.
    std::uint32_t now = known & ~(last | (ack ? retransmits : 0u) | zero_window);
    now |= last_now;
    now |= (ack & again) ? once_more : 0u;
    now |= may_be_first ? own_acked : 0u;
    now |= segment.window == 0 ? zero_window : 0u;
    now |= sends_more ? unanswered << sending : 0u;
    now &= segment.acknowledgment == receiver.end ? ~(unanswered << other) : ~0u;

    sender.end = sends_more ? end : sender.end;
    sender.max_ack = acknowledges_more ? segment.acknowledgment : sender.max_ack;
    receiver.max_end = after(limit, receiver.max_end) ? limit : receiver.max_end;
    tracker.last_end = ack ? end : tracker.last_end;
    tracker.known = std::bit_cast<Known>(now);
    return true;
}

} // namespace detail

/// Whether take_ordinary() is worth asking: a segment without SYN, FIN and RST that has an ACK. Its flags are possible.
constexpr bool may_be_ordinary(State state, std::uint8_t flags) {
    using namespace net::tcp_flag;
    return state == State::tcp_established && (flags & (kSyn | kFin | kRst | kAck)) == kAck;
}

/// Takes the segment into `tracker` if it is ordinary, which then is judge()'s Outcome::move into the same state.
/// False: judge() has to say, and nothing has changed.
inline bool take_ordinary(Tracker& tracker, Direction direction, const Arrival& segment) {
    return detail::take_inside(tracker, direction, segment, Segment::ack, false);
}

/// The same for ACKs and FINs in any state: true is judge()'s Outcome::move into state `next`.
inline bool take_regular(Tracker& tracker, State state, Direction direction, const Arrival& segment, State& next) {
    using namespace net::tcp_flag;
    if ((segment.flags & (kSyn | kRst | kAck)) != kAck) return false;
    // What crossed or was challenged, judge() remembers.
    if (tracker.known.simultaneous | tracker.known.challenge) return false;
    const Segment kind = segment.flags & kFin ? Segment::fin : Segment::ack;
    const Transition step = transition(direction, kind, state);
    if (step.step != Step::move || !detail::take_inside(tracker, direction, segment, kind, true)) return false;
    next = step.next;
    return true;
}

} // namespace sluice::flow::tcp
