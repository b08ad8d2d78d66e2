#include "flow/state.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::flow {
namespace {

TEST(State, EachHasANameOfItsOwn) {
    const std::set<std::string_view> names(kStateNames.begin(), kStateNames.end());
    EXPECT_EQ(names.size(), kStateCount);
    EXPECT_EQ(names.count(""), 0u);
    EXPECT_EQ(name(State::tcp_syn_sent2), "tcp_syn_sent2");
    EXPECT_EQ(name(State::sctp_cookie_wait), "sctp_cookie_wait");
    EXPECT_EQ(name(State::sctp_shutdown_received), "sctp_shutdown_received");
    EXPECT_EQ(name(State::sctp_closed), "sctp_closed");
    EXPECT_EQ(name(State::udp_new), "udp_new");
    EXPECT_EQ(name(State::other_established), "other_established");
}

TEST(State, WhatIsOverGoesFirstAndWhatWasAnsweredLast) {
    for (const State state : {State::tcp_time_wait, State::tcp_closed, State::sctp_closed}) {
        EXPECT_EQ(eviction_class(state, true), EvictionClass::closing) << name(state);
    }
    for (const State state :
         {State::tcp_fin_wait, State::tcp_close_wait, State::tcp_last_ack, State::sctp_shutdown_sent,
          State::sctp_shutdown_received, State::sctp_shutdown_ack_sent}) {
        EXPECT_EQ(eviction_class(state, true), EvictionClass::answered) << name(state) << ": not over yet";
        EXPECT_EQ(eviction_class(state, false), EvictionClass::half_open) << name(state);
    }
    for (const State state : {State::tcp_syn_sent, State::tcp_syn_received, State::tcp_syn_sent2,
                              State::sctp_cookie_wait, State::sctp_cookie_echoed}) {
        EXPECT_EQ(eviction_class(state, true), EvictionClass::half_open) << name(state);
    }
    for (const State state : {State::udp_new, State::icmp_query, State::other_new}) {
        EXPECT_EQ(eviction_class(state, false), EvictionClass::unanswered) << name(state);
    }
    for (const State state :
         {State::tcp_established, State::sctp_established, State::udp_established, State::other_established}) {
        EXPECT_EQ(eviction_class(state, true), EvictionClass::answered) << name(state);
    }
    EXPECT_EQ(eviction_class(State::tcp_established, false), EvictionClass::half_open) << "taken up in its middle";
    EXPECT_LT(EvictionClass::closing, EvictionClass::half_open);
    EXPECT_LT(EvictionClass::unanswered, EvictionClass::answered);
}

TEST(State, OnlyStatesOfSctpHaveItsTimeouts) {
    for (std::size_t i = 0; i < kStateCount; ++i) {
        const auto state = static_cast<State>(i);
        const TimeoutClass its_class = timeout_class(state);
        const bool sctp = its_class == TimeoutClass::sctp_new || its_class == TimeoutClass::sctp_established ||
                          its_class == TimeoutClass::sctp_closing;
        EXPECT_EQ(sctp, name(state).starts_with("sctp_")) << name(state);
        EXPECT_NE(its_class, TimeoutClass::tcp_stalled) << "no state's own";
    }
}

} // namespace
} // namespace sluice::flow
