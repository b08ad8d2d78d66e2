#include "dpdk/eth_port_io.hpp"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <cstring>
#include <utility>

namespace sluice::dpdk {

namespace {

/// Some drivers (AF_PACKET) take the VLAN tag out of the frame whether asked or not. The firewall judges and forwards
/// the frame as it was on the wire, so the tag goes back in, as 802.1Q. False: it does not fit, and without its tag
/// the frame would be another VLAN's.
bool put_tag_back(rte_mbuf*& buffer) {
    if (!(buffer->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)) return true;
    if (rte_vlan_insert(&buffer) != 0) return false;
    buffer->ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_VLAN);
    return true;
}

/// A port that vouches for a checksum saves computing it. One that finds it bad is not believed without: some
/// controllers take a UDP datagram without a checksum for a wrong one.
pipeline::Checksum checksum_of(const rte_mbuf& buffer) {
    const bool good = (buffer.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    return good ? pipeline::Checksum::good : pipeline::Checksum::unknown;
}

} // namespace

EthPortIo::EthPortIo(std::vector<std::uint16_t> port_ids)
    : port_ids_(std::move(port_ids))
    , up_(port_ids_.size()) {}

void EthPortIo::receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) {
    rte_mbuf* buffers[pipeline::kBatchSize];
    const unsigned count = rte_eth_rx_burst(port_ids_[port], queue, buffers, pipeline::kBatchSize);
    batch.count = count;
    for (unsigned i = 0; i < count; ++i) {
        rte_mbuf* buffer = buffers[i];
        const bool usable = put_tag_back(buffer) && buffer->nb_segs == 1;
        batch.data[i] = rte_pktmbuf_mtod(buffer, std::byte*);
        batch.length[i] = usable ? buffer->data_len : std::uint16_t{0};
        batch.handle[i] = buffer;
        batch.port[i] = port;
        batch.checksum[i] = checksum_of(*buffer);
    }
}

unsigned EthPortIo::transmit(std::uint16_t port, std::uint16_t queue, void* const* handles, unsigned count) {
    rte_mbuf* buffers[pipeline::kBatchSize];
    for (unsigned i = 0; i < count; ++i) {
        buffers[i] = static_cast<rte_mbuf*>(handles[i]);
    }
    return rte_eth_tx_burst(port_ids_[port], queue, buffers, static_cast<std::uint16_t>(count));
}

void EthPortIo::release(void* const* handles, unsigned count) {
    rte_mbuf* buffers[pipeline::kBatchSize];
    for (unsigned i = 0; i < count; ++i) {
        buffers[i] = static_cast<rte_mbuf*>(handles[i]);
    }
    rte_pktmbuf_free_bulk(buffers, count);
}

void* EthPortIo::make(std::span<const std::byte> frame) {
    rte_mbuf* buffer = rte_pktmbuf_alloc(pool_);
    if (buffer == nullptr) return nullptr;
    const auto length = static_cast<std::uint16_t>(frame.size());
    std::memcpy(rte_pktmbuf_append(buffer, length), frame.data(), length); // a buffer holds 2,048 bytes at least
    return buffer;
}

void EthPortIo::shorten(void* handle, std::uint16_t length) {
    auto* buffer = static_cast<rte_mbuf*>(handle);
    (void)rte_pktmbuf_trim(buffer, static_cast<std::uint16_t>(buffer->data_len - length));
}

} // namespace sluice::dpdk
