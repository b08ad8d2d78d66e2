// The policy that runs, and the one way to change it: all of a new one, or nothing at all.
#pragma once

#include "control/counter_slots.hpp"
#include "control/data_plane.hpp"
#include "control/live_sets.hpp"
#include "policy/compile/compile.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"
#include "policy/model/read.hpp"
#include "ruleset/ruleset.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
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

/// How a change of an address set ended.
struct SetOutcome {
    enum class Kind : std::uint8_t { changed, unchanged, no_such_set, not_in_set, too_large, failed };
    Kind kind = Kind::failed;
    std::string message; ///< one sentence, unless changed or unchanged
    std::size_t added = 0;
    std::size_t removed = 0;
    std::size_t prefixes = 0; ///< written in the set now
    bool recompiled = false;  ///< it was too much for the tables as they were
};

/// What runs. Its sets are the policy's as it was read; `sets` knows what came of them.
struct Generation {
    std::uint32_t number = 0;
    policy::Policy policy;
    std::unique_ptr<const ruleset::Ruleset> ruleset; ///< the newest one: changes of sets make new ones
    policy::CompiledClassifier untracked{};
    policy::CompiledClassifier tracked{};
    LiveSets sets{};
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

    /// Changes an address set while traffic passes: all of it, or nothing at all. Nothing is compiled; every flow is
    /// judged again on its next packet. Lasts until the next policy is applied.
    SetOutcome change_set(const SetChange& change);
    /// Frees what changes of sets left behind, once no worker can use it any more. Now and then.
    void reclaim();

    [[nodiscard]] const Generation& running() const { return *running_; }

  private:
    std::optional<policy::Policy> read(const std::string& name, const std::string& text, policy::SetFiles set_files,
                                       PolicyOutcome& outcome) const;
    std::optional<policy::Compilation> compile(const policy::Policy& policy, PolicyOutcome& outcome);
    std::unique_ptr<Generation> make_generation(policy::Policy policy, policy::Compilation compilation,
                                                std::string file, std::string text);
    void retire(std::unique_ptr<Generation> previous, bool safe_to_free);
    bool change_tables(std::size_t set, const SetDifference& difference);
    bool change_tables(std::size_t set, const classifier::ListChange& change);
    bool compile_with(std::size_t set, const SetDifference& difference, SetOutcome& outcome);
    void wait_for_workers();

    DataPlane& plane_;
    CounterSlots& slots_;
    std::unique_ptr<Generation> running_;
    std::uint32_t last_epoch_ = 0;
    std::uint32_t last_number_ = 0;
    std::vector<std::unique_ptr<Generation>> unfreed_; ///< a worker did not report in time: kept until the next success

    /// What a change of a set took out of use.
    struct Left {
        rcu::Domain::Grace grace;
        std::unique_ptr<const ruleset::Ruleset> ruleset;
    };
    std::deque<Left> left_; ///< oldest first
};

/// Names of the rules with "default" behind them: what counter slots are assigned to.
std::vector<std::string> rule_names(const policy::Policy& policy);

} // namespace sluice::control
