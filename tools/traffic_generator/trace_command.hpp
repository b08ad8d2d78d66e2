// `traffic trace`: writes captures for replay ports.
#pragma once

#include "traffic_generator/plan_arguments.hpp"

#include <CLI/CLI.hpp>
#include <string>

namespace sluice::traffic {

struct TraceArguments {
    PlanArguments plan;
    uint32_t count = 100'000;
    std::string protocol = "udp";
    std::string size = "64";
    uint16_t request = 6;
    uint16_t response = 6;
    uint32_t lag = 1;
    std::string folder = ".";
};

/// Adds the command and its own commands to `app`.
void add_trace_command(CLI::App& app, TraceArguments& arguments);

/// What the parsed command line asks for; the exit code.
int run_trace(const CLI::App& trace, const TraceArguments& arguments);

} // namespace sluice::traffic
