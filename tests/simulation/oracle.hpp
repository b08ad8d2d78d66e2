// What may be forwarded at all, decided without a flow table: nothing but what a client asked for and what answers it.
//
// It remembers each tuple that a client opened and when a packet of it was forwarded last, and knows how long the
// policies can keep a flow at most. That is weaker than tracking and, being so simple, right: whatever passes that it
// does not know is a hole.
#pragma once

#include "frame_pool.hpp"
#include "packet/parsed.hpp"
#include "rulesets.hpp"
#include "world.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace sluice::simulation {

/// What is known of a tuple.
struct Conversation {
    std::uint64_t last_passed = 0; ///< milliseconds
    std::uint64_t last_used = 0;   ///< when a connection of it ended: packets of its own may still have been under way
    std::uint32_t owner = 0;       ///< slot + 1 of the connection that has it, 0: none
    bool disturbed = false;        ///< somebody else's packet passed under its name: its state is anybody's guess
    bool closed_well = false;      ///< the last connection of it ended by two acknowledged FINs
    bool doubtful = false;         ///< a policy was in force meanwhile that does not allow it: it may be gone
    std::uint64_t pressure = 0;    ///< of the tables, when a packet passed last
};

/// The conversation that a packet would belong to, seen from the clients' side.
Tuple tuple_of(const packet::Parsed& parsed, std::uint16_t in_port);

class Oracle {
  public:
    void use(const NamedRuleset& ruleset);
    [[nodiscard]] bool allows(const Tuple& tuple) const { return ruleset_->allows(tuple); }
    /// How many flows had to go, or could not be made, for want of room so far.
    void set_pressure(std::uint64_t pressure) { pressure_ = pressure; }

    /// Whether it might pass, and remembers that it did. A sentence about what is wrong, or nothing.
    std::string judge_forwarded(const Frame& frame, std::uint64_t now);

    [[nodiscard]] Conversation& conversation(const Tuple& tuple) { return known_[tuple]; }
    [[nodiscard]] Conversation* find(const Tuple& tuple);
    /// Whether a flow of that name may still be there, by what passed.
    [[nodiscard]] static bool is_recent(const Tuple& tuple, const Conversation& conversation, std::uint64_t now);
    /// The same, by what may have passed as well.
    [[nodiscard]] static bool may_have_flow(const Tuple& tuple, const Conversation& conversation, std::uint64_t now);
    /// Forgets what no flow can remember either.
    void forget_old(std::uint64_t now);
    [[nodiscard]] std::size_t size() const { return known_.size(); }

    /// Who owns the conversation of the frame that was judged last, if it was somebody else's: it is disturbed now.
    [[nodiscard]] std::uint32_t disturbed_owner() const { return disturbed_owner_; }

  private:
    std::string judge_tracked(const Frame& frame, const packet::Parsed& parsed, std::uint64_t now);
    std::string judge_later_fragment(const Frame& frame, const packet::Parsed& parsed, std::uint64_t now);
    std::string judge_error(const Frame& frame, const packet::Parsed& parsed, std::uint64_t now);
    [[nodiscard]] bool is_untracked_service(const Tuple& tuple) const;
    [[nodiscard]] bool is_untracked(const packet::Parsed& parsed, const Tuple& tuple, bool from_client) const;
    void remember_datagram(const Frame& frame, const packet::Parsed& parsed, std::uint64_t now);

    const NamedRuleset* ruleset_ = nullptr;
    std::unordered_map<Tuple, Conversation, TupleHash> known_;
    std::unordered_map<Tuple, std::uint64_t, TupleHash> datagrams_; ///< first fragments that passed
    std::uint32_t disturbed_owner_ = 0;
    std::uint64_t pressure_ = 0;
};

} // namespace sluice::simulation
