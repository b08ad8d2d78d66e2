// Sluice's own classifier among the designs, and with a set of addresses that changes.
#pragma once

#include "classifier/compiled.hpp"
#include "design.hpp"

#include <vector>

namespace sluice::bench {

class Project : public Design {
  public:
    Project(const rule_sets::RuleSet& set, ruleset::Kernel kernel);
    /// Before the rules one that takes all packets from `sources`.
    Project(const rule_sets::RuleSet& set, std::vector<net::Prefix> sources, ruleset::Kernel kernel);

    void load(const rule_sets::Trace& trace) override;
    void classify(std::size_t begin, unsigned count, std::uint32_t* results) const override;
    [[nodiscard]] std::size_t memory_size() const override;

    /// Seconds that each of 2 * count changes of the sources took: an address in, the same address out.
    std::vector<double> change_sources(std::size_t count, std::uint64_t seed);

  private:
    void build(const classifier::Rows& rows);

    net::Family family_;
    ruleset::Kernel kernel_;
    classifier::ListId sources_ = 0;
    std::shared_ptr<classifier::Compiled> compiled_;
    std::vector<ruleset::Query> queries_;
};

} // namespace sluice::bench
