// What became of the frames of a step, and whether it may be so.
#include "simulation.hpp"

#include "packet/parse.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace sluice::simulation {
namespace {

using Fate = Frame::Fate;
using Sender = Origin::Sender;
using telemetry::WorkerCounters;
namespace protocol = net::protocol;

/// What is closer to its end than this may be gone: timers run out a slot late at most (flow/timer_wheel.hpp), never
/// early, but a packet's own delay is not the flow's.
constexpr std::uint64_t kMargin = 300;
/// A slot of the timer wheel, and the one that is being worked on.
constexpr std::int32_t kLateTicks = 2 << flow::TimerWheel::kTickShift;

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    char digits[4];
    for (const std::byte byte : bytes) {
        std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(byte));
        text += digits;
    }
    return text;
}

bool is_icmp(std::uint8_t of) {
    return of == protocol::kIcmp || of == protocol::kIcmpv6;
}

} // namespace

void Simulation::decided(const pipeline::Batch& batch) {
    for (unsigned i = 0; i < batch.count; ++i) {
        Frame& frame = *static_cast<Frame*>(batch.handle[i]);
        frame.has_reason = batch.disposition[i] == pipeline::Disposition::drop;
        frame.reason = batch.reason[i];
    }
}

void Simulation::take_fates() {
    for (const Frame* frame : pool_.finished()) {
        if (!report_.violation.empty()) return;
        take_fate(*frame);
    }
    pool_.give_back();
}

void Simulation::take_fate(const Frame& frame) {
    mix(frame.step);
    mix(std::uint64_t{frame.out_port} << 16 | static_cast<unsigned>(frame.fate) << 8 |
        (frame.has_reason ? static_cast<unsigned>(frame.reason) : 0xff));
    if (frame.fate == Fate::sent)
        take_forwarded(frame);
    else
        take_dropped(frame);
}

void Simulation::take_forwarded(const Frame& frame) {
    ++report_.forwarded;
    const bool had_to = must_pass(frame);
    if (frame.origin.blind && is_on_guard(frame.origin))
        return fail("a segment outside all windows was forwarded", &frame);
    const std::string wrong = oracle_.judge_forwarded(frame, now_);
    if (!wrong.empty()) return fail(wrong, &frame);
    if (had_to) ++report_.honest;
    // Somebody else's packet may have moved the connection's state: nothing is certain about it any more.
    if (oracle_.disturbed_owner() != 0) connections_[oracle_.disturbed_owner() - 1].sound = false;
    const Origin& origin = frame.origin;
    if (origin.sender == Sender::honest) {
        ++report_.fragments;
    } else if (origin.sender == Sender::connection) {
        take_forwarded_segment(frame);
    } else if (origin.sender == Sender::exchange && origin.side == client) {
        Exchange& exchange = exchanges_[origin.slot];
        if (exchange.life == origin.life && !random_.percent(5)) ++exchange.unanswered;
    }
}

void Simulation::take_forwarded_segment(const Frame& frame) {
    const Origin& origin = frame.origin;
    Connection& connection = connections_[origin.slot];
    if (connection.life != origin.life || !connection.open) return;
    // What comes late or once more passes, but a tracker need not take it for a sign of life.
    const bool again = (origin.segment.flags & net::tcp_flag::kSyn) && connection.tcp.has_passed(origin.side);
    if (!again && connection.tcp.is_within_windows(origin.side, origin.segment)) connection.last_passed = now_;
    connection.tcp.passed(origin.side, origin.segment);
    if (random_.percent(2)) return; // lost behind the firewall
    connection.tcp.arrived(origin.side, origin.segment);
    if (!connection.tcp.finished()) return;
    ++report_.connections;
    Conversation& conversation = oracle_.conversation(connection.tcp.tuple());
    conversation.closed_well = connection.sound && connection.pressure == pressure_ && !connection.tcp.reset();
    conversation.disturbed = false;
    give_up(connection);
}

void Simulation::take_dropped(const Frame& frame) {
    if (must_pass(frame)) return fail("what an honest conversation sent was dropped", &frame);
    const Origin& origin = frame.origin;
    if (origin.sender != Sender::connection) return;
    Connection& connection = connections_[origin.slot];
    if (connection.life != origin.life || !connection.open) return;
    // Its flow is gone, or somebody spoiled it: the hosts see no answer for long, and give up.
    if (random_.one_in(16)) give_up(connection);
}

/// Whether the connection that a hostile segment is for is one whose windows the tracker knows.
bool Simulation::is_on_guard(const Origin& origin) const {
    const Connection& one = connections_[origin.slot];
    return one.open && one.life == origin.life && one.sound && one.pressure == pressure_ &&
           one.tcp.handshake_passed() && !one.tcp.closing();
}

bool Simulation::must_pass(const Connection& connection, const Frame& frame) const {
    const TcpConnection& tcp = connection.tcp;
    if (!connection.sound || connection.pressure != pressure_ || tcp.reset()) return false;
    if (!tcp.is_within_windows(frame.origin.side, frame.origin.segment)) return false;
    std::uint64_t life = kTcpNew;
    if (tcp.handshake_passed()) life = kLeastTcpEstablished;
    if (tcp.closing()) life = std::min(life, kTcpClosing);
    return now_ + kMargin <= connection.last_passed + life;
}

bool Simulation::must_pass(const Frame& frame) {
    const Origin& origin = frame.origin;
    if (origin.sender == Sender::connection) {
        Connection& connection = connections_[origin.slot];
        if (connection.life != origin.life || !connection.open) return false;
        return must_pass(connection, frame);
    }
    if (origin.sender != Sender::exchange) return false;
    const Exchange& exchange = exchanges_[origin.slot];
    if (exchange.life != origin.life || !oracle_.allows(exchange.tuple)) return false;
    const Conversation* conversation = oracle_.find(exchange.tuple);
    // A question may open a flow, if there is room; an answer needs the flow.
    if (origin.side == client) return options_.evict || pressure_ == 0;
    if (conversation == nullptr || conversation->doubtful || conversation->pressure != pressure_) return false;
    std::uint64_t life = kOther;
    if (exchange.tuple.protocol == protocol::kUdp) life = kLeastUdp;
    if (is_icmp(exchange.tuple.protocol)) life = kIcmp;
    return now_ + kMargin <= conversation->last_passed + life;
}

std::uint64_t Simulation::pressure() const {
    using flow::EndReason;
    std::uint64_t sum = 0;
    for (std::size_t w = 0; w < options_.workers; ++w) {
        const flow::Stats& stats = const_cast<test_support::MemoryAppliance&>(appliance_).flows(w).stats();
        sum += stats.refused.load();
        for (const EndReason reason :
             {EndReason::expired_early, EndReason::moved, EndReason::evicted_closing, EndReason::evicted_half_open,
              EndReason::evicted_unanswered, EndReason::evicted_answered}) {
            sum += stats.ended[static_cast<std::size_t>(reason)].load();
        }
    }
    return sum;
}

void Simulation::check_accounts() {
    const std::uint64_t received = appliance_.sum(&WorkerCounters::received_packets);
    const std::uint64_t forwarded = appliance_.sum(&WorkerCounters::forwarded_packets);
    if (received != report_.packets) return fail("packets were received that nobody sent, or the other way round");
    if (pool_.misuses() != 0) return fail("a frame was sent or released twice");
    if (pool_.waiting() != 0) return fail("a frame was not received");
    if (forwarded != report_.forwarded) return fail("the counter of forwarded packets is not what was forwarded");
    if (received != forwarded + appliance_.drops() + pool_.taken())
        return fail("received is not forwarded + drops + held");
    if (pool_.taken() != appliance_.sum(&WorkerCounters::held_fragments)) return fail("what is held are no fragments");
    for (std::size_t w = 0; w < options_.workers; ++w) {
        const flow::Table& flows = appliance_.flows(w);
        const flow::Stats& stats = flows.stats();
        std::uint64_t states = 0;
        for (const auto& count : stats.per_state) {
            states += count.load();
        }
        std::uint64_t ended = 0;
        for (const auto& count : stats.ended) {
            ended += count.load();
        }
        const std::uint64_t used = stats.used.load();
        const flow::Table* leaving = appliance_.leaving(w);
        const std::uint64_t yet_to_move = leaving != nullptr ? leaving->stats().used.load() : 0;
        if (states != used) return fail("the states' counts are not the flows in use");
        // The new table's counters go on from the old one's with the first round.
        if (leaving == nullptr && stats.created.load() != ended + used) return fail("created is not ended + used");
        if (yet_to_move != 0 && stats.created.load() != ended + used + yet_to_move)
            return fail("created is not ended + used + yet to be moved");
        if (used > flows.capacity()) return fail("more flows than entries");
    }
}

void Simulation::check_tables() {
    for (std::size_t w = 0; w < options_.workers; ++w) {
        const flow::Table& flows = appliance_.flows(w);
        if (!flows.consistent()) return fail("a flow table disagrees with itself");
        if (const flow::Table* leaving = appliance_.leaving(w); leaving != nullptr && !leaving->consistent())
            return fail("a flow table that is left disagrees with itself");
        if (!appliance_.fragments(w).consistent()) return fail("a fragment table disagrees with itself");
    }
}

void Simulation::check_deadlines() {
    for (std::size_t w = 0; w < options_.workers; ++w) {
        const flow::Table& flows = appliance_.flows(w);
        for (flow::Index i = 0; i < flows.capacity(); ++i) {
            const flow::Entry& entry = flows.entry(i);
            if (!entry.live()) continue;
            const base::Tick deadline = entry.last_seen_tick.load() + entry.timeout_ticks.load();
            if (base::tick_difference(tick(), deadline) > kLateTicks)
                return fail("a flow outlived its time: " + std::string(flow::name(entry.state.load())) +
                            ", last seen " + std::to_string(tick() - entry.last_seen_tick.load()) +
                            " ms ago, timeout " + std::to_string(entry.timeout_ticks.load()) + " ms");
        }
    }
}

void Simulation::fail(const std::string& what, const Frame* frame) {
    if (!report_.violation.empty()) return;
    report_.violation = what + "\n  step " + std::to_string(report_.steps) + ", packet " +
                        std::to_string(report_.packets) + ", " + std::to_string(now_ - kStart) + " ms since the start";
    if (frame == nullptr) return;
    report_.violation += "\n  in by port " + std::to_string(frame->in_port) + " in step " + std::to_string(frame->step);
    if (frame->has_reason) report_.violation += ", dropped as " + std::string(telemetry::name(frame->reason));
    report_.violation += "\n  " + hex({frame->copy.get(), frame->length});
}

} // namespace sluice::simulation
