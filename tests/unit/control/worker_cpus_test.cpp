#include "control/data_plane.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::control {
namespace {

using Cpus = std::vector<unsigned>;

policy::System named(Cpus cpus) {
    policy::System system;
    system.workers_auto = false;
    system.worker_cpus = std::move(cpus);
    return system;
}

TEST(WorkerCpus, AutoLeavesTheFirstToTheControlThread) {
    EXPECT_EQ(*worker_cpus({}, {0, 1}), Cpus{1});
    EXPECT_EQ(*worker_cpus({}, {2, 3, 5, 7}), (Cpus{3, 5, 7}));
}

TEST(WorkerCpus, AutoWithOneCpuSharesIt) {
    EXPECT_EQ(*worker_cpus({}, {4}), Cpus{4});
}

TEST(WorkerCpus, NamedOnesAreTakenAsTheyAre) {
    EXPECT_EQ(*worker_cpus(named({0, 1}), {0, 1}), (Cpus{0, 1}));
    EXPECT_EQ(*worker_cpus(named({3}), {0, 1, 2, 3}), Cpus{3});
}

TEST(WorkerCpus, OneThatMayNotBeUsedIsNamed) {
    const auto wrong = worker_cpus(named({1, 9}), {0, 1});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error(), "system.workers: CPU 9 is not one that this process may use (0, 1)");
}

TEST(AllowedCpus, AreAscendingAndNotEmpty) {
    const Cpus cpus = allowed_cpus();
    ASSERT_FALSE(cpus.empty());
    for (std::size_t i = 1; i < cpus.size(); ++i) {
        EXPECT_LT(cpus[i - 1], cpus[i]);
    }
}

} // namespace
} // namespace sluice::control
