#include "worker/worker_loop.hpp"

#include "base/clock.hpp"
#include "flow/sizing.hpp"
#include "pipeline/pipeline.hpp"

#include <ctime>
#include <utility>

namespace sluice::worker {
namespace {

/// Flows looked at for ageing in one loop, beside two for each packet: bounds what housekeeping adds to a packet's
/// latency.
constexpr unsigned kAgeingBudget = 32;
/// Entries of a table that is being replaced that are looked at in one loop, beside one for each packet.
constexpr unsigned kMovingBudget = 64;
/// Incomplete datagrams that may time out in one loop, beside one for each packet.
constexpr unsigned kExpiryBudget = 8;
/// `idle: sleep`: loops without a packet before the worker sleeps, and for how long.
constexpr unsigned kIdleLoops = 256;
constexpr long kSleepNanoseconds = 50'000;

} // namespace

WorkerLoop::WorkerLoop(Config config, PortIo& io, rcu::Domain& domain, const rcu::Published<ruleset::Ruleset>& ruleset,
                       flow::Table& flows, reassembly::Table& fragments, telemetry::WorkerCounters& counters,
                       std::span<telemetry::RuleCounters> rule_counters, HandoffMatrix* handoff)
    : config_(std::move(config))
    , io_(io)
    , domain_(domain)
    , ruleset_(ruleset)
    , counters_(counters)
    , handoff_(handoff)
    , syn_proxy_(config_.cookie_key) {
    context_.flows = &flows;
    context_.fragments = &fragments;
    context_.syn_proxy = &syn_proxy_;
    context_.counters = &counters;
    context_.rule_counters = rule_counters;
    context_.ownership = config_.ownership;
}

void WorkerLoop::run() {
    const std::size_t reader = config_.ownership.self;
    domain_.online(reader);
    base::Tick now = base::monotonic_ticks();
    std::uint64_t loop_start = base::cycles();
    std::uint64_t next_tick = loop_start + config_.cycles_per_tick;
    unsigned idle_loops = 0;
    while (!stop_.load(std::memory_order_acquire)) {
        const unsigned met = step(now);
        domain_.quiescent(reader);

        const std::uint64_t loop_end = base::cycles();
        counters_.loops.add(1);
        counters_.all_cycles.add(loop_end - loop_start);
        if (met != 0) counters_.busy_cycles.add(loop_end - loop_start);
        loop_start = loop_end;
        if (loop_end >= next_tick) {
            now = base::monotonic_ticks();
            next_tick = loop_end + config_.cycles_per_tick;
        }
        if (!config_.sleep_when_idle || met != 0) {
            idle_loops = 0;
        } else if (++idle_loops >= kIdleLoops) {
            // The one system call of a worker, and only where the policy asked for it: machines with more to do than
            // cores. `now` is read again, or a flow would live as long as the sleep longer.
            const timespec nap{0, kSleepNanoseconds};
            nanosleep(&nap, nullptr);
            next_tick = 0;
        }
    }
    domain_.offline(reader);
}

unsigned WorkerLoop::step(base::Tick now) {
    context_.ruleset = ruleset_.load();
    context_.now = now;
    if (flow::Table* next = next_flows_.load(std::memory_order_acquire)) [[unlikely]]
        begin_move(*next);
    if (context_.ruleset->epoch() != adopted_epoch_) adopt(*context_.ruleset);
    unsigned met = 0;
    for (const ReceiveQueue& queue : config_.queues) {
        met += poll_queue(queue);
    }
    if (handoff_ != nullptr) {
        for (std::uint16_t from = 0; from < handoff_->workers(); ++from) {
            if (from != config_.ownership.self) met += poll_ring(handoff_->ring(from, config_.ownership.self));
        }
    }
    // Never behind for long: a round ends at least as many flows and datagrams as it can have begun.
    if (context_.leaving != nullptr) [[unlikely]]
        go_on_moving(met);
    const unsigned expired = context_.fragments->expire(now, kExpiryBudget + met);
    if (expired != 0) finish_fragments();
    return met + expired + context_.flows->age(now, kAgeingBudget + 2 * met, context_.ruleset->look_interval_ticks());
}

void WorkerLoop::begin_move(flow::Table& next) {
    next_flows_.store(nullptr, std::memory_order_relaxed);
    context_.leaving = context_.flows;
    context_.flows = &next;
    next.take_over(*context_.leaving);
}

void WorkerLoop::go_on_moving(unsigned met) {
    if (!context_.flows->move_some(*context_.leaving, kMovingBudget + met, context_.now)) return;
    context_.leaving = nullptr;
    moving_.store(false, std::memory_order_release);
}

/// The first round with a ruleset.
void WorkerLoop::adopt(const ruleset::Ruleset& ruleset) {
    adopted_epoch_ = ruleset.epoch();
    counters_.epoch.store(ruleset.epoch());
    std::array<flow::Reserve, flow::Table::kMaxReserves> reserves;
    std::size_t count = 0;
    static_assert(flow::Table::kMaxReserves >= ruleset::kMaxReserves);
    for (const ruleset::Reserve& reserve : ruleset.reserves()) {
        reserves[count++] = {reserve.counter_slot, flow::share_of_reserve(reserve.entries, config_.ownership.workers)};
    }
    context_.flows->set_reserves(std::span(reserves).first(count));
}

unsigned WorkerLoop::poll_queue(const ReceiveQueue& queue) {
    batch_.count = 0;
    batch_.checksum.fill(pipeline::Checksum::unknown);
    context_.clock.start(counters_.stages);
    io_.receive(queue.port, queue.queue, batch_);
    const unsigned met = batch_.count;
    if (met == 0) {
        context_.clock.finish(0);
        return 0;
    }
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < batch_.count; ++i) {
        bytes += batch_.length[i];
    }
    counters_.bursts.add(1);
    counters_.received_packets.add(met);
    counters_.received_bytes.add(bytes);
    batch_.arrival.fill(pipeline::Arrival::port);
    drop_pieces(batch_);
    context_.clock.end(telemetry::Stage::receive);
    process(batch_);
    context_.clock.end(telemetry::Stage::transmit);
    context_.clock.finish(met);
    return met;
}

unsigned WorkerLoop::poll_ring(SpscRing<HandedPacket>& ring) {
    HandedPacket packets[pipeline::kBatchSize];
    const unsigned count = ring.pop(packets, pipeline::kBatchSize);
    if (count == 0) return 0;
    counters_.handed_in_packets.add(count);
    batch_.count = 0;
    HandedPacket decided[pipeline::kBatchSize];
    unsigned decided_count = 0;
    for (unsigned i = 0; i < count; ++i) {
        if (packets[i].purpose == HandedPacket::Purpose::transmit) {
            decided[decided_count++] = packets[i];
            continue;
        }
        const unsigned row = batch_.count++;
        batch_.data[row] = packets[i].data;
        batch_.length[row] = packets[i].length;
        batch_.handle[row] = packets[i].handle;
        batch_.port[row] = packets[i].port;
        batch_.checksum[row] = packets[i].checksum;
        batch_.arrival[row] = packets[i].purpose == HandedPacket::Purpose::collect ? pipeline::Arrival::collect
                                                                                   : pipeline::Arrival::judge;
    }
    if (decided_count != 0) transmit_handed(decided, decided_count);
    if (batch_.count != 0) process(batch_);
    return count;
}

void WorkerLoop::transmit_handed(const HandedPacket* packets, unsigned count) {
    void* handles[pipeline::kBatchSize];
    std::uint16_t lengths[pipeline::kBatchSize];
    unsigned pending = 0;
    for (unsigned i = 0; i < count; ++i) {
        handles[pending] = packets[i].handle;
        lengths[pending++] = packets[i].length;
        if (i + 1 == count || packets[i + 1].port != packets[i].port) {
            transmit(packets[i].port, handles, lengths, pending);
            pending = 0;
        }
    }
}

void WorkerLoop::drop_pieces(pipeline::Batch& batch) {
    if (!pipeline::any_is(batch.length, batch.count, std::uint16_t{0})) [[likely]]
        return;
    unsigned kept = 0;
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.length[i] == 0) {
            io_.release(&batch.handle[i], 1);
            count_drop(telemetry::DropReason::frame_in_pieces);
            continue;
        }
        batch.data[kept] = batch.data[i];
        batch.length[kept] = batch.length[i];
        batch.handle[kept] = batch.handle[i];
        batch.port[kept] = batch.port[i];
        batch.checksum[kept] = batch.checksum[i];
        ++kept;
    }
    batch.count = kept;
}

void WorkerLoop::process(pipeline::Batch& batch) {
    pipeline::run(batch, context_);
    if (observer_ != nullptr) observer_->decided(batch);
    forward(batch);
    if (batch.made.count != 0) [[unlikely]]
        send_made(batch.made);
    finish_fragments();
}

/// Packets that leave by one port, gathered as long as the port stays the same: a batch from a queue has one peer, one
/// from a ring may mix them. Order within a peer is kept.
class WorkerLoop::Outgoing {
  public:
    explicit Outgoing(WorkerLoop& loop)
        : loop_(loop) {}
    void add(std::uint16_t port, void* handle, std::uint16_t length) {
        if (count_ == pipeline::kBatchSize || (count_ != 0 && port != port_)) flush();
        port_ = port;
        handles_[count_] = handle;
        lengths_[count_++] = length;
    }
    void flush() {
        if (count_ != 0) loop_.transmit(port_, handles_, lengths_, count_);
        count_ = 0;
    }

  private:
    WorkerLoop& loop_;
    void* handles_[pipeline::kBatchSize];
    std::uint16_t lengths_[pipeline::kBatchSize];
    unsigned count_ = 0;
    std::uint16_t port_ = 0;
};

void WorkerLoop::forward(pipeline::Batch& batch) {
    if (batch.passes_as_it_came()) [[likely]] {
        transmit(context_.ruleset->port(batch.port[0]).peer, batch.handle.data(), batch.length.data(), batch.count);
        return;
    }
    void* dropped[pipeline::kBatchSize];
    unsigned dropped_count = 0;
    Outgoing outgoing(*this);
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.is_datagram(i)) {
            forward_datagram(batch, i, outgoing);
            continue;
        }
        switch (batch.disposition[i]) {
        case pipeline::Disposition::forward:
            outgoing.add(context_.ruleset->port(batch.port[i]).peer, batch.handle[i], batch.length[i]);
            break;
        case pipeline::Disposition::hand_off: {
            // What is a fragment here was not judged: it goes where its datagram is collected.
            const bool fragment = batch.parsed[i].fragment != packet::FragmentState::whole;
            hand_over(batch.owner[i],
                      {batch.data[i], batch.handle[i], batch.length[i], batch.port[i],
                       fragment ? HandedPacket::Purpose::collect : HandedPacket::Purpose::judge, batch.checksum[i]});
            break;
        }
        case pipeline::Disposition::answer:
            io_.shorten(batch.handle[i], batch.length[i]);
            count_answered(1);
            counters_.made_packets.add(1);
            outgoing.add(batch.port[i], batch.handle[i], batch.length[i]);
            break;
        case pipeline::Disposition::absorb: count_answered(1); [[fallthrough]];
        case pipeline::Disposition::drop:
        case pipeline::Disposition::pending: dropped[dropped_count++] = batch.handle[i]; break;
        case pipeline::Disposition::held: break;
        }
    }
    outgoing.flush();
    if (dropped_count != 0) io_.release(dropped, dropped_count);
}

/// Frames that the stages made go out behind the packets of their batch.
void WorkerLoop::send_made(const pipeline::MadeFrames& made) {
    Outgoing outgoing(*this);
    for (unsigned i = 0; i < made.count; ++i) {
        const pipeline::MadeFrame& frame = made.frame[i];
        void* handle = io_.make({frame.bytes.data(), frame.length});
        if (handle == nullptr) {
            counters_.made_without_buffer.add(1);
            continue;
        }
        counters_.made_packets.add(1);
        outgoing.add(frame.port, handle, frame.length);
    }
    outgoing.flush();
}

/// All fragments of a datagram go where its row goes, by offset.
void WorkerLoop::forward_datagram(const pipeline::Batch& batch, unsigned row, Outgoing& outgoing) {
    const reassembly::DatagramId id = batch.datagram[row];
    const std::uint16_t peer = context_.ruleset->port(batch.port[row]).peer;
    context_.fragments->for_each_piece(id, [&](const reassembly::Piece& piece) {
        if (observer_ != nullptr) observer_->shares(batch, row, piece.handle);
        switch (batch.disposition[row]) {
        case pipeline::Disposition::forward: outgoing.add(peer, piece.handle, piece.frame_length); break;
        case pipeline::Disposition::hand_off:
            hand_over(batch.owner[row],
                      {piece.data, piece.handle, piece.frame_length, piece.port, HandedPacket::Purpose::judge, {}});
            break;
        case pipeline::Disposition::answer:
        case pipeline::Disposition::absorb: count_answered(1); [[fallthrough]];
        case pipeline::Disposition::held:
        case pipeline::Disposition::drop:
        case pipeline::Disposition::pending: io_.release(&piece.handle, 1); break;
        }
    });
    context_.fragments->release(id);
}

/// Gives back the fragments that will not become part of a datagram, and says how many are held.
void WorkerLoop::finish_fragments() {
    reassembly::Discarded discarded[pipeline::kBatchSize];
    while (const unsigned count = context_.fragments->take_discarded(discarded, pipeline::kBatchSize)) {
        for (unsigned i = 0; i < count; ++i) {
            if (observer_ != nullptr) observer_->discarded(discarded[i]);
            count_drop(discarded[i].reason);
            io_.release(&discarded[i].handle, 1);
        }
    }
    counters_.held_fragments.store(context_.fragments->stats().fragments.load());
}

void WorkerLoop::transmit(std::uint16_t port, void* const* handles, const std::uint16_t* lengths, unsigned count) {
    const TransmitWay way = config_.transmit[port];
    if (way.worker != config_.ownership.self) {
        for (unsigned i = 0; i < count; ++i) {
            hand_over(way.worker, {nullptr, handles[i], lengths[i], port, HandedPacket::Purpose::transmit, {}});
        }
        return;
    }
    const bool up = io_.link_up(port);
    const unsigned sent = up ? io_.transmit(port, way.queue, handles, count) : 0;
    std::uint32_t bytes = 0;
    for (unsigned i = 0; i < sent; ++i) {
        bytes += lengths[i];
    }
    counters_.forwarded_packets.add(sent);
    counters_.forwarded_bytes.add(bytes);
    if (sent == count) return;
    count_drop(up ? telemetry::DropReason::tx_queue_full : telemetry::DropReason::peer_down, count - sent);
    io_.release(handles + sent, count - sent);
}

void WorkerLoop::hand_over(std::uint16_t to, const HandedPacket& packet) {
    if (handoff_->ring(config_.ownership.self, to).push(packet)) {
        counters_.handed_off_packets.add(1);
        return;
    }
    count_drop(telemetry::DropReason::handoff_full);
    io_.release(&packet.handle, 1);
}

void WorkerLoop::drain() {
    context_.fragments->discard_all(telemetry::DropReason::shutdown);
    finish_fragments();
    if (handoff_ == nullptr) return;
    for (std::uint16_t from = 0; from < handoff_->workers(); ++from) {
        if (from == config_.ownership.self) continue;
        HandedPacket packet;
        while (handoff_->ring(from, config_.ownership.self).pop(&packet, 1) != 0) {
            counters_.handed_in_packets.add(1);
            count_drop(telemetry::DropReason::shutdown);
            io_.release(&packet.handle, 1);
        }
    }
}

} // namespace sluice::worker
