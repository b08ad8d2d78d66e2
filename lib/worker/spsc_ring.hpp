// A bounded ring from one worker to another: one producer, one consumer, no lock, no atomic read-modify-write.
//
// Who writes: `tail_` and the slots it covers, the producer; `head_`, the consumer. Each keeps a copy of the other's
// index and reads the real one only when the copy says full or empty (Lamport 1983, with the caching of FastForward
// and DPDK's own rings). The slot's content is published by the release store of the index.
#pragma once

#include "base/cache_line.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::worker {

template <typename T> class SpscRing {
  public:
    /// `capacity` is a power of two. Allocates, and is therefore made at start.
    explicit SpscRing(std::uint32_t capacity)
        : mask_(capacity - 1)
        , slots_(std::make_unique<T[]>(capacity)) {}

    /// Producer: false when full, and nothing was stored.
    bool push(const T& value) {
        const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - known_head_ > mask_) {
            known_head_ = head_.load(std::memory_order_acquire);
            if (tail - known_head_ > mask_) return false;
        }
        slots_[tail & mask_] = value;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /// Consumer: up to `most` values, oldest first.
    unsigned pop(T* out, unsigned most) {
        const std::uint32_t head = head_.load(std::memory_order_relaxed);
        std::uint32_t ready = known_tail_ - head;
        if (ready == 0) {
            known_tail_ = tail_.load(std::memory_order_acquire);
            ready = known_tail_ - head;
        }
        const unsigned count = ready < most ? ready : most;
        for (unsigned i = 0; i < count; ++i) {
            out[i] = slots_[(head + i) & mask_];
        }
        if (count != 0) head_.store(head + count, std::memory_order_release);
        return count;
    }

  private:
    const std::uint32_t mask_;
    std::unique_ptr<T[]> slots_;
    alignas(base::kCacheLine) std::atomic<std::uint32_t> tail_{0};
    std::uint32_t known_head_ = 0; ///< the producer's
    alignas(base::kCacheLine) std::atomic<std::uint32_t> head_{0};
    std::uint32_t known_tail_ = 0; ///< the consumer's
};

} // namespace sluice::worker
