#include "traffic_generator/engine.hpp"

#include <algorithm>

namespace sluice::traffic {
namespace {

constexpr uint64_t kPublishesASecond = 1000;
/// After everything is at rest, nothing has arrived for so long.
constexpr double kQuietSeconds = 0.02;
/// Bursts that are taken from each port before anything new is begun, at most.
constexpr unsigned kMostBursts = 8;
constexpr std::array kSides = {Side::client, Side::server};

constexpr std::size_t index_of(Side side) {
    return static_cast<std::size_t>(side);
}

} // namespace

Engine::Engine(Ports& ports, Workload& workload, Floods& floods, const FrameReader& reader, const Options& options,
               Progress& progress)
    : ports_(ports)
    , workload_(workload)
    , floods_(floods)
    , reader_(reader)
    , options_(options)
    , progress_(progress) {}

uint32_t Engine::receive(Side at, const Moment& moment) {
    std::array<Frame, kBurst> frames;
    const uint32_t count = ports_.receive(at, frames);
    if (count == 0) return 0;
    std::array<Arrival, kBurst> arrivals;
    uint32_t good = 0;
    for (uint32_t i = 0; i < count; ++i) {
        Arrival& arrival = arrivals[good];
        switch (reader_.read({frames[i].data, frames[i].length}, opposite(at), arrival)) {
        case Reading::good:
            if (arrival.flood)
                floods_.receive(at, arrival, moment);
            else
                ++good;
            break;
        case Reading::foreign: ++all_.foreign; break;
        case Reading::damaged: workload_.counts().add_wrong(Wrong::damaged); break;
        }
    }
    all_.received[index_of(at)] += count;
    workload_.receive(at, {arrivals.data(), good}, moment);
    ports_.release({frames.data(), count});
    return count;
}

void Engine::transmit(Side side) {
    const Ports::Sent sent = ports_.transmit(side, outboxes_[index_of(side)]);
    all_.sent[index_of(side)] += sent.frames;
    all_.sent_bytes[index_of(side)] += sent.bytes;
}

/// What has arrived goes first: a generator that begins more than it takes back would measure the queue before itself.
bool Engine::receive_all() {
    bool received = false;
    for (unsigned burst = 0; burst < kMostBursts; ++burst) {
        now_ = options_.clock();
        uint32_t most = 0;
        for (const Side side : kSides) {
            most = std::max(most, receive(side, {now_, outboxes_}));
        }
        received |= most != 0;
        if (most < kBurst) break;
        for (const Side side : kSides) {
            transmit(side);
        }
    }
    return received;
}

bool Engine::turn(bool generate) {
    const bool received = receive_all();
    const Moment moment{now_, outboxes_};
    workload_.look_after(moment);
    if (generate) {
        floods_.generate(moment);
        workload_.generate(moment);
    }
    for (const Side side : kSides) {
        transmit(side);
    }
    return received;
}

void Engine::publish(uint64_t now, Phase phase) {
    if (now - published_ < options_.cycles_per_second / kPublishesASecond) return;
    published_ = now;
    const Counts& counts = workload_.counts();
    progress_.phase.store(phase);
    progress_.sent.store(all_.sent[0] + all_.sent[1]);
    progress_.received.store(all_.received[0] + all_.received[1]);
    progress_.completed.store(counts.completed + counts.established);
    progress_.failed.store(counts.failed);
    progress_.wrong.store(counts.all_wrong() + floods_.counts().wrong);
}

bool Engine::turn_until(uint64_t end, Phase phase, const std::atomic<bool>& stop) {
    while (now_ < end) {
        if (stop.load(std::memory_order_relaxed)) return false;
        turn(true);
        publish(now_, phase);
    }
    return true;
}

PortCounts Engine::run(const std::atomic<bool>& stop) {
    for (const Side side : kSides) {
        transmit(side); // nothing yet, but it gives the outboxes rooms
    }
    now_ = options_.clock();
    const uint64_t started = now_;
    while (!stop.load(std::memory_order_relaxed) && !workload_.prepare({now_, outboxes_})) {
        turn(false);
        publish(now_, Phase::preparing);
    }
    const double prepared = static_cast<double>(now_ - started) / static_cast<double>(options_.cycles_per_second);
    turn_until(now_ + cycles(options_.warm_up_seconds), Phase::warming_up, stop);

    const PortCounts before = all_;
    const uint64_t refused_before = outboxes_[0].refused() + outboxes_[1].refused();
    const uint64_t begin = now_;
    workload_.begin_measuring(begin);
    floods_.begin_measuring();
    turn_until(begin + cycles(options_.seconds), Phase::measuring, stop);
    const uint64_t end = now_;
    workload_.end_measuring(end);
    PortCounts measured = all_;

    uint64_t last_arrival = now_;
    const uint64_t latest = end + cycles(options_.rest_seconds);
    while (now_ < latest && !(workload_.at_rest() && now_ - last_arrival > cycles(kQuietSeconds))) {
        if (turn(false)) last_arrival = now_;
        publish(now_, Phase::coming_to_rest);
    }
    for (Outbox& outbox : outboxes_) {
        ports_.take_back(outbox);
    }
    for (const std::size_t side : {0u, 1u}) {
        measured.sent[side] -= before.sent[side];
        measured.sent_bytes[side] -= before.sent_bytes[side];
        measured.received[side] -= before.received[side];
    }
    measured.foreign = all_.foreign;
    measured.refused = outboxes_[0].refused() + outboxes_[1].refused() - refused_before;
    measured.seconds = static_cast<double>(end - begin) / static_cast<double>(options_.cycles_per_second);
    measured.preparation_seconds = prepared;
    return measured;
}

} // namespace sluice::traffic
