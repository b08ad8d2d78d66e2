#include "worker/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sluice::worker {
namespace {

TEST(SpscRing, KeepsOrderAndSaysWhenFull) {
    SpscRing<int> ring(4);
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(ring.push(i));
    }
    EXPECT_FALSE(ring.push(4));
    int out[8];
    EXPECT_EQ(ring.pop(out, 3), 3u);
    EXPECT_EQ(out[0], 0);
    EXPECT_EQ(out[2], 2);
    EXPECT_TRUE(ring.push(5));
    // A pop need not see at once what was pushed after it last looked; the next one does.
    unsigned got = ring.pop(out, 8);
    got += ring.pop(out + got, 8 - got);
    EXPECT_EQ(got, 2u);
    EXPECT_EQ(out[0], 3);
    EXPECT_EQ(out[1], 5);
    EXPECT_EQ(ring.pop(out, 8), 0u);
}

TEST(SpscRing, PassesEverythingOnceBetweenThreads) {
    struct Value {
        std::uint64_t number;
        std::uint64_t check;
    };
    constexpr std::uint64_t kCount = 1'000'000;
    SpscRing<Value> ring(64);
    std::thread producer([&ring] {
        for (std::uint64_t n = 0; n < kCount;) {
            if (ring.push({n, ~n}))
                ++n;
            else
                std::this_thread::yield();
        }
    });
    std::uint64_t expected = 0;
    Value out[32];
    while (expected < kCount) {
        const unsigned count = ring.pop(out, 32);
        if (count == 0) std::this_thread::yield();
        for (unsigned i = 0; i < count; ++i) {
            ASSERT_EQ(out[i].number, expected);
            ASSERT_EQ(out[i].check, ~expected);
            ++expected;
        }
    }
    producer.join();
}

} // namespace
} // namespace sluice::worker
