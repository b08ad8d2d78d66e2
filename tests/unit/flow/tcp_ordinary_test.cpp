// The short ways for ordinary and regular segments against the machine that they are short for.
#include "flow/tcp_ordinary.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace sluice::flow::tcp {
namespace {

using namespace net::tcp_flag;

/// Trackers and segments around each other's edges: everything lies within a few windows of one number, which may be
/// anywhere, and often exactly where another number is.
class Around {
  public:
    explicit Around(std::uint64_t seed)
        : random_(seed) {}

    Tracker tracker() {
        Tracker out{};
        base_ = below(2) ? static_cast<std::uint32_t>(random_()) : 0u - below(200'000);
        for (Side& side : out.side)
            side = {near(), near(), near()};
        out.last_end = near();
        out.known.scale0 = below(2) ? kNoScale : below(15) & 15u;
        out.known.scale1 = below(2) ? kNoScale : below(15) & 15u;
        out.known.seen = (below(8) ? 3 : below(4)) & 3u;
        out.known.acked = (below(8) ? 3 : below(4)) & 3u;
        out.known.sack = below(4) & 3u;
        out.known.unanswered = below(4) & 3u;
        out.known.last_kind = (below(2) ? static_cast<unsigned>(Segment::ack) : below(6)) & 7u;
        out.known.last_direction = below(2) & 1u;
        out.known.syn_scale = below(16) & 15u;
        out.known.syn_sack = below(2) & 1u;
        out.known.retransmits = below(4) & 3u;
        out.known.zero_window = below(2) & 1u;
        out.known.simultaneous = below(2) & 1u;
        out.known.loose = below(8) == 0;
        out.known.challenge = below(2) & 1u;
        edges_[0] = out.side[0].end;
        edges_[1] = out.side[1].end;
        edges_[2] = out.side[0].max_end;
        edges_[3] = out.side[1].max_end;
        edges_[4] = out.side[0].max_ack;
        edges_[5] = out.side[1].max_ack;
        edges_[6] = out.last_end;
        edges_[7] = out.side[0].end - kLateAcknowledgment;
        return out;
    }

    Arrival segment() {
        Arrival out;
        out.flags = static_cast<std::uint8_t>(kAck | (below(2) ? kPsh : 0) | (below(8) ? 0 : kUrg));
        out.sequence = at_an_edge();
        out.acknowledgment = at_an_edge();
        out.sack_edge = below(4) ? out.acknowledgment : at_an_edge();
        out.length = below(2) ? 0 : below(1'500);
        out.window = static_cast<std::uint16_t>(below(4) ? random_() : below(2));
        return out;
    }

    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  private:
    std::uint32_t near() { return base_ + below(below(4) ? 3'000 : 150'000); }
    std::uint32_t at_an_edge() { return below(3) ? edges_[below(8)] + below(5) - 2 : near(); }

    std::mt19937_64 random_;
    std::uint32_t base_ = 0;
    std::uint32_t edges_[8] = {};
};

bool same(const Tracker& a, const Tracker& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

TEST(TcpOrdinary, SaysWhatTheMachineSays) {
    Around around(1);
    unsigned taken = 0;
    for (unsigned i = 0; i < 1'000'000; ++i) {
        const Tracker before = around.tracker();
        const Arrival segment = around.segment();
        const auto direction = static_cast<Direction>(around.below(2));
        const Standing standing{State::tcp_established, true, true};
        Tracker quick = before;
        Tracker slow = before;
        State next{};
        const bool ordinary = take_ordinary(quick, direction, segment);
        const Outcome outcome = judge(slow, standing, direction, segment, next);
        if (!ordinary) {
            ASSERT_TRUE(same(quick, before)) << "case " << i;
            // What is left to the machine is what breaks a rule, or what is not known of both ends.
            const bool known = before.known.seen == 3 && before.known.acked == 3 && !before.known.loose;
            ASSERT_FALSE(known && outcome == Outcome::move) << "case " << i;
            continue;
        }
        ++taken;
        ASSERT_EQ(outcome, Outcome::move) << "case " << i;
        ASSERT_EQ(next, State::tcp_established) << "case " << i;
        ASSERT_TRUE(same(quick, slow)) << "case " << i;
    }
    EXPECT_GT(taken, 50'000u);
}

TEST(TcpOrdinary, OnlyAcksOfEstablishedFlowsMayBe) {
    EXPECT_TRUE(may_be_ordinary(State::tcp_established, kAck));
    EXPECT_TRUE(may_be_ordinary(State::tcp_established, kAck | kPsh));
    EXPECT_FALSE(may_be_ordinary(State::tcp_established, kPsh));
    for (const std::uint8_t flag : {kSyn, kFin, kRst})
        EXPECT_FALSE(may_be_ordinary(State::tcp_established, static_cast<std::uint8_t>(kAck | flag)));
    EXPECT_FALSE(may_be_ordinary(State::tcp_syn_received, kAck));
    EXPECT_FALSE(may_be_ordinary(State::tcp_fin_wait, kAck));
    EXPECT_FALSE(may_be_ordinary(State::udp_established, kAck));
}

TEST(TcpRegular, SaysWhatTheMachineSaysInAnyState) {
    constexpr State kStates[] = {State::tcp_syn_sent,  State::tcp_syn_received, State::tcp_established,
                                 State::tcp_fin_wait,  State::tcp_close_wait,   State::tcp_last_ack,
                                 State::tcp_time_wait, State::tcp_closed,       State::tcp_syn_sent2};
    Around around(2);
    unsigned taken[std::size(kStates)] = {};
    for (unsigned i = 0; i < 2'000'000; ++i) {
        const Tracker before = around.tracker();
        Arrival segment = around.segment();
        if (around.below(2)) segment.flags |= kFin;
        if (around.below(16) == 0) segment.flags = static_cast<std::uint8_t>(around.below(64));
        if (!flags_possible(segment.flags)) continue;
        const auto direction = static_cast<Direction>(around.below(2));
        const std::uint32_t number = around.below(std::size(kStates));
        const Standing standing{kStates[number], around.below(2) != 0, around.below(2) != 0};
        Tracker quick = before;
        Tracker slow = before;
        State quick_next{};
        State next{};
        const bool regular = take_regular(quick, standing.state, direction, segment, quick_next);
        const Outcome outcome = judge(slow, standing, direction, segment, next);
        if (!regular) {
            ASSERT_TRUE(same(quick, before)) << "case " << i;
            const bool plain = before.known.seen == 3 && before.known.acked == 3 && !before.known.loose &&
                               !before.known.simultaneous && !before.known.challenge;
            const Segment kind = classify(segment.flags);
            const bool acks = kind == Segment::ack || kind == Segment::fin;
            ASSERT_FALSE(plain && acks && outcome == Outcome::move) << "case " << i;
            continue;
        }
        ++taken[number];
        ASSERT_EQ(outcome, Outcome::move) << "case " << i;
        ASSERT_EQ(quick_next, next) << "case " << i;
        ASSERT_TRUE(same(quick, slow)) << "case " << i;
    }
    for (std::size_t s = 1; s + 1 < std::size(kStates); ++s)
        EXPECT_GT(taken[s], 1'000u) << name(kStates[s]);
}

} // namespace
} // namespace sluice::flow::tcp
