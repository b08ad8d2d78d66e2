// Memory from DPDK's heap, and pools of packet buffers, behind RAII.
#pragma once

#include "base/expected.hpp"
#include "dpdk/eal.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

struct rte_mempool;

namespace sluice::dpdk {

/// A zeroed, cache-line-aligned region from hugepages (or from ordinary pages without them).
class Region {
  public:
    static base::Expected<Region, Error> reserve(std::size_t size, int numa_socket, const char* purpose);
    Region(Region&& other) noexcept;
    Region& operator=(Region&&) = delete;
    ~Region();

    [[nodiscard]] std::span<std::byte> bytes() const { return {start_, size_}; }

  private:
    Region(std::byte* start, std::size_t size)
        : start_(start)
        , size_(size) {}
    std::byte* start_;
    std::size_t size_;
};

/// Buffers of one size for the packets of all ports on one NUMA node.
class BufferPool {
  public:
    /// `data_size` is the room for a frame in each buffer, in bytes.
    static base::Expected<BufferPool, Error> create(const char* name, std::uint32_t buffers, std::uint16_t data_size,
                                                    int numa_socket);
    BufferPool(BufferPool&& other) noexcept;
    BufferPool& operator=(BufferPool&&) = delete;
    ~BufferPool();

    [[nodiscard]] rte_mempool* get() const { return pool_; }
    /// Buffers that nobody has given back. Exact only when no worker runs.
    [[nodiscard]] std::uint32_t in_use() const;
    [[nodiscard]] std::uint32_t size() const;

    /// Bytes such a pool takes, roughly.
    static std::size_t memory_size(std::uint32_t buffers, std::uint16_t data_size);

  private:
    explicit BufferPool(rte_mempool* pool)
        : pool_(pool) {}
    rte_mempool* pool_;
};

} // namespace sluice::dpdk
