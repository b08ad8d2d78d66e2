// Runs one scenario: its policy through the reader, the linter and the compiler, its packets through whole workers over
// ports made of memory, by a clock that the steps move.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sluice::scenario {

/// The files of a scenario's folder by name: steps.txt, policy.yaml and what `reload` names.
using Files = std::map<std::string, std::string>;
Files read_folder(const std::filesystem::path& folder);

struct Failure {
    std::string file;
    unsigned line = 0; ///< 0: not about one line
    std::string message;
};

struct Outcome {
    std::vector<Failure> failures;
    std::uint64_t packets = 0;
    std::uint64_t handed_off = 0; ///< between workers
};

/// With more than one worker, packet n is received by worker n modulo `workers`. Stops at the tenth failure.
Outcome run(const Files& files, std::uint16_t workers);

/// Whether the steps say that they hold for other numbers of workers only. Errors in them are for run() to tell.
bool wants_other_worker_count(const Files& files, std::uint16_t workers);

} // namespace sluice::scenario
