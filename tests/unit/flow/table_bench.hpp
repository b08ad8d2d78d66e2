// A table with its memory, and short ways to fill it.
#pragma once

#include "flow/table.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace sluice::flow {

inline constexpr base::Tick kStart = 0xffffff00; // wraps a quarter of a second into each test

struct Room {
    explicit Room(std::size_t size)
        : size_(size)
        , start_(static_cast<std::byte*>(std::aligned_alloc(64, (size + 63) / 64 * 64))) {
        std::memset(start_, 0, size);
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() { std::free(start_); }
    [[nodiscard]] std::span<std::byte> bytes() const { return {start_, size_}; }

  private:
    std::size_t size_;
    std::byte* start_;
};

class TableTest : public testing::Test {
  protected:
    void make(std::uint32_t capacity) {
        Config config;
        config.capacity = capacity;
        config.half_open_limit = capacity;
        config.pressure.timeout_scale = 256;
        make(config);
    }
    void make(Config config) {
        table_.reset();
        room_ = std::make_unique<Room>(Table::memory_size(config.capacity));
        config.seed = seed();
        table_ = std::make_unique<Table>(room_->bytes(), config, kStart);
    }

    static HashSeed seed() {
        return {{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d}};
    }
    static OrientedKey key(std::uint32_t number) {
        std::uint8_t a[16] = {};
        std::memcpy(a, &number, sizeof number);
        const std::uint8_t b[16] = {192, 0, 2, 1};
        OrientedKey out = orient(a, b, static_cast<std::uint16_t>(number * 7), 80);
        out.key.family = net::Family::ipv4;
        out.key.protocol = net::protocol::kTcp;
        return out;
    }

    Index add(std::uint32_t number, base::Tick timeout, base::Tick now, State state = State::udp_new) {
        const OrientedKey k = key(number);
        NewFlow flow{.key = k, .hash = table_->hash_of(k.key), .state = state, .timeout_ticks = timeout};
        flow.evicts = evicts_;
        flow.rule_slot = rule_slot_;
        return table_->create(flow, now);
    }
    /// The other end has answered.
    void answer(Index index, base::Tick timeout, base::Tick now, State state = State::tcp_established) {
        const auto flags = static_cast<std::uint8_t>(table_->entry(index).flags.load() | entry_flag::kReplied);
        table_->change_state(index, state, flags, timeout, now);
    }
    Index add_answered(std::uint32_t number, base::Tick timeout, base::Tick now) {
        const Index index = add(number, timeout, now, State::tcp_syn_received);
        answer(index, timeout, now);
        return index;
    }
    [[nodiscard]] std::uint32_t count(EvictionClass of) const {
        return table_->stats().per_class[static_cast<std::size_t>(of)].load();
    }
    [[nodiscard]] Index find(std::uint32_t number) const {
        const OrientedKey k = key(number);
        return table_->find(k.key, table_->hash_of(k.key));
    }
    [[nodiscard]] std::uint64_t ended(EndReason reason) const {
        return table_->stats().ended[static_cast<std::size_t>(reason)].load();
    }
    void age_fully(base::Tick now) {
        while (table_->age(now, 64) == 64) {
        }
    }

    bool evicts_ = true;
    std::uint32_t rule_slot_ = 0;
    std::unique_ptr<Room> room_;
    std::unique_ptr<Table> table_;
};

} // namespace sluice::flow
