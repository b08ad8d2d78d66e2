// Which of a stream's numbered packets arrived: the receiving half of a loss count.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::loadgen {

/// One stream of packets numbered from 0. Memory: one bit a packet.
class SequenceTracker {
  public:
    /// Higher numbers are not believed: they would reserve memory for a corrupt packet.
    static constexpr uint64_t kMaxSequence = uint64_t{1} << 32;

    /// False when the number is above kMaxSequence; nothing is counted then.
    bool record(uint64_t sequence);
    /// The sender's own count of this stream, when it became known.
    void set_total(uint64_t total) { total_ = total; }

    /// Packets that arrived, each number once.
    [[nodiscard]] uint64_t received() const { return received_; }
    /// Further arrivals of numbers that were there before.
    [[nodiscard]] uint64_t duplicated() const { return duplicated_; }
    /// First arrivals with a number below the highest before (RFC 4737 section 3, Type-P-Reordered).
    [[nodiscard]] uint64_t reordered() const { return reordered_; }
    /// Numbers that never arrived: of the total where it is known, else below the highest that arrived.
    [[nodiscard]] uint64_t missing() const;
    [[nodiscard]] std::optional<uint64_t> total() const { return total_; }
    /// First and last number of the longest gap; none when nothing is missing.
    struct Gap {
        uint64_t first;
        uint64_t last;
    };
    [[nodiscard]] std::optional<Gap> longest_gap() const;

  private:
    [[nodiscard]] uint64_t expected() const { return total_ ? *total_ : next_; }
    [[nodiscard]] bool has(uint64_t sequence) const;

    std::vector<uint64_t> bits_;
    uint64_t next_ = 0; // highest that arrived, plus one
    uint64_t received_ = 0;
    uint64_t duplicated_ = 0;
    uint64_t reordered_ = 0;
    std::optional<uint64_t> total_;
};

} // namespace sluice::loadgen
