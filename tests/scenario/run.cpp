#include "run.hpp"

#include "running.hpp"
#include "script.hpp"

#include <fstream>
#include <iterator>

namespace sluice::scenario {
namespace {

const std::string kSteps = "steps.txt";

std::string text_of(const Files& files, const std::string& name) {
    const auto found = files.find(name);
    return found == files.end() ? std::string() : found->second;
}

/// "steps.txt:12: what" apart again, so that the test program can point at the line.
Failure failure_from(const std::string& error) {
    const std::size_t first = error.find(':');
    const std::size_t second = error.find(": ", first + 1);
    return {error.substr(0, first), static_cast<unsigned>(std::stoul(error.substr(first + 1))),
            error.substr(second + 2)};
}

} // namespace

Files read_folder(const std::filesystem::path& folder) {
    Files files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        files[entry.path().filename()] = {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    return files;
}

bool wants_other_worker_count(const Files& files, std::uint16_t workers) {
    const auto script = read_script(kSteps, text_of(files, kSteps));
    return script && script->only_with_workers.value_or(workers) != workers;
}

Outcome run(const Files& files, std::uint16_t workers) {
    Outcome outcome;
    const auto script = read_script(kSteps, text_of(files, kSteps));
    if (!script) {
        for (const std::string& error : script.error()) {
            outcome.failures.push_back(failure_from(error));
        }
        return outcome;
    }
    if (script->steps.empty()) outcome.failures.push_back({kSteps, 0, "no steps"});
    Running running(files, workers, outcome);
    if (!running.begin()) return outcome;
    constexpr std::size_t kEnoughFailures = 10;
    for (const Step& step : script->steps) {
        running.at_line(step.line);
        std::visit([&running](const auto& what) { running.take(what); }, step.what);
        if (outcome.failures.size() >= kEnoughFailures) break;
    }
    running.finish();
    return outcome;
}

} // namespace sluice::scenario
