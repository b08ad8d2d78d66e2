// sluice-loadgen: short-lived connections at a steady rate. Arguments, limits, outputs; the work is in engine.cpp.
#include "loadgen/engine.hpp"
#include "loadgen/program.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <map>
#include <random>
#include <sys/resource.h>

namespace {

using namespace sluice::loadgen;

struct Arguments {
    std::string to;
    std::vector<std::string> sources;
    std::string ports = "10000-59999";
    double rate = 1000;
    std::string duration;
    uint64_t count = 0;
    std::string timeout = "3s";
    std::string interval = "100ms";
    std::string protocol = "memcached";
    std::string request = "set";
    uint64_t value_length = 64;
    uint64_t keys = 10'000;
    std::string close = "client";
    uint32_t max_open = 0;
    uint32_t keep = 0;
    double require = 100;
    std::string json;
    bool progress = false;
    bool quiet = false;
};

const std::map<std::string, Protocol> kProtocols = {{"memcached", Protocol::kMemcached},
                                                    {"memcached-udp", Protocol::kMemcachedUdp},
                                                    {"echo", Protocol::kEcho},
                                                    {"http", Protocol::kHttp}};
const std::map<std::string, Request> kRequests = {
    {"set", Request::kSet}, {"get", Request::kGet}, {"set-get", Request::kSetGet}, {"version", Request::kVersion}};
const std::map<std::string, CloseBy> kCloses = {
    {"client", CloseBy::kClient}, {"server", CloseBy::kServer}, {"reset", CloseBy::kReset}};

template <typename T> std::vector<std::string> names_of(const std::map<std::string, T>& map) {
    std::vector<std::string> names;
    for (const auto& [name, value] : map)
        names.push_back(name);
    return names;
}

void describe(CLI::App& app, Arguments& arguments) {
    app.description("Opens TCP connections at a steady rate, makes one request on each, checks the answer, closes.\n"
                    "The schedule is kept whatever the server does; latencies count from the intended start.");
    app.set_version_flag("--version", SLUICE_VERSION);
    app.add_option("--to", arguments.to, "server, ADDRESS:PORT or [ADDRESS]:PORT")->required();
    app.add_option("--rate", arguments.rate, "new connections a second")->capture_default_str();
    auto* duration = app.add_option("--duration", arguments.duration, "how long to start connections: 20s, 500ms, 2m");
    app.add_option("--count", arguments.count, "how many connections to start")->excludes(duration);
    app.add_option("--source", arguments.sources,
                   "source addresses of this host: ADDRESS, FIRST-LAST or PREFIX/LENGTH; may be repeated");
    app.add_option("--ports", arguments.ports, "source ports, used with --source")->capture_default_str();
    app.add_option("--protocol", arguments.protocol, "what the server speaks")
        ->check(CLI::IsMember(names_of(kProtocols)))
        ->capture_default_str();
    app.add_option("--request", arguments.request, "memcached: what to ask")
        ->check(CLI::IsMember(names_of(kRequests)))
        ->capture_default_str();
    app.add_option("--value-length", arguments.value_length, "bytes of a value, or of an echo")
        ->check(CLI::Range(1, 60'000))
        ->capture_default_str();
    app.add_option("--keys", arguments.keys, "memcached: different keys")
        ->check(CLI::Range(1U, 1'000'000'000U))
        ->capture_default_str();
    app.add_option("--close", arguments.close, "who closes first; reset: the client, with RST")
        ->check(CLI::IsMember(names_of(kCloses)))
        ->capture_default_str();
    app.add_option("--timeout", arguments.timeout, "of one connection, from open to closed")->capture_default_str();
    app.add_option("--max-open", arguments.max_open, "connections open at once; default: what the fd limit allows");
    app.add_option("--keep", arguments.keep, "keep this many connections open; --rate is then requests a second");
    app.add_option("--interval", arguments.interval, "of the time series in the JSON")->capture_default_str();
    app.add_option("--require", arguments.require, "exit with 1 when less than this percentage completes")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app.add_option("--json", arguments.json, "write all counts and the time series to this file");
    app.add_flag("--progress", arguments.progress, "a line a second on standard error");
    app.add_flag("-q,--quiet", arguments.quiet, "no summary on standard output");
    app.footer("Exit codes: 0 done, 1 failed or less completed than required, 2 usage.");
}

// A connection needs one descriptor; some are the program's own.
uint32_t raise_descriptor_limit() {
    constexpr rlim_t kOwn = 32;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<uint32_t>(std::min<rlim_t>(limit.rlim_cur, 1'000'000) - kOwn);
}

Result<Engine::Options> engine_options(const Arguments& arguments) {
    using sluice::base::Unexpected;
    Engine::Options options;
    const auto target = Endpoint::parse(arguments.to);
    if (!target) return Unexpected("--to: " + target.error());
    options.target = *target;
    auto sources = parse_sources(arguments.sources);
    if (!sources) return Unexpected("--source: " + sources.error());
    options.sources = std::move(*sources);
    const auto ports = parse_ports(arguments.ports);
    if (!ports) return Unexpected("--ports: " + ports.error());
    options.ports = *ports;
    // Not always the same: the pairs of the run before this one are still in TIME_WAIT.
    options.first_source = std::random_device{}();
    const auto timeout = parse_duration(arguments.timeout);
    if (!timeout) return Unexpected("--timeout: " + timeout.error());
    options.timeout = *timeout;
    const auto interval = parse_duration(arguments.interval);
    if (!interval) return Unexpected("--interval: " + interval.error());
    options.interval = *interval;
    if (!(arguments.rate >= 0.01 && arguments.rate <= 1e6)) return Unexpected(std::string("--rate: 0.01 to 1000000"));
    options.rate = arguments.rate;
    const auto count = count_of(arguments.count, arguments.duration, arguments.rate);
    if (!count) return Unexpected(count.error());
    options.count = *count;
    options.exchange.protocol = kProtocols.at(arguments.protocol);
    options.exchange.request = kRequests.at(arguments.request);
    options.exchange.value_length = arguments.value_length;
    options.exchange.keys = arguments.keys;
    options.close_by = kCloses.at(arguments.close);
    options.exchange.server_closes =
        options.close_by == CloseBy::kServer && options.exchange.protocol == Protocol::kMemcached;
    if (options.close_by == CloseBy::kServer && options.exchange.protocol == Protocol::kEcho)
        return Unexpected(std::string("--close server: an echo server never closes first"));
    const bool udp = options.exchange.protocol == Protocol::kMemcachedUdp;
    if (udp && arguments.value_length > 1300)
        return Unexpected(std::string("--value-length: at most 1300 over UDP, one datagram"));
    if (udp && options.exchange.request == Request::kSetGet)
        return Unexpected(std::string("--request set-get: not over UDP, where each command is a datagram"));
    if (arguments.keep != 0 && (options.exchange.protocol == Protocol::kHttp || options.close_by != CloseBy::kClient))
        return Unexpected(std::string("--keep: not with http, nor with --close"));
    options.keep = arguments.keep;
    options.progress = arguments.progress;
    return options;
}

std::optional<std::string> limit_open(const Arguments& arguments, Engine::Options& options) {
    const uint32_t available = raise_descriptor_limit();
    const uint32_t wanted = std::max(arguments.max_open, arguments.keep);
    if (wanted > available)
        return fmt::format("{} connections at once need more descriptors than the hard limit allows ({}): ulimit -Hn",
                           wanted, available);
    options.max_open = arguments.max_open != 0 ? arguments.max_open : std::min<uint32_t>(available, 65'536);
    return std::nullopt;
}

int error(int code, const std::string& text) {
    fmt::print(stderr, "sluice-loadgen: {}\n", text);
    return code;
}

int run(const Arguments& arguments) {
    auto options = engine_options(arguments);
    if (!options) return error(kUsage, options.error());
    if (const auto problem = limit_open(arguments, *options)) return error(kFailed, *problem);
    RunDescription description;
    description.target = options->target.to_string();
    description.exchange = arguments.protocol;
    if (arguments.protocol.starts_with("memcached")) description.exchange += " " + arguments.request;
    description.rate = options->rate;
    description.sources = options->sources.size();
    description.kept_connections = options->keep;
    stop_on_signals();
    const auto results = Engine(std::move(*options)).run(stop_requested);
    if (!results) return error(kFailed, results.error());
    if (!arguments.quiet) fmt::print("{}", summary(description, *results));
    const std::string problem = write_file(arguments.json, to_json(description, *results));
    if (!problem.empty()) return error(kFailed, problem);
    return results->completed_percent() >= arguments.require ? kDone : kFailed;
}

} // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{"", "sluice-loadgen"};
    describe(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0) return app.exit(problem); // --help, --version
        return error(kUsage, std::string(problem.what()) + " (see --help)");
    }
    return run(arguments);
}
