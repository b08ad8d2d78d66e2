// The latest evictions of a table: who lost an entry, why, and for whom.
//
// One writer, the table's owner; the control thread reads while it writes. A record is written between two raises of
// its sequence number, odd in between: a reader that meets an odd one, or two different ones, has read a mixture.
#pragma once

#include "base/cell.hpp"
#include "base/ticks.hpp"
#include "flow/key.hpp"
#include "telemetry/counters.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

namespace sluice::flow {

/// One eviction. Keys with the end that opened the flow.
struct Eviction {
    OrientedKey lost;  ///< whose entry it was
    OrientedKey taker; ///< the flow that needed room
    std::uint32_t lost_rule;
    std::uint32_t taker_rule;
    base::Tick at;
    base::Tick idle_ticks; ///< since the lost flow's last packet
    base::Tick age_ticks;  ///< since its first
    telemetry::EvictionCause cause;
};

class EvictionLog {
  public:
    static constexpr std::uint32_t kRecords = 256;

    /// The owner.
    void write(const Eviction& eviction) {
        Record& record = records_[written_.load() % kRecords];
        record.sequence.add(1);
        const Words words = words_of(eviction);
        for (std::size_t i = 0; i < words.size(); ++i)
            record.words[i].store(words[i], std::memory_order_release);
        record.sequence.add(1);
        written_.add(1);
    }

    /// Evictions since the start; the latest kRecords of them can be read.
    [[nodiscard]] std::uint64_t written() const { return written_.load(); }
    /// Any thread: eviction `number`, counted from 0, or nothing if it was overwritten.
    [[nodiscard]] std::optional<Eviction> read(std::uint64_t number) const {
        if (number >= written() || written() - number > kRecords) return std::nullopt;
        const Record& record = records_[number % kRecords];
        const std::uint32_t before = record.sequence.load();
        Words words;
        for (std::size_t i = 0; i < words.size(); ++i)
            words[i] = record.words[i].load(std::memory_order_acquire);
        // Written exactly as often as `number` wants: neither in the middle nor a round later.
        const auto wanted = static_cast<std::uint32_t>(2 * (number / kRecords + 1));
        if (before != wanted || record.sequence.load() != before) return std::nullopt;
        Eviction eviction;
        std::memcpy(static_cast<void*>(&eviction), words.data(), sizeof eviction);
        return eviction;
    }

  private:
    static constexpr std::size_t kWords = (sizeof(Eviction) + 7) / 8;
    using Words = std::array<std::uint64_t, kWords>;
    static Words words_of(const Eviction& eviction) {
        Words words{};
        std::memcpy(words.data(), &eviction, sizeof eviction);
        return words;
    }

    struct Record {
        base::Cell<std::uint32_t> sequence;
        std::array<std::atomic<std::uint64_t>, kWords> words{};
    };
    base::Cell<std::uint64_t> written_;
    std::array<Record, kRecords> records_;
};

} // namespace sluice::flow
