// Whether rules share packets, asked of one rule and very many others.
//
// Rules are grouped by kind: zones and transports, of which a policy has few. Within a kind, pairs of prefixes stand in
// two trees of trees, by source and then destination and the other way round, and the more specific end of a question
// chooses. What would take too long is answered with yes, which costs a row and is as right; so are address sets: what
// they hold changes while the policy runs, so they may hold anything.
#pragma once

#include "policy/compile/row_maker.hpp"
#include "policy/model/policy.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace sluice::policy {

/// Whether some packet could match both rules. May say yes when it is no, never the other way round.
bool may_overlap(const Rule& a, const Rule& b);

/// Things by prefix, found by what overlaps with another prefix: those around it, by their lengths, and those inside.
template <typename T> class PrefixMap {
  public:
    T& operator[](const net::Prefix& prefix) {
        lengths_[static_cast<std::size_t>(prefix.address.family == net::Family::ipv6)].insert(prefix.length);
        return things_[prefix];
    }

    /// Whether `holds` is true of one of those that overlap. Counts them in `steps`.
    template <typename Holds> bool any(const net::Prefix& prefix, std::uint64_t& steps, Holds holds) const {
        for (const std::uint8_t length : lengths_[prefix.address.family == net::Family::ipv6]) {
            if (length >= prefix.length) break;
            ++steps;
            const auto found = things_.find(shortened(prefix, length));
            if (found != things_.end() && holds(found->second)) return true;
        }
        for (auto it = things_.lower_bound(prefix); it != things_.end() && prefix.contains(it->first); ++it) {
            ++steps;
            if (holds(it->second)) return true;
        }
        return false;
    }

  private:
    static net::Prefix shortened(net::Prefix prefix, std::uint8_t length);

    std::map<net::Prefix, T, PrefixOrder> things_;
    std::set<std::uint8_t> lengths_[2]; ///< that there are, by family
};

class Overlaps {
  public:
    /// `most_steps`: comparisons, beyond which every answer is yes.
    explicit Overlaps(std::uint64_t most_steps);
    ~Overlaps();

    void add(const Rule& rule, Facing facing);
    /// Whether some rule that was added may overlap with this one.
    [[nodiscard]] bool any(const Rule& rule, Facing facing);

  private:
    struct Kind;
    Kind& kind_of(const Rule& rule, Facing facing);
    void meet(Kind& kind);

    std::uint64_t most_steps_;
    std::uint64_t steps_ = 0;
    std::vector<std::unique_ptr<Kind>> kinds_;
    std::vector<Kind*> added_; ///< those that have pairs
    std::multimap<std::uint64_t, Kind*> by_hash_;
};

} // namespace sluice::policy
