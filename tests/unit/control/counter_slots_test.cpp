#include "control/counter_slots.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

using Names = std::vector<std::string>;
using Slots = std::vector<std::uint32_t>;

/// Two workers that count into as many slots as there are.
class CounterSlotsTest : public testing::Test {
  protected:
    void make(std::uint32_t capacity) {
        std::vector<SlotCounters> spans;
        for (unsigned worker = 0; worker < 2; ++worker) {
            workers_[worker] = std::make_unique<telemetry::RuleCounters[]>(capacity);
            evictions_[worker] = std::make_unique<telemetry::RuleEvictions[]>(capacity);
            spans.push_back({{workers_[worker].get(), capacity}, {evictions_[worker].get(), capacity}});
        }
        slots = std::make_unique<CounterSlots>(capacity, spans);
    }
    /// A worker counts a packet.
    void count(unsigned worker, std::uint32_t slot, std::uint32_t tick, std::uint64_t bytes = 100) {
        telemetry::RuleCounters& counters = workers_[worker][slot];
        counters.packets.add(1);
        counters.bytes.add(bytes);
        counters.last_hit_tick.store(tick);
    }
    void count_flow(unsigned worker, std::uint32_t slot) { workers_[worker][slot].flows_created.add(1); }
    telemetry::RuleCounters& rule(unsigned worker, std::uint32_t slot) { return workers_[worker][slot]; }
    telemetry::RuleEvictions& evictions(unsigned worker, std::uint32_t slot) { return evictions_[worker][slot]; }
    Slots assign(const Names& names) {
        const auto given = slots->assign(names);
        EXPECT_TRUE(given);
        return given.value_or(Slots(names.size()));
    }
    [[nodiscard]] std::string name_of(std::uint32_t slot) const {
        const std::string* name = slots->name_of(slot);
        return name == nullptr ? "-" : *name;
    }

    std::unique_ptr<CounterSlots> slots;

  private:
    std::unique_ptr<telemetry::RuleCounters[]> workers_[2];
    std::unique_ptr<telemetry::RuleEvictions[]> evictions_[2];
};

TEST_F(CounterSlotsTest, EveryNameHasASlotOfItsOwn) {
    make(8);
    const Slots given = assign({"web", "dns", "default"});
    EXPECT_EQ(given.size(), 3u);
    EXPECT_NE(given[0], given[1]);
    EXPECT_NE(given[1], given[2]);
    EXPECT_NE(given[0], given[2]);
    EXPECT_EQ(name_of(given[0]), "web");
    EXPECT_EQ(name_of(given[2]), "default");
    EXPECT_EQ(name_of(7), "-");
}

TEST_F(CounterSlotsTest, ANameKeepsItsSlotOverReloadsWhateverItsPlace) {
    make(8);
    const Slots before = assign({"web", "dns", "default"});
    count(0, before[0], 5);
    const Slots after = assign({"dns", "ntp", "web", "default"});
    slots->keep_only({"dns", "ntp", "web", "default"});
    EXPECT_EQ(after[0], before[1]);
    EXPECT_EQ(after[2], before[0]);
    EXPECT_EQ(after[3], before[2]);
    EXPECT_EQ(slots->totals(after[2]).packets, 1u);
}

TEST_F(CounterSlotsTest, TotalsAreOfAllWorkers) {
    make(4);
    const std::uint32_t web = assign({"web"})[0];
    EXPECT_FALSE(slots->totals(web).last_hit_tick);
    count(0, web, 500, 60);
    count(1, web, 700, 1500);
    count(1, web, 600, 40); // a worker's own clock does not go back, another's may be behind
    count_flow(0, web);
    count_flow(1, web);
    const RuleTotals totals = slots->totals(web);
    EXPECT_EQ(totals.packets, 3u);
    EXPECT_EQ(totals.bytes, 1600u);
    EXPECT_EQ(totals.flows_created, 2u);
    EXPECT_EQ(totals.last_hit_tick, 600u) << "the latest of the workers' last hits";
}

TEST_F(CounterSlotsTest, EvictionsAreOfAllWorkersAndBeginAnewWithTheSlotsNextRule) {
    make(1);
    const std::uint32_t web = assign({"web"})[0];
    constexpr auto kHalfOpen = static_cast<std::size_t>(telemetry::EvictionCause::half_open);
    for (unsigned worker = 0; worker < 2; ++worker) {
        rule(worker, web).flows.add(5);
        evictions(worker, web).lost[kHalfOpen].add(10 + worker);
        evictions(worker, web).taken.add(20 + worker);
        evictions(worker, web).refused.add(30 + worker);
        evictions(worker, web).kept.add(2);
    }
    const auto expect = [&](std::uint32_t slot, std::uint64_t lost, std::uint64_t taken, std::uint64_t refused) {
        const RuleTotals totals = slots->totals(slot);
        EXPECT_EQ(totals.lost[kHalfOpen], lost);
        EXPECT_EQ(totals.lost[0], 0u);
        EXPECT_EQ(totals.taken, taken);
        EXPECT_EQ(totals.refused, refused);
        EXPECT_EQ(totals.flows, 10u) << "what is in the tables now has no beginning";
        EXPECT_EQ(totals.kept, 4u);
    };
    expect(web, 21, 41, 61);
    slots->keep_only({});
    const std::uint32_t dns = assign({"dns"})[0];
    ASSERT_EQ(dns, web);
    expect(dns, 0, 0, 0);
    evictions(1, dns).lost[kHalfOpen].add(1);
    evictions(0, dns).taken.add(1);
    expect(dns, 1, 1, 0);
}

TEST_F(CounterSlotsTest, SlotsAreFoundByName) {
    make(4);
    const Slots given = assign({"web", "dns"});
    EXPECT_EQ(slots->slot_of("dns"), given[1]);
    EXPECT_EQ(slots->slot_of("ntp"), std::nullopt);
}

TEST_F(CounterSlotsTest, TheLatestHitIsFoundAcrossTheWrapOfTheClock) {
    make(4);
    const std::uint32_t web = assign({"web"})[0];
    count(0, web, 0xfffffff0);
    count(1, web, 0x10);
    EXPECT_EQ(slots->totals(web).last_hit_tick, 0x10u);
}

TEST_F(CounterSlotsTest, ASlotThatIsUsedAgainBeginsAtNothing) {
    make(2);
    const Slots before = assign({"web", "dns"});
    count(0, before[0], 5, 60);
    count(1, before[0], 6, 40);
    count_flow(1, before[0]);
    slots->keep_only({"dns"});
    EXPECT_EQ(name_of(before[0]), "-");
    const Slots after = assign({"dns", "ntp"});
    EXPECT_EQ(after[1], before[0]) << "no fresh one is left";
    EXPECT_EQ(name_of(after[1]), "ntp");
    EXPECT_EQ(slots->totals(after[1]).packets, 0u);
    EXPECT_EQ(slots->totals(after[1]).bytes, 0u);
    EXPECT_EQ(slots->totals(after[1]).flows_created, 0u);
    EXPECT_FALSE(slots->totals(after[1]).last_hit_tick) << "what was hit was another rule";
    count(0, after[1], 9, 7);
    EXPECT_EQ(slots->totals(after[1]).packets, 1u);
    EXPECT_EQ(slots->totals(after[1]).bytes, 7u);
    EXPECT_EQ(slots->totals(after[1]).last_hit_tick, 9u);
}

// A worker may still be in its last burst with the ruleset before: a slot rests as long as it can.
TEST_F(CounterSlotsTest, FreshSlotsAreGivenBeforeReturnedOnesAndTheOldestOfThoseFirst) {
    make(4);
    const Slots first = assign({"a", "b"});
    slots->keep_only({});
    const Slots second = assign({"c", "d", "e", "f"});
    EXPECT_NE(second[0], first[0]);
    EXPECT_NE(second[0], first[1]);
    EXPECT_NE(second[1], first[0]);
    EXPECT_NE(second[1], first[1]);
    EXPECT_EQ(second[2], first[0]);
    EXPECT_EQ(second[3], first[1]);
}

TEST_F(CounterSlotsTest, ANameThatComesBackBeginsAnew) {
    make(4);
    const std::uint32_t web = assign({"web"})[0];
    count(0, web, 5);
    slots->keep_only({});
    EXPECT_EQ(slots->totals(assign({"web"})[0]).packets, 0u);
}

TEST_F(CounterSlotsTest, TooManyNamesAreRefusedAndChangeNothingOnceGivenBack) {
    make(3);
    const Slots before = assign({"web", "default"});
    count(0, before[0], 5);
    EXPECT_FALSE(slots->assign({"web", "a", "b", "default"}));
    slots->keep_only({"web", "default"});
    EXPECT_EQ(slots->totals(before[0]).packets, 1u);
    const Slots after = assign({"web", "c", "default"});
    EXPECT_EQ(after[0], before[0]);
    EXPECT_EQ(after[2], before[1]);
    EXPECT_EQ(name_of(after[1]), "c");
}

TEST_F(CounterSlotsTest, ReloadsWithoutEndDoNotRunOut) {
    make(5);
    for (unsigned i = 0; i < 1000; ++i) {
        // The policy before is still there while the next one is compiled.
        const Names next = {"rule-" + std::to_string(i), "other-" + std::to_string(i), "default"};
        const auto given = slots->assign(next);
        ASSERT_TRUE(given) << i;
        slots->keep_only(next);
        count(i % 2, given->front(), i);
        EXPECT_EQ(slots->totals(given->front()).packets, 1u) << i;
    }
}

} // namespace
} // namespace sluice::control
