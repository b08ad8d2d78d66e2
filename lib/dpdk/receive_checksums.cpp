#include "dpdk/receive_checksums.hpp"

#include <rte_ethdev.h>

namespace sluice::dpdk {

std::uint64_t receive_checksums(std::string_view driver, std::uint64_t able) {
    for (const std::string_view paravirtual : {"net_virtio", "net_vhost", "net_vmxnet3"}) {
        if (driver.starts_with(paravirtual)) return 0; // net_virtio_user, too
    }
    return able & (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_SCTP_CKSUM);
}

} // namespace sluice::dpdk
