#include "rcu/domain.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::rcu {
namespace {

using namespace std::chrono_literals;

TEST(Domain, WithoutReadersNobodyIsWaitedFor) {
    Domain domain;
    EXPECT_TRUE(domain.synchronize(0ms));
}

TEST(Domain, AReaderThatDoesNotReportIsWaitedFor) {
    Domain domain;
    domain.online(3);
    EXPECT_FALSE(domain.synchronize(5ms));
    domain.quiescent(3);
    EXPECT_FALSE(domain.synchronize(5ms)) << "it reported before this grace period began";
    domain.offline(3);
    EXPECT_TRUE(domain.synchronize(5ms));
}

TEST(Domain, AReportDuringTheGracePeriodEndsIt) {
    Domain domain;
    domain.online(0);
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        while (!stop.load()) {
            domain.quiescent(0);
        }
    });
    EXPECT_TRUE(domain.synchronize(10s));
    stop.store(true);
    reader.join();
}

TEST(Domain, AGracePeriodNobodyWaitsForEndsWhenAllHaveReported) {
    Domain domain;
    domain.online(0);
    domain.online(1);
    const Domain::Grace first = domain.begin_grace();
    EXPECT_FALSE(domain.is_over(first));
    domain.quiescent(0);
    EXPECT_FALSE(domain.is_over(first));
    domain.quiescent(1);
    EXPECT_TRUE(domain.is_over(first));
    const Domain::Grace second = domain.begin_grace();
    EXPECT_FALSE(domain.is_over(second)) << "they reported before it began";
    EXPECT_TRUE(domain.is_over(first));
    domain.quiescent(0);
    domain.offline(1);
    EXPECT_TRUE(domain.is_over(second)) << "who is away holds nothing";
}

// Readers use the object between quiescent states; the writer frees it after the grace period. A reader that saw a
// freed object would read a wrong pattern (or stop the sanitizer).
TEST(Domain, NoReaderSeesAFreedObject) {
    struct Object {
        explicit Object(std::uint64_t n)
            : first(n)
            , second(~n) {}
        ~Object() { first = second = 0; }
        std::uint64_t first;
        std::uint64_t second;
    };
    constexpr unsigned kReaders = 3;
    Domain domain;
    Published<Object> published;
    (void)published.exchange(new Object(1));
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> readers;
    for (unsigned r = 0; r < kReaders; ++r) {
        readers.emplace_back([&, r] {
            domain.online(r);
            while (!stop.load(std::memory_order_acquire)) {
                const Object* object = published.load();
                for (unsigned i = 0; i < 8; ++i) {
                    if (object->first != ~object->second) wrong.fetch_add(1);
                }
                domain.quiescent(r);
            }
            domain.offline(r);
        });
    }
    for (std::uint64_t n = 2; n < 500; ++n) {
        std::unique_ptr<const Object> old(published.exchange(new Object(n)));
        ASSERT_TRUE(domain.synchronize(60s));
    }
    stop.store(true, std::memory_order_release);
    for (std::thread& reader : readers) {
        reader.join();
    }
    delete published.load();
    EXPECT_EQ(wrong.load(), 0u);
}

} // namespace
} // namespace sluice::rcu
