// Quiescent-state-based reclamation: how a reader that never locks and a writer that frees live together.
//
// Overview. Workers read a published object (the ruleset) without any lock. Between bursts, holding no reference,
// each reports a quiescent state. The control thread publishes a new object, waits until every online worker has
// reported after that, and only then destroys the old one. (McKenney's QSBR; nsync and NPF show the habit.)
//
// Who writes what. `epoch_` and the published pointer: the control thread alone. `Reader::seen`: its worker alone.
//
// What orders them. The control thread stores the pointer, then raises `epoch_` (release). A worker loads `epoch_`
// (acquire), stores it as `seen` (release), then loads the pointer. Seeing the new epoch therefore means seeing the
// new pointer; and `seen` reaching the new epoch means that every use of the old object is over. No fence and no
// atomic read-modify-write is needed on the worker's side: on x86-64 it is two loads and one store.
#pragma once

#include "base/cache_line.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::rcu {

inline constexpr std::size_t kMaxReaders = 128;

class Domain {
  public:
    /// Worker `reader` begins to read. Until then, and after offline(), nobody waits for it.
    void online(std::size_t reader) {
        // Sequentially consistent, so that the announcement cannot be delayed behind the pointer load that follows:
        // either the control thread sees this reader, or the reader sees the new pointer.
        readers_[reader].seen.store(epoch_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
    }

    /// The worker holds no reference and will load none before online().
    void offline(std::size_t reader) { readers_[reader].seen.store(kOffline, std::memory_order_release); }

    /// The worker holds no reference right now. Once a loop.
    void quiescent(std::size_t reader) {
        readers_[reader].seen.store(epoch_.load(std::memory_order_acquire), std::memory_order_release);
    }

    /// Control thread: true once every online worker was quiescent after this call began. Gives up after `patience`
    /// and returns false; then nothing may be freed yet.
    [[nodiscard]] bool synchronize(std::chrono::milliseconds patience);

    /// A grace period that nobody waits for.
    using Grace = std::uint64_t;
    /// Control thread: one begins now, behind what was published before.
    [[nodiscard]] Grace begin_grace();
    /// Whether every online worker has been quiescent since it began.
    [[nodiscard]] bool is_over(Grace grace) const;

  private:
    static constexpr std::uint64_t kOffline = ~std::uint64_t{0};

    struct alignas(base::kCacheLine) Reader {
        std::atomic<std::uint64_t> seen{kOffline};
    };

    alignas(base::kCacheLine) std::atomic<std::uint64_t> epoch_{1};
    std::array<Reader, kMaxReaders> readers_;
};

/// The pointer that workers load. It owns nothing: the control thread keeps the objects alive.
template <typename T> class Published {
  public:
    /// Worker: once a burst. Valid until its next Domain::quiescent().
    [[nodiscard]] const T* load() const { return object_.load(std::memory_order_seq_cst); }

    /// Control thread: publishes `next` and returns what was published before. Free that only after synchronize().
    const T* exchange(const T* next) {
        const T* previous = object_.load(std::memory_order_relaxed);
        object_.store(next, std::memory_order_seq_cst);
        return previous;
    }

  private:
    std::atomic<const T*> object_{nullptr};
};

} // namespace sluice::rcu
