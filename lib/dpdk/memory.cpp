#include "dpdk/memory.hpp"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <string>
#include <utility>

namespace sluice::dpdk {
namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr unsigned kPoolCache = 256;

Error not_enough(const std::string& purpose, std::size_t size) {
    const HugepageMemory memory = hugepage_memory();
    return {Error::Kind::no_memory,
            "not enough memory for " + purpose + ": " + std::to_string(size / kMiB + 1) + " MiB wanted, " +
                std::to_string(memory.free_size / kMiB) + " of " + std::to_string(memory.total_size / kMiB) +
                " MiB in hugepages free; reserve more with tools/setup --hugepages, or make tables smaller"};
}

} // namespace

base::Expected<Region, Error> Region::reserve(std::size_t size, int numa_socket, const char* purpose) {
    void* start = rte_zmalloc_socket(purpose, size, RTE_CACHE_LINE_SIZE, numa_socket);
    if (start == nullptr) return base::Unexpected(not_enough(purpose, size));
    return Region(static_cast<std::byte*>(start), size);
}

Region::Region(Region&& other) noexcept
    : start_(std::exchange(other.start_, nullptr))
    , size_(other.size_) {}

Region::~Region() {
    rte_free(start_);
}

base::Expected<BufferPool, Error> BufferPool::create(const char* name, std::uint32_t buffers, std::uint16_t data_size,
                                                     int numa_socket) {
    rte_mempool* pool = rte_pktmbuf_pool_create(
        name, buffers, kPoolCache, 0, static_cast<std::uint16_t>(data_size + RTE_PKTMBUF_HEADROOM), numa_socket);
    if (pool == nullptr) {
        return base::Unexpected(
            not_enough(std::to_string(buffers) + " packet buffers", memory_size(buffers, data_size)));
    }
    return BufferPool(pool);
}

BufferPool::BufferPool(BufferPool&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)) {}

BufferPool::~BufferPool() {
    rte_mempool_free(pool_);
}

std::uint32_t BufferPool::in_use() const {
    return rte_mempool_in_use_count(pool_);
}

std::uint32_t BufferPool::size() const {
    return pool_->size;
}

std::size_t BufferPool::memory_size(std::uint32_t buffers, std::uint16_t data_size) {
    return std::size_t{buffers} * (sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + data_size + 64 + sizeof(void*));
}

} // namespace sluice::dpdk
