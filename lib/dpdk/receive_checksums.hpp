// Which checksums a port is asked to verify.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::dpdk {

/// The offloads (RTE_ETH_RX_OFFLOAD_*) to ask of a driver that can do `able`. None of one whose packets may come from
/// the machine it runs on: asked for, it takes that for leave to hand over packets whose checksum nobody has computed
/// (VIRTIO_NET_F_GUEST_CSUM, "partial checksum"), and that is how they would be judged and forwarded.
std::uint64_t receive_checksums(std::string_view driver, std::uint64_t able);

} // namespace sluice::dpdk
