// sluiced: the appliance. Wiring only; lib/control does the work.
#include "control/appliance.hpp"
#include "control/logging.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>

namespace {

using sluice::control::Exit;

int code(Exit exit) {
    return static_cast<int>(exit);
}

void describe(CLI::App& app, sluice::control::Options& options, bool& no_huge) {
    app.add_option("-c,--config", options.policy_path, "policy file (YAML)")->required()->type_name("FILE");
    app.add_option("-s,--socket", options.socket_path, "admin socket that sluicectl talks to")
        ->capture_default_str()
        ->type_name("SOCKET");
    app.add_option("--file-prefix", options.file_prefix, "tells instances on one machine apart (DPDK's runtime folder)")
        ->capture_default_str()
        ->type_name("PREFIX");
    app.add_flag("--no-huge", no_huge, "ordinary memory instead of hugepages: for trials");
    app.add_flag("-v,--verbose", options.verbose, "log more");
    app.set_version_flag("-V,--version", "sluiced " SLUICE_VERSION);
    app.footer("Signals: SIGHUP reads the policy file again, SIGTERM and SIGINT stop.\n"
               "Exit codes: 0 stopped, 1 failed, 2 usage, 4 not permitted, 5 policy invalid, 6 device not there,\n"
               "7 another instance is running, 8 not enough memory.");
}

} // namespace

int main(int argc, char** argv) {
    sluice::control::block_signals();
    sluice::control::Options options;
    bool no_huge = false;
    CLI::App app("Sluice: a firewall in user space, tracked and untracked, rule by rule");
    describe(app, options, no_huge);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : code(Exit::usage);
    }
    options.hugepages = !no_huge;
    sluice::control::set_up_logging(options.verbose);

    auto appliance = sluice::control::Appliance::start(options);
    if (!appliance) {
        fmt::print(stderr, "sluiced: {}\n", appliance.error().message);
        return code(appliance.error().exit);
    }
    const auto& plane = (*appliance)->plane();
    fmt::print("ready: {} interfaces, {} workers, policy generation {}, socket {}\n", plane.ports().size(),
               plane.workers().size(), (*appliance)->generation().number, options.socket_path);
    std::fflush(stdout);
    (*appliance)->serve();
    return code((*appliance)->stop() ? Exit::stopped : Exit::failed);
}
