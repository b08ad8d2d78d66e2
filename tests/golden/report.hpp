// All scenarios judged: what to say about it, and whether that is good.
#pragma once

#include "judge.hpp"
#include "recorded.hpp"
#include "reviewed.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sluice::golden {

struct Report {
    std::array<std::size_t, kSeverityCount> steps{}; ///< that differ, by severity
    std::size_t agreeing = 0;
    /// What has to be mended, a text each; empty when all is as it should be.
    std::vector<std::string> failures;

    /// "4,600 steps as recorded, 0 MUST, 12 REVIEW, …"
    [[nodiscard]] std::string summary() const;
};

struct ReportOptions {
    bool whole = true;    ///< these are all scenarios there are: reviewed.txt has to fit exactly
    bool verbose = false; ///< print every scenario that differs, and MUST differences in full however many
};

/// `fates` has an element for each of the scenarios.
Report judge(std::span<const Scenario> scenarios, std::span<const Fates> fates, Reviewed reviewed,
             const ReportOptions& options);

/// A scenario step by step: what was wanted, what came of it.
std::string story(const Scenario& scenario, const Fates& fates);

/// Those whose names contain one of the texts, which are separated by commas; all if it is empty.
std::vector<Scenario> only(std::vector<Scenario> scenarios, const std::string& texts);
/// What the environment asks for: SLUICE_GOLDEN_ONLY, SLUICE_GOLDEN_VERBOSE.
std::string only_from_environment();
bool verbose_from_environment();

} // namespace sluice::golden
