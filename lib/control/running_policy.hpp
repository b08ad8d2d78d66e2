// The policy that runs, and the one way to change it: all of a new one, or nothing at all.
#pragma once

#include "control/counter_slots.hpp"
#include "control/data_plane.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"
#include "policy/model/read.hpp"
#include "ruleset/ruleset.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {

/// How a check or an application of a policy ended.
struct PolicyOutcome {
    enum class Kind : std::uint8_t { applied, unchanged, valid, invalid, needs_restart, failed };
    Kind kind = Kind::failed;
    policy::Diagnostics diagnostics;
    std::string message; ///< needs_restart, failed: one sentence
};

/// What runs.
struct Generation {
    std::uint32_t number = 0;
    policy::Policy policy;
    std::unique_ptr<const ruleset::Ruleset> ruleset;
    std::string file; ///< its absolute path; empty when it came from no file
    std::string text;
    std::chrono::system_clock::time_point applied_at;
};

/// Sections of two policies that differ and are fixed at start, by name; empty if a live change will do.
std::vector<std::string> fixed_differences(const policy::Policy& running, const policy::Policy& wanted);

class RunningPolicy {
  public:
    RunningPolicy(DataPlane& plane, CounterSlots& slots)
        : plane_(plane)
        , slots_(slots) {}

    /// Compiles the policy that the data plane was prepared with; the caller starts the data plane with ruleset().
    PolicyOutcome begin(policy::Policy policy, std::string file, std::string text);

    /// Reads, lints, compares, compiles; changes nothing.
    PolicyOutcome check(const std::string& name, const std::string& text,
                        policy::SetFiles set_files = policy::SetFiles::follow);
    /// The same, and then publishes. Whatever goes wrong, the running policy, flows and counters stay.
    /// `name` is what diagnostics call it, `file` the path that it is remembered by.
    PolicyOutcome apply(const std::string& name, const std::string& file, const std::string& text,
                        policy::SetFiles set_files = policy::SetFiles::follow);

    [[nodiscard]] const Generation& running() const { return *running_; }

  private:
    std::optional<policy::Policy> read(const std::string& name, const std::string& text, policy::SetFiles set_files,
                                       PolicyOutcome& outcome) const;
    std::unique_ptr<const ruleset::Ruleset> compile(const policy::Policy& policy, std::uint32_t epoch,
                                                    PolicyOutcome& outcome);
    void retire(std::unique_ptr<Generation> previous, bool safe_to_free);

    DataPlane& plane_;
    CounterSlots& slots_;
    std::unique_ptr<Generation> running_;
    std::uint32_t last_epoch_ = 0;
    std::vector<std::unique_ptr<Generation>> unfreed_; ///< a worker did not report in time: kept until the next success
};

/// Names of the rules with "default" behind them: what counter slots are assigned to.
std::vector<std::string> rule_names(const policy::Policy& policy);

} // namespace sluice::control
