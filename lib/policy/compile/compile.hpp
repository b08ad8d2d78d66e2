// Model to ruleset: collect → prepare → compile → populate.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"
#include "ruleset/ruleset.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace sluice::policy {

struct CompileOptions {
    std::uint32_t epoch = 1; ///< not used by any ruleset that still lives
    int numa_socket = -1;    ///< where the classifiers' memory is taken from; -1: anywhere
    /// Counter slot of each rule, the default's behind them. Empty: rule i has slot i.
    std::span<const std::uint32_t> counter_slots;
};

/// Compiles a policy that was read without errors. Adds a diagnostic and returns nothing when a classifier does not
/// fit. The EAL must be up.
std::unique_ptr<const ruleset::Ruleset> compile(const Policy& policy, const CompileOptions& options,
                                                Diagnostics& diagnostics);

} // namespace sluice::policy
