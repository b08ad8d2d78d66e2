#include "control/rates.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using telemetry::DropReason;

class RatesTest : public testing::Test {
  protected:
    void make(std::size_t count) {
        for (std::size_t w = 0; w < count; ++w) {
            auto one = dpdk::Region::reserve(64, -1, "a test");
            auto other = dpdk::Region::reserve(64, -1, "a test");
            auto third = dpdk::Region::reserve(64, -1, "a test");
            ASSERT_TRUE(one && other && third);
            workers.push_back({0,
                               std::make_unique<dpdk::Region>(std::move(*one)),
                               std::move(*other),
                               std::move(*third),
                               nullptr,
                               nullptr,
                               std::make_unique<telemetry::WorkerCounters>(),
                               {},
                               {},
                               nullptr});
        }
    }
    telemetry::WorkerCounters& counters(std::size_t worker) { return *workers[worker].counters; }
    void drop(std::size_t worker, DropReason reason, std::uint64_t packets) {
        counters(worker).drops[static_cast<std::size_t>(reason)].add(packets);
    }

    std::vector<Worker> workers;
    const Rates::Clock::time_point start{};
};

TEST_F(RatesTest, TotalsSumWorkersAndReasons) {
    make(2);
    counters(0).received_packets.add(100);
    counters(1).received_packets.add(10);
    counters(0).forwarded_packets.add(60);
    counters(1).forwarded_packets.add(35);
    counters(0).answered_packets.add(2);
    counters(1).answered_packets.add(5);
    counters(0).made_packets.add(11);
    counters(1).made_packets.add(1);
    counters(0).handed_off_packets.add(41);
    counters(1).handed_off_packets.add(3);
    counters(0).handed_in_packets.add(3);
    counters(1).handed_in_packets.add(35);
    counters(1).held_fragments.store(5);
    drop(0, DropReason::no_rule, 4);
    drop(1, DropReason::no_rule, 3);
    drop(1, DropReason::rule_drop, 2);
    const Totals totals = totals_of(workers);
    EXPECT_EQ(totals.received, 110u);
    EXPECT_EQ(totals.forwarded, 95u);
    EXPECT_EQ(totals.dropped, 9u);
    EXPECT_EQ(totals.answered, 7u);
    EXPECT_EQ(totals.made, 12u);
    EXPECT_EQ(totals.received + totals.made, totals.forwarded + totals.answered + totals.dropped + totals.held);
    EXPECT_EQ(totals.held, 11u) << "what the rings and the reassembly hold";
    EXPECT_EQ(drops_of(workers, DropReason::no_rule), 7u);
    EXPECT_EQ(drops_of(workers, DropReason::fragment_limit), 0u);
    EXPECT_EQ(totals_of(workers[1]).forwarded, 35u);
    EXPECT_EQ(totals_of(workers[1]).dropped, 5u);
    EXPECT_EQ(totals_of(workers[1]).received, 10u);
}

TEST_F(RatesTest, WithoutTwoSamplesThereIsNoRate) {
    make(1);
    Rates rates;
    EXPECT_EQ(rates.received_per_second(), 0);
    EXPECT_EQ(rates.busy_ratio(0), 0);
    counters(0).received_packets.add(1000);
    rates.sample(workers, start);
    EXPECT_EQ(rates.received_per_second(), 0) << "since when?";
}

TEST_F(RatesTest, RatesAreOverTheWindow) {
    make(2);
    Rates rates;
    rates.sample(workers, start);
    counters(0).received_packets.add(1500);
    counters(1).forwarded_packets.add(1000);
    drop(0, DropReason::no_rule, 500);
    rates.sample(workers, start + 2s);
    EXPECT_DOUBLE_EQ(rates.received_per_second(), 750);
    EXPECT_DOUBLE_EQ(rates.forwarded_per_second(), 500);
    EXPECT_DOUBLE_EQ(rates.dropped_per_second(), 250);
}

TEST_F(RatesTest, SamplesLessThanASecondApartAreLeftOut) {
    make(1);
    Rates rates;
    rates.sample(workers, start);
    counters(0).received_packets.add(1000);
    rates.sample(workers, start + 500ms);
    EXPECT_EQ(rates.received_per_second(), 0);
    rates.sample(workers, start + 1s);
    EXPECT_DOUBLE_EQ(rates.received_per_second(), 1000);
}

TEST_F(RatesTest, WhatIsLongAgoIsForgotten) {
    make(1);
    Rates rates;
    counters(0).received_packets.add(1'000'000);
    for (int second = 0; second < 20; ++second) {
        rates.sample(workers, start + std::chrono::seconds(second));
        counters(0).received_packets.add(second < 10 ? 5000 : 10);
    }
    EXPECT_DOUBLE_EQ(rates.received_per_second(), 10);
}

TEST_F(RatesTest, BusyIsTheShareOfCyclesOfOneWorker) {
    make(2);
    Rates rates;
    counters(0).all_cycles.add(1'000'000); // before the window
    counters(0).busy_cycles.add(1'000'000);
    rates.sample(workers, start);
    counters(0).all_cycles.add(4000);
    counters(0).busy_cycles.add(1000);
    rates.sample(workers, start + 1s);
    EXPECT_DOUBLE_EQ(rates.busy_ratio(0), 0.25);
    EXPECT_EQ(rates.busy_ratio(1), 0) << "it has not run";
}

} // namespace
} // namespace sluice::control
