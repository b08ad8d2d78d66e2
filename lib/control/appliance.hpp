// The appliance as a whole: start-up order, the control loop, reload, shutdown.
//
// Everything here runs on the control thread. Workers run elsewhere and are only ever observed.
#pragma once

#include "admin/server.hpp"
#include "control/counter_slots.hpp"
#include "control/data_plane.hpp"
#include "control/options.hpp"
#include "control/rates.hpp"
#include "control/running_policy.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {

class Appliance {
  public:
    /// Policy → socket → data plane → ruleset → ports and workers. On an error everything begun is undone.
    static base::Expected<std::unique_ptr<Appliance>, StartError> start(const Options& options);
    ~Appliance();

    /// Serves the admin socket until SIGTERM or SIGINT; reloads on SIGHUP. Signals must be blocked in all threads when
    /// start() is called (see block_signals()).
    void serve();

    /// Stops workers and ports. False if packet buffers are missing.
    bool stop();

    /// Reads the policy file again and applies it; what came of it goes to the log.
    void reload();
    /// Applies a text on behalf of `who`; logged. `file` is its absolute path, or empty.
    PolicyOutcome apply(const std::string& name, const std::string& file, const std::string& text,
                        const std::string& who, policy::SetFiles set_files = policy::SetFiles::follow);
    PolicyOutcome check(const std::string& name, const std::string& text, policy::SetFiles set_files) {
        return policy_->check(name, text, set_files);
    }

    /// Changes an address set on behalf of `who`; logged.
    SetOutcome change_set(const SetChange& change, const std::string& who);

    // What the admin methods show.
    [[nodiscard]] const DataPlane& plane() const { return *plane_; }
    [[nodiscard]] const Generation& generation() const { return policy_->running(); }
    [[nodiscard]] const CounterSlots& slots() const { return *slots_; }
    [[nodiscard]] const Rates& rates() const { return rates_; }
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] std::chrono::steady_clock::time_point started_at() const { return started_at_; }
    [[nodiscard]] std::vector<std::string> warnings() const;
    /// Whose part of the flow table is short of room.
    [[nodiscard]] unsigned workers_under_pressure() const;
    /// For how long there has been one, as far as a look ten times a second can tell; nothing: there is none.
    [[nodiscard]] std::optional<double> pressure_seconds() const;

  private:
    explicit Appliance(Options options)
        : options_(std::move(options)) {}
    base::Expected<void, StartError> bring_up();
    base::Expected<policy::Policy, StartError> read_policy(std::string& text) const;
    void housekeeping();
    void log_ports() const;

    Options options_;
    std::optional<admin::Server> server_;
    std::unique_ptr<DataPlane> plane_;
    std::unique_ptr<CounterSlots> slots_;
    std::unique_ptr<RunningPolicy> policy_;
    Rates rates_;
    std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point links_looked_at_{};
    std::optional<std::chrono::steady_clock::time_point> pressure_since_;
};

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all it makes, and notes them for serve(). Before anything else.
void block_signals();

/// Registers every method of docs/admin_protocol.md.
void register_methods(admin::Server& server, Appliance& appliance);

} // namespace sluice::control
