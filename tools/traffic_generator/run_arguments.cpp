#include "traffic_generator/run_arguments.hpp"

#include "loadgen/endpoint.hpp"
#include "net/protocol.hpp"
#include "traffic_generator/flows.hpp"
#include "traffic_generator/new_flows.hpp"

#include <fmt/format.h>

namespace sluice::traffic {
namespace {

constexpr double kMostRate = 1e9;
constexpr uint32_t kInFlight = 1024;
constexpr uint32_t kInFlightAtARate = 1u << 18;
constexpr uint16_t kMostData = 1400;

const std::map<std::string, Course> kCourses = {
    {"full", Course::full}, {"compact", Course::compact}, {"bare", Course::bare}};

void add_ports(CLI::App& command, RunArguments& arguments) {
    auto* client =
        command.add_option("--client", arguments.client_device, "clients' port: PCI address or DPDK devargs")
            ->type_name("DEVICE");
    auto* server = command.add_option("--server", arguments.server_device, "servers' port")->type_name("DEVICE");
    client->needs(server);
    server->needs(client);
    command.add_flag("--joined", arguments.joined, "no ports and no firewall: both sides joined")
        ->excludes(client)
        ->excludes(server);
    command.add_option("--core", arguments.core, "CPU of the generator (default: the first one allowed)")
        ->check(CLI::Range(0, 1023));
    command.add_option("--file-prefix", arguments.file_prefix, "tells DPDK programs on one machine apart")
        ->capture_default_str();
    command.add_flag("--no-huge", arguments.no_huge, "ordinary memory instead of hugepages");
    command.add_flag("--hold", arguments.hold,
                     "after the report, keep the ports open until the other end goes away, or SIGTERM");
    command.add_option("--connect-timeout", arguments.connect_timeout, "how long to wait for both links")
        ->capture_default_str();
}

void add_run(CLI::App& command, RunArguments& arguments, const char* what) {
    command.add_option("-r,--rate", arguments.rate, fmt::format("{} a second; default: as fast as possible", what))
        ->check(CLI::Range(0.01, kMostRate));
    command.add_option("-d,--duration", arguments.duration, "how long to measure: 20s, 500ms, 2m")
        ->capture_default_str();
    command.add_option("--warm-up", arguments.warm_up, "before that, the same without counting")->capture_default_str();
    command.add_option("--rest", arguments.rest, "after that, what is under way may arrive for so long, at most")
        ->capture_default_str();
    command
        .add_option("--limit", arguments.limit,
                    "how long to measure the same without a firewall before, as fast as possible; 0s: not at all")
        ->capture_default_str();
    command.add_option("--require", arguments.require, "exit with 1 when less than this percentage is delivered")
        ->check(CLI::Range(0.0, 100.0));
    command.add_option("--json", arguments.json, "write the report to this file");
    command.add_flag("--progress", arguments.progress, "a line a second on standard error; default on a terminal");
    command.add_flag("-q,--quiet", arguments.quiet, "no report on standard output");
}

void add_floods(CLI::App& command, RunArguments& arguments) {
    command.add_option("--syn-flood", arguments.syn_flood, "besides, so many SYNs a second to the first server's port")
        ->check(CLI::Range(0.0, kMostRate));
    command
        .add_option("--random-flood", arguments.random_flood, "besides, so many UDP packets a second of random tuples")
        ->check(CLI::Range(0.0, kMostRate));
    command.add_flag("--flood-answered", arguments.flood_answered, "the server answers the flood's SYNs");
    command
        .add_option("--flood-sources", arguments.flood_sources,
                    "where floods seem to come from (default: 198.18.0.0/15, 2001:db8:f100::/96)")
        ->type_name("PREFIX");
}

CLI::Option* add_size(CLI::App& command, RunArguments& arguments) {
    return command.add_option("--size", arguments.size, "of frames with FCS: 64, imix, or 64:7,594:4,1518:1")
        ->capture_default_str();
}

void add_flows(CLI::App& app, RunArguments& arguments) {
    CLI::App* command = app.add_subcommand("flows", "packets over flows that were established before");
    auto* flows = command->add_option("-n,--flows", arguments.flows, "how many flows")
                      ->check(CLI::Range(1u, 1u << 28))
                      ->capture_default_str();
    command->add_option("--protocol", arguments.protocol)->check(CLI::IsMember({"udp", "tcp"}))->capture_default_str();
    auto* order = command->add_option("--order", arguments.order, "which flow is next")
                      ->check(CLI::IsMember({"uniform", "zipf"}))
                      ->capture_default_str();
    command->add_option("--exponent", arguments.exponent, "of zipf: flow k comes in proportion to 1/k^EXPONENT")
        ->check(CLI::Range(0.1, 5.0))
        ->capture_default_str();
    auto* size = add_size(*command, arguments);
    command
        ->add_option("--capture", arguments.capture,
                     "flows, order, directions and sizes as in this capture; addresses are the generator's own")
        ->excludes(flows)
        ->excludes(order)
        ->excludes(size);
    command->add_flag("--one-way", arguments.one_way, "only what clients send");
    add_run(*command, arguments, "packets, both directions together,");
    add_floods(*command, arguments);
    add_ports(*command, arguments);
    describe(*command, arguments.plan);
}

void add_connections(CLI::App& app, RunArguments& arguments) {
    CLI::App* command = app.add_subcommand("connections", "complete TCP connections, from SYN to the last ACK");
    command->add_option("--in-flight", arguments.in_flight, "open at once, at most (default: 1024, with --rate 262144)")
        ->check(CLI::Range(1u, 1u << 24));
    command
        ->add_option("--course", arguments.course,
                     "full: SYN SYN/ACK ACK request response FIN FIN ACK; compact: the request is the third; "
                     "bare: no request and response")
        ->check(CLI::IsMember({"full", "compact", "bare"}))
        ->capture_default_str();
    command->add_option("--request", arguments.request, "bytes that the client sends")
        ->check(CLI::Range(kMarkSize, kMostData))
        ->capture_default_str();
    command->add_option("--response", arguments.response, "bytes that the server sends")
        ->check(CLI::Range(kMarkSize, kMostData))
        ->capture_default_str();
    command->add_option("--timeout", arguments.timeout, "until a segment is sent again")->capture_default_str();
    command->add_option("--retransmits", arguments.retransmits, "of a segment, until the connection has failed")
        ->check(CLI::Range(0u, 100u))
        ->capture_default_str();
    add_run(*command, arguments, "connections");
    add_floods(*command, arguments);
    add_ports(*command, arguments);
    describe(*command, arguments.plan);
}

void add_new_flows(CLI::App& app, RunArguments& arguments) {
    CLI::App* command = app.add_subcommand("new-flows", "every packet a UDP flow that there was not before");
    command->add_flag("--answer", arguments.answer, "the server sends a packet back");
    add_size(*command, arguments);
    add_run(*command, arguments, "flows");
    add_floods(*command, arguments);
    add_ports(*command, arguments);
    describe(*command, arguments.plan);
}

/// Seconds of a duration that `option` gave.
base::Expected<double, std::string> seconds_of(const std::string& text, const char* option) {
    if (text == "0" || text == "0s") return 0.0;
    const auto nanoseconds = loadgen::parse_duration(text);
    if (!nanoseconds) return base::Unexpected(std::string(option) + ": " + nanoseconds.error());
    return static_cast<double>(*nanoseconds) / 1e9;
}

std::string prepare_flows(const RunArguments& arguments, const FrameSizes& sizes, RunPlan& plan) {
    Flows::Options options;
    options.protocol = arguments.protocol == "tcp" ? net::protocol::kTcp : net::protocol::kUdp;
    options.flows = arguments.flows;
    options.rate = arguments.rate;
    options.sizes = sizes.sizes();
    options.seed = arguments.plan.seed;
    if (arguments.one_way && options.protocol == net::protocol::kTcp)
        return "--one-way: not with TCP, which wants acknowledgments";
    std::vector<FlowOrder::Step> steps;
    plan.description.sizes = arguments.size;
    if (!arguments.capture.empty()) {
        auto captured = read_order(arguments.capture);
        if (!captured) return "--capture: " + captured.error();
        options.flows = captured->flows;
        options.sizes = captured->sizes;
        steps = std::move(captured->steps);
        plan.description.sizes = "as captured";
    }
    if (options.flows > plan.tuples.count())
        return fmt::format("{} flows wanted, but the clients and their ports give only {}: take a larger prefix with "
                           "--clients",
                           options.flows, plan.tuples.count());
    plan.description.traffic = fmt::format("{} {} flows, {}", options.flows, arguments.protocol,
                                           !steps.empty()              ? "order of " + arguments.capture
                                           : arguments.order == "zipf" ? fmt::format("zipf {:g}", arguments.exponent)
                                                                       : std::string("uniform"));
    plan.make_workload = [arguments, sizes, options, steps, tuples = plan.tuples](uint64_t cycles, bool limit) {
        FlowOrder order = !steps.empty() ? FlowOrder::recorded(steps)
                          : arguments.order == "zipf"
                              ? FlowOrder::zipf(options.flows, arguments.exponent, sizes.cycle(), options.seed)
                              : FlowOrder::uniform(options.flows, sizes.cycle(), options.seed);
        if (arguments.one_way) order.one_way();
        Flows::Options own = options;
        own.cycles_per_second = cycles;
        if (limit) own.rate = 0;
        return std::make_unique<Flows>(tuples, std::move(order), own);
    };
    return {};
}

std::string prepare_connections(const RunArguments& arguments, RunPlan& plan) {
    Connections::Options options;
    options.rate = arguments.rate;
    options.course = kCourses.at(arguments.course);
    options.exchange = {arguments.request, arguments.response};
    options.retransmits = static_cast<uint8_t>(arguments.retransmits);
    options.seed = arguments.plan.seed;
    const auto timeout = seconds_of(arguments.timeout, "--timeout");
    if (!timeout) return timeout.error();
    if (*timeout <= 0) return "--timeout: above zero";
    options.timeout_seconds = *timeout;
    // All of the retransmissions of the last connection must have had their time.
    plan.engine.rest_seconds += *timeout * (arguments.retransmits + 2);
    plan.description.traffic = fmt::format("{} TCP connections", arguments.course);
    plan.make_workload = [arguments, options, tuples = plan.tuples](uint64_t cycles, bool limit) {
        Connections::Options own = options;
        own.cycles_per_second = cycles;
        if (limit) own.rate = 0;
        own.in_flight = arguments.in_flight != 0 ? arguments.in_flight : own.rate > 0 ? kInFlightAtARate : kInFlight;
        return std::make_unique<Connections>(tuples, own);
    };
    return {};
}

std::string prepare_new_flows(const RunArguments& arguments, const FrameSizes& sizes, RunPlan& plan) {
    NewFlows::Options options;
    options.rate = arguments.rate;
    options.answer = arguments.answer;
    options.sizes = sizes.sizes();
    options.cycle = sizes.cycle();
    plan.description.traffic = arguments.answer ? "new UDP flows, answered" : "new UDP flows";
    plan.description.sizes = arguments.size;
    plan.make_workload = [options, tuples = plan.tuples](uint64_t cycles, bool limit) {
        NewFlows::Options own = options;
        own.cycles_per_second = cycles;
        if (limit) own.rate = 0;
        return std::make_unique<NewFlows>(tuples, own);
    };
    return {};
}

std::string prepare_floods(const RunArguments& arguments, RunPlan& plan) {
    const std::string text = !arguments.flood_sources.empty() ? arguments.flood_sources
                             : arguments.plan.ipv6            ? "2001:db8:f100::/96"
                                                              : "198.18.0.0/15";
    const auto prefix = prefix_of(text, "--flood-sources", arguments.plan.ipv6);
    if (!prefix) return prefix.error();
    plan.flood_sources = AddressRange::of(*prefix);
    for (const AddressRange* other : {&plan.tuples.clients(), &plan.tuples.servers()}) {
        if (plan.flood_sources.overlaps(*other))
            return "--flood-sources: " + text + " overlaps with " + other->to_string() +
                   "; floods are told apart by their addresses";
    }
    plan.floods.syn_rate = arguments.syn_flood;
    plan.floods.random_rate = arguments.random_flood;
    plan.floods.answered = arguments.flood_answered;
    plan.floods.seed = arguments.plan.seed;
    plan.description.floods = arguments.syn_flood > 0 || arguments.random_flood > 0;
    return {};
}

std::string prepare_times(const RunArguments& arguments, RunPlan& plan) {
    const auto take = [](const std::string& text, const char* option, double& into) {
        const auto seconds = seconds_of(text, option);
        if (!seconds) return seconds.error();
        into = *seconds;
        return std::string();
    };
    for (std::string problem : {take(arguments.duration, "--duration", plan.engine.seconds),
                                take(arguments.warm_up, "--warm-up", plan.engine.warm_up_seconds),
                                take(arguments.rest, "--rest", plan.engine.rest_seconds),
                                take(arguments.limit, "--limit", plan.limit_seconds),
                                take(arguments.connect_timeout, "--connect-timeout", plan.connect_seconds)}) {
        if (!problem.empty()) return problem;
    }
    return plan.engine.seconds > 0 ? std::string() : "--duration: above zero";
}

} // namespace

void add_run_commands(CLI::App& app, RunArguments& arguments) {
    add_flows(app, arguments);
    add_connections(app, arguments);
    add_new_flows(app, arguments);
}

base::Expected<RunPlan, std::string> check(const CLI::App& app, const RunArguments& arguments) {
    auto tuples = plan_of(arguments.plan);
    if (!tuples) return base::Unexpected(tuples.error());
    if (!arguments.joined && arguments.client_device.empty())
        return base::Unexpected(std::string("give the two ports with --client and --server, or --joined"));
    const auto sizes = FrameSizes::parse(arguments.size);
    if (!sizes) return base::Unexpected("--size: " + sizes.error());
    RunPlan plan;
    plan.tuples = *tuples;
    plan.description.ipv6 = arguments.plan.ipv6;
    plan.description.rate = arguments.rate;
    plan.description.joined = arguments.joined;
    std::string problem = prepare_times(arguments, plan);
    if (problem.empty()) problem = prepare_floods(arguments, plan);
    plan.mode = app.got_subcommand("flows")         ? Mode::flows
                : app.got_subcommand("connections") ? Mode::connections
                                                    : Mode::new_flows;
    plan.description.mode = plan.mode;
    if (problem.empty()) {
        problem = plan.mode == Mode::flows         ? prepare_flows(arguments, *sizes, plan)
                  : plan.mode == Mode::connections ? prepare_connections(arguments, plan)
                                                   : prepare_new_flows(arguments, *sizes, plan);
    }
    if (!problem.empty()) return base::Unexpected(problem);
    return plan;
}

} // namespace sluice::traffic
