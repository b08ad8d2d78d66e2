// One table takes the place of another.
#include "table_bench.hpp"

#include <random>

namespace sluice::flow {
namespace {

class MoveTest : public TableTest {
  protected:
    static constexpr std::uint32_t kRules = 4;

    void make_two(std::uint32_t capacity, std::uint32_t next_capacity) {
        make(config_of(capacity));
        next_room_ = std::make_unique<Room>(Table::memory_size(next_capacity));
        Config config = config_of(next_capacity);
        config.seed = seed();
        next_ = std::make_unique<Table>(next_room_->bytes(), config, kStart);
    }
    Config config_of(std::uint32_t capacity) {
        Config config;
        config.capacity = capacity;
        config.half_open_limit = capacity;
        config.pressure.timeout_scale = 256;
        config.rules = rules_;
        config.evictions = evictions_;
        return config;
    }
    [[nodiscard]] Index find_next(std::uint32_t number) const {
        const OrientedKey k = key(number);
        return next_->find(k.key, next_->hash_of(k.key));
    }
    void move_all(base::Tick now) {
        next_->take_over(*table_);
        while (!next_->move_some(*table_, 7, now)) {
        }
    }

    telemetry::RuleCounters rules_[kRules];
    telemetry::RuleEvictions evictions_[kRules];
    std::unique_ptr<Room> next_room_;
    std::unique_ptr<Table> next_;
};

TEST_F(MoveTest, EveryFlowArrivesAsItWas) {
    make_two(500, 2000);
    for (std::uint32_t i = 0; i < 400; ++i) {
        rule_slot_ = i % kRules;
        const Index index = add(i, 5000 + i, kStart + i, State::tcp_syn_received);
        if (i % 2 == 0) answer(index, 60'000 + i, kStart + i);
        Entry& entry = table_->entry(index);
        entry.count(Direction::reply, i, 1000 * i);
        entry.last_seen_tick.store(kStart + 10 * i);
        entry.epoch.store(i);
        entry.tracker.tcp.last_end = i;
    }
    const std::uint64_t created = table_->stats().created.load();
    const base::Tick now = kStart + 4000;
    move_all(now);
    EXPECT_EQ(table_->stats().used.load(), 0u);
    EXPECT_EQ(next_->stats().used.load(), 400u);
    EXPECT_EQ(next_->stats().created.load(), created) << "moved is not begun";
    EXPECT_EQ(next_->stats().ended[static_cast<std::size_t>(EndReason::moved)].load(), 0u);
    EXPECT_TRUE(next_->consistent());
    EXPECT_TRUE(table_->consistent());
    for (std::uint32_t i = 0; i < 400; ++i) {
        const Index index = find_next(i);
        ASSERT_NE(index, kNone) << i;
        const auto view = snapshot(next_->entry(index));
        ASSERT_TRUE(view);
        EXPECT_EQ(view->key, key(i).key);
        EXPECT_EQ(view->original_is_second, key(i).sender_is_second);
        EXPECT_EQ(view->rule_slot, i % kRules);
        EXPECT_EQ(view->epoch, i);
        EXPECT_EQ(view->created_tick, kStart + i);
        EXPECT_EQ(view->last_seen_tick, kStart + 10 * i);
        EXPECT_EQ(view->timeout_ticks, i % 2 == 0 ? 60'000 + i : 5000 + i);
        EXPECT_EQ(view->packets[1], i);
        EXPECT_EQ(view->bytes[1], 1000u * i);
        EXPECT_EQ(next_->entry(index).tracker.tcp.last_end, i);
    }
    for (const auto& rule : rules_)
        EXPECT_EQ(rule.flows.load(), 100u);
}

TEST_F(MoveTest, TimeoutsRunOnFromTheLastPacket) {
    make_two(100, 100);
    add(1, 10'000, kStart);
    move_all(kStart + 6000);
    next_->age(kStart + 9'900, 100);
    EXPECT_NE(find_next(1), kNone);
    next_->age(kStart + 10'300, 100);
    EXPECT_EQ(find_next(1), kNone);
}

TEST_F(MoveTest, SequenceOffsetsMoveToo) {
    make_two(1000, 2000);
    for (std::uint32_t i = 0; i < 60; ++i) {
        SequenceOffset& offset = table_->add_sequence_offset(add(i, 60'000, kStart, State::tcp_syn_sent));
        offset.offset = 1000 + i;
        offset.cookie = i;
        offset.to_client = -3;
    }
    move_all(kStart);
    EXPECT_EQ(table_->sequence_offsets().used(), 0u);
    EXPECT_EQ(next_->sequence_offsets().used(), 60u);
    EXPECT_TRUE(next_->consistent());
    for (std::uint32_t i = 0; i < 60; ++i) {
        const SequenceOffset* offset = next_->sequence_offsets().find(find_next(i));
        ASSERT_NE(offset, nullptr);
        EXPECT_EQ(offset->offset, 1000 + i);
        EXPECT_EQ(offset->cookie, i);
        EXPECT_EQ(offset->to_client, -3);
    }
}

TEST_F(MoveTest, WhatDoesNotFitIsCounted) {
    make_two(100, 10);
    for (std::uint32_t i = 0; i < 100; ++i)
        add_answered(i, 60'000, kStart);
    move_all(kStart);
    EXPECT_EQ(next_->stats().used.load() + next_->stats().ended[static_cast<std::size_t>(EndReason::moved)].load() +
                  next_->stats().ended[static_cast<std::size_t>(EndReason::evicted_answered)].load(),
              100u);
    EXPECT_TRUE(next_->consistent());
}

TEST_F(MoveTest, ReservesMoveToo) {
    make_two(100, 200);
    const Reserve reserve[] = {{.rule_slot = 2, .entries = 10}};
    table_->set_reserves(reserve);
    rule_slot_ = 2;
    for (std::uint32_t i = 0; i < 5; ++i)
        add(i, 60'000, kStart);
    EXPECT_EQ(evictions_[2].kept.load(), 5u);
    move_all(kStart);
    EXPECT_EQ(evictions_[2].kept.load(), 5u);
    rule_slot_ = 1;
    table_ = std::move(next_);
    for (std::uint32_t i = 100; i < 600; ++i)
        add(i, 60'000, kStart);
    EXPECT_EQ(table_->stats().used.load(), 195u) << "five are kept free";
    for (std::uint32_t i = 0; i < 5; ++i)
        EXPECT_NE(find(i), kNone) << "and five are nobody's to take";
}

} // namespace
} // namespace sluice::flow
