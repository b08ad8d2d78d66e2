// sluice-udpblast: proves that a path loses nothing. One end sends numbered UDP packets at a constant rate, the other
// says which of them came.
#include "loadgen/program.hpp"
#include "loadgen/udp_payload.hpp"
#include "loadgen/udp_receiver.hpp"
#include "loadgen/udp_sender.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace sluice::loadgen;

struct Arguments {
    std::string to;
    std::string source;
    uint16_t streams = 1;
    double rate = 100'000;
    std::string duration;
    uint64_t count = 0;
    uint32_t payload_length = 64;
    uint32_t max_burst = 64;
    std::string listen;
    std::string idle_timeout = "3s";
    std::string first_timeout;
    std::string json;
};

int error(int code, const std::string& text) {
    fmt::print(stderr, "sluice-udpblast: {}\n", text);
    return code;
}

template <typename Results> int write_out(const Results& results, const std::string& json) {
    fmt::print("{}", summary(results));
    const std::string problem = write_file(json, to_json(results));
    return problem.empty() ? kDone : error(kFailed, problem);
}

int send(const Arguments& arguments) {
    UdpSendOptions options;
    const auto target = Endpoint::parse(arguments.to);
    if (!target) return error(kUsage, "--to: " + target.error());
    options.target = *target;
    if (!arguments.source.empty()) {
        auto source = Endpoint::parse(arguments.source);
        if (!source) source = Endpoint::parse_address(arguments.source);
        if (!source) return error(kUsage, "--source: " + source.error());
        if (source->family() != target->family()) return error(kUsage, "--source and --to are of different families");
        if (source->port() + arguments.streams > 65536) return error(kUsage, "--streams: not that many ports left");
        options.source = *source;
    }
    const auto count = count_of(arguments.count, arguments.duration, arguments.rate);
    if (!count) return error(kUsage, count.error());
    options.count = *count;
    options.streams = arguments.streams;
    options.rate = arguments.rate;
    options.payload_length = arguments.payload_length;
    options.max_burst = arguments.max_burst;
    const auto results = udp_send(options, stop_requested);
    if (!results) return error(kFailed, results.error());
    const int written = write_out(*results, arguments.json);
    return results->errors.empty() ? written : kFailed;
}

int receive(const Arguments& arguments) {
    UdpReceiveOptions options;
    const auto listen = Endpoint::parse(arguments.listen);
    if (!listen) return error(kUsage, "--listen: " + listen.error());
    options.listen = *listen;
    const auto idle = parse_duration(arguments.idle_timeout);
    if (!idle) return error(kUsage, "--idle-timeout: " + idle.error());
    options.idle_timeout = *idle;
    if (!arguments.first_timeout.empty()) {
        const auto first = parse_duration(arguments.first_timeout);
        if (!first) return error(kUsage, "--first-timeout: " + first.error());
        options.first_timeout = *first;
    }
    const auto results = udp_receive(options, stop_requested, [&options] {
        fmt::print("ready: listening on {}\n", options.listen.to_string());
        std::fflush(stdout);
    });
    if (!results) return error(kFailed, results.error());
    const int written = write_out(*results, arguments.json);
    const bool clean = results->received() > 0 && results->missing() == 0 && results->duplicated() == 0;
    return clean && results->all_ended ? written : kFailed;
}

void describe_send(CLI::App& app, Arguments& arguments) {
    app.add_option("--to", arguments.to, "receiver, ADDRESS:PORT or [ADDRESS]:PORT")->required();
    app.add_option("--rate", arguments.rate, "packets a second")->check(CLI::Range(1.0, 5e6))->capture_default_str();
    auto* duration = app.add_option("--duration", arguments.duration, "how long: 20s, 500ms, 2m");
    app.add_option("--count", arguments.count, "how many packets")->excludes(duration);
    app.add_option("--source", arguments.source, "source ADDRESS, or ADDRESS:FIRST_PORT");
    app.add_option("--streams", arguments.streams, "source ports, used in turn, numbered apart")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_option("--payload-length", arguments.payload_length, "bytes of UDP payload")
        ->check(CLI::Range(static_cast<int>(sizeof(UdpPayload)), 9000))
        ->capture_default_str();
    app.add_option("--max-burst", arguments.max_burst, "packets at most in one call")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
}

void describe_receive(CLI::App& app, Arguments& arguments) {
    app.add_option("--listen", arguments.listen, "ADDRESS:PORT or [ADDRESS]:PORT")->required();
    app.add_option("--idle-timeout", arguments.idle_timeout, "end this long after the last packet")
        ->capture_default_str();
    app.add_option("--first-timeout", arguments.first_timeout, "end when no packet comes for this long at the start");
}

} // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{"Sends numbered UDP packets at a constant rate, or receives them and counts what is missing.",
                 "sluice-udpblast"};
    app.set_version_flag("--version", SLUICE_VERSION);
    app.require_subcommand(1);
    app.footer("Exit codes: 0 done and nothing lost, 1 failed or packets missing, 2 usage.");
    CLI::App* sender = app.add_subcommand("send", "send packets");
    CLI::App* receiver = app.add_subcommand("receive", "count packets; says 'ready:' when it listens");
    describe_send(*sender, arguments);
    describe_receive(*receiver, arguments);
    for (CLI::App* command : {sender, receiver})
        command->add_option("--json", arguments.json, "write the counts to this file");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0) return app.exit(problem); // --help, --version
        return error(kUsage, std::string(problem.what()) + " (see --help)");
    }
    stop_on_signals();
    return *sender ? send(arguments) : receive(arguments);
}
