#include "report.hpp"

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace sluice::golden {
namespace {

/// As many scenarios are told in full; of the others, one line each.
constexpr std::size_t kStories = 10;

char letter(std::optional<Verdict> verdict) {
    return verdict ? name(*verdict).front() : '-';
}

/// Why the frames that did not pass did not: every reason once.
std::string reasons(std::span<const Fate> fates) {
    std::vector<std::string> seen;
    for (const Fate& fate : fates) {
        if (fate.passed || fate.reason.empty()) continue;
        if (std::find(seen.begin(), seen.end(), fate.reason) == seen.end()) seen.push_back(fate.reason);
    }
    std::string text;
    for (const std::string& reason : seen) {
        text += " " + reason;
    }
    return text;
}

std::string headline(const Scenario& scenario, const Difference& difference, const Fates& fates) {
    const Step& step = scenario.steps[difference.step];
    std::ostringstream text;
    text << name(difference.severity) << " " << scenario.name << " #" << difference.step << " " << name(step.from)
         << " '" << step.note << "': wanted " << name(step.wanted) << " (" << step.reason << "), got "
         << name(difference.got) << reasons(fates[difference.step]) << " [" << scenario.category;
    for (const std::string& tag : scenario.tags) {
        text << " " << tag;
    }
    text << "]";
    return text.str();
}

} // namespace

std::string Report::summary() const {
    std::ostringstream text;
    text << agreeing << " steps as recorded";
    for (std::size_t i = 0; i < kSeverityCount; ++i) {
        text << ", " << steps[i] << " " << name(static_cast<Severity>(i));
    }
    return text.str();
}

std::string story(const Scenario& scenario, const Fates& fates) {
    const std::vector<Difference> found = differences(scenario, fates);
    std::ostringstream text;
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
        const Step& step = scenario.steps[i];
        text << std::setw(4) << i << " " << name(step.from) << " " << std::left << std::setw(44) << step.note
             << std::right << " wanted " << name(step.wanted) << (step.hard ? " " : " (soft) ");
        for (const auto& reference : step.references) {
            text << letter(reference);
        }
        text << "/" << letter(step.rfc) << " " << std::left << std::setw(8) << step.reason << std::right << " got "
             << name(verdict(step, fates[i])) << reasons(fates[i]);
        for (const Difference& difference : found) {
            if (difference.step == i) text << "   <- " << name(difference.severity);
        }
        text << "\n";
    }
    return text.str();
}

Report judge(std::span<const Scenario> scenarios, std::span<const Fates> fates, Reviewed reviewed,
             const ReportOptions& options) {
    Report report;
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
        const std::vector<Difference> found = differences(scenarios[i], fates[i]);
        report.agreeing += scenarios[i].steps.size() - found.size();
        for (const Difference& difference : found) {
            ++report.steps[static_cast<std::size_t>(difference.severity)];
        }
        if (found.empty()) continue;
        const Difference& first = found.front();
        const std::string line = headline(scenarios[i], first, fates[i]);
        if (options.verbose) std::cout << line << "\n" << story(scenarios[i], fates[i]);
        if (first.severity == Severity::info) continue;
        if (first.severity == Severity::review && reviewed.meet(scenarios[i].name)) continue;
        const bool in_full = report.failures.size() < kStories && !options.verbose;
        report.failures.push_back(line + (in_full ? "\n" + story(scenarios[i], fates[i]) : ""));
    }
    if (options.whole) {
        const auto wrong = reviewed.wrong();
        report.failures.insert(report.failures.end(), wrong.begin(), wrong.end());
    }
    return report;
}

std::vector<Scenario> only(std::vector<Scenario> scenarios, const std::string& texts) {
    if (texts.empty()) return scenarios;
    std::erase_if(scenarios, [&texts](const Scenario& scenario) {
        std::istringstream list(texts);
        for (std::string text; std::getline(list, text, ',');) {
            if (scenario.name.find(text) != std::string::npos) return false;
        }
        return true;
    });
    return scenarios;
}

std::string only_from_environment() {
    const char* texts = std::getenv("SLUICE_GOLDEN_ONLY");
    return texts != nullptr ? texts : "";
}

bool verbose_from_environment() {
    const char* value = std::getenv("SLUICE_GOLDEN_VERBOSE");
    return value != nullptr && std::string_view(value) == "1";
}

} // namespace sluice::golden
