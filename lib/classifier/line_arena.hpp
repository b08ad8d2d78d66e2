// Memory of an address map: cache lines that are named by their number, so that 28 bits lead to a piece.
//
// Who uses it: the control thread alone. Readers see pieces through the words that lead to them; a piece that is given
// back is used again only after reclaim().
#pragma once

#include "ruleset/tables.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::classifier {

class LineArena {
  public:
    /// Reserves room for `lines`; memory is taken only when it is written to. At most 2^28 lines (16 GiB).
    explicit LineArena(std::size_t lines);
    LineArena(const LineArena&) = delete;
    LineArena& operator=(const LineArena&) = delete;
    ~LineArena();

    [[nodiscard]] bool ok() const { return base_ != nullptr; }
    [[nodiscard]] const std::byte* base() const { return base_; }
    [[nodiscard]] std::byte* at(std::uint32_t line) { return base_ + std::size_t{line} * ruleset::kLine; }
    [[nodiscard]] const std::byte* at(std::uint32_t line) const { return base_ + std::size_t{line} * ruleset::kLine; }

    /// The first of `lines` lines; nothing when there is no room.
    std::optional<std::uint32_t> allocate(std::size_t lines);
    /// Nobody has seen it: can be used again at once.
    void release(std::uint32_t first, std::size_t lines);
    /// Readers may still be in it.
    void retire(std::uint32_t first, std::size_t lines) { retired_.emplace_back(first, lines); }
    /// No reader is in what was retired before.
    void reclaim();

    /// Bytes that were ever taken.
    [[nodiscard]] std::size_t memory_size() const { return next_ * ruleset::kLine; }

  private:
    std::byte* base_ = nullptr;
    std::size_t capacity_;
    std::size_t next_ = 0;
    std::map<std::size_t, std::vector<std::uint32_t>> free_; ///< by size
    std::vector<std::pair<std::uint32_t, std::size_t>> retired_;
};

} // namespace sluice::classifier
