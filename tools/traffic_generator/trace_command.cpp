#include "traffic_generator/trace_command.hpp"

#include "loadgen/program.hpp"
#include "net/protocol.hpp"
#include "traffic_generator/traces.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/stat.h>

namespace sluice::traffic {
namespace {

constexpr uint16_t kMostData = 1400;

void add(CLI::App& trace, TraceArguments& arguments, const char* name, const char* what) {
    CLI::App* command = trace.add_subcommand(name, what);
    const bool connections = std::string(name) == "connections";
    command->add_option("-n,--count", arguments.count, connections ? "connections" : "flows")
        ->check(CLI::Range(1u, 1u << 28))
        ->capture_default_str();
    if (std::string(name) == "flows") {
        command
            ->add_option("--protocol", arguments.protocol,
                         "udp, or tcp: acknowledgments that fit for ever, but open nothing")
            ->check(CLI::IsMember({"udp", "tcp"}))
            ->capture_default_str();
    }
    if (connections) {
        command->add_option("--request", arguments.request, "bytes that the client sends")
            ->check(CLI::Range(kMarkSize, kMostData))
            ->capture_default_str();
        command->add_option("--response", arguments.response, "bytes that the server sends")
            ->check(CLI::Range(kMarkSize, kMostData))
            ->capture_default_str();
        command
            ->add_option("--lag", arguments.lag, "bursts that one port may be ahead of the other and nothing is early")
            ->check(CLI::Range(1u, 1024u))
            ->capture_default_str();
    } else {
        command->add_option("--size", arguments.size, "of UDP frames with FCS: 64, imix, or 64:7,594:4,1518:1")
            ->capture_default_str();
    }
    command->add_option("-o,--output", arguments.folder, "folder for clients.pcap and servers.pcap; made if missing")
        ->type_name("FOLDER")
        ->capture_default_str();
    describe(*command, arguments.plan);
}

base::Expected<Trace, std::string> write(const CLI::App& trace, const TraceArguments& arguments) {
    const auto plan = plan_of(arguments.plan);
    if (!plan) return base::Unexpected(plan.error());
    const auto sizes = FrameSizes::parse(arguments.size);
    if (!sizes) return base::Unexpected("--size: " + sizes.error());
    if (::mkdir(arguments.folder.c_str(), 0755) != 0 && errno != EEXIST)
        return base::Unexpected("cannot make the folder " + arguments.folder + ": " + std::strerror(errno));
    const uint64_t seed = arguments.plan.seed;
    if (trace.got_subcommand("connections"))
        return write_connections(*plan, arguments.count, arguments.lag, {arguments.request, arguments.response}, seed,
                                 arguments.folder);
    if (trace.got_subcommand("udp-new")) return write_new_udp(*plan, arguments.count, *sizes, seed, arguments.folder);
    const uint8_t protocol = arguments.protocol == "tcp" ? net::protocol::kTcp : net::protocol::kUdp;
    return write_flows(*plan, protocol, arguments.count, *sizes, seed, arguments.folder);
}

} // namespace

void add_trace_command(CLI::App& app, TraceArguments& arguments) {
    CLI::App* trace = app.add_subcommand("trace", "write captures for ports that replay them for ever");
    trace->require_subcommand(1);
    trace->footer("For net_pcap ports: --vdev net_pcap0,rx_pcap=clients.pcap,infinite_rx=1");
    add(*trace, arguments, "flows", "established flows, a frame of each side");
    add(*trace, arguments, "connections",
        "complete TCP connections, for two ports that are polled in turn, 32 frames each");
    add(*trace, arguments, "udp-new", "every frame a new UDP flow, one way");
}

int run_trace(const CLI::App& trace, const TraceArguments& arguments) {
    const auto written = write(trace, arguments);
    if (!written) {
        fmt::print(stderr, "traffic: {}\n", written.error());
        return loadgen::kFailed;
    }
    fmt::print("{}: {} frames{}, {} different tuples\n", written->clients, written->frames,
               written->servers.empty() ? std::string() : " as in " + written->servers, written->connections);
    return loadgen::kDone;
}

} // namespace sluice::traffic
