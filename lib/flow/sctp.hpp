// SCTP: an association's states, by the chunks that move them, and its verification tags (RFC 9260).
//
// Stricter than Linux's table, on purpose: an association begins with an INIT and nothing else, each packet bears the
// tag that its receiver chose, and heartbeats open nothing (multi-homed paths want a rule of their own).
#pragma once

#include "flow/key.hpp"
#include "flow/state.hpp"

#include <cstdint>

namespace sluice::flow::sctp {

/// Chunk types that matter (RFC 9260, 3.2); all others are `other`.
enum class Chunk : std::uint8_t {
    init,
    init_ack,
    abort,
    shutdown,
    shutdown_ack,
    cookie_echo,
    cookie_ack,
    shutdown_complete,
    other,
};
inline constexpr std::size_t kChunks = 9;

/// What of a packet the tracker looks at.
struct Arrival {
    Chunk chunk = Chunk::other; ///< the one that moves the state; of several, the first that does
    std::uint32_t tag = 0;      ///< the verification tag in the common header
    std::uint32_t initiate = 0; ///< the initiate tag of an INIT or INIT ACK
    bool tag_reflected = false; ///< the T bit of an ABORT or SHUTDOWN COMPLETE: the tag is the sender's own
};

/// By direction. Plain memory: only the owner looks.
struct Tracker {
    static constexpr std::size_t kOffers = 4;

    std::uint32_t tag[2]; ///< what each end wants to see in packets to it; 0: not known yet
    /// Of earlier INIT ACKs, until the COOKIE ECHO says which one counts: an INIT that comes twice is answered twice,
    /// by two tags, and the opener takes the one that reaches it first (RFC 9260, 5.1).
    std::uint32_t offered[kOffers];
    std::uint32_t spare[2];
};
static_assert(sizeof(Tracker) == 32);

enum class Outcome : std::uint8_t {
    move,       ///< passes; the state becomes Judgement::next
    restart,    ///< an INIT for a finished association: a new flow, judged anew
    refuse,     ///< dropped: does not fit the state
    refuse_tag, ///< dropped: bears another tag than its receiver wants
};

struct Judgement {
    Outcome outcome = Outcome::refuse;
    State next = State::sctp_cookie_wait;
};

/// Whether a packet may begin an association: an INIT with a tag of zero that asks for one (RFC 9260, 8.5.1 A).
bool opens(const Arrival& packet);
void open(Tracker& tracker, const Arrival& init);
/// Changes `tracker` only when the packet passes.
Judgement judge(Tracker& tracker, State state, Direction direction, const Arrival& packet);

/// Whether `tag`, quoted by an ICMP error, is one that the `direction` end sends (RFC 9260, 10, ICMP 5 to 8); an INIT
/// has none.
bool may_be_quoted(const Tracker& tracker, Direction direction, std::uint32_t tag);

} // namespace sluice::flow::sctp
