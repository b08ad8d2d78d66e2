// What both programs of this folder do the same way: exit codes, stopping on a signal, results to a file.
#pragma once

#include "loadgen/endpoint.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace sluice::loadgen {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// Set by the first SIGINT or SIGTERM after stop_on_signals().
extern std::atomic<bool> stop_requested;
void stop_on_signals();

/// How many packets or connections: `count`, unless a duration is given, "20s" or "500ms", for which `rate` a second
/// counts. Fails when neither is given, with the option's name in front.
Result<uint64_t> count_of(uint64_t count, const std::string& duration, double rate);

/// Writes a file; nothing to write it to is no error. Returns a line for the person at the terminal if it failed.
std::string write_file(const std::string& path, const std::string& text);

} // namespace sluice::loadgen
