// The control thread reads entries while their owner changes them. Run under TSan this shows that there is no data
// race; run anywhere it shows that no torn view comes out.
#include "flow/table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace sluice::flow {
namespace {

// All that identifies flow n is derived from n, so that a mixture of two flows is recognised.
OrientedKey key_for(std::uint32_t n) {
    std::uint8_t a[16];
    std::uint8_t b[16];
    std::memset(a, static_cast<int>(n & 0x7f), sizeof a);
    std::memset(b, static_cast<int>(0x80 | (n & 0x7f)), sizeof b);
    OrientedKey key = orient(a, b, static_cast<std::uint16_t>(n), static_cast<std::uint16_t>(n));
    key.key.family = net::Family::ipv6;
    key.key.protocol = net::protocol::kUdp;
    return key;
}

bool whole(const FlowView& view) {
    const std::uint8_t n = view.key.address[0][0];
    for (unsigned i = 0; i < 16; ++i) {
        if (view.key.address[0][i] != n || view.key.address[1][i] != (0x80 | n)) return false;
    }
    return view.key.port[0] == view.key.port[1] && (view.key.port[0] & 0x7f) == n &&
           view.timeout_ticks == 10'000u + view.key.port[0];
}

TEST(SnapshotRace, NoTornViewAndNoDataRace) {
    constexpr std::uint32_t kCapacity = 4;
    const std::size_t size = (Table::memory_size(kCapacity) + 63) / 64 * 64;
    std::unique_ptr<std::byte, decltype(&std::free)> memory(static_cast<std::byte*>(std::aligned_alloc(64, size)),
                                                            &std::free);
    std::memset(memory.get(), 0, size);
    Config config;
    config.capacity = kCapacity;
    config.seed = HashSeed{{5, 6, 7, 8}};
    Table table({memory.get(), size}, config, 0);

    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> seen{0};
    std::atomic<std::uint64_t> torn{0};
    std::thread reader([&] {
        while (!stop.load()) {
            for (Index i = 0; i < kCapacity; ++i) {
                if (const auto view = snapshot(table.entry(i))) {
                    seen.fetch_add(1);
                    if (!whole(*view)) torn.fetch_add(1);
                }
            }
        }
    });
    std::uint32_t n = 0;
    // At least so long, and until the reader had its share of a busy machine.
    while (n < 200'000 || (seen.load() < 1000 && n < 200'000'000)) {
        const OrientedKey key = key_for(n);
        const std::uint64_t hash = table.hash_of(key.key);
        const Index index = table.create({.key = key,
                                          .hash = hash,
                                          .state = State::udp_new,
                                          .timeout_ticks = 10'000u + static_cast<std::uint16_t>(n)},
                                         n);
        ASSERT_NE(index, kNone);
        Entry& entry = table.entry(index);
        entry.last_seen_tick.store(n);
        entry.packets[0].add(1);
        table.remove(index, EndReason::replaced);
        ++n;
    }
    stop.store(true);
    reader.join();
    EXPECT_EQ(torn.load(), 0u);
    EXPECT_GT(seen.load(), 0u);
}

} // namespace
} // namespace sluice::flow
