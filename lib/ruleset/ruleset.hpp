// The compiled policy: all that workers need to judge a packet.
//
// Life cycle: made by policy/compile, published through rcu::Published, immutable from then on, destroyed by the
// control thread after a grace period. Who reads: every worker, and the control thread for showing it. Rulesets that
// differ in nothing but their epoch share all the rest: that is how a change of an address set has every flow judged
// anew without compiling anything.
#pragma once

#include "base/ticks.hpp"
#include "net/oddity.hpp"
#include "net/protocol.hpp"
#include "ruleset/classifier.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sluice::ruleset {

enum class Action : std::uint8_t { allow, drop };

/// One rule, as far as a verdict needs it. The default action is the last one.
struct Rule {
    std::uint32_t counter_slot = 0; ///< stays with the rule's name over reloads
    std::uint16_t profile = 0;      ///< index into profiles()
    Action action = Action::drop;
    bool tracked = true;
    bool brief = false; ///< a flow is forgotten as soon as it is over
    bool evicts = true; ///< whether its new flows may take the entries of others when the table is full
};

/// Entries of the flow table, over all workers, that are kept for a rule's flows.
struct Reserve {
    std::uint32_t counter_slot = 0;
    std::uint32_t entries = 0;
};
inline constexpr std::size_t kMaxReserves = 16;

/// Ticks for each timeout, in the order of flow::TimeoutClass.
inline constexpr std::size_t kTimeoutClasses = 11;
inline constexpr std::size_t kStalledTimeout = 3;
struct Profile {
    std::array<base::Tick, kTimeoutClasses> ticks{};
    bool pickup_loose = false; ///< a TCP flow may be taken up from its middle
};

/// Where a frame that came in by this port stands: its zones and where it leaves.
struct Port {
    std::uint16_t peer = 0;
    std::uint16_t zone = 0;
    std::uint16_t wire = 0;     ///< the same for both ports of a pair
    std::uint16_t peer_mtu = 0; ///< bytes of IP packet that the peer may be given
};

/// What is decided before any rule is asked. As it stands here: what a policy without `sanity:` gets.
struct Sanity {
    static constexpr std::size_t kMaxEtherTypes = 32;
    /// In `ethertypes`: every frame that has a length in place of a type (IEEE 802.3 with LLC).
    static constexpr std::uint16_t kLengthInsteadOfType = 0;

    std::uint16_t refused = net::oddity::kMartianSource | net::oddity::kSourceRoute | net::oddity::kRoutingHeader0 |
                            net::oddity::kTtlZero | net::oddity::kHeaderChecksum |
                            net::oddity::kStackedVlan; ///< net::oddity bits
    bool verify_checksums = true;                      ///< of the transport, where tracked
    std::uint8_t ethertype_count = 1;
    /// Of frames other than IP that pass a wire unjudged.
    std::array<std::uint16_t, kMaxEtherTypes> ethertypes = {static_cast<std::uint16_t>(net::EtherType::arp)};

    [[nodiscard]] constexpr bool passes(std::uint16_t ether_type) const {
        constexpr std::uint16_t kLowestType = 0x0600; // IEEE 802.3, 3.2.6
        const std::uint16_t wanted = ether_type < kLowestType ? kLengthInsteadOfType : ether_type;
        for (std::uint8_t i = 0; i < ethertype_count; ++i) {
            if (ethertypes[i] == wanted) return true;
        }
        return false;
    }
};

/// What the untracked classifier says about a packet.
enum class Path : std::uint8_t {
    none = 0,       ///< no untracked rule is concerned: the tracked path
    tracked = 1,    ///< an earlier tracked rule comes first, for this packet or the one it answers
    direct = 2,     ///< the untracked rule itself
    mirror = 3,     ///< its reply half, which refuses what opens something
    mirror_any = 4, ///< its reply half, which takes everything
};

/// Path and rule index in the 32 bits that a classifier row carries.
struct UntrackedResult {
    Path path = Path::none;
    std::uint32_t rule = 0;

    [[nodiscard]] constexpr std::uint32_t encode() const { return rule << 3 | static_cast<std::uint32_t>(path); }
    static constexpr UntrackedResult decode(std::uint32_t word) { return {static_cast<Path>(word & 7u), word >> 3}; }
};

class Ruleset {
  public:
    /// What the compiler fills in. Workers follow the pointers, they never copy one.
    struct Parts {
        std::uint32_t epoch = 0;
        std::uint64_t content_hash = 0;
        Sanity sanity;
        std::shared_ptr<Rule[]> rules; ///< rule_count of them, the default behind them
        std::uint32_t rule_count = 0;
        std::shared_ptr<Profile[]> profiles;
        std::uint16_t profile_count = 0;
        std::shared_ptr<std::uint16_t[]> profile_by_slot; ///< slot_count indices into profiles, as the rules' slots say
        std::uint32_t slot_count = 0;
        std::array<Reserve, kMaxReserves> reserves{};
        std::uint8_t reserve_count = 0;
        std::shared_ptr<Port[]> ports;
        std::uint16_t port_count = 0;
        std::shared_ptr<const Classifier> untracked; ///< null: one without rows
        std::shared_ptr<const Classifier> tracked;
    };

    explicit Ruleset(Parts parts)
        : parts_(static_cast<Parts&&>(parts)) {
        for (std::uint16_t i = 0; i < parts_.profile_count; ++i) {
            const base::Tick stalled = parts_.profiles[i].ticks[kStalledTimeout];
            if (stalled < look_interval_ticks_) look_interval_ticks_ = stalled;
        }
        for (auto* classifier : {&parts_.untracked, &parts_.tracked}) {
            if (!*classifier) *classifier = std::make_shared<const Classifier>();
        }
    }

    /// The same in every respect but its epoch. Costs the same for ten rules and a hundred thousand.
    [[nodiscard]] std::unique_ptr<const Ruleset> with_epoch(std::uint32_t epoch) const {
        Parts parts = parts_;
        parts.epoch = epoch;
        return std::make_unique<const Ruleset>(static_cast<Parts&&>(parts));
    }

    [[nodiscard]] std::uint32_t epoch() const { return parts_.epoch; }
    [[nodiscard]] std::uint64_t content_hash() const { return parts_.content_hash; }
    [[nodiscard]] const Sanity& sanity() const { return parts_.sanity; }
    [[nodiscard]] const Rule& rule(std::uint32_t index) const { return parts_.rules[index]; }
    /// The default action, as a rule.
    [[nodiscard]] std::uint32_t default_rule() const { return parts_.rule_count; }
    [[nodiscard]] std::uint32_t rule_count() const { return parts_.rule_count; }
    [[nodiscard]] const Profile& profile(std::uint16_t index) const { return parts_.profiles[index]; }
    /// The profile of the rule that counts in this slot; profile 0 when this ruleset has no such rule.
    [[nodiscard]] const Profile& profile_of_slot(std::uint32_t counter_slot) const {
        return parts_.profiles[counter_slot < parts_.slot_count ? parts_.profile_by_slot[counter_slot] : 0];
    }
    /// How often ageing has to look at a flow, so that a stalled one ends in time: the shortest `tcp_stalled`.
    [[nodiscard]] base::Tick look_interval_ticks() const { return look_interval_ticks_; }
    [[nodiscard]] std::span<const Reserve> reserves() const { return {parts_.reserves.data(), parts_.reserve_count}; }
    [[nodiscard]] const Port& port(std::uint16_t index) const { return parts_.ports[index]; }
    [[nodiscard]] std::uint16_t port_count() const { return parts_.port_count; }

    /// Asked for every packet; answers UntrackedResult::encode(), 0 for none.
    [[nodiscard]] const Classifier& untracked() const { return *parts_.untracked; }
    /// Asked once a flow and once after a reload; answers rule index + 1, 0 for the default.
    [[nodiscard]] const Classifier& tracked() const { return *parts_.tracked; }

  private:
    Parts parts_;
    base::Tick look_interval_ticks_ = 300'000;
};

/// Fills profile_by_slot from the rules and the default. Of rules that count in one slot, the first is asked.
inline void index_profiles_by_slot(Ruleset::Parts& parts) {
    parts.slot_count = 0;
    for (std::uint32_t i = 0; i <= parts.rule_count; ++i) {
        if (parts.rules[i].counter_slot >= parts.slot_count) parts.slot_count = parts.rules[i].counter_slot + 1;
    }
    parts.profile_by_slot = std::make_shared<std::uint16_t[]>(parts.slot_count);
    for (std::uint32_t i = parts.rule_count + 1; i-- > 0;) {
        parts.profile_by_slot[parts.rules[i].counter_slot] = parts.rules[i].profile;
    }
}

} // namespace sluice::ruleset
