#include "table_bench.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace sluice::flow {
namespace {

TEST_F(TableTest, FindsWhatWasCreatedAndNothingElse) {
    make(1000);
    const Index index = add(1, 1000, kStart);
    ASSERT_NE(index, kNone);
    EXPECT_EQ(find(1), index);
    EXPECT_EQ(find(2), kNone);
    EXPECT_TRUE(table_->consistent());
}

TEST_F(TableTest, FillsToTheLastEntry) {
    make(5000);
    for (std::uint32_t i = 0; i < 5000; ++i) {
        ASSERT_NE(add(i, 1000, kStart), kNone) << i;
    }
    EXPECT_EQ(table_->stats().used.load(), 5000u);
    EXPECT_TRUE(table_->consistent());
    for (std::uint32_t i = 0; i < 5000; ++i) {
        ASSERT_NE(find(i), kNone) << i;
    }
}

TEST_F(TableTest, BatchAnswersLikeSingleLookups) {
    make(4096);
    for (std::uint32_t i = 0; i < 4096; i += 2) {
        ASSERT_NE(add(i, 1000, kStart), kNone);
    }
    for (std::uint32_t first = 0; first < 4096; first += 32) {
        Key keys[32];
        std::uint64_t hashes[32];
        Index found[32];
        for (std::uint32_t i = 0; i < 32; ++i) {
            keys[i] = key(first + i).key;
            hashes[i] = table_->hash_of(keys[i]);
        }
        table_->find_batch(keys, hashes, 32, found);
        for (std::uint32_t i = 0; i < 32; ++i) {
            EXPECT_EQ(found[i], find(first + i));
            EXPECT_EQ(found[i] == kNone, (first + i) % 2 == 1);
        }
    }
}

TEST_F(TableTest, FlowEndsAfterItsTimeoutAndNotBefore) {
    make(100);
    add(1, 1000, kStart);
    age_fully(kStart + 999);
    EXPECT_NE(find(1), kNone);
    age_fully(kStart + 1000 + 256); // at most two slots late
    EXPECT_EQ(find(1), kNone);
    EXPECT_EQ(ended(EndReason::expired), 1u);
    EXPECT_TRUE(table_->consistent());
}

TEST_F(TableTest, ARefreshedFlowStays) {
    make(100);
    const Index index = add(1, 1000, kStart);
    for (base::Tick now = kStart; base::tick_difference(now, kStart) < 10'000; now += 500) {
        table_->entry(index).last_seen_tick.store(now);
        age_fully(now);
        ASSERT_NE(find(1), kNone);
    }
    age_fully(kStart + 9'500 + 1000 + 256);
    EXPECT_EQ(find(1), kNone);
}

TEST_F(TableTest, AShorterTimeoutTakesEffectAtOnce) {
    make(100);
    const Index index = add(1, 3'600'000, kStart, State::tcp_established);
    table_->change_state(index, State::tcp_time_wait, 0, 2000, kStart);
    age_fully(kStart + 1999);
    EXPECT_NE(find(1), kNone);
    age_fully(kStart + 2000 + 256);
    EXPECT_EQ(find(1), kNone);
}

// A reload may shorten the timeout of a flow whose packet is then refused: what refreshed it last was another packet.
TEST_F(TableTest, AShorterTimeoutCountsFromTheLastPacket) {
    make(100);
    const Index index = add(1, 3'600'000, kStart, State::tcp_established);
    table_->change_state(index, State::tcp_established, 0, 240'000, kStart + 300'000);
    age_fully(kStart + 300'000 + 256);
    EXPECT_EQ(find(1), kNone);
}

// Shortened twice: the first time to one that is still long, the second time (set_timeout()) without a look at it.
TEST_F(TableTest, AShortenedTimeoutKeepsTheLookInterval) {
    make(100);
    constexpr base::Tick kInterval = 10'000;
    const auto age_all = [this](base::Tick now) {
        while (table_->age(now, 1000, kInterval) != 0) {
        }
    };
    const Index index = add(1, 3'600'000, kStart, State::tcp_established);
    age_all(kStart + 1000);
    table_->change_state(index, State::tcp_established, 0, 1'800'000, kStart + 1000);
    table_->set_timeout(index, kInterval);
    age_all(kStart + 1000 + kInterval + 256);
    EXPECT_EQ(find(1), kNone);
}

TEST_F(TableTest, ALongTimeoutOutlivesTheWheelsHorizon) {
    make(100);
    constexpr base::Tick kLong = 3 * TimerWheel::kHorizonTicks;
    add(1, kLong, kStart);
    for (base::Tick passed = 0; passed < kLong; passed += 10'000) {
        age_fully(kStart + passed);
        ASSERT_NE(find(1), kNone) << passed;
    }
    age_fully(kStart + kLong + 256);
    EXPECT_EQ(find(1), kNone);
}

TEST_F(TableTest, AgeingIsBoundedByItsBudget) {
    make(1000);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        add(i, 1000, kStart);
    }
    EXPECT_EQ(table_->age(kStart + 2000, 10), 10u);
    EXPECT_EQ(table_->stats().used.load(), 990u);
}

TEST_F(TableTest, RemovedEntriesAreReusedWithAnotherGeneration) {
    make(1);
    const Index index = add(1, 1000, kStart);
    const std::uint32_t generation = table_->entry(index).generation.load();
    table_->remove(index, EndReason::policy_changed);
    EXPECT_FALSE(snapshot(table_->entry(index)));
    EXPECT_EQ(add(2, 1000, kStart), index);
    EXPECT_NE(table_->entry(index).generation.load(), generation);
    EXPECT_EQ(find(1), kNone);
}

TEST_F(TableTest, SnapshotHasTheFlow) {
    make(10);
    const OrientedKey k = key(77);
    const Index index = add(77, 1234, kStart, State::tcp_syn_sent);
    Entry& entry = table_->entry(index);
    entry.rule_slot.store(9);
    entry.count(Direction::reply, 3, 500);
    const auto view = snapshot(entry);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->key, k.key);
    EXPECT_EQ(view->original_is_second, k.sender_is_second);
    EXPECT_EQ(view->state, State::tcp_syn_sent);
    EXPECT_EQ(view->timeout_ticks, 1234u);
    EXPECT_EQ(view->rule_slot, 9u);
    EXPECT_EQ(view->packets[1], 3u);
    EXPECT_EQ(view->bytes[1], 500u);
}

TEST_F(TableTest, BytesAreCountedBeyondFourGibibytes) {
    make(10);
    Entry& entry = table_->entry(add(1, 1000, kStart));
    const std::uint16_t generation = entry.generation.load();
    for (unsigned i = 0; i < 5; ++i)
        entry.count(Direction::original, 1, 0xf0000000u);
    const auto view = snapshot(entry);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->bytes[0], 5 * std::uint64_t{0xf0000000u});
    EXPECT_EQ(view->bytes[1], 0u);
    EXPECT_NE(entry.generation.load(), generation) << "a reader in between takes neither half";
}

// A stalled flow's timeout is capped without touching the wheel, which therefore looks at long-lived flows now and
// then.
TEST_F(TableTest, AShorterTimeoutIsFoundWithinTheLookInterval) {
    constexpr base::Tick kLook = 300'000;
    make(10);
    const Index index = add(1, 3'600'000, kStart, State::tcp_established);
    base::Tick now = kStart;
    for (unsigned second = 0; second < 600; ++second, now += 1'000)
        table_->age(now, 100, kLook);
    table_->entry(index).last_seen_tick.store(now);
    table_->set_timeout(index, kLook);
    for (unsigned second = 0; second < 300; ++second, now += 1'000) {
        table_->age(now, 100, kLook);
        ASSERT_NE(find(1), kNone) << second;
    }
    table_->age(now + 256, 100, kLook);
    EXPECT_EQ(find(1), kNone);
}

// Any order of creating, refreshing, changing, removing and ageing, against a map that does the same by hand.
TEST_F(TableTest, BehavesLikeAMap) {
    constexpr std::uint32_t kCapacity = 700;
    make(kCapacity);
    struct Known {
        base::Tick last_seen;
        base::Tick timeout;
    };
    std::map<std::uint32_t, Known> model;
    std::mt19937 engine(20240607);
    const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
    base::Tick now = kStart;
    for (unsigned step = 0; step < 200'000; ++step) {
        const std::uint32_t number = random() % 1500;
        const auto it = model.find(number);
        switch (random() % 6) {
        case 0:
        case 1:
            if (it == model.end() && model.size() < kCapacity) {
                const base::Tick timeout = 1 + random() % 5000;
                ASSERT_NE(add(number, timeout, now), kNone);
                model[number] = {now, timeout};
            }
            break;
        case 2:
            if (it != model.end()) {
                table_->entry(find(number)).last_seen_tick.store(now);
                it->second.last_seen = now;
            }
            break;
        case 3:
            if (it != model.end()) {
                const base::Tick timeout = 1 + random() % 5000;
                const Index index = find(number);
                table_->entry(index).last_seen_tick.store(now);
                table_->change_state(index, State::udp_established, 0, timeout, now);
                it->second = {now, timeout};
            }
            break;
        case 4:
            if (it != model.end() && random() % 4 == 0) {
                table_->remove(find(number), EndReason::replaced);
                model.erase(it);
            }
            break;
        default: now += random() % 20;
        }
        age_fully(now);
        // Flows may live up to two wheel slots longer than they must; those are over for both or for neither.
        for (auto each = model.begin(); each != model.end();) {
            const base::Tick over = each->second.last_seen + each->second.timeout;
            if (base::tick_reached(now, over) && find(each->first) == kNone) {
                each = model.erase(each);
                continue;
            }
            ASSERT_FALSE(base::tick_reached(now, over + 2 * 128)) << "flow " << each->first << " is overdue";
            ++each;
        }
        if (step % 10'000 == 0) {
            ASSERT_TRUE(table_->consistent());
            ASSERT_EQ(table_->stats().used.load(), model.size());
            for (const auto& [known, unused] : model) {
                ASSERT_NE(find(known), kNone);
            }
        }
    }
}

TEST_F(TableTest, TakesNoMoreThanItSays) {
    for (const std::uint32_t capacity : {1u << 19, 1u << 20, 10u << 20}) {
        EXPECT_LE(static_cast<double>(Table::memory_size(capacity)) / capacity, 144.0);
    }
    EXPECT_LE(Table::memory_size(1), 512u << 10);
}

// Ageing takes flows by the dozen from several lists at once; none may be lost or met twice.
TEST_F(TableTest, AgesManyFlowsOfOneSlot) {
    constexpr std::uint32_t kFlows = 20'000;
    make(kFlows);
    for (std::uint32_t i = 0; i < kFlows; ++i)
        add(i, i % 3 == 0 ? 100'000 : 1000, kStart);
    unsigned looked_at = 0;
    for (unsigned calls = 0; calls < kFlows; ++calls) {
        const unsigned met = table_->age(kStart + 2000, 37);
        EXPECT_LE(met, 37u);
        looked_at += met;
        if (met == 0) break;
    }
    EXPECT_EQ(looked_at, kFlows - (kFlows + 2) / 3);
    EXPECT_EQ(table_->stats().used.load(), (kFlows + 2) / 3);
    EXPECT_TRUE(table_->consistent());
}

} // namespace
} // namespace sluice::flow
