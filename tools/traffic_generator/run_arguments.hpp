// The options of the commands that send: flows, connections, new-flows.
#pragma once

#include "traffic_generator/connections.hpp"
#include "traffic_generator/frame_sizes.hpp"
#include "traffic_generator/plan_arguments.hpp"
#include "traffic_generator/report.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace sluice::traffic {

struct RunArguments {
    PlanArguments plan;
    // ports
    std::string client_device;
    std::string server_device;
    bool joined = false;
    int core = -1;
    std::string file_prefix = "sluice-traffic";
    bool no_huge = false;
    std::string connect_timeout = "10s";
    // run
    double rate = 0;
    std::string duration = "5s";
    std::string warm_up = "1s";
    std::string rest = "1s";
    std::string limit = "1s";
    double require = 0;
    std::string json;
    bool progress = false;
    bool quiet = false;
    bool hold = false;
    // frames
    std::string size = "64";
    // flows
    uint32_t flows = 1000;
    std::string protocol = "udp";
    std::string order = "uniform";
    double exponent = 1;
    std::string capture;
    bool one_way = false;
    // connections
    uint32_t in_flight = 0; ///< zero: by what the rate is
    std::string course = "full";
    uint16_t request = kMarkSize;
    uint16_t response = kMarkSize;
    std::string timeout = "200ms";
    uint32_t retransmits = 3;
    // new flows
    bool answer = false;
    // floods
    double syn_flood = 0;
    double random_flood = 0;
    bool flood_answered = false;
    std::string flood_sources; ///< empty: the default of the family
};

/// Adds the three commands to `app`.
void add_run_commands(CLI::App& app, RunArguments& arguments);

/// What a run needs, checked.
struct RunPlan {
    Mode mode = Mode::flows;
    TuplePlan tuples;
    AddressRange flood_sources;
    Floods::Options floods;
    Engine::Options engine;
    double limit_seconds = 0;
    double connect_seconds = 0;
    Description description;
    /// Makes the workload; as fast as possible, if `limit`.
    std::function<std::unique_ptr<Workload>(uint64_t cycles_per_second, bool limit)> make_workload;
};

/// Fails with a line for the person at the terminal.
base::Expected<RunPlan, std::string> check(const CLI::App& app, const RunArguments& arguments);

/// Runs, reports; the exit code.
int run(const RunPlan& plan, const RunArguments& arguments);

} // namespace sluice::traffic
