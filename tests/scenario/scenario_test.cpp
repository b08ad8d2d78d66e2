// Every folder beside this file, with one worker and with two.
#include "run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::scenario {
namespace {

struct Case {
    std::filesystem::path folder;
    std::uint16_t workers;
};

std::vector<Case> all_cases() {
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SCENARIO_ROOT)) {
        if (entry.is_directory()) folders.push_back(entry.path());
    }
    std::sort(folders.begin(), folders.end());
    std::vector<Case> cases;
    for (const auto& folder : folders) {
        const Files files = read_folder(folder);
        for (const std::uint16_t workers : {std::uint16_t{1}, std::uint16_t{2}}) {
            if (!wants_other_worker_count(files, workers)) cases.push_back({folder, workers});
        }
    }
    return cases;
}

void PrintTo(const Case& one, std::ostream* out) {
    *out << one.folder.filename().string() << " with " << one.workers << " workers";
}

class Scenario : public testing::TestWithParam<Case> {};

TEST_P(Scenario, HappensAsWritten) {
    const auto& [folder, workers] = GetParam();
    const Outcome outcome = run(read_folder(folder), workers);
    for (const Failure& failure : outcome.failures) {
        const std::string file = folder / failure.file;
        ADD_FAILURE_AT(file.c_str(), static_cast<int>(failure.line)) << failure.message;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Scenario, testing::ValuesIn(all_cases()), [](const auto& one) {
    return one.param.folder.filename().string() + "_" + std::to_string(one.param.workers);
});

} // namespace
} // namespace sluice::scenario
