// Takes all the memory that the EAL has left, down to pieces of 256 bytes, and gives it back.
#pragma once

#include <rte_malloc.h>

#include <cstddef>
#include <vector>

namespace sluice::test_support {

class MemoryHog {
  public:
    MemoryHog() {
        for (std::size_t size = std::size_t{256} << 20; size >= 256; size /= 2) {
            while (void* memory = rte_malloc(nullptr, size, 0)) {
                taken_.push_back(memory);
            }
        }
    }
    MemoryHog(const MemoryHog&) = delete;
    MemoryHog& operator=(const MemoryHog&) = delete;
    ~MemoryHog() {
        for (void* memory : taken_) {
            rte_free(memory);
        }
    }

  private:
    std::vector<void*> taken_;
};

} // namespace sluice::test_support
