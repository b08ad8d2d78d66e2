#include "tcp_connection.hpp"

#include <algorithm>

namespace sluice::simulation {
namespace {

using namespace net::tcp_flag;

/// a - b as a signed number: sequence numbers wrap (RFC 9293, 3.4).
std::int32_t ahead(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b);
}
std::uint32_t later_of(std::uint32_t a, std::uint32_t b) {
    return ahead(a, b) > 0 ? a : b;
}

constexpr std::uint32_t kMaxUnscaled = 65535;
/// What every tracker after Rooij allows an acknowledgment to lie behind.
constexpr std::int32_t kOldAcknowledgment = 66'000;

std::uint32_t window_of(const TcpSegment& segment, std::uint8_t shift) {
    return std::uint32_t{segment.window} << (segment.flags & kSyn ? 0 : shift);
}

} // namespace

std::uint32_t TcpSegment::span() const {
    return length + (flags & kSyn ? 1u : 0u) + (flags & kFin ? 1u : 0u);
}

void TcpConnection::begin(const Tuple& tuple, Random& random) {
    *this = TcpConnection{};
    tuple_ = tuple;
    scaled_ = random.percent(70);
    timestamps_ = random.percent(50);
    data_left_ = random.below(random.one_in(8) ? 400 : 30);
    for (End& end : ends_) {
        constexpr std::uint32_t kBuffers[] = {2'000, 16'000, 65'535, 1'000'000, 4'000'000};
        constexpr std::uint8_t kShifts[] = {0, 2, 7, 7};
        end.initial = random.percent(30) ? 0u - random.below(3000) : random.word(); // often about to wrap
        end.unacknowledged = end.next = end.highest = end.initial;
        end.shift = scaled_ ? kShifts[random.below(4)] : std::uint8_t{0};
        end.buffer = std::min(kBuffers[random.below(5)], kMaxUnscaled << end.shift);
    }
}

bool TcpConnection::finished() const {
    return ends_[client].finish_acknowledged && ends_[server].finish_acknowledged;
}

bool TcpConnection::send(Side side, Random& random, TcpSegment& out) {
    End& end = ends_[side];
    if (reset_ && end.on_the_way_count == 0) return false;
    if (!reset_ && end.on_the_way_count < kOnTheWay && (end.on_the_way_count == 0 || random.percent(50))) {
        TcpSegment fresh;
        if (produce(side, random, fresh)) end.on_the_way[end.on_the_way_count++] = fresh;
    }
    return end.on_the_way_count != 0 && take_from_way(end, random, out);
}

bool TcpConnection::take_from_way(End& end, Random& random, TcpSegment& out) {
    const unsigned which = random.percent(90) ? 0 : random.below(end.on_the_way_count);
    out = end.on_the_way[which];
    if (random.percent(4) && !(out.flags & kSyn)) return true; // and once more later
    std::copy(end.on_the_way.begin() + which + 1, end.on_the_way.begin() + end.on_the_way_count,
              end.on_the_way.begin() + which);
    --end.on_the_way_count;
    // A SYN that comes after the connection's end opens another one, whoever looks at it: none stays on the way so
    // long.
    if ((out.flags & kSyn) && closing_) return false;
    return !random.percent(2); // lost before the firewall
}

bool TcpConnection::produce_opening(Side side, TcpSegment& out) {
    End& end = ends_[side];
    if (side == server && !end.heard) return false;
    out.flags = side == client ? kSyn : kSyn | kAck;
    out.sequence = end.initial;
    out.acknowledgment = side == client ? 0 : end.expected;
    end.next = end.highest = later_of(end.highest, end.initial + 1);
    const std::uint32_t window = std::min(end.buffer, kMaxUnscaled);
    if (end.heard) end.edge = later_of(end.edge, end.expected + window);
    out.window = static_cast<std::uint16_t>(window);
    return true;
}

void TcpConnection::stamp(End& end, TcpSegment& out) const {
    out.flags |= kAck;
    out.acknowledgment = end.expected;
    const std::int32_t room = std::max(0, ahead(end.edge, end.expected));
    out.window = static_cast<std::uint16_t>(std::min(static_cast<std::uint32_t>(room) >> end.shift, kMaxUnscaled));
    end.owes_answer = false;
}

bool TcpConnection::produce_data(End& end, Random& random, TcpSegment& out) {
    const std::int32_t room = ahead(end.limit, end.next);
    if (end.finishing && ahead(end.finish, end.next) <= 0) { // only the FIN is left
        if (end.next != end.finish) return false;
        out.flags = kFin;
        out.sequence = end.finish;
        end.next = end.finish + 1;
        return true;
    }
    if (room <= 0) {
        if (end.next != end.unacknowledged || !random.percent(20)) return false;
        out.sequence = end.next; // RFC 9293, 3.8.6.1: a byte, to learn of the window's opening
        out.length = 1;
        end.probing = true;
        return true;
    }
    std::int32_t length =
        static_cast<std::int32_t>(random.one_in(8) ? random.between(1, 1400) : random.between(1, 120));
    length = std::min(length, room);
    if (end.finishing) length = std::min(length, ahead(end.finish, end.next));
    out.sequence = end.next;
    out.length = static_cast<std::uint16_t>(length);
    if (random.percent(30)) out.flags = kPsh;
    end.next += static_cast<std::uint32_t>(length);
    end.highest = later_of(end.highest, end.next);
    if (data_left_ > 0) --data_left_;
    return true;
}

void TcpConnection::produce_acknowledgment(End& end, Random& random, TcpSegment& out) {
    out.sequence = end.highest;
    // A keep-alive repeats the byte before the next one, or none (RFC 9293, 3.8.4).
    const bool idle = end.unacknowledged == end.highest && !end.finishing && end.highest != end.initial + 1;
    if (idle && random.percent(15)) {
        out.sequence = end.highest - 1;
        out.length = random.percent(50) ? 1 : 0;
    } else if (end.sack_from != end.sack_to && ahead(end.sack_from, end.expected) > 0) {
        out.sack_from = end.sack_from;
        out.sack_to = end.sack_to;
    }
}

bool TcpConnection::produce(Side side, Random& random, TcpSegment& out) {
    End& end = ends_[side];
    const bool opened = end.heard && ahead(end.unacknowledged, end.initial) > 0;
    if (!opened) {
        if (side == client && end.heard) return false;
        return produce_opening(side, out);
    }
    if (random.percent(70)) { // the application reads what came
        const std::uint32_t room = std::min(end.buffer, kMaxUnscaled << end.shift);
        end.edge = later_of(end.edge, end.expected + room);
    }
    if (random.one_in(400)) {
        out.flags = kRst;
        out.sequence = end.highest;
        stamp(end, out);
        closing_ = reset_ = true;
        return true;
    }
    if (!end.finishing && !end.probing && data_left_ == 0 && random.percent(10)) {
        end.finishing = closing_ = true;
        end.finish = end.highest;
        end.next = end.highest;
        end.highest = end.finish + 1;
        out.flags = kFin;
        out.sequence = end.finish;
        end.next = end.finish + 1;
        stamp(end, out);
        return true;
    }
    if (end.unacknowledged != end.next && random.percent(10)) end.next = end.unacknowledged; // send again
    const bool may_send = end.next != end.highest || (data_left_ > 0 && !end.finishing);
    if ((!may_send || random.percent(25) || !produce_data(end, random, out))) {
        if (!end.owes_answer && !random.percent(15)) return false;
        produce_acknowledgment(end, random, out);
    }
    stamp(end, out);
    return true;
}

void TcpConnection::passed(Side sender, const TcpSegment& segment) {
    End& end = ends_[sender];
    end.largest_window = std::max(end.largest_window, window_of(segment, end.shift));
    if (sender == client && (segment.flags & kAck)) handshake_passed_ = true;
}

bool TcpConnection::is_within_windows(Side sender, const TcpSegment& segment) const {
    const End& end = ends_[sender];
    const End& receiver = ends_[other(sender)];
    const auto window = static_cast<std::int32_t>(std::max(receiver.largest_window, 1u));
    if (ahead(segment.sequence + segment.span(), end.highest) < -window) return false;
    if (!(segment.flags & kAck)) return true;
    return ahead(segment.acknowledgment, receiver.highest) >= -kOldAcknowledgment;
}

void TcpConnection::take_acknowledgment(End& end, const TcpSegment& segment) {
    if (!(segment.flags & kAck)) return;
    const std::int32_t fresh = ahead(segment.acknowledgment, end.unacknowledged);
    // One more than was sent: the probe of a window that has opened.
    if (fresh > 0 && ahead(segment.acknowledgment, end.highest) <= 1) {
        end.unacknowledged = segment.acknowledgment;
        end.probing = false;
        end.next = later_of(end.next, segment.acknowledgment);
        end.highest = later_of(end.highest, segment.acknowledgment);
    }
    if (end.finishing && ahead(end.unacknowledged, end.finish) > 0) end.finish_acknowledged = true;
}

void TcpConnection::take_data(End& end, const TcpSegment& segment) {
    const std::uint32_t span = segment.span();
    if (span == 0) return;
    end.owes_answer = true;
    const std::int32_t gap = ahead(segment.sequence, end.expected);
    if (gap > 0) { // a hole before it: said by SACK, and thrown away
        if (ahead(segment.sequence + span, end.edge) <= 0) {
            end.sack_from = segment.sequence;
            end.sack_to = segment.sequence + span;
        }
        return;
    }
    const std::uint32_t last = segment.sequence + span;
    if (ahead(last, end.expected) <= 0 || end.finish_received) return;  // nothing new
    if (ahead(segment.sequence + segment.length, end.edge) > 0) return; // no room for it
    end.expected = last;
    if (segment.flags & kFin) end.finish_received = true;
}

void TcpConnection::arrived(Side sender, const TcpSegment& segment) {
    End& end = ends_[other(sender)];
    const End& from = ends_[sender];
    if (segment.flags & kRst) {
        closing_ = reset_ = true;
        return;
    }
    if (reset_) return;
    if (segment.flags & kSyn) {
        end.owes_answer = true;
        if (!end.heard) {
            end.heard = true;
            end.expected = segment.sequence + 1;
            end.edge = end.expected + std::min(end.buffer, kMaxUnscaled);
            end.limit = end.initial + 1 + segment.window;
        }
        take_acknowledgment(end, segment);
        return;
    }
    if (!end.heard) return;
    take_acknowledgment(end, segment);
    end.limit = later_of(end.limit, segment.acknowledgment + window_of(segment, from.shift));
    take_data(end, segment);
}

void TcpConnection::write(Side side, const TcpSegment& segment, Segment& out) const {
    TcpHeaderFields fields;
    fields.source_port = tuple_.port[side];
    fields.destination_port = tuple_.port[other(side)];
    fields.sequence = segment.sequence;
    fields.acknowledgment = segment.flags & kAck ? segment.acknowledgment : 0;
    fields.flags = segment.flags;
    fields.window = segment.window;
    fields.payload = segment.length;
    auto put = [&fields](std::initializer_list<unsigned> bytes) {
        for (const unsigned byte : bytes) {
            fields.options[fields.options_size++] = static_cast<std::uint8_t>(byte);
        }
    };
    if (segment.flags & kSyn) {
        put({2, 4, 1400 >> 8, 1400 & 0xff, 1, 1, 4, 2}); // MSS, SACK permitted
        if (scaled_) put({1, 3, 3, ends_[side].shift});
    }
    if (timestamps_) put({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1});
    if (segment.sack_from != segment.sack_to) {
        put({1, 1, 5, 10});
        for (const std::uint32_t edge : {segment.sack_from, segment.sack_to}) {
            put({edge >> 24, edge >> 16 & 0xff, edge >> 8 & 0xff, edge & 0xff});
        }
    }
    write_tcp(way_from(tuple_, side), fields, out);
}

} // namespace sluice::simulation
