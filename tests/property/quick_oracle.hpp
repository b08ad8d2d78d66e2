// The oracle for large policies: the same two searches as oracle.hpp from the first rule to the last, over a copy of
// the rules in arrays. For every rule all combinations of its lists are written out as lines (rule_sets/lines.hpp).
//
// That it says what oracle.hpp says is tested, too, with each run of the property test.
#pragma once

#include "oracle.hpp"
#include "policy/model/policy.hpp"
#include "rule_sets/lines.hpp"

#include <optional>
#include <vector>

namespace sluice::property {

class QuickOracle {
  public:
    /// At most 32 zones.
    explicit QuickOracle(const policy::Policy& policy);

    [[nodiscard]] First first_concerned(const Tuple& tuple) const;
    [[nodiscard]] std::optional<std::size_t> first_match(const Tuple& tuple) const;
    [[nodiscard]] policy::Reply reply_of(std::size_t rule) const { return kinds_[rule].reply; }

  private:
    struct Kind {
        bool tracked = true;
        policy::Reply reply = policy::Reply::none; ///< none where a rule drops, too
    };

    [[nodiscard]] const rule_sets::Lines& lines(const Tuple& tuple) const {
        return tuple.source.family == net::Family::ipv4 ? ipv4_ : ipv6_;
    }

    rule_sets::Lines ipv4_;
    rule_sets::Lines ipv6_;
    std::vector<Kind> kinds_; ///< by rule
};

} // namespace sluice::property
