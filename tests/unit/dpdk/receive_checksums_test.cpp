#include "dpdk/receive_checksums.hpp"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

namespace sluice::dpdk {
namespace {

constexpr std::uint64_t kTcpAndUdp = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

TEST(ReceiveChecksums, ThoseOfTheTransportsThatThePortCanVerify) {
    EXPECT_EQ(receive_checksums("net_mlx5", kTcpAndUdp | RTE_ETH_RX_OFFLOAD_TCP_LRO), kTcpAndUdp);
    EXPECT_EQ(receive_checksums("net_af_packet", 0), 0U);
}

TEST(ReceiveChecksums, NoneOfPortsThatWouldHandOverPacketsWithout) {
    for (const char* driver : {"net_virtio", "net_virtio_user", "net_vhost", "net_vmxnet3"}) {
        EXPECT_EQ(receive_checksums(driver, kTcpAndUdp), 0U) << driver;
    }
}

} // namespace
} // namespace sluice::dpdk
