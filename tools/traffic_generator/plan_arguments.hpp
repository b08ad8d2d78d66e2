// The options that say which addresses and ports are used, the same for every command.
#pragma once

#include "traffic_generator/tuple_plan.hpp"

#include <CLI/CLI.hpp>
#include <string>

namespace sluice::traffic {

struct PlanArguments {
    bool ipv6 = false;
    std::string clients; ///< empty: the default of the family
    std::string servers;
    std::string client_ports = "1024-65535";
    std::string server_ports = "80";
    uint64_t seed = 1;
};

void describe(CLI::App& app, PlanArguments& arguments);

/// Fails with a line for the person at the terminal.
base::Expected<TuplePlan, std::string> plan_of(const PlanArguments& arguments);

/// A prefix given with `option`, of the family that `ipv6` says.
base::Expected<net::Prefix, std::string> prefix_of(const std::string& text, const std::string& option, bool ipv6);

} // namespace sluice::traffic
