#include "traffic_generator/new_flows.hpp"

#include "net/protocol.hpp"
#include "traffic_generator/ports.hpp"

#include <algorithm>

namespace sluice::traffic {
namespace {

constexpr uint32_t kMostWaiting = kBurst;

} // namespace

NewFlows::NewFlows(const TuplePlan& plan, const Options& options)
    : plan_(plan)
    , options_(options)
    , frames_{marked_templates(plan, Side::client, net::protocol::kUdp, options.sizes),
              marked_templates(plan, Side::server, net::protocol::kUdp, options.sizes)}
    , pacer_(options.rate, options.cycles_per_second)
    , time_(options.cycles_per_second) {}

void NewFlows::generate(const Moment& moment) {
    if (!generating_) {
        generating_ = true;
        pacer_.start(moment.now);
    }
    Outbox& outbox = moment.of(Side::client);
    uint32_t count = outbox.waiting() < kMostWaiting ? kMostWaiting - outbox.waiting() : 0;
    count = std::min(count, outbox.room());
    if (options_.rate > 0) count = pacer_.take(moment.now, count);
    for (uint32_t i = 0; i < count; ++i) {
        const uint8_t shape = options_.cycle[step_];
        step_ = step_ + 1 == options_.cycle.size() ? 0 : step_ + 1;
        outbox.write(frames_[0][shape], plan_.ends(next_), {}, moment.now);
        next_ = next_ + 1 == plan_.count() ? 0 : next_ + 1;
    }
    if (measuring_) counts_.packets[0].sent += count;
}

void NewFlows::receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) {
    for (const Arrival& arrival : arrivals) {
        const bool to_client = at == Side::client;
        const auto number = plan_.number_of(to_client ? arrival.ends.destination : arrival.ends.source,
                                            to_client ? arrival.ends.destination_port : arrival.ends.source_port);
        if (!number || arrival.protocol != net::protocol::kUdp) {
            counts_.add_wrong(Wrong::stranger);
            continue;
        }
        const Ends ends = plan_.ends(*number);
        if (arrival.ends != (to_client ? ends.swapped() : ends)) {
            counts_.add_wrong(Wrong::stranger);
            continue;
        }
        if (!FrameReader::payload_is_right(arrival)) {
            counts_.add_wrong(Wrong::payload);
            continue;
        }
        if (to_client && !options_.answer) {
            counts_.add_wrong(Wrong::unexpected);
            continue;
        }
        // An answer bears the time of what it answers, so that its latency is that of both ways.
        const uint64_t sent = MeasuredTime::sent_at(arrival.mark, moment.now);
        const bool counted = time_.holds(sent);
        if (counted) {
            ++counts_.packets[to_client ? 1 : 0].delivered;
            if (to_client == options_.answer) counts_.latency.record(time_.nanoseconds(moment.now - sent));
        }
        if (to_client || !options_.answer) continue;
        const bool written = moment.of(Side::server).write(frames_[1][0], ends.swapped(), {}, arrival.mark);
        if (written && counted) ++counts_.packets[1].sent;
    }
}

void NewFlows::begin_measuring(uint64_t now) {
    measuring_ = true;
    time_.begin(now);
    offered_before_ = pacer_.offered(now);
}

void NewFlows::end_measuring(uint64_t now) {
    measuring_ = false;
    time_.end(now);
    counts_.offered =
        options_.rate > 0 ? pacer_.offered(now) - offered_before_ : static_cast<double>(counts_.packets[0].sent);
}

} // namespace sluice::traffic
