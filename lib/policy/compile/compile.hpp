// Model to ruleset: collect → prepare → compile → populate.
#pragma once

#include "classifier/compiled.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"
#include "ruleset/ruleset.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace sluice::policy {

struct CompileOptions {
    std::uint32_t epoch = 1; ///< not used by any ruleset that still lives
    /// Counter slot of each rule, the default's behind them. Empty: rule i has slot i.
    std::span<const std::uint32_t> counter_slots;
    /// Told now and then how much is done, 0 to 1. Compiling is given up when it answers false.
    std::function<bool(double)> progress;
};

/// One of the two classifiers, with what its rows and lists are in the policy.
struct CompiledClassifier {
    std::shared_ptr<classifier::Compiled> classifier;
    std::vector<std::uint32_t> row_rules;                     ///< by row: index into Policy::rules
    std::vector<std::optional<classifier::ListId>> set_lists; ///< by address set: of what is written in it
};

/// A ruleset with what the control thread keeps of compiling it.
struct Compilation {
    std::unique_ptr<const ruleset::Ruleset> ruleset;
    CompiledClassifier untracked;
    CompiledClassifier tracked;
};

/// Compiles a policy that was read without errors. Adds a diagnostic and returns nothing when a classifier does not
/// fit; warns when one had to be slower to fit into `tables: { rules: { memory: … } }`.
std::optional<Compilation> compile_with_report(const Policy& policy, const CompileOptions& options,
                                               Diagnostics& diagnostics);

/// The same, for those who only want to judge packets.
std::unique_ptr<const ruleset::Ruleset> compile(const Policy& policy, const CompileOptions& options,
                                                Diagnostics& diagnostics);

/// What a rule takes in a classifier, by rule.
struct RuleCost {
    std::uint64_t boxes = 0;
    std::uint64_t entries = 0; ///< copies of them
};
std::vector<RuleCost> rule_costs(const CompiledClassifier& compiled, std::size_t rule_count);

} // namespace sluice::policy
