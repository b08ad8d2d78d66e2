#include "flow/sequence_offsets.hpp"

#include "flow/table.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace sluice::flow {
namespace {

struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
};

class SequenceOffsetsTest : public testing::Test {
  protected:
    void make(std::uint32_t flows) {
        const std::size_t size = SequenceOffsets::memory_size(flows);
        memory.reset(static_cast<std::byte*>(std::aligned_alloc(64, size)));
        std::memset(memory.get(), 0, size);
        offsets = std::make_unique<SequenceOffsets>(std::span(memory.get(), size), flows);
    }
    std::unique_ptr<std::byte, Free> memory;
    std::unique_ptr<SequenceOffsets> offsets;
};

TEST_F(SequenceOffsetsTest, TakeTwoBytesAFlow) {
    EXPECT_EQ(SequenceOffsets::memory_size(1'000'000), 1'600'064u);
    EXPECT_LE(Table::memory_size(10'000'000), std::size_t{144} * 10'000'000);
}

TEST_F(SequenceOffsetsTest, FindsWhatWasAdded) {
    make(64);
    EXPECT_EQ(offsets->find(0), nullptr) << "index 0 is a flow, not an empty slot";
    offsets->add(0).offset = 7;
    offsets->add(63).offset = 8;
    ASSERT_NE(offsets->find(0), nullptr);
    EXPECT_EQ(offsets->find(0)->offset, 7u);
    EXPECT_EQ(offsets->find(63)->offset, 8u);
    EXPECT_EQ(offsets->find(1), nullptr);
    EXPECT_EQ(offsets->used(), 2u);
    offsets->remove(0);
    EXPECT_EQ(offsets->find(0), nullptr);
    EXPECT_EQ(offsets->add(0).offset, 0u) << "nothing is left of the flow before";
}

TEST_F(SequenceOffsetsTest, FillsUpToThreeQuarters) {
    make(800);
    Index index = 0;
    while (offsets->has_room())
        (void)offsets->add(index++);
    EXPECT_EQ(index, 63u);
    offsets->remove(5);
    EXPECT_TRUE(offsets->has_room());
}

TEST_F(SequenceOffsetsTest, AgreesWithAMap) {
    make(400);
    std::mt19937 random(3);
    std::map<Index, std::uint32_t> expected;
    for (unsigned i = 0; i < 200'000; ++i) {
        const Index index = static_cast<Index>(random() % 400);
        const auto known = expected.find(index);
        const SequenceOffset* found = offsets->find(index);
        ASSERT_EQ(found != nullptr, known != expected.end());
        if (found != nullptr) {
            ASSERT_EQ(found->offset, known->second);
            offsets->remove(index);
            expected.erase(known);
        } else if (offsets->has_room()) {
            expected[index] = offsets->add(index).offset = static_cast<std::uint32_t>(random());
        }
        ASSERT_EQ(offsets->used(), expected.size());
    }
    for (const auto& [index, value] : expected) {
        ASSERT_NE(offsets->find(index), nullptr);
        EXPECT_EQ(offsets->find(index)->offset, value);
    }
}

TEST(TableSequenceOffsets, EndWithTheirFlow) {
    const std::size_t size = (Table::memory_size(16) + 63) / 64 * 64;
    const std::unique_ptr<std::byte, Free> memory(static_cast<std::byte*>(std::aligned_alloc(64, size)));
    std::memset(memory.get(), 0, size);
    Config config;
    config.capacity = 16;
    Table table({memory.get(), size}, config, 0);
    OrientedKey key{};
    key.key.family = net::Family::ipv4;
    for (std::uint16_t port = 0; port < 40; ++port) { // evicts as well
        key.key.port[0] = port;
        const Index index = table.create(
            {.key = key, .hash = table.hash_of(key.key), .state = State::tcp_syn_sent, .timeout_ticks = 100}, port);
        if (index == kNone) continue;
        if (table.sequence_offsets().has_room()) table.add_sequence_offset(index).offset = port;
        ASSERT_TRUE(table.consistent());
    }
    EXPECT_NE(table.sequence_offsets().used(), 0u);
    while (table.age(1000, 100) != 0) {
    }
    EXPECT_EQ(table.stats().used.load(), 0u);
    EXPECT_EQ(table.sequence_offsets().used(), 0u);
}

TEST(TableSequenceOffsets, CookiesAsConfigured) {
    for (const auto& [mode, wanted] : {std::pair{SynCookies::always, true}, {SynCookies::never, false}}) {
        const std::size_t size = (Table::memory_size(16) + 63) / 64 * 64;
        const std::unique_ptr<std::byte, Free> memory(static_cast<std::byte*>(std::aligned_alloc(64, size)));
        std::memset(memory.get(), 0, size);
        Config config;
        config.capacity = 16;
        config.syn_cookies = mode;
        EXPECT_EQ(Table({memory.get(), size}, config, 0).wants_proof({}), wanted);
    }
}

} // namespace
} // namespace sluice::flow
