// Work in a child process that talks to its parent in lines of JSON.
#pragma once

#include "admin/protocol.hpp"

#include <atomic>
#include <functional>
#include <string>

namespace sluice::sluicectl {

/// Says something to the parent. The child ends when the parent does not listen any more.
using TellParent = std::function<void(const admin::Json&)>;

/// Runs `work` in a forked child and hands what it tells to `take`, until the child ends, `take` returns false, or
/// `interrupted` (may be null) becomes true; then the child is ended. Returns how it ended: "was ended by signal 11",
/// "ended without a report", …
std::string run_in_child(const std::function<void(const TellParent&)>& work,
                         const std::function<bool(const admin::Json&)>& take, const std::atomic<bool>* interrupted);

} // namespace sluice::sluicectl
