#include "traffic_generator/connections.hpp"

#include "base/cache_line.hpp"
#include "net/protocol.hpp"

#include <algorithm>
#include <bit>

namespace sluice::traffic {
namespace {

using namespace net::tcp_flag;

/// Connections that are begun in a round, at most: more would keep arrivals waiting.
constexpr uint32_t kMostStarts = 32;
/// Connections that look_after() looks at in a round.
constexpr uint32_t kMostLooks = 64;
/// How often it looks at all that are older than a timeout.
constexpr uint32_t kSweepsATimeout = 8;
/// What an outbox may hold when new connections are begun: the rest of it is for answers.
constexpr uint32_t kMostWaiting = 128;
/// Twice as many slots as connections: one that hangs does not hold up those whose number follows.
constexpr uint32_t kSlotsAConnection = 2;

Exchange exchange_of(const Connections::Options& options) {
    return options.course == Course::bare ? Exchange{0, 0} : options.exchange;
}

} // namespace

Connections::Connections(const TuplePlan& plan, const Options& options)
    : plan_(plan)
    , options_(options)
    , frames_(plan, exchange_of(options))
    , pacer_(options.rate, options.cycles_per_second)
    , timeout_cycles_(static_cast<uint64_t>(options.timeout_seconds * static_cast<double>(options.cycles_per_second)))
    , nanoseconds_(1e9 / static_cast<double>(options.cycles_per_second)) {
    const uint32_t wanted = std::bit_ceil(kSlotsAConnection * std::max(options.in_flight, 32u));
    const uint32_t slots = std::min(wanted, std::bit_floor(plan.count()));
    slots_.resize(slots);
    tuples_ = plan.count() / slots * slots;
}

void Connections::begin_measuring(uint64_t now) {
    measuring_ = true;
    offered_before_ = pacer_.offered(now);
}

void Connections::end_measuring(uint64_t now) {
    measuring_ = false;
    counts_.offered = options_.rate > 0 ? pacer_.offered(now) - offered_before_ : static_cast<double>(counts_.begun);
}

void Connections::generate(const Moment& moment) {
    if (!pacing_) {
        pacing_ = true;
        pacer_.start(moment.now);
    }
    uint32_t room = std::min(kMostStarts, options_.in_flight - std::min(open_, options_.in_flight));
    if (moment.of(Side::client).waiting() > kMostWaiting) room = 0;
    if (options_.rate > 0) room = pacer_.take(moment.now, room);
    for (; room > 0; --room) {
        start(moment);
    }
}

void Connections::start(const Moment& moment) {
    const std::size_t mask = slots_.size() - 1;
    // A slot may still be held by a connection that hangs; there are twice as many as may be open.
    for (std::size_t skipped = 0; slots_[next_ & mask].open && skipped < slots_.size(); ++skipped) {
        ++next_;
    }
    Connection& connection = slots_[next_ & mask];
    if (connection.open) return;
    const Beginnings begun = beginnings_of(next_, options_.seed);
    connection = {};
    connection.number = next_;
    connection.tuple = static_cast<uint32_t>(next_ % tuples_);
    connection.client_began = begun.client;
    connection.server_began = begun.server;
    connection.started = connection.progressed = moment.now;
    connection.open = true;
    connection.counted = measuring_;
    base::prefetch(&slots_[(next_ + 1) & mask]);
    ++next_;
    ++open_;
    if (connection.counted) ++counts_.begun;
    send(connection, Message::syn, moment);
}

void Connections::send(const Connection& connection, Message message, const Moment& moment) {
    const Side from = sender_of(message);
    const bool client = from == Side::client;
    const Beginnings seen = client ? Beginnings{connection.client_began, connection.server_seen}
                                   : Beginnings{connection.client_seen, connection.server_began};
    const Ends ends = plan_.ends(connection.tuple);
    // What finds no room is lost, as on a wire, and sent again in time.
    (void)moment.of(from).write(frames_.of(message), client ? ends : ends.swapped(),
                                numbers_of(message, seen, frames_.exchange()), connection.tuple);
}

bool Connections::fits(const Connection& connection, const Arrival& arrival, Message message) const {
    const Beginnings seen = sender_of(message) == Side::client
                                ? Beginnings{connection.client_seen, connection.server_began}
                                : Beginnings{connection.client_began, connection.server_seen};
    const TcpNumbers numbers = numbers_of(message, seen, frames_.exchange());
    return arrival.sequence == numbers.sequence && arrival.acknowledgment == numbers.acknowledgment;
}

void Connections::receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) {
    const std::size_t mask = slots_.size() - 1;
    for (const Arrival& arrival : arrivals) {
        const bool to_client = at == Side::client;
        const auto number = plan_.number_of(to_client ? arrival.ends.destination : arrival.ends.source,
                                            to_client ? arrival.ends.destination_port : arrival.ends.source_port);
        if (!number || *number >= tuples_ || arrival.protocol != net::protocol::kTcp) {
            wrong(Wrong::stranger);
            continue;
        }
        const Ends ends = plan_.ends(*number);
        if (arrival.ends != (to_client ? ends.swapped() : ends)) {
            wrong(Wrong::stranger);
            continue;
        }
        Connection& connection = slots_[*number & mask];
        if (!connection.open || connection.tuple != *number) {
            ++counts_.late;
        } else if (arrival.payload_length >= kMarkSize &&
                   (arrival.mark != *number || !FrameReader::payload_is_right(arrival))) {
            wrong(Wrong::payload);
        } else if (arrival.flags & kRst) {
            if (connection.counted) ++counts_.reset;
            finish(connection, false, moment.now);
        } else if (to_client) {
            at_client(connection, arrival, moment);
        } else {
            at_server(connection, arrival, moment);
        }
    }
}

void Connections::at_server(Connection& connection, const Arrival& arrival, const Moment& moment) {
    const Exchange& exchange = frames_.exchange();
    switch (arrival.flags & ~kPsh) {
    case kSyn:
        if (connection.server == Server::listening) {
            connection.client_seen = arrival.sequence;
            advance(connection, connection.server, Server::syn_received, moment);
        } else if (connection.server != Server::syn_received || arrival.sequence != connection.client_seen) {
            ++counts_.late;
            return;
        }
        return send(connection, Message::syn_ack, moment);
    case kFin | kAck:
        if (!fits(connection, arrival, Message::fin)) return wrong(Wrong::numbers);
        if (arrival.payload_length != 0) return wrong(Wrong::payload);
        if (connection.server == Server::answered ||
            (exchange.request == 0 && connection.server >= Server::syn_received &&
             connection.server < Server::last_ack)) {
            advance(connection, connection.server, Server::last_ack, moment);
            return send(connection, Message::server_fin, moment);
        }
        if (connection.server != Server::last_ack) return wrong(Wrong::unexpected);
        ++counts_.late;
        return send(connection, Message::server_fin, moment);
    case kAck: break;
    default: return wrong(Wrong::flags);
    }
    if (connection.server == Server::listening) return wrong(Wrong::unexpected);
    if (arrival.payload_length == 0) return server_acknowledged(connection, arrival, moment);
    if (arrival.payload_length != exchange.request) return wrong(Wrong::payload);
    if (!fits(connection, arrival, Message::request)) return wrong(Wrong::numbers);
    answer_request(connection, moment);
}

void Connections::answer_request(Connection& connection, const Moment& moment) {
    switch (connection.server) {
    case Server::syn_received:
    case Server::established: advance(connection, connection.server, Server::answered, moment); break;
    case Server::answered: ++counts_.late; break; // asked again: the answer was lost
    default: ++counts_.late; return;
    }
    send(connection, Message::response, moment);
}

/// An ACK without data: the handshake's or the last one.
void Connections::server_acknowledged(Connection& connection, const Arrival& arrival, const Moment& moment) {
    if (fits(connection, arrival, Message::last_ack)) {
        if (connection.server != Server::last_ack) return wrong(Wrong::unexpected);
        return finish(connection, true, moment.now);
    }
    if (!fits(connection, arrival, Message::ack)) return wrong(Wrong::numbers);
    if (connection.server == Server::syn_received)
        advance(connection, connection.server, Server::established, moment);
    else
        ++counts_.late;
}

void Connections::at_client(Connection& connection, const Arrival& arrival, const Moment& moment) {
    switch (arrival.flags & ~kPsh) {
    case kSyn | kAck: return handshake_done(connection, arrival, moment);
    case kFin | kAck:
        if (connection.client < Client::fin_sent) return wrong(Wrong::unexpected);
        if (!fits(connection, arrival, Message::server_fin)) return wrong(Wrong::numbers);
        if (arrival.payload_length != 0) return wrong(Wrong::payload);
        if (connection.client == Client::fin_sent)
            advance(connection, connection.client, Client::closed, moment);
        else
            ++counts_.late;
        return send(connection, Message::last_ack, moment);
    case kAck: break;
    default: return wrong(Wrong::flags);
    }
    if (connection.client == Client::syn_sent) return wrong(Wrong::unexpected);
    if (arrival.payload_length == 0) return client_acknowledged(connection, arrival, moment);
    if (arrival.payload_length != frames_.exchange().response) return wrong(Wrong::payload);
    if (!fits(connection, arrival, Message::response)) return wrong(Wrong::numbers);
    if (connection.client == Client::requested)
        advance(connection, connection.client, Client::fin_sent, moment);
    else
        ++counts_.late;
    if (connection.client == Client::fin_sent) send(connection, Message::fin, moment);
}

void Connections::handshake_done(Connection& connection, const Arrival& arrival, const Moment& moment) {
    if (arrival.acknowledgment != connection.client_began + 1) return wrong(Wrong::numbers);
    if (arrival.payload_length != 0) return wrong(Wrong::payload);
    if (connection.client != Client::syn_sent) {
        if (arrival.sequence != connection.server_seen) return wrong(Wrong::numbers);
        ++counts_.late;
        return send(connection, Message::ack, moment);
    }
    connection.server_seen = arrival.sequence;
    const bool bare = options_.course == Course::bare;
    // Somebody who answers in the server's name (SYN cookies) has no room for data before he has reached it.
    if (arrival.window == 0 && !bare) {
        advance(connection, connection.client, Client::no_window, moment);
        return send(connection, Message::ack, moment);
    }
    if (options_.course != Course::compact) send(connection, Message::ack, moment);
    advance(connection, connection.client, bare ? Client::fin_sent : Client::requested, moment);
    send(connection, bare ? Message::fin : Message::request, moment);
}

/// An ACK without data: of a request, of a FIN, or one that opens the window.
void Connections::client_acknowledged(Connection& connection, const Arrival& arrival, const Moment& moment) {
    const Exchange& exchange = frames_.exchange();
    const uint32_t acknowledged = arrival.acknowledgment - connection.client_began - 1;
    const uint32_t sent = arrival.sequence - connection.server_seen - 1;
    if (acknowledged > exchange.request + 1u || sent > exchange.response + 1u) return wrong(Wrong::numbers);
    if (connection.client != Client::no_window || arrival.window == 0) return;
    advance(connection, connection.client, Client::requested, moment);
    send(connection, Message::request, moment);
}

void Connections::finish(Connection& connection, bool complete, uint64_t now) {
    connection.open = false;
    --open_;
    if (!connection.counted) return;
    if (!complete) {
        ++counts_.failed;
        return;
    }
    ++counts_.completed;
    counts_.latency.record(static_cast<uint64_t>(static_cast<double>(now - connection.started) * nanoseconds_));
}

void Connections::look_after(const Moment& moment) {
    if (moment.now < next_sweep_) return;
    while (oldest_ < next_ && !holds_slot(oldest_)) {
        ++oldest_;
    }
    hand_ = std::max(hand_, oldest_);
    for (uint32_t looks = 0; looks < kMostLooks; ++looks, ++hand_) {
        Connection& connection = slots_[hand_ & (slots_.size() - 1)];
        const bool open = hand_ < next_ && holds_slot(hand_);
        // They are in the order in which they began, so nothing behind a young one can be due.
        if (hand_ >= next_ || (open && moment.now - connection.started < timeout_cycles_)) {
            hand_ = oldest_;
            next_sweep_ = moment.now + timeout_cycles_ / kSweepsATimeout;
            return;
        }
        if (open && moment.now - connection.progressed >= timeout_cycles_) try_again(connection, moment);
    }
}

void Connections::try_again(Connection& connection, const Moment& moment) {
    if (connection.tries == options_.retransmits) return finish(connection, false, moment.now);
    ++connection.tries;
    connection.progressed = moment.now;
    ++counts_.retransmits;
    switch (connection.client) {
    case Client::syn_sent: return send(connection, Message::syn, moment);
    case Client::no_window: return send(connection, Message::ack, moment);
    case Client::requested: return send(connection, Message::request, moment);
    case Client::fin_sent: return send(connection, Message::fin, moment);
    case Client::closed: return send(connection, Message::server_fin, moment); // the last ACK was lost
    }
}

} // namespace sluice::traffic
