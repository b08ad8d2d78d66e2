// Makes rows of rules, and one list of each different list of addresses.
#pragma once

#include "policy/compile/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace sluice::policy {

/// Which way a rule is looked at.
enum class Facing : std::uint8_t { as_written, as_answered };

class RowMaker {
  public:
    explicit RowMaker(const Policy& policy);

    void add(std::size_t rule, Facing facing, std::uint32_t rank, std::uint32_t result);
    ClassifierRows take() { return std::move(out_); }

  private:
    std::vector<classifier::ListId> lists_of(const Endpoint& endpoint);
    classifier::ListId list_of(const std::vector<net::Prefix>& nets);
    classifier::ListId list_of_set(std::size_t set);
    const std::vector<std::size_t>& within(std::size_t set);

    const Policy& policy_;
    ClassifierRows out_;
    std::unordered_multimap<std::uint64_t, classifier::ListId> written_; ///< lists written out, by a hash of them
    std::vector<std::vector<std::size_t>> within_; ///< by set: itself and all sets in it; empty: not yet known
};

} // namespace sluice::policy
