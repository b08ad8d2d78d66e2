// Address sets as they are now: what the policy's files said, and what came and went since.
//
// A file's million prefixes are not copied: they stay as the policy has them, and differences are kept beside them.
// Control thread only. What a set holds through sets inside it is not its own and does not stand here.
#pragma once

#include "policy/model/policy.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::control {

/// What is asked of a set. Each prefix counts for itself: one that lies inside another may come and go on its own.
struct SetChange {
    enum class Kind : std::uint8_t { add, remove, replace };
    Kind kind = Kind::add;
    std::string name;
    std::vector<net::Prefix> prefixes;
};

/// What it comes to, beside what the set holds now.
struct SetDifference {
    std::vector<net::Prefix> added; ///< in order, each once
    std::vector<net::Prefix> removed;

    [[nodiscard]] std::size_t size() const { return added.size() + removed.size(); }
};

class LiveSets {
  public:
    using Prefixes = std::set<net::Prefix, policy::PrefixOrder>;
    using Time = std::chrono::system_clock::time_point;

    LiveSets() = default;
    explicit LiveSets(const std::vector<policy::AddressSet>& sets);

    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
    /// Whether it is written in the set, itself and not through a wider one.
    [[nodiscard]] bool holds(std::size_t set, const net::Prefix& prefix) const;
    [[nodiscard]] SetDifference difference(std::size_t set, const SetChange& change) const;
    void apply(std::size_t set, const SetDifference& difference, Time now);

    [[nodiscard]] std::size_t size(std::size_t set) const;
    [[nodiscard]] const Prefixes& added(std::size_t set) const { return sets_[set].added; }
    [[nodiscard]] const Prefixes& removed(std::size_t set) const { return sets_[set].removed; }
    [[nodiscard]] bool differs(std::size_t set) const { return !added(set).empty() || !removed(set).empty(); }
    /// Whether some set differs from the policy's files.
    [[nodiscard]] bool differ() const;
    /// When it last changed; nothing: never since the policy was applied.
    [[nodiscard]] std::optional<Time> changed_at(std::size_t set) const { return sets_[set].changed_at; }

    /// All that is in the set now, in order.
    [[nodiscard]] std::vector<net::Prefix> all(std::size_t set) const;
    /// Up to `count` of these that stand behind `after`; without it from the first on.
    [[nodiscard]] std::vector<net::Prefix> some(std::size_t set, const std::optional<net::Prefix>& after,
                                                std::size_t count) const;

  private:
    struct Set {
        policy::SharedPrefixes written; ///< as the policy has it
        Prefixes added;                 ///< none of `written`
        Prefixes removed;               ///< all of `written`
        std::optional<Time> changed_at;
    };

    std::vector<Set> sets_;
    std::unordered_map<std::string, std::size_t> by_name_;
};

} // namespace sluice::control
