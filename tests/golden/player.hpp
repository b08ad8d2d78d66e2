// Plays scenarios through whole workers over ports made of memory: the policy through the reader and the compiler, the
// packets through the pipeline, time by the step.
#pragma once

#include "judge.hpp"
#include "recorded.hpp"
#include "ruleset/ruleset.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::golden {

/// Nothing, with the diagnostics in `problem`, when the policy does not hold.
std::unique_ptr<const ruleset::Ruleset> compile(const std::filesystem::path& policy, std::string& problem);

struct Played {
    std::vector<Fates> fates; ///< by scenario
    std::vector<std::string>
        broken; ///< frames that were changed or left by the wrong port, accounts that do not add up
};

/// On one appliance, all scenarios side by side: the first step of each, then the second of each, …
Played play(std::span<const Scenario> scenarios, const ruleset::Ruleset& ruleset, std::uint16_t workers);
/// Each scenario on an appliance of its own.
Played play_each_alone(std::span<const Scenario> scenarios, const ruleset::Ruleset& ruleset, std::uint16_t workers);

} // namespace sluice::golden
