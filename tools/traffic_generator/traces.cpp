#include "traffic_generator/traces.hpp"

#include "net/protocol.hpp"
#include "traffic_generator/pcap_file.hpp"
#include "traffic_generator/random.hpp"

#include <array>
#include <numeric>
#include <vector>

namespace sluice::traffic {
namespace {

/// A replay port wants more frames than a burst has.
constexpr uint32_t kFewestFrames = 1024;

std::vector<uint32_t> shuffled(uint32_t count, uint64_t seed) {
    std::vector<uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    Random random(seed);
    for (uint32_t i = count; i > 1; --i) {
        std::swap(order[i - 1], order[random.below(i)]);
    }
    return order;
}

std::vector<FrameTemplate> acknowledgments(const TuplePlan& plan, Side from) {
    FrameTemplate::Options options = template_options(plan, from, net::protocol::kTcp);
    options.flags = net::tcp_flag::kAck;
    options.window = 65535;
    return {FrameTemplate(options)};
}

/// One side of all flows, `copies` times.
std::string write_side(const TuplePlan& plan, Side from, const std::vector<FrameTemplate>& templates,
                       const std::vector<uint8_t>& cycle, const std::vector<uint32_t>& order, uint64_t seed,
                       const std::string& path) {
    PcapFile file(path);
    std::size_t step = 0;
    for (const uint32_t flow : order) {
        const FrameTemplate& frame = templates[cycle[step]];
        step = step + 1 == cycle.size() ? 0 : step + 1;
        const Beginnings begun = beginnings_of(flow, seed);
        const TcpNumbers numbers = from == Side::client ? TcpNumbers{begun.client + 1, begun.server + 1}
                                                        : TcpNumbers{begun.server + 1, begun.client + 1};
        const Ends ends = plan.ends(flow);
        frame.write(file.next(kFrameRoom), from == Side::client ? ends : ends.swapped(), numbers, flow);
        file.append(frame.length());
    }
    return file.close();
}

std::string too_many(uint32_t wanted, const TuplePlan& plan) {
    return std::to_string(wanted) + " tuples wanted, but " + plan.clients().to_string() + " and its ports give only " +
           std::to_string(plan.count()) + ": take a larger prefix with --clients";
}

std::vector<uint32_t> repeated(std::vector<uint32_t> order) {
    const std::size_t once = order.size();
    while (order.size() < kFewestFrames) {
        order.insert(order.end(), order.begin(), order.begin() + static_cast<std::ptrdiff_t>(once));
    }
    return order;
}

/// The steps of a connection that go out in a burst of one side, each by the connections that began `age` bursts ago.
/// Ages are in units of the lag.
struct Step {
    Message message;
    uint32_t age;
};
using Steps = std::array<Step, kReplayBurst / kConnectionsABurst>;
constexpr Steps kClientSteps = {{{Message::syn, 0}, {Message::request, 2}, {Message::fin, 4}, {Message::last_ack, 6}}};
constexpr Steps kServerSteps = {
    {{Message::syn_ack, 1}, {Message::server_ack, 3}, {Message::response, 3}, {Message::server_fin, 5}}};

std::string write_steps(const TuplePlan& plan, const ConnectionFrames& frames, const Steps& steps, uint32_t bursts,
                        uint32_t lag, uint64_t seed, const std::string& path) {
    PcapFile file(path);
    for (uint32_t burst = 0; burst < bursts; ++burst) {
        for (const auto& [message, age] : steps) {
            const uint32_t begun = (burst + bursts - age * lag % bursts) % bursts;
            for (uint32_t i = 0; i < kConnectionsABurst; ++i) {
                const uint32_t number = begun * kConnectionsABurst + i;
                const Ends ends = plan.ends(number);
                const TcpNumbers numbers = numbers_of(message, beginnings_of(number, seed), frames.exchange());
                frames.of(message).write(file.next(kFrameRoom),
                                         sender_of(message) == Side::client ? ends : ends.swapped(), numbers, number);
                file.append(frames.of(message).length());
            }
        }
    }
    return file.close();
}

} // namespace

base::Expected<Trace, std::string> write_flows(const TuplePlan& plan, uint8_t protocol, uint32_t flows,
                                               const FrameSizes& sizes, uint64_t seed, const std::string& folder) {
    if (flows > plan.count()) return base::Unexpected(too_many(flows, plan));
    Trace trace{folder + "/clients.pcap", folder + "/servers.pcap", 0, flows};
    const bool tcp = protocol == net::protocol::kTcp;
    for (const Side side : {Side::client, Side::server}) {
        const auto order = repeated(shuffled(flows, mix(seed + static_cast<uint64_t>(side))));
        const auto templates =
            tcp ? acknowledgments(plan, side) : marked_templates(plan, side, protocol, sizes.sizes());
        const std::string problem = write_side(plan, side, templates, tcp ? std::vector<uint8_t>{0} : sizes.cycle(),
                                               order, seed, side == Side::client ? trace.clients : trace.servers);
        if (!problem.empty()) return base::Unexpected(problem);
        trace.frames = order.size();
    }
    return trace;
}

base::Expected<Trace, std::string> write_connections(const TuplePlan& plan, uint32_t connections, uint32_t lag,
                                                     const Exchange& exchange, uint64_t seed,
                                                     const std::string& folder) {
    // Each connection must be over before its tuple comes again.
    const uint32_t fewest = std::max(kFewestFrames / kReplayBurst, 8 * lag);
    const uint32_t bursts = std::max((connections + kConnectionsABurst - 1) / kConnectionsABurst, fewest);
    const uint64_t all = uint64_t{bursts} * kConnectionsABurst;
    if (all > plan.count()) return base::Unexpected(too_many(connections, plan));
    const ConnectionFrames frames(plan, exchange);
    Trace trace{folder + "/clients.pcap", folder + "/servers.pcap", uint64_t{bursts} * kReplayBurst,
                static_cast<uint32_t>(all)};
    std::string problem = write_steps(plan, frames, kClientSteps, bursts, lag, seed, trace.clients);
    if (problem.empty()) problem = write_steps(plan, frames, kServerSteps, bursts, lag, seed, trace.servers);
    if (!problem.empty()) return base::Unexpected(problem);
    return trace;
}

base::Expected<Trace, std::string> write_new_udp(const TuplePlan& plan, uint32_t flows, const FrameSizes& sizes,
                                                 uint64_t seed, const std::string& folder) {
    if (flows > plan.count()) return base::Unexpected(too_many(flows, plan));
    Trace trace{folder + "/clients.pcap", {}, 0, flows};
    const auto order = repeated(shuffled(flows, seed));
    const std::string problem =
        write_side(plan, Side::client, marked_templates(plan, Side::client, net::protocol::kUdp, sizes.sizes()),
                   sizes.cycle(), order, seed, trace.clients);
    if (!problem.empty()) return base::Unexpected(problem);
    trace.frames = order.size();
    return trace;
}

} // namespace sluice::traffic
