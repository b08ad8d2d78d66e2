// main() of test programs that want the EAL: without hugepages, without files shared with anybody, unprivileged.
#include "dpdk/eal.hpp"

#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    sluice::dpdk::EalOptions options;
    options.hugepages = false;
    options.shared_files = false;
    options.memory_size = 1024u << 20;
    auto eal = sluice::dpdk::Eal::start(options);
    if (!eal) {
        std::fprintf(stderr, "%s\n", eal.error().message.c_str());
        return 1;
    }
    return RUN_ALL_TESTS();
}
