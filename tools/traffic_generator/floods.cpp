#include "traffic_generator/floods.hpp"

#include "net/protocol.hpp"
#include "traffic_generator/ports.hpp"

#include <algorithm>

namespace sluice::traffic {
namespace {

using namespace net::tcp_flag;

/// What a flood leaves of the client's outbox to others.
constexpr uint32_t kMostWaiting = Outbox::kCapacity / 2;
constexpr uint16_t kFirstPort = 1024;
/// A generator that was kept from its core makes up for no more of a flood: all of it at once would be another flood
/// than the one that was asked for, which fills every ring.
constexpr double kMostBehindSeconds = 0.000'2;

FrameTemplate made(const AddressRange& from_range, const AddressRange& to_range, Side from, uint8_t flags) {
    FrameTemplate::Options options;
    options.source = from_range.base();
    options.destination = to_range.base();
    options.from = from;
    options.protocol = flags != 0 ? net::protocol::kTcp : net::protocol::kUdp;
    options.flags = flags;
    options.window = 65535;
    options.payload = flags != 0 ? 0 : kMarkSize;
    return FrameTemplate(options);
}

} // namespace

Floods::Floods(const TuplePlan& plan, const AddressRange& sources, const Options& options)
    : sources_(sources)
    , servers_(plan.servers())
    , options_(options)
    , syn_(made(sources, plan.servers(), Side::client, kSyn))
    , answer_(made(plan.servers(), sources, Side::server, kSyn | kAck))
    , datagram_(made(sources, plan.servers(), Side::client, 0))
    , syn_pacer_(options.syn_rate, options.cycles_per_second, kMostBehindSeconds)
    , random_pacer_(options.random_rate, options.cycles_per_second, kMostBehindSeconds)
    , random_(mix(options.seed)) {
    target_.destination = plan.servers().low(0);
    target_.destination_port = net::byte_swap(plan.server_ports().first);
}

Ends Floods::random_source() {
    const uint64_t bits = random_.next();
    Ends ends = target_;
    ends.source = sources_.low(static_cast<uint32_t>((bits >> 32) * sources_.size() >> 32));
    ends.source_port =
        net::byte_swap(static_cast<uint16_t>(kFirstPort + ((bits & 0xffffu) * (65536u - kFirstPort) >> 16)));
    return ends;
}

void Floods::generate(const Moment& moment) {
    if (!any()) return;
    if (!generating_) {
        generating_ = true;
        syn_pacer_.start(moment.now);
        random_pacer_.start(moment.now);
    }
    Outbox& outbox = moment.of(Side::client);
    const auto room = [&outbox] {
        return std::min(outbox.waiting() < kMostWaiting ? kMostWaiting - outbox.waiting() : 0, kBurst);
    };
    for (uint32_t count = syn_pacer_.take(moment.now, room()); count > 0; --count) {
        const Ends ends = random_source();
        counts_.syn_sent += outbox.write(syn_, ends, {static_cast<uint32_t>(random_.next()), 0}, 0) ? 1u : 0u;
    }
    for (uint32_t count = random_pacer_.take(moment.now, room()); count > 0; --count) {
        Ends ends = random_source();
        const uint64_t bits = random_.next();
        ends.destination = servers_.low(static_cast<uint32_t>((bits >> 32) * servers_.size() >> 32));
        ends.destination_port = static_cast<uint16_t>(bits | 1);
        counts_.random_sent += outbox.write(datagram_, ends, {}, moment.now) ? 1u : 0u;
    }
}

void Floods::receive(Side at, const Arrival& arrival, const Moment& moment) {
    if (arrival.protocol == net::protocol::kUdp && at == Side::server) {
        ++counts_.random_passed;
    } else if (arrival.flags == kSyn && at == Side::server) {
        ++counts_.syn_passed;
        if (!options_.answered) return;
        const TcpNumbers numbers{static_cast<uint32_t>(mix(arrival.sequence)), arrival.sequence + 1};
        counts_.answers_sent += moment.of(Side::server).write(answer_, arrival.ends.swapped(), numbers, 0) ? 1u : 0u;
    } else if (arrival.flags == (kSyn | kAck) && at == Side::client) {
        ++counts_.answers_passed;
    } else {
        ++counts_.wrong;
    }
}

} // namespace sluice::traffic
