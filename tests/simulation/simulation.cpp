#include "simulation.hpp"

#include <algorithm>
#include <memory>

namespace sluice::simulation {
namespace {

using Sender = Origin::Sender;
namespace protocol = net::protocol;

/// More than the workers may hold back at any time, rings and fragments together.
constexpr std::size_t kFrames = 8192;
/// Fragments that wait for the rest of their datagram.
constexpr std::uint64_t kLongestHold = 120'000;
constexpr std::uint64_t kFullCheckSteps = 4096;
test_support::MemoryApplianceOptions appliance_options(const Options& options, base::Tick start, worker::PortIo& io) {
    test_support::MemoryApplianceOptions out;
    out.workers = options.workers;
    out.ports = kPorts;
    out.flows = flow::share_of({.entries = options.capacity}, 1);
    out.flows.syn_cookies = flow::SynCookies::never;
    out.start = start;
    out.io = &io;
    return out;
}

} // namespace

Simulation::Simulation(const Options& options, std::span<const NamedRuleset> rulesets)
    : options_(options)
    , rulesets_(rulesets)
    , random_(options.seed)
    , pool_(options.workers, kFrames)
    , appliance_(appliance_options(options, static_cast<base::Tick>(kStart), pool_))
    , now_(kStart) {
    appliance_.set_observer(this);
    appliance_.publish(*rulesets_[0].compiled);
    oracle_.use(rulesets_[0]);
}

void Simulation::run(std::uint64_t packets) {
    const std::uint64_t until = report_.packets + packets;
    while (report_.packets < until && report_.violation.empty()) {
        step();
    }
    if (report_.violation.empty()) check_tables();
    report_.milliseconds = now_ - kStart;
    report_.created = 0;
    for (std::size_t w = 0; w < appliance_.worker_count(); ++w) {
        report_.created += appliance_.flows(w).stats().created.load();
    }
    report_.made_room = pressure();
}

void Simulation::step() {
    ++report_.steps;
    pass_time();
    if (random_.one_in(3000)) change_policy();
    if (random_.one_in(5000)) change_size();
    put_in_burst();
    if (options_.workers > 1)
        appliance_.settle(tick());
    else
        appliance_.step(tick());
    pressure_ = pressure();
    oracle_.set_pressure(pressure_);
    take_fates();
    check_accounts();
    if (leapt_ || report_.steps % kFullCheckSteps == 0) check_tables();
    leapt_ = false;
    if (report_.steps % (64 * 1024) == 0) oracle_.forget_old(now_);
}

/// Workers poll all the time: a longer pause ends with the flows aged that ran out in it.
void Simulation::pass_time() {
    const std::uint32_t kind = random_.below(10'000);
    std::uint64_t pause = 0;
    if (kind < 7000)
        pause = random_.below(3);
    else if (kind < 9700)
        pause = random_.below(50);
    else if (kind < 9960)
        pause = random_.below(1'000);
    else if (kind < 9990)
        pause = random_.below(40'000);
    else if (kind < 9997)
        pause = random_.below(600'000);
    else
        pause = random_.below(6 * 3'600'000);
    now_ += pause;
    if (pause < 100) return;
    appliance_.settle(tick());
    if (pause > kLongestHold && pool_.taken() != 0) fail("a frame was held longer than any may be");
    leapt_ = pause > 60'000 || (pause > 5'000 && random_.one_in(4));
    // Before any packet: one of a flow that a reload left with a shorter timeout may find it over already.
    if (leapt_) check_deadlines();
}

void Simulation::change_policy() {
    const NamedRuleset& next = rulesets_[random_.below(static_cast<std::uint32_t>(rulesets_.size()))];
    appliance_.publish(*next.compiled);
    oracle_.use(next);
    for (Connection& connection : connections_) {
        if (connection.open && !next.allows(connection.tcp.tuple())) connection.sound = false;
    }
}

/// The table's size changes under the flows: none is lost that there is room for.
void Simulation::change_size() {
    const std::uint32_t capacity = options_.capacity / 2 + random_.below(options_.capacity);
    if (appliance_.resize(capacity, tick())) ++report_.resized;
}

void Simulation::put_in_burst() {
    const auto port = static_cast<std::uint16_t>(random_.below(kPorts));
    const std::uint16_t wire = wire_of(port);
    const Side side = is_client_port(port) ? client : server;
    const auto queue = static_cast<std::uint16_t>(options_.workers > 1 ? random_.below(options_.workers) : 0);
    const unsigned count = random_.one_in(4) ? 1 : random_.between(2, pipeline::kBatchSize);
    for (unsigned i = 0; i < count; ++i) {
        Origin origin;
        origin.side = side;
        const std::size_t size = write_any(wire, side, origin);
        Frame* frame = pool_.put_in(port, queue, {frame_.data(), size});
        if (frame == nullptr) return fail("more frames are held than the workers may hold");
        frame->origin = origin;
        frame->step = report_.steps;
        ++report_.packets;
    }
}

std::size_t Simulation::write_any(std::uint16_t wire, Side side, Origin& origin) {
    std::size_t size = 0;
    if (!random_.percent(options_.hostile_percent)) {
        const std::uint32_t kind = random_.below(100);
        if (kind < 80)
            size = write_connection(wire, side, origin);
        else if (kind < 96)
            size = write_exchange(wire, side, origin);
        else
            size = write_honest_fragments(wire, side, origin);
    }
    return size != 0 ? size : write_hostile(wire, side, origin);
}

void Simulation::begin(unsigned slot) {
    Connection& connection = connections_[slot];
    Tuple tuple = random_tuple(random_, protocol::kTcp);
    // Half the time the ports of the connection before, as clients with few ports do.
    const bool again = connection.life != 0 && random_.percent(50);
    if (again) tuple = connection.tcp.tuple();
    Conversation& conversation = oracle_.conversation(tuple);
    if (conversation.owner != 0) return;
    const bool fresh = !Oracle::may_have_flow(tuple, conversation, now_);
    if (fresh) conversation.disturbed = false;
    connection.sound = fresh || (conversation.closed_well && !conversation.disturbed);
    if (connection.sound && !fresh) ++report_.reused;
    conversation.closed_well = false;
    conversation.owner = slot + 1;
    connection.sound = connection.sound && oracle_.allows(tuple);
    connection.tcp.begin(tuple, random_);
    connection.open = true;
    ++connection.life;
    connection.sendings_left = random_.one_in(10) ? random_.between(1, 20) : 2000; // some hosts vanish
    connection.last_passed = now_;
    connection.pressure = pressure_;
}

void Simulation::give_up(Connection& connection) {
    Conversation& conversation = oracle_.conversation(connection.tcp.tuple());
    conversation.owner = 0;
    conversation.last_used = now_;
    connection.open = false;
}

std::size_t Simulation::write_connection(std::uint16_t wire, Side side, Origin& origin) {
    for (unsigned attempt = 0; attempt < 6; ++attempt) {
        const auto slot = static_cast<std::uint16_t>(random_.below(kConnections));
        Connection& connection = connections_[slot];
        if (!connection.open) begin(slot);
        if (!connection.open || connection.tcp.tuple().wire != wire) continue;
        if (connection.sendings_left == 0 || (connection.tcp.reset() && random_.one_in(8))) {
            give_up(connection);
            continue;
        }
        TcpSegment segment;
        if (!connection.tcp.send(side, random_, segment)) continue;
        --connection.sendings_left;
        origin.sender = Sender::connection;
        origin.slot = slot;
        origin.life = connection.life;
        origin.segment = segment;
        connection.tcp.write(side, segment, segment_);
        const std::size_t size = write_frame(way_from(connection.tcp.tuple(), side), segment_, {}, frame_.data());
        // Every fourth one is within an attacker's sight.
        if (slot % 4 == 0 && random_.one_in(4)) recent_.add({frame_.data(), size});
        return size;
    }
    return 0;
}

void Simulation::begin_exchange(Exchange& exchange) {
    constexpr std::uint8_t kKinds[] = {protocol::kUdp,  protocol::kUdp,  protocol::kUdp,
                                       protocol::kIcmp, protocol::kIcmp, protocol::kGre};
    exchange.tuple = random_tuple(random_, kKinds[random_.below(sizeof kKinds)]);
    exchange.left = random_.between(1, 20);
    exchange.unanswered = 0;
    ++exchange.life;
}

std::size_t Simulation::write_exchange(std::uint16_t wire, Side side, Origin& origin) {
    for (unsigned attempt = 0; attempt < 6; ++attempt) {
        const auto slot = static_cast<std::uint16_t>(random_.below(kExchanges));
        Exchange& exchange = exchanges_[slot];
        if (exchange.left == 0 && exchange.unanswered == 0) begin_exchange(exchange);
        const Tuple& tuple = exchange.tuple;
        if (tuple.wire != wire) continue;
        if (side == client ? exchange.left == 0 : exchange.unanswered == 0) continue;
        side == client ? --exchange.left : --exchange.unanswered;
        const Way way = way_from(tuple, side);
        const std::size_t payload = random_.below(random_.one_in(8) ? 1200 : 100);
        if (tuple.protocol == protocol::kUdp) {
            write_udp(way, tuple.port[side], tuple.port[other(side)], payload, segment_);
        } else if (tuple.protocol == protocol::kGre) {
            write_gre(payload, segment_);
        } else {
            const bool v4 = tuple.family == net::Family::ipv4;
            const std::uint8_t answer = v4 ? net::icmp::kEchoReply : net::icmpv6::kEchoReply;
            const auto type = side == client ? static_cast<std::uint8_t>(tuple.port[server]) : answer;
            const std::uint8_t body[56] = {};
            write_icmp(way, type, 0, std::uint32_t{tuple.port[client]} << 16 | random_.half(), body, sizeof body,
                       segment_);
        }
        origin.sender = Sender::exchange;
        origin.slot = slot;
        origin.life = exchange.life;
        const std::size_t size = write_frame(way, segment_, {}, frame_.data());
        if (random_.one_in(8)) recent_.add({frame_.data(), size});
        return size;
    }
    return 0;
}

/// One piece of a datagram in three, any of them: for a second or two they all are of the same one.
std::size_t Simulation::write_honest_fragments(std::uint16_t wire, Side side, Origin& origin) {
    const std::uint64_t turn = now_ / 2048;
    Random same(turn);
    Tuple tuple = random_tuple(same, protocol::kUdp);
    tuple.wire = wire;
    tuple.port[client] = kFirstClientPort;
    tuple.port[server] = kDnsPort;
    const Way way = way_from(tuple, side);
    write_udp(way, tuple.port[side], tuple.port[other(side)], 1400, segment_);
    Piece piece;
    piece.fragment = true;
    piece.identification = static_cast<std::uint16_t>(1000 + turn);
    const unsigned part = random_.below(3);
    piece.offset = part * std::size_t{480};
    piece.more = part != 2;
    piece.size = piece.more ? 480 : segment_.size - piece.offset;
    origin.sender = Sender::honest;
    return write_frame(way, segment_, piece, frame_.data());
}

std::size_t Simulation::write_hostile(std::uint16_t wire, Side side, Origin& origin) {
    origin.sender = Sender::hostile;
    const TcpConnection* victim = nullptr;
    for (unsigned attempt = 0; attempt < 8 && victim == nullptr; ++attempt) {
        const unsigned slot = 4 * random_.below(kConnections / 4);
        const Connection& one = connections_[slot];
        if (!one.open || one.tcp.tuple().wire != wire) continue;
        victim = &one.tcp;
        origin.slot = static_cast<std::uint16_t>(slot);
        origin.life = one.life;
    }
    Hostile hostile(random_, recent_, frame_.data());
    return hostile.write(side, wire, victim, origin.blind);
}

} // namespace sluice::simulation
