// Worker port I/O over DPDK's Ethernet ports: handles are mbufs.
#pragma once

#include "worker/port_io.hpp"

#include <atomic>
#include <cstdint>
#include <vector>

struct rte_mempool;

namespace sluice::dpdk {

class EthPortIo final : public worker::PortIo {
  public:
    /// `port_ids[i]` is DPDK's number for interface i.
    explicit EthPortIo(std::vector<std::uint16_t> port_ids);

    void receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) override;
    unsigned transmit(std::uint16_t port, std::uint16_t queue, void* const* handles, unsigned count) override;
    bool link_up(std::uint16_t port) override { return up_[port].load(std::memory_order_relaxed); }
    void release(void* const* handles, unsigned count) override;
    void* make(std::span<const std::byte> frame) override;
    void shorten(void* handle, std::uint16_t length) override;

    /// Before workers start: where make() takes buffers from.
    void set_pool(rte_mempool* pool) { pool_ = pool; }

    /// Control thread: what link_up() answers from now on.
    void set_link_up(std::uint16_t port, bool up) { up_[port].store(up, std::memory_order_relaxed); }

  private:
    std::vector<std::uint16_t> port_ids_;
    std::vector<std::atomic<bool>> up_;
    rte_mempool* pool_ = nullptr;
};

} // namespace sluice::dpdk
