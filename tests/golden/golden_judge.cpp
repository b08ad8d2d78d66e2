// Judges what somebody else has played: golden_judge FILE. A line of FILE is a step, `SCENARIO STEP PASSED`, with a 1
// or a 0 for each of the step's frames. Ends with 1 when something is wrong.
#include "recorded.hpp"
#include "report.hpp"
#include "reviewed.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace sluice::golden {
namespace {

const std::filesystem::path kRoot = SLUICE_GOLDEN_ROOT;

/// By scenario and step.
using Observed = std::map<std::pair<std::string, std::size_t>, std::string>;

Observed observed(const std::filesystem::path& file) {
    Observed all;
    std::ifstream in(file);
    std::string scenario, passed;
    for (std::size_t step = 0; in >> scenario >> step >> passed;) {
        all[{scenario, step}] = passed;
    }
    return all;
}

/// Nothing when a step is missing, or another one than was recorded.
std::optional<Fates> fates(const Scenario& scenario, const Observed& observed) {
    Fates fates;
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
        const auto found = observed.find({scenario.name, i});
        if (found == observed.end() || found->second.size() != scenario.steps[i].frames.size()) return std::nullopt;
        fates.emplace_back();
        for (const char passed : found->second) {
            fates.back().push_back({passed == '1', {}});
        }
    }
    return fates;
}

int judge_file(const std::filesystem::path& file) {
    auto recorded = read_folder(kRoot / "data");
    auto reviewed = Reviewed::read_file(kRoot / "reviewed.txt");
    if (!recorded || !reviewed) {
        std::cerr << "golden_judge: " << (recorded ? reviewed.error() : recorded.error()) << "\n";
        return 2;
    }
    const std::vector<Scenario> scenarios = only(std::move(*recorded), only_from_environment());
    const Observed played = observed(file);
    std::vector<Fates> all;
    for (const Scenario& scenario : scenarios) {
        auto one = fates(scenario, played);
        if (!one) {
            std::cerr << "golden_judge: " << scenario.name << " was not played as it was recorded\n";
            return 2;
        }
        all.push_back(std::move(*one));
    }
    const ReportOptions options{only_from_environment().empty(), verbose_from_environment()};
    const Report report = judge(scenarios, all, std::move(*reviewed), options);
    for (const std::string& failure : report.failures) {
        std::cout << failure << "\n";
    }
    std::cout << scenarios.size() << " scenarios: " << report.summary() << "\n";
    return report.failures.empty() ? 0 : 1;
}

} // namespace
} // namespace sluice::golden

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "usage: golden_judge FILE\n";
        return 2;
    }
    return sluice::golden::judge_file(arguments[1]);
}
