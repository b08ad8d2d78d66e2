// The compiled policy: all that workers need to judge a packet.
//
// Life cycle: made by policy/compile, published through rcu::Published, immutable from then on, destroyed by the
// control thread after a grace period. Who reads: every worker, and the control thread for showing it.
#pragma once

#include "base/ticks.hpp"
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
};

/// Ticks for each state's timeout, in the order of flow::TimeoutClass.
inline constexpr std::size_t kTimeoutClasses = 7;
struct Profile {
    std::array<base::Tick, kTimeoutClasses> ticks{};
};

/// Where a frame that came in by this port stands: its zones and where it leaves.
struct Port {
    std::uint16_t peer = 0;
    std::uint16_t zone = 0;
    std::uint16_t wire = 0;     ///< the same for both ports of a pair
    std::uint16_t peer_mtu = 0; ///< bytes of IP packet that the peer may be given
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
    /// What the compiler fills in.
    struct Parts {
        std::uint32_t epoch = 0;
        std::uint64_t content_hash = 0;
        std::unique_ptr<Rule[]> rules; ///< rule_count of them, the default behind them
        std::uint32_t rule_count = 0;
        std::unique_ptr<Profile[]> profiles;
        std::uint16_t profile_count = 0;
        std::unique_ptr<Port[]> ports;
        std::uint16_t port_count = 0;
        Classifier untracked;
        Classifier tracked;
    };

    explicit Ruleset(Parts parts)
        : parts_(static_cast<Parts&&>(parts)) {}

    [[nodiscard]] std::uint32_t epoch() const { return parts_.epoch; }
    [[nodiscard]] std::uint64_t content_hash() const { return parts_.content_hash; }
    [[nodiscard]] const Rule& rule(std::uint32_t index) const { return parts_.rules[index]; }
    /// The default action, as a rule.
    [[nodiscard]] std::uint32_t default_rule() const { return parts_.rule_count; }
    [[nodiscard]] std::uint32_t rule_count() const { return parts_.rule_count; }
    [[nodiscard]] const Profile& profile(std::uint16_t index) const { return parts_.profiles[index]; }
    [[nodiscard]] const Port& port(std::uint16_t index) const { return parts_.ports[index]; }
    [[nodiscard]] std::uint16_t port_count() const { return parts_.port_count; }

    /// Asked for every packet; answers UntrackedResult::encode(), 0 for none.
    [[nodiscard]] const Classifier& untracked() const { return parts_.untracked; }
    /// Asked once a flow and once after a reload; answers rule index + 1, 0 for the default.
    [[nodiscard]] const Classifier& tracked() const { return parts_.tracked; }

  private:
    Parts parts_;
};

} // namespace sluice::ruleset
