#include "flow/sctp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace sluice::flow::sctp {
namespace {

constexpr std::array<std::string_view, 7> kStates = {"CW", "CE", "ES", "SS", "SR", "SA", "CL"};
constexpr std::uint32_t kClientTag = 0x1111;
constexpr std::uint32_t kServerTag = 0x2222;

State state_number(std::size_t i) {
    return static_cast<State>(static_cast<std::size_t>(State::sctp_cookie_wait) + i);
}

Tracker known() {
    Tracker tracker{};
    tracker.tag[0] = kClientTag;
    tracker.tag[1] = kServerTag;
    return tracker;
}

/// With the tags that are right for it.
Arrival right(Direction from, Chunk chunk) {
    Arrival packet;
    packet.chunk = chunk;
    packet.tag = chunk == Chunk::init ? 0 : (from == Direction::original ? kServerTag : kClientTag);
    if (chunk == Chunk::init) packet.initiate = kClientTag;
    if (chunk == Chunk::init_ack) packet.initiate = kServerTag;
    return packet;
}

// One line a chunk, one column a state; iv refused, nw a new flow. Written apart from the table under test.
struct Line {
    Direction from;
    Chunk chunk;
    std::string_view cells;
};
constexpr std::array kWanted = {
    Line{Direction::original, Chunk::init, "CW iv iv iv iv iv nw"},
    Line{Direction::original, Chunk::init_ack, "iv iv iv iv iv iv iv"},
    Line{Direction::original, Chunk::abort, "CL CL CL CL CL CL CL"},
    Line{Direction::original, Chunk::shutdown, "iv iv SS SS SR SA iv"},
    Line{Direction::original, Chunk::shutdown_ack, "iv iv iv SA SA SA CL"},
    Line{Direction::original, Chunk::cookie_echo, "CE CE ES iv iv iv iv"},
    Line{Direction::original, Chunk::cookie_ack, "iv iv iv iv iv iv iv"},
    Line{Direction::original, Chunk::shutdown_complete, "iv iv iv iv iv CL CL"},
    Line{Direction::original, Chunk::other, "iv CE ES SS SR SA iv"},
    Line{Direction::reply, Chunk::init, "iv iv iv iv iv iv iv"},
    Line{Direction::reply, Chunk::init_ack, "CW CE iv iv iv iv iv"},
    Line{Direction::reply, Chunk::abort, "CL CL CL CL CL CL CL"},
    Line{Direction::reply, Chunk::shutdown, "iv iv SR SS SR SA iv"},
    Line{Direction::reply, Chunk::shutdown_ack, "iv iv iv SA SA SA CL"},
    Line{Direction::reply, Chunk::cookie_echo, "iv iv iv iv iv iv iv"},
    Line{Direction::reply, Chunk::cookie_ack, "iv ES ES iv iv iv iv"},
    Line{Direction::reply, Chunk::shutdown_complete, "iv iv iv iv iv CL CL"},
    Line{Direction::reply, Chunk::other, "iv CE ES SS SR SA iv"},
};

std::string cell_of(const Judgement& judged) {
    switch (judged.outcome) {
    case Outcome::restart: return "nw";
    case Outcome::refuse: return "iv";
    case Outcome::refuse_tag: return "tag";
    case Outcome::move: break;
    }
    return std::string(
        kStates[static_cast<std::size_t>(judged.next) - static_cast<std::size_t>(State::sctp_cookie_wait)]);
}

TEST(SctpTracker, Every_cell) {
    for (const Line& line : kWanted) {
        for (std::size_t state = 0; state < kStates.size(); ++state) {
            Tracker tracker = known();
            const Judgement judged = judge(tracker, state_number(state), line.from, right(line.from, line.chunk));
            EXPECT_EQ(cell_of(judged), line.cells.substr(3 * state, 2))
                << "direction " << static_cast<int>(line.from) << " chunk " << static_cast<int>(line.chunk) << " state "
                << kStates[state];
        }
    }
}

TEST(SctpTracker, Only_an_INIT_that_asks_for_a_tag_opens) {
    EXPECT_TRUE(opens(right(Direction::original, Chunk::init)));
    Arrival init = right(Direction::original, Chunk::init);
    init.tag = 5;
    EXPECT_FALSE(opens(init));
    init = right(Direction::original, Chunk::init);
    init.initiate = 0;
    EXPECT_FALSE(opens(init));
    for (const Chunk chunk : {Chunk::init_ack, Chunk::abort, Chunk::cookie_echo, Chunk::other})
        EXPECT_FALSE(opens(right(Direction::original, chunk)));
}

// RFC 9260, 8.5.
TEST(SctpTracker, A_packet_with_another_tag_is_refused) {
    for (const Direction from : {Direction::original, Direction::reply}) {
        for (const Chunk chunk : {Chunk::other, Chunk::shutdown, Chunk::abort}) {
            Tracker tracker = known();
            Arrival packet = right(from, chunk);
            packet.tag ^= 1;
            EXPECT_EQ(judge(tracker, State::sctp_established, from, packet).outcome, Outcome::refuse_tag);
        }
    }
}

// RFC 9260, 8.5.1 B.
TEST(SctpTracker, An_ABORT_may_reflect_the_tag_of_its_sender) {
    Tracker tracker = known();
    Arrival abort = right(Direction::reply, Chunk::abort);
    abort.tag = kServerTag;
    EXPECT_EQ(judge(tracker, State::sctp_established, Direction::reply, abort).outcome, Outcome::refuse_tag);
    abort.tag_reflected = true;
    EXPECT_EQ(judge(tracker, State::sctp_established, Direction::reply, abort).outcome, Outcome::move);
    Arrival data = right(Direction::reply, Chunk::other);
    data.tag = kServerTag;
    data.tag_reflected = true;
    EXPECT_EQ(judge(tracker, State::sctp_established, Direction::reply, data).outcome, Outcome::refuse_tag);
}

TEST(SctpTracker, The_opener_sends_nothing_before_it_knows_the_tag) {
    Tracker tracker{};
    open(tracker, right(Direction::original, Chunk::init));
    Arrival echo = right(Direction::original, Chunk::cookie_echo);
    EXPECT_EQ(judge(tracker, State::sctp_cookie_wait, Direction::original, echo).outcome, Outcome::refuse_tag);
    echo.tag = 0;
    EXPECT_EQ(judge(tracker, State::sctp_cookie_wait, Direction::original, echo).outcome, Outcome::refuse_tag);
    ASSERT_EQ(
        judge(tracker, State::sctp_cookie_wait, Direction::reply, right(Direction::reply, Chunk::init_ack)).outcome,
        Outcome::move);
    echo.tag = kServerTag;
    EXPECT_EQ(judge(tracker, State::sctp_cookie_wait, Direction::original, echo).outcome, Outcome::move);
}

TEST(SctpTracker, An_error_must_quote_a_tag_of_the_association) {
    const Tracker tracker = known();
    EXPECT_TRUE(may_be_quoted(tracker, Direction::original, kServerTag));
    EXPECT_TRUE(may_be_quoted(tracker, Direction::original, 0));
    EXPECT_FALSE(may_be_quoted(tracker, Direction::original, kClientTag));
    EXPECT_FALSE(may_be_quoted(tracker, Direction::reply, 0));
}

} // namespace
} // namespace sluice::flow::sctp
