// The poll loop: receive → pipeline → transmit → report quiescent → bounded housekeeping, until told to stop.
//
// Overview. One worker runs to completion on one core. It polls its receive queues and the rings of packets that other
// workers handed to it, and it alone touches its flow table, the fragments it holds and its counters.
//
// Life cycle: constructed by the control thread before the worker starts, run() on the worker's thread, request_stop()
// from the control thread, drain() after every worker has stopped, then destroyed.
#pragma once

#include "base/ticks.hpp"
#include "flow/table.hpp"
#include "pipeline/context.hpp"
#include "pipeline/syn_proxy.hpp"
#include "rcu/domain.hpp"
#include "ruleset/ruleset.hpp"
#include "telemetry/counters.hpp"
#include "worker/handoff.hpp"
#include "worker/port_io.hpp"

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::worker {

/// A receive queue that a worker polls. `port` is the interface's index in the policy.
struct ReceiveQueue {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
};

/// How a worker sends by a port: through a queue of its own, or, where the port has fewer queues than there are
/// workers, by way of a worker that has one.
struct TransmitWay {
    std::uint16_t worker = 0; ///< who has the queue
    std::uint16_t queue = 0;
};

/// Told of every packet once its fate is known, before it is sent or freed: how `replay` and tests look over the
/// worker's shoulder. The appliance has none.
class Observer {
  public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;
    virtual void decided(const pipeline::Batch& batch) = 0;
    /// A fragment that shares the fate of row `row`, which stands for its datagram. Comes after decided(), by offset.
    virtual void shares(const pipeline::Batch& /*batch*/, unsigned /*row*/, void* /*handle*/) {}
    /// A fragment that was held and never became part of a datagram.
    virtual void discarded(const reassembly::Discarded& /*fragment*/) {}
};

struct Config {
    std::vector<ReceiveQueue> queues;
    std::vector<TransmitWay> transmit; ///< by port
    pipeline::Ownership ownership;
    std::uint64_t cycles_per_tick = 0; ///< TSC cycles in a millisecond
    bool sleep_when_idle = false;
    flow::CookieKey cookie_key{}; ///< the same for all workers
};

class WorkerLoop {
  public:
    WorkerLoop(Config config, PortIo& io, rcu::Domain& domain, const rcu::Published<ruleset::Ruleset>& ruleset,
               flow::Table& flows, reassembly::Table& fragments, telemetry::WorkerCounters& counters,
               std::span<telemetry::RuleCounters> rule_counters, HandoffMatrix* handoff);

    /// Runs until request_stop(). What the rings hold then is for drain().
    void run();
    /// Any thread.
    void request_stop() { stop_.store(true, std::memory_order_release); }

    /// Control thread: the flows move to `next`, which takes the place of the table so far, while packets pass. Not
    /// again before is_moving() has become false; until then both tables stay where they are.
    void move_flows_to(flow::Table& next) {
        moving_.store(true, std::memory_order_relaxed);
        next_flows_.store(&next, std::memory_order_release);
    }
    /// Control thread: whether the table so far is still in use.
    [[nodiscard]] bool is_moving() const { return moving_.load(std::memory_order_acquire); }

    /// One round over all queues and rings at time `now`. Returns the number of packets it met.
    unsigned step(base::Tick now);

    /// After all workers have stopped: drops the fragments it holds and what is still in the rings to this worker, as
    /// `shutdown`.
    void drain();

    void set_observer(Observer* observer) { observer_ = observer; }

  private:
    void adopt(const ruleset::Ruleset& ruleset);
    void begin_move(flow::Table& next);
    void go_on_moving(unsigned met);
    unsigned poll_queue(const ReceiveQueue& queue);
    unsigned poll_ring(SpscRing<HandedPacket>& ring);
    void process(pipeline::Batch& batch);
    void drop_pieces(pipeline::Batch& batch);
    class Outgoing;
    void forward(pipeline::Batch& batch);
    void send_made(const pipeline::MadeFrames& made);
    void forward_datagram(const pipeline::Batch& batch, unsigned row, Outgoing& outgoing);
    void finish_fragments();
    void transmit(std::uint16_t port, void* const* handles, const std::uint16_t* lengths, unsigned count);
    void hand_over(std::uint16_t to, const HandedPacket& packet);
    void transmit_handed(const HandedPacket* packets, unsigned count);
    void count_drop(telemetry::DropReason reason, unsigned count = 1) {
        counters_.drops[static_cast<std::size_t>(reason)].add(count);
    }
    void count_answered(unsigned count) { counters_.answered_packets.add(count); }

    Config config_;
    PortIo& io_;
    rcu::Domain& domain_;
    const rcu::Published<ruleset::Ruleset>& ruleset_;
    telemetry::WorkerCounters& counters_;
    HandoffMatrix* handoff_;
    Observer* observer_ = nullptr;
    std::uint64_t adopted_epoch_ = ~std::uint64_t{0}; ///< none yet
    pipeline::SynProxy syn_proxy_;
    pipeline::Context context_;
    pipeline::Batch batch_;
    std::atomic<bool> stop_{false};
    std::atomic<flow::Table*> next_flows_{nullptr};
    std::atomic<bool> moving_{false};
};

} // namespace sluice::worker
