// One way to classify packets, for comparisons: built from a rule set, asked 32 packets at a time.
#pragma once

#include "rule_sets/rule_set.hpp"
#include "rule_sets/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace sluice::bench {

inline constexpr unsigned kBatch = 32;

class Design {
  public:
    virtual ~Design() = default;
    /// Puts packets into the form that the design reads; not part of what is measured. Takes the place of those before.
    virtual void load(const rule_sets::Trace& trace) = 0;
    /// For `count` (at most kBatch) of the packets loaded, from `begin` on: position of the first rule that matches,
    /// plus 1; 0 for none.
    virtual void classify(std::size_t begin, unsigned count, std::uint32_t* results) const = 0;
    /// Bytes of what look-ups read.
    [[nodiscard]] virtual std::size_t memory_size() const = 0;
};

/// The design cannot be built for these rules: a sentence that says why.
struct CannotBuild : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::unique_ptr<Design> make_acl_peer(const rule_sets::RuleSet& set);
std::unique_ptr<Design> make_bit_vectors(const rule_sets::RuleSet& set);
std::unique_ptr<Design> make_tuple_merge(const rule_sets::RuleSet& set);

} // namespace sluice::bench
