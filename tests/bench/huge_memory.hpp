// Zeroed memory on huge pages, so that what is measured is the data's way and not that of its page tables: the
// appliance's tables are on huge pages too.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace sluice::bench {

class HugeMemory {
  public:
    HugeMemory() = default;
    explicit HugeMemory(std::size_t size)
        : size_((size + kPage - 1) / kPage * kPage) {
        constexpr int kHow = MAP_PRIVATE | MAP_ANONYMOUS;
        start_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, kHow | MAP_HUGETLB | MAP_POPULATE, -1, 0);
        if (start_ == MAP_FAILED) {
            // Not enough of them set aside: the kernel puts together what it can when asked.
            start_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, kHow, -1, 0);
            if (start_ == MAP_FAILED) throw std::bad_alloc();
            madvise(start_, size_, MADV_HUGEPAGE);
            set_aside_only = false;
        }
        std::memset(start_, 0, size_);
    }
    HugeMemory(HugeMemory&& other) noexcept
        : start_(std::exchange(other.start_, nullptr))
        , size_(std::exchange(other.size_, 0)) {}
    HugeMemory& operator=(HugeMemory&& other) noexcept {
        std::swap(start_, other.start_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~HugeMemory() {
        if (start_ != nullptr) munmap(start_, size_);
    }

    [[nodiscard]] std::span<std::byte> bytes() const { return {static_cast<std::byte*>(start_), size_}; }
    template <typename T> [[nodiscard]] T* as() const { return static_cast<T*>(start_); }

    /// Whether all memory so far came from pages that were set aside (vm.nr_hugepages), none by madvise alone.
    static inline bool set_aside_only = true;

  private:
    static constexpr std::size_t kPage = std::size_t{2} << 20;

    void* start_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace sluice::bench
