#include "flow/tcp_tracker.hpp"

#include "flow/tcp_ordinary.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>

namespace sluice::flow::tcp {
namespace {

using namespace net::tcp_flag;

constexpr Direction kClient = Direction::original;
constexpr Direction kServer = Direction::reply;
constexpr std::uint32_t kClientStart = 100'000;
constexpr std::uint32_t kServerStart = 900'000;

/// A flow as the pipeline keeps it, told in sequence numbers relative to the initial ones.
class Connection {
  public:
    struct Options {
        std::uint16_t window = 8'192;
        std::uint8_t scale = kNoScale;
        bool sack = false;
    };

    Arrival segment(Direction from, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment,
                    std::uint32_t length = 0, std::uint16_t window = 8'192) const {
        Arrival arrival;
        arrival.flags = flags;
        arrival.sequence = start(from) + sequence;
        arrival.acknowledgment = flags & kAck ? start(opposite(from)) + acknowledgment : 0;
        arrival.sack_edge = arrival.acknowledgment;
        arrival.length = length;
        arrival.window = window;
        return arrival;
    }

    Outcome put(Direction from, const Arrival& arrival) {
        State next{};
        Tracker quick = tracker;
        const bool ordinary = may_be_ordinary(standing.state, arrival.flags) && take_ordinary(quick, from, arrival);
        const Outcome outcome = judge(tracker, standing, from, arrival, next);
        if (ordinary) {
            EXPECT_EQ(outcome, Outcome::move);
            EXPECT_EQ(next, State::tcp_established);
            EXPECT_EQ(std::memcmp(&quick, &tracker, sizeof quick), 0);
        }
        const bool passes = outcome == Outcome::move || outcome == Outcome::pass;
        if (passes && from == kServer) standing.replied = true;
        if (outcome != Outcome::move) return outcome;
        const bool completed = standing.state == State::tcp_syn_received || standing.state == State::tcp_established;
        if (standing.replied && completed && next == State::tcp_established) standing.assured = true;
        standing.state = next;
        return outcome;
    }
    Outcome put(Direction from, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment,
                std::uint32_t length = 0, std::uint16_t window = 8'192) {
        return put(from, segment(from, flags, sequence, acknowledgment, length, window));
    }

    void begin(const Options& client) {
        Arrival syn = segment(kClient, kSyn, 0, 0, 0, client.window);
        syn.window_scale = client.scale;
        syn.sack_permitted = client.sack;
        tracker = {};
        open(tracker, syn);
        standing = {};
    }
    void answer(const Options& server) {
        Arrival answer = segment(kServer, kSyn | kAck, 0, 1, 0, server.window);
        answer.window_scale = server.scale;
        answer.sack_permitted = server.sack;
        ASSERT_EQ(put(kServer, answer), Outcome::move);
    }
    /// The handshake; both ends are at sequence number 1.
    void establish(const Options& client, const Options& server) {
        begin(client);
        answer(server);
        ASSERT_EQ(put(kClient, kAck, 1, 1, 0, client.window), Outcome::move);
        ASSERT_EQ(standing.state, State::tcp_established);
        ASSERT_TRUE(standing.assured);
    }
    void establish() { establish({}, {}); }

    Tracker tracker{};
    Standing standing{};

  private:
    static std::uint32_t start(Direction from) { return from == kClient ? kClientStart : kServerStart; }
};

TEST(TcpTracker, A_connection_lives_and_ends) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kClient, kAck | kPsh, 1, 1, 100), Outcome::move);
    EXPECT_EQ(c.put(kServer, kAck, 1, 101), Outcome::move);
    EXPECT_EQ(c.put(kServer, kAck | kPsh, 1, 101, 500), Outcome::move);
    EXPECT_EQ(c.put(kClient, kAck, 101, 501), Outcome::move);
    EXPECT_EQ(c.put(kClient, kFin | kAck, 101, 501), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_fin_wait);
    EXPECT_EQ(c.put(kServer, kAck, 501, 102), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_close_wait);
    EXPECT_EQ(c.put(kServer, kFin | kAck, 501, 102), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_last_ack);
    EXPECT_EQ(c.put(kClient, kAck, 102, 502), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_time_wait);
    EXPECT_EQ(c.put(kClient, kSyn, 5'000, 0), Outcome::restart);
}

// Rule I.
TEST(TcpTracker, Data_beyond_the_window_of_the_receiver_is_refused) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kClient, kAck, 1 + 2 * 8'192 + 1, 1, 10), Outcome::refuse_window);
    EXPECT_EQ(c.put(kServer, kAck, 1 + 2 * 8'192 + 1, 1, 10), Outcome::refuse_window);
    EXPECT_EQ(c.put(kClient, kAck, 1, 1, 10), Outcome::move) << "what was refused left no trace";
}

TEST(TcpTracker, A_segment_may_begin_at_the_very_edge_of_the_window) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kClient, kAck, 1 + 8'192, 1), Outcome::move);
}

// Linux, since 5.19: less than a window too far is believed to be a sender's fault, and passes without effect.
TEST(TcpTracker, A_little_beyond_the_window_passes_without_moving_anything) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kClient, kAck, 1 + 8'192 + 1, 1, 10), Outcome::pass);
    EXPECT_EQ(c.put(kServer, kAck, 1, 1 + 8'192 + 11), Outcome::move) << "the receiver may acknowledge it all the same";
}

// Rule II.
TEST(TcpTracker, Old_data_passes_and_changes_nothing) {
    Connection c;
    c.establish();
    for (std::uint32_t i = 0; i < 20; ++i) {
        ASSERT_EQ(c.put(kClient, kAck, 1 + i * 1'000, 1, 1'000), Outcome::move);
        ASSERT_EQ(c.put(kServer, kAck, 1, 1 + (i + 1) * 1'000), Outcome::move);
    }
    const Tracker before = c.tracker;
    EXPECT_EQ(c.put(kClient, kAck, 1, 1, 1'000), Outcome::pass);
    EXPECT_EQ(c.tracker.side[0].end, before.side[0].end);
    EXPECT_EQ(c.tracker.side[0].max_end, before.side[0].max_end);
}

// Rule III.
TEST(TcpTracker, An_acknowledgment_of_what_was_never_sent_is_refused) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kServer, kAck, 1, 2), Outcome::refuse_window);
    EXPECT_EQ(c.put(kServer, kAck, 1, 1), Outcome::move);
}

// Rule IV.
TEST(TcpTracker, An_acknowledgment_that_is_long_out_of_date_passes_and_changes_nothing) {
    Connection c;
    c.establish();
    for (std::uint32_t i = 0; i < 20; ++i) {
        ASSERT_EQ(c.put(kClient, kAck, 1 + i * 8'000, 1, 8'000), Outcome::move);
        ASSERT_EQ(c.put(kServer, kAck, 1, 1 + (i + 1) * 8'000), Outcome::move);
    }
    EXPECT_EQ(c.put(kServer, kAck, 1, 1), Outcome::pass);
}

TEST(TcpTracker, Windows_are_scaled_where_both_ends_offer_it) {
    Connection both;
    both.establish({.scale = 7}, {.scale = 7});
    EXPECT_EQ(both.put(kServer, kAck, 1, 1, 0, 1'000), Outcome::move); // 1,000 << 7
    EXPECT_EQ(both.put(kClient, kAck, 128'000, 1, 1), Outcome::move);

    Connection one;
    one.establish({.scale = 7}, {});
    EXPECT_EQ(one.put(kServer, kAck, 1, 1, 0, 1'000), Outcome::move);
    EXPECT_EQ(one.put(kClient, kAck, 128'000, 1, 1), Outcome::refuse_window);
}

// RFC 7323, 2.2.
TEST(TcpTracker, The_window_of_a_SYN_is_never_scaled) {
    Connection c;
    c.begin({.scale = 7});
    c.answer({.window = 1'000, .scale = 7});
    ASSERT_EQ(c.put(kClient, kAck, 1, 1), Outcome::move);
    EXPECT_EQ(c.put(kClient, kAck, 1 + 1'000, 1, 1), Outcome::move);
    EXPECT_EQ(c.put(kClient, kAck, 10'000, 1, 1), Outcome::refuse_window);
}

TEST(TcpTracker, The_server_may_fill_the_window_of_the_SYN_before_it_is_acknowledged) {
    Connection c;
    c.begin({});
    c.answer({});
    for (std::uint32_t sent = 0; sent < 8'192; sent += 1'024) {
        EXPECT_EQ(c.put(kServer, kAck, 1 + sent, 1, 1'024), Outcome::move) << sent;
    }
    EXPECT_EQ(c.put(kServer, kAck, 1 + 3 * 8'192, 1, 1), Outcome::refuse_window);
}

TEST(TcpTracker, Sequence_numbers_wrap) {
    Connection c;
    Arrival syn = c.segment(kClient, kSyn, 0, 0);
    syn.sequence = 0xfffffff0;
    open(c.tracker, syn);
    Arrival answer = c.segment(kServer, kSyn | kAck, 0, 0);
    answer.acknowledgment = 0xfffffff1;
    answer.sack_edge = answer.acknowledgment;
    ASSERT_EQ(c.put(kServer, answer), Outcome::move);
    Arrival data = c.segment(kClient, kAck, 0, 1, 100);
    data.sequence = 0xfffffff1;
    ASSERT_EQ(c.put(kClient, data), Outcome::move);
    Arrival acknowledgment = c.segment(kServer, kAck, 1, 0);
    acknowledgment.acknowledgment = 0xfffffff1 + 100;
    acknowledgment.sack_edge = acknowledgment.acknowledgment;
    EXPECT_EQ(c.put(kServer, acknowledgment), Outcome::move);
    acknowledgment.acknowledgment += 1;
    acknowledgment.sack_edge += 1;
    EXPECT_EQ(c.put(kServer, acknowledgment), Outcome::refuse_window);
}

TEST(TcpTracker, A_selective_acknowledgment_counts_only_where_it_was_agreed) {
    for (const bool agreed : {true, false}) {
        Connection c;
        c.establish({.sack = agreed}, {.sack = agreed});
        ASSERT_EQ(c.put(kClient, kAck, 1, 1, 100), Outcome::move);
        Arrival sack = c.segment(kServer, kAck, 1, 1);
        sack.sack_edge = kClientStart + 500; // never sent
        EXPECT_EQ(c.put(kServer, sack), agreed ? Outcome::refuse_window : Outcome::move);
    }
}

TEST(TcpTracker, A_window_probe_passes_a_closed_window) {
    Connection c;
    c.establish();
    ASSERT_EQ(c.put(kClient, kAck, 1, 1, 8'192), Outcome::move);
    ASSERT_EQ(c.put(kServer, kAck, 1, 8'193, 0, 0), Outcome::move);
    EXPECT_TRUE(stalled(c.tracker));
    EXPECT_EQ(c.put(kClient, kAck, 8'193, 1, 1), Outcome::move);
    EXPECT_EQ(c.put(kServer, kAck, 1, 8'194, 0, 4'000), Outcome::move);
    EXPECT_FALSE(stalled(c.tracker));
}

TEST(TcpTracker, Data_without_an_answer_stalls_until_it_is_acknowledged) {
    Connection c;
    c.establish();
    EXPECT_FALSE(stalled(c.tracker));
    ASSERT_EQ(c.put(kClient, kAck, 1, 1, 100), Outcome::move);
    EXPECT_TRUE(stalled(c.tracker));
    ASSERT_EQ(c.put(kServer, kAck, 1, 51), Outcome::move);
    EXPECT_TRUE(stalled(c.tracker)) << "half of it";
    ASSERT_EQ(c.put(kServer, kAck, 1, 101), Outcome::move);
    EXPECT_FALSE(stalled(c.tracker));
}

TEST(TcpTracker, The_same_segment_four_times_stalls) {
    Connection c;
    c.establish();
    for (unsigned i = 0; i < 4; ++i) {
        EXPECT_FALSE(stalled(c.tracker)) << i;
        ASSERT_EQ(c.put(kServer, kAck, 1, 1), Outcome::move);
    }
    EXPECT_TRUE(stalled(c.tracker));
    ASSERT_EQ(c.put(kClient, kAck, 1, 1), Outcome::move);
    EXPECT_FALSE(stalled(c.tracker));
}

// RFC 5961, 3.2.
TEST(TcpTracker, Only_a_reset_with_the_exact_number_ends_an_established_flow) {
    Connection c;
    c.establish();
    ASSERT_EQ(c.put(kServer, kAck, 1, 1, 100), Outcome::move);
    ASSERT_EQ(c.put(kClient, kAck, 1, 101), Outcome::move);
    EXPECT_EQ(c.put(kServer, kRst, 100, 0), Outcome::refuse_window) << "before what is acknowledged";
    EXPECT_EQ(c.put(kServer, kRst, 151, 0), Outcome::pass) << "the client answers it with a challenge";
    EXPECT_EQ(c.standing.state, State::tcp_established);
    EXPECT_EQ(c.put(kServer, kRst, 101 + 100'000, 0), Outcome::refuse_window);
    EXPECT_EQ(c.put(kServer, kRst, 101, 0), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_closed);
}

TEST(TcpTracker, A_reset_may_follow_data_that_is_not_acknowledged_yet) {
    Connection c;
    c.establish();
    ASSERT_EQ(c.put(kServer, kAck | kPsh, 1, 1, 100), Outcome::move);
    EXPECT_EQ(c.put(kServer, kRst, 101, 0), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_closed);
}

TEST(TcpTracker, A_reset_that_acknowledges_what_was_never_sent_is_refused) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kServer, kRst | kAck, 1, 5'000), Outcome::refuse_window);
}

TEST(TcpTracker, A_refused_connection_is_over_at_once) {
    Connection c;
    c.begin({});
    EXPECT_EQ(c.put(kServer, kRst | kAck, static_cast<std::uint32_t>(0u - kServerStart), 1), Outcome::finish);
}

TEST(TcpTracker, A_reset_for_another_SYN_does_not_refuse_the_connection) {
    Connection c;
    c.begin({});
    EXPECT_EQ(c.put(kServer, kRst | kAck, static_cast<std::uint32_t>(0u - kServerStart), 77), Outcome::refuse_window);
}

TEST(TcpTracker, A_SYN_sent_again_refreshes_nothing) {
    Connection c;
    c.begin({});
    EXPECT_EQ(c.put(kClient, kSyn, 0, 0), Outcome::pass);
    EXPECT_EQ(c.put(kClient, kSyn, 5'000, 0), Outcome::pass) << "with another initial number";
    EXPECT_EQ(c.put(kServer, kSyn | kAck, 0, 5'001), Outcome::move);
    EXPECT_EQ(c.put(kClient, kAck, 5'001, 1), Outcome::move);
}

TEST(TcpTracker, A_SYN_ACK_must_answer_the_SYN) {
    Connection c;
    c.begin({});
    EXPECT_EQ(c.put(kServer, kSyn | kAck, 0, 2), Outcome::refuse_window);
    EXPECT_EQ(c.put(kServer, kSyn | kAck, 0, 1), Outcome::move);
}

// The hosts have begun again, the firewall had not noticed.
TEST(TcpTracker, A_SYN_into_a_live_flow_changes_nothing_until_it_is_answered) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kClient, kSyn, 7'000'000, 0), Outcome::pass);
    EXPECT_EQ(c.put(kClient, kAck, 1, 1, 10), Outcome::move) << "the old connection goes on";
    EXPECT_EQ(c.put(kClient, kSyn, 7'000'000, 0), Outcome::pass);
    EXPECT_EQ(c.put(kServer, kSyn | kAck, 3'000'000, 7'000'001), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_syn_received);
    EXPECT_EQ(c.put(kClient, kAck, 7'000'001, 3'000'001), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_established);
    EXPECT_EQ(c.put(kClient, kAck, 11, 1, 10), Outcome::pass) << "the old numbers are old, and move nothing";
    EXPECT_EQ(c.put(kClient, kAck, 7'000'001, 3'000'001, 10), Outcome::move);
}

TEST(TcpTracker, A_SYN_ACK_for_another_SYN_does_not_begin_again) {
    Connection c;
    c.establish();
    EXPECT_EQ(c.put(kClient, kSyn, 7'000'000, 0), Outcome::pass);
    EXPECT_EQ(c.put(kServer, kSyn | kAck, 3'000'000, 7'000'002), Outcome::pass);
    EXPECT_EQ(c.standing.state, State::tcp_established);
    EXPECT_EQ(c.put(kClient, kAck, 1, 1, 10), Outcome::move);
}

// RFC 5961, 4.2.
TEST(TcpTracker, A_challenge_does_not_acknowledge_the_last_FIN) {
    Connection c;
    c.establish();
    ASSERT_EQ(c.put(kClient, kFin | kAck, 1, 1), Outcome::move);
    ASSERT_EQ(c.put(kServer, kFin | kAck, 1, 2), Outcome::move);
    ASSERT_EQ(c.standing.state, State::tcp_last_ack);
    ASSERT_EQ(c.put(kClient, kSyn, 600'000, 0), Outcome::pass);
    EXPECT_EQ(c.put(kServer, kAck, 2, 2), Outcome::pass);
    EXPECT_EQ(c.standing.state, State::tcp_last_ack);
    EXPECT_EQ(c.put(kClient, kAck, 2, 2), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_time_wait);
}

// RFC 9293, figure 8.
TEST(TcpTracker, Two_ends_may_open_at_once) {
    Connection c;
    c.begin({});
    ASSERT_EQ(c.put(kServer, kSyn, 0, 0), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_syn_sent2);
    EXPECT_EQ(c.put(kClient, kSyn | kAck, 0, 1), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_syn_received);
    EXPECT_EQ(c.put(kServer, kAck, 1, 1), Outcome::move);
    EXPECT_EQ(c.standing.state, State::tcp_established);
}

TEST(TcpTracker, A_flow_picked_up_in_its_middle_learns_its_windows) {
    Connection c;
    const Arrival data = c.segment(kClient, kAck, 50'000, 60'000, 100);
    pick_up(c.tracker, data);
    c.standing.state = State::tcp_established;
    EXPECT_EQ(c.put(kServer, kAck, 60'000, 50'100), Outcome::move);
    EXPECT_TRUE(c.standing.assured);
    EXPECT_EQ(c.put(kClient, kAck, 50'100, 60'000, 30'000), Outcome::move) << "its scale is not known";
}

TEST(TcpTracker, What_is_refused_leaves_no_trace) {
    Connection c;
    c.establish();
    const Tracker before = c.tracker;
    ASSERT_EQ(c.put(kServer, kAck, 1, 4'000'000, 10), Outcome::refuse_window);
    ASSERT_EQ(c.put(kClient, kRst, 9'000'000, 0), Outcome::refuse_window);
    ASSERT_EQ(c.put(kServer, kSyn, 0, 0), Outcome::refuse_state);
    EXPECT_EQ(std::memcmp(&before, &c.tracker, sizeof before), 0);
}

// RFC 5927, 4.1.
TEST(TcpTracker, An_error_may_quote_what_is_or_was_lately_in_flight) {
    Connection c;
    c.establish();
    ASSERT_EQ(c.put(kClient, kAck, 1, 1, 1'000), Outcome::move);
    EXPECT_TRUE(may_be_quoted(c.tracker, kClient, kClientStart));
    EXPECT_TRUE(may_be_quoted(c.tracker, kClient, kClientStart + 1'001));
    EXPECT_FALSE(may_be_quoted(c.tracker, kClient, kClientStart + 1'002));
    EXPECT_FALSE(may_be_quoted(c.tracker, kClient, kClientStart - 500'000));
    EXPECT_FALSE(may_be_quoted(c.tracker, kServer, kClientStart));
}

} // namespace
} // namespace sluice::flow::tcp
