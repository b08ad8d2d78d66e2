// Who makes room for whom.
#include "table_bench.hpp"

#include <random>

namespace sluice::flow {
namespace {

using telemetry::EvictionCause;

class EvictionTest : public TableTest {
  protected:
    static constexpr std::uint32_t kRules = 8;

    /// Counts by rule as well.
    void make_counting(std::uint32_t capacity, std::uint32_t half_open_limit = 0) {
        Config config;
        config.capacity = capacity;
        config.half_open_limit = half_open_limit == 0 ? capacity : half_open_limit;
        config.pressure.timeout_scale = 256;
        config.rules = rules_;
        config.evictions = evictions_;
        make(config);
    }
    [[nodiscard]] Eviction latest() const {
        return table_->evictions().read(table_->evictions().written() - 1).value();
    }
    /// A flow of a source of its own choice: numbers that share their lower bits are one source's.
    Index add_of(std::uint32_t source, std::uint16_t port, base::Tick now, State state = State::tcp_syn_sent) {
        const OrientedKey k = key_of(source, port);
        return table_->create({.key = k,
                               .hash = table_->hash_of(k.key),
                               .state = state,
                               .timeout_ticks = 20'000,
                               .rule_slot = rule_slot_},
                              now);
    }
    [[nodiscard]] bool has(std::uint32_t source, std::uint16_t port) const {
        const OrientedKey k = key_of(source, port);
        return table_->find(k.key, table_->hash_of(k.key)) != kNone;
    }
    static OrientedKey key_of(std::uint32_t source, std::uint16_t port) {
        std::uint8_t a[16] = {10};
        std::memcpy(a + 1, &source, 3);
        const std::uint8_t b[16] = {192, 0, 2, 1};
        OrientedKey out = orient(a, b, port, 80);
        out.key.family = net::Family::ipv4;
        out.key.protocol = net::protocol::kTcp;
        return out;
    }

    telemetry::RuleCounters rules_[kRules];
    telemetry::RuleEvictions evictions_[kRules];
};

TEST_F(EvictionTest, ClassesGiveWayInTheirOrder) {
    make(4);
    add_answered(1, 100'000, kStart);
    add(2, 100'000, kStart, State::udp_new);
    add(3, 100'000, kStart, State::tcp_time_wait);
    add(4, 100, kStart, State::tcp_syn_sent);
    const base::Tick later = kStart + 200;
    EXPECT_NE(add(5, 100'000, later, State::udp_new), kNone);
    EXPECT_EQ(find(4), kNone) << "expired goes first";
    EXPECT_NE(add(6, 100'000, later, State::udp_new), kNone);
    EXPECT_EQ(find(3), kNone) << "then closing";
    EXPECT_NE(add(7, 100'000, later, State::udp_new), kNone);
    EXPECT_EQ(find(2), kNone) << "then the unanswered one with least time left";
    EXPECT_NE(find(1), kNone) << "an answered one never";
    EXPECT_EQ(ended(EndReason::evicted_expired), 1u);
    EXPECT_EQ(ended(EndReason::evicted_closing), 1u);
    EXPECT_EQ(ended(EndReason::evicted_unanswered), 1u);
    EXPECT_TRUE(table_->consistent());
}

// The invariant that the table is built around: a flood of newcomers, whatever it is made of, costs no answered flow.
TEST_F(EvictionTest, NoFloodCostsAnAnsweredFlow) {
    constexpr std::uint32_t kCapacity = 1024;
    constexpr std::uint32_t kAnswered = kCapacity - kCapacity / 16;
    make(kCapacity);
    for (std::uint32_t i = 0; i < kAnswered; ++i)
        add_answered(i, 3'600'000, kStart);
    EXPECT_EQ(count(EvictionClass::answered), kAnswered);
    std::mt19937 random(5);
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        constexpr State kFirst[] = {State::tcp_syn_sent, State::udp_new, State::icmp_query, State::sctp_cookie_wait};
        ASSERT_NE(add(1'000'000 + i, 10'000, kStart + i / 100, kFirst[random() % 4]), kNone);
    }
    for (std::uint32_t i = 0; i < kAnswered; ++i)
        ASSERT_NE(find(i), kNone) << i;
    EXPECT_EQ(ended(EndReason::evicted_answered), 0u);
    EXPECT_TRUE(table_->consistent());
}

// Nor does a table full of answered flows lock anybody out: a sixteenth is left for newcomers, and a newcomer that is
// answered takes the place of the one that is idle for longest.
TEST_F(EvictionTest, AnsweredFlowsLeaveRoomForNewOnes) {
    constexpr std::uint32_t kCapacity = 1600;
    make(kCapacity);
    for (std::uint32_t i = 0; i < 3 * kCapacity; ++i) {
        const base::Tick now = kStart + i * 10;
        add_answered(i, 3'600'000, now);
        ASSERT_NE(find(i), kNone) << "the one that was answered stays";
        ASSERT_LE(count(EvictionClass::answered), kCapacity - kCapacity / 16);
    }
    EXPECT_EQ(ended(EndReason::evicted_answered), 2 * kCapacity + kCapacity / 16);
    EXPECT_TRUE(table_->consistent());
}

TEST_F(EvictionTest, TheIdleGoAndTheBusyStay) {
    constexpr std::uint32_t kCapacity = 1600;
    constexpr std::uint32_t kBusy = 200;
    make(kCapacity);
    base::Tick now = kStart;
    for (std::uint32_t i = 0; i < 10 * kCapacity; ++i) {
        now += 10;
        add_answered(i, 3'600'000, now);
        for (std::uint32_t b = 0; b < kBusy && b <= i; ++b)
            if (const Index index = find(b); index != kNone) table_->entry(index).last_seen_tick.store(now);
    }
    std::uint32_t left = 0;
    for (std::uint32_t b = 0; b < kBusy; ++b)
        left += find(b) != kNone ? 1u : 0u;
    // They were the first, so at first nothing but busy flows comes up, and no more than 64 are looked at for one
    // entry.
    EXPECT_GE(left, kBusy - kBusy / 20);
}

TEST_F(EvictionTest, HalfOpenFlowsHaveALimitOfTheirOwn) {
    make_counting(1024, 100);
    for (std::uint32_t i = 0; i < 500; ++i)
        ASSERT_NE(add(i, 20'000, kStart + i, State::tcp_syn_sent), kNone);
    EXPECT_EQ(count(EvictionClass::half_open), 100u);
    EXPECT_EQ(table_->stats().used.load(), 100u) << "most of the table stays free";
    EXPECT_EQ(ended(EndReason::evicted_half_open), 400u);
    EXPECT_NE(find(499), kNone);
    EXPECT_NE(add(1000, 10'000, kStart + 600, State::udp_new), kNone);
    EXPECT_EQ(ended(EndReason::evicted_half_open), 400u) << "the limit is none of the others' business";
}

// First come, first gone, within a slot of the wheel too: the last newcomer must not be the next to go.
TEST_F(EvictionTest, TheOldestOfAFloodGoesFirst) {
    make_counting(1024, 64);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        ASSERT_NE(add(i, 20'000, kStart, State::tcp_syn_sent), kNone);
        for (std::uint32_t back = 0; back < 60 && back <= i; ++back)
            ASSERT_NE(find(i - back), kNone) << "of " << i << ", " << back << " ago";
    }
}

TEST_F(EvictionTest, FloodsOfTwoKindsShareWhatIsLeft) {
    constexpr std::uint32_t kCapacity = 1024;
    make(kCapacity);
    for (std::uint32_t i = 0; i < kCapacity; ++i)
        add_answered(i, 3'600'000, kStart);
    for (std::uint32_t i = 0; i < 64; ++i)
        add(10'000 + i, 10'000, kStart, State::udp_new);
    for (std::uint32_t i = 0; i < 10'000; ++i)
        add(20'000 + i, 20'000, kStart + i / 100, State::tcp_syn_sent);
    EXPECT_GE(count(EvictionClass::unanswered), 31u);
    EXPECT_GE(count(EvictionClass::half_open), 31u);
}

// One source floods, others have a handshake each under way: they keep it.
TEST_F(EvictionTest, AGreedySourceMakesRoomBeforeModestOnes) {
    make_counting(4096, 1024);
    constexpr std::uint32_t kModest = 200;
    for (std::uint32_t i = 0; i < kModest; ++i)
        add_of(1000 + i, 5000, kStart);
    for (std::uint32_t i = 0; i < 30'000; ++i)
        ASSERT_NE(add_of(7, static_cast<std::uint16_t>(i), kStart + i / 50), kNone);
    std::uint32_t left = 0;
    for (std::uint32_t i = 0; i < kModest; ++i)
        left += has(1000 + i, 5000) ? 1u : 0u;
    EXPECT_EQ(left, kModest);
    EXPECT_TRUE(table_->consistent());
}

TEST_F(EvictionTest, WhoYieldsTakesNobodysEntry) {
    make(2);
    add(1, 100'000, kStart, State::tcp_time_wait);
    add(2, 100, kStart);
    evicts_ = false;
    EXPECT_EQ(add(3, 1000, kStart + 10), kNone);
    EXPECT_EQ(table_->stats().refused.load(), 1u);
    EXPECT_NE(add(3, 1000, kStart + 200), kNone) << "an expired flow makes room all the same";
    EXPECT_NE(find(1), kNone);
}

TEST_F(EvictionTest, AFlowThatYieldsTakesNobodysEntryWhenItIsAnsweredEither) {
    make(2);
    add_answered(1, 100'000, kStart);
    evicts_ = false;
    add_answered(2, 100'000, kStart);
    EXPECT_NE(find(1), kNone);
    EXPECT_NE(find(2), kNone);
}

TEST_F(EvictionTest, EveryEvictionIsCountedAndTold) {
    make_counting(2);
    rule_slot_ = 3;
    add(1, 100'000, kStart, State::udp_new);
    add(2, 100'000, kStart + 5, State::udp_new);
    rule_slot_ = 4;
    add(3, 100'000, kStart + 50, State::udp_new);
    EXPECT_EQ(evictions_[3].lost[static_cast<std::size_t>(EvictionCause::unanswered)].load(), 1u);
    EXPECT_EQ(evictions_[4].taken.load(), 1u);
    EXPECT_EQ(rules_[3].flows.load(), 1u);
    EXPECT_EQ(rules_[4].flows.load(), 1u);
    ASSERT_EQ(table_->evictions().written(), 1u);
    const Eviction told = latest();
    EXPECT_EQ(told.lost.key, key(1).key);
    EXPECT_EQ(told.lost.sender_is_second, key(1).sender_is_second);
    EXPECT_EQ(told.taker.key, key(3).key);
    EXPECT_EQ(told.lost_rule, 3u);
    EXPECT_EQ(told.taker_rule, 4u);
    EXPECT_EQ(told.cause, EvictionCause::unanswered);
    EXPECT_EQ(told.at, kStart + 50);
    EXPECT_EQ(told.idle_ticks, 50u);
    EXPECT_EQ(told.age_ticks, 50u);
}

TEST_F(EvictionTest, TheLogKeepsTheLatest) {
    make(1);
    for (std::uint32_t i = 0; i < 1000; ++i)
        add(i, 100'000, kStart, State::udp_new);
    const EvictionLog& log = table_->evictions();
    ASSERT_EQ(log.written(), 999u);
    EXPECT_FALSE(log.read(999 - EvictionLog::kRecords - 1));
    EXPECT_FALSE(log.read(999));
    for (std::uint64_t n = 999 - EvictionLog::kRecords; n < 999; ++n) {
        ASSERT_TRUE(log.read(n)) << n;
        EXPECT_EQ(log.read(n)->lost.key, key(static_cast<std::uint32_t>(n)).key);
    }
}

TEST_F(EvictionTest, ReservedEntriesAreNobodyElses) {
    make_counting(100);
    const Reserve reserve[] = {{.rule_slot = 5, .entries = 20}};
    table_->set_reserves(reserve);
    rule_slot_ = 1;
    for (std::uint32_t i = 0; i < 300; ++i)
        add(i, 100'000, kStart + i, State::udp_new);
    EXPECT_EQ(table_->stats().used.load(), 80u) << "twenty are kept free";
    rule_slot_ = 5;
    for (std::uint32_t i = 0; i < 20; ++i)
        ASSERT_NE(add(1000 + i, 50'000, kStart + 300, State::udp_new), kNone);
    EXPECT_EQ(table_->stats().used.load(), 100u);
    rule_slot_ = 1;
    for (std::uint32_t i = 0; i < 500; ++i)
        ASSERT_NE(add(2000 + i, 100'000, kStart + 400 + i, State::udp_new), kNone);
    EXPECT_EQ(rules_[5].flows.load(), 20u) << "nobody took one, though they have least time left";
    rule_slot_ = 5;
    for (std::uint32_t i = 0; i < 30; ++i)
        add(3000 + i, 50'000, kStart + 1000, State::udp_new);
    EXPECT_GE(rules_[5].flows.load(), 20u);
    EXPECT_TRUE(table_->consistent());
}

TEST_F(EvictionTest, AReserveFollowsItsRule) {
    make_counting(10);
    const Reserve reserve[] = {{.rule_slot = 5, .entries = 4}};
    table_->set_reserves(reserve);
    rule_slot_ = 1;
    const Index moved = add(1, 1000, kStart);
    for (std::uint32_t i = 2; i < 20; ++i)
        add(i, 100'000, kStart);
    EXPECT_EQ(table_->stats().used.load(), 6u);
    table_->set_rule(find(1) == moved ? moved : find(19), 5, kStart);
    EXPECT_EQ(rules_[5].flows.load(), 1u);
    for (std::uint32_t i = 100; i < 120; ++i)
        add(i, 100'000, kStart);
    EXPECT_EQ(table_->stats().used.load(), 7u) << "one of the four is in use";
    table_->set_reserves({});
    for (std::uint32_t i = 200; i < 220; ++i)
        add(i, 100'000, kStart);
    EXPECT_EQ(table_->stats().used.load(), 10u);
}

TEST_F(EvictionTest, PressureShortensTimeoutsUntilThereIsRoomAgain) {
    Config config;
    config.capacity = 1000;
    config.half_open_limit = 1000;
    config.pressure = {.enter_percent = 90, .leave_percent = 50, .timeout_scale = 64};
    make(config);
    for (std::uint32_t i = 0; i < 899; ++i)
        add_answered(i, 100'000, kStart);
    const auto age = [this](base::Tick now) {
        for (unsigned i = 0; i < 100; ++i)
            table_->age(now, 64);
    };
    age(kStart + 30'000);
    EXPECT_EQ(table_->stats().used.load(), 899u);
    EXPECT_EQ(table_->stats().under_pressure.load(), 0u);
    add_answered(899, 100'000, kStart + 30'000);
    EXPECT_EQ(table_->stats().under_pressure.load(), 1u);
    EXPECT_EQ(table_->stats().pressure_entered.load(), 1u);
    age(kStart + 30'000);
    EXPECT_EQ(table_->stats().used.load(), 500u) << "a quarter of 100 s is over: enough of them end, and no more";
    EXPECT_EQ(ended(EndReason::expired_early), 400u);
    EXPECT_EQ(table_->stats().under_pressure.load(), 0u);
    EXPECT_NE(find(899), kNone);
    EXPECT_TRUE(table_->consistent());
}

TEST_F(EvictionTest, ProofIsWantedOnlyNearTheLimitAndOnlyForTheServiceUnderAttack) {
    Config config;
    config.capacity = 4096;
    config.half_open_limit = 1000;
    make(config);
    const auto towards = [](std::uint8_t server, std::uint32_t source) {
        std::uint8_t a[16] = {10};
        std::memcpy(a + 1, &source, 3);
        const std::uint8_t b[16] = {192, 0, 2, server};
        OrientedKey out = orient(a, b, 999, 80);
        out.key.family = net::Family::ipv4;
        out.key.protocol = net::protocol::kTcp;
        return out;
    };
    const auto open = [&](std::uint8_t server, std::uint32_t source) {
        const OrientedKey k = towards(server, source);
        return table_->create(
            {.key = k, .hash = table_->hash_of(k.key), .state = State::tcp_syn_sent, .timeout_ticks = 20'000}, kStart);
    };
    for (std::uint32_t i = 0; i < 899; ++i)
        open(1, i);
    EXPECT_FALSE(table_->wants_proof(towards(1, 5000)));
    open(1, 899);
    EXPECT_TRUE(table_->wants_proof(towards(1, 5000)));
    EXPECT_FALSE(table_->wants_proof(towards(2, 5000))) << "nobody floods this one";
    for (std::uint32_t i = 0; i < 100; ++i)
        open(static_cast<std::uint8_t>(3 + i), 10'000 + i);
    EXPECT_TRUE(table_->wants_proof(towards(2, 5000))) << "at the limit everybody would push somebody out";
    while (count(EvictionClass::half_open) > 700)
        table_->remove(table_->find(towards(1, count(EvictionClass::half_open) - 101).key,
                                    table_->hash_of(towards(1, count(EvictionClass::half_open) - 101).key)),
                       EndReason::refused);
    EXPECT_FALSE(table_->wants_proof(towards(1, 5000))) << "the attack is over";
}

// Any order of everything, for the counters, lists and sketches to agree at the end.
TEST_F(EvictionTest, StaysConsistentWhateverHappens) {
    make_counting(300, 90);
    std::mt19937 engine(11);
    const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
    base::Tick now = kStart;
    for (unsigned step = 0; step < 100'000; ++step) {
        rule_slot_ = random() % kRules;
        evicts_ = random() % 8 != 0;
        const std::uint32_t number = random() % 2000;
        const Index index = find(number);
        switch (random() % 8) {
        case 0:
        case 1:
        case 2:
            if (index == kNone) {
                constexpr State kFirst[] = {State::tcp_syn_sent, State::udp_new, State::icmp_query};
                add(number, 1000 + random() % 60'000, now, kFirst[random() % 3]);
            }
            break;
        case 3:
            if (index != kNone) answer(index, 1000 + random() % 600'000, now);
            break;
        case 4:
            if (index != kNone) answer(index, 500 + random() % 5000, now, State::tcp_time_wait);
            break;
        case 5:
            if (index != kNone && random() % 4 == 0) table_->remove(index, EndReason::replaced);
            break;
        case 6:
            if (index != kNone) table_->set_rule(index, rule_slot_, now);
            break;
        default:
            now += random() % 200;
            table_->age(now, 1 + random() % 20);
            if (random() % 500 == 0) {
                const Reserve reserves[] = {{.rule_slot = random() % 4, .entries = random() % 40},
                                            {.rule_slot = 4 + random() % 4, .entries = random() % 40}};
                table_->set_reserves(std::span(reserves).first(random() % 3));
            }
        }
        if (step % 5000 == 0) {
            ASSERT_TRUE(table_->consistent()) << step;
        }
    }
    std::uint32_t sum = 0;
    for (const auto& rule : rules_)
        sum += rule.flows.load();
    EXPECT_EQ(sum, table_->stats().used.load());
}

} // namespace
} // namespace sluice::flow
