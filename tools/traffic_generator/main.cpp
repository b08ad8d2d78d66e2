// sluice-traffic: the command line; the work is in the other files.
#include "loadgen/program.hpp"
#include "traffic_generator/run_arguments.hpp"
#include "traffic_generator/trace_command.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace sluice::traffic;

int usage(const std::string& problem) {
    fmt::print(stderr, "traffic: {} (see --help)\n", problem);
    return sluice::loadgen::kUsage;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Traffic for a firewall between two DPDK ports, both sides of it, every answer checked", "traffic");
    app.set_version_flag("-V,--version", "sluice-traffic " SLUICE_VERSION);
    app.require_subcommand(1);
    app.footer("Exit codes: 0 done, 1 something wrong arrived, or less than required, 2 usage, 4 not permitted,\n"
               "6 device not there or without link, 7 file prefix in use, 8 not enough memory.");
    RunArguments arguments;
    add_run_commands(app, arguments);
    TraceArguments trace;
    add_trace_command(app, trace);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0) return app.exit(problem); // --help, --version
        return usage(problem.what());
    }
    if (app.got_subcommand("trace")) return run_trace(*app.get_subcommand("trace"), trace);
    const auto plan = check(app, arguments);
    if (!plan) return usage(plan.error());
    return run(*plan, arguments);
}
