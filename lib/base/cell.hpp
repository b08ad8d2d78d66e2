// A word that one thread writes and others may read at any time.
//
// The owner reads and writes without atomic read-modify-write: on x86-64 and arm64 these are ordinary loads and
// stores, and the compiler may not tear or invent them. Stores release and loads acquire, so that a reader that takes
// cells in the opposite order of their writing sees them consistently (see flow/entry.hpp).
#pragma once

#include <atomic>
#include <type_traits>

namespace sluice::base {

template <typename T> class Cell {
    static_assert(std::is_trivially_copyable_v<T> && std::atomic<T>::is_always_lock_free);

  public:
    Cell() = default;
    explicit Cell(T value)
        : value_(value) {}
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;

    /// Any thread.
    T load() const { return value_.load(std::memory_order_acquire); }
    /// The owner only.
    void store(T value) { value_.store(value, std::memory_order_release); }
    /// The owner only: not a read-modify-write, two writers would lose counts.
    void add(T amount) { store(static_cast<T>(value_.load(std::memory_order_relaxed) + amount)); }

  private:
    std::atomic<T> value_{};
};

} // namespace sluice::base
