// The tracked rules, put to the packets of one batch that have no flow, or one that an older policy let begin.
#pragma once

#include "pipeline/batch.hpp"
#include "pipeline/context.hpp"

#include <cstdint>

namespace sluice::pipeline {

class TrackedRules {
  public:
    TrackedRules(const Batch& batch, const Context& context)
        : batch_(batch)
        , ruleset_(*context.ruleset)
        , flows_(*context.flows) {}

    /// Asks for all rows that will want an answer as far as can be said before any of them is applied, all of a family
    /// together.
    void ask_ahead();

    /// The rule that decides row batch.tracked.row[n] as the opener of a flow, or, for one of the reply direction of
    /// flow `index`, that decides what its opener was. Asked alone only if an earlier packet of the batch changed what
    /// the row was put to the rules for.
    std::uint32_t rule_for(unsigned n, flow::Index index);

    /// Whether the present rules would let the flow of a quoted packet begin. The flow itself is judged again by its
    /// own next packet.
    [[nodiscard]] bool still_allow_quoted(unsigned n, flow::Direction direction) const;

  private:
    [[nodiscard]] const packet::Parsed& parsed(unsigned n) const { return batch_.parsed[batch_.tracked.row[n]]; }
    [[nodiscard]] const ruleset::Port& port(unsigned n) const {
        return ruleset_.port(batch_.port[batch_.tracked.row[n]]);
    }
    void ask_ahead(net::Family family, const Selection& all);
    void fill_query_of(unsigned n, flow::Index index, ruleset::Query& query) const;

    /// What the tracked classifier answers: rule index + 1. kNotAsked marks rows that were not put to it ahead.
    static constexpr std::uint32_t kNotAsked = 0xffffffff;

    const Batch& batch_;
    const ruleset::Ruleset& ruleset_;
    const flow::Table& flows_;
    Column<std::uint32_t> answer_;
};

} // namespace sluice::pipeline
