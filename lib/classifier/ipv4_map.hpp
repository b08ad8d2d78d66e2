// Writes what ruleset::ipv4 describes.
#pragma once

#include "classifier/interval.hpp"
#include "classifier/line_arena.hpp"
#include "ruleset/tables.hpp"

#include <cstdint>

namespace sluice::classifier {

class Ipv4Map {
  public:
    using Key = std::uint32_t;
    static constexpr Key kLast = ~Key{0};

    /// Every address is class 0. `expected` starts: how much room is reserved.
    explicit Ipv4Map(std::size_t expected);

    [[nodiscard]] bool ok() const { return arena_.ok() && roots_ != nullptr; }
    /// Writes anew all pieces that first..last touch, as `sweep(first of them, last of them)` says; no starts at all:
    /// to be given up. Takes effect at once, piece by piece; false when there is no room, and then nothing was changed.
    template <typename Sweep> [[nodiscard]] bool rewrite(Key first, Key last, Sweep&& sweep) {
        const Starts<Key> starts = sweep(first & ~Key{0xffff}, last | 0xffff);
        std::vector<Change> changes;
        if (!prepare(first >> 16, last >> 16, starts, changes)) return give_up(changes);
        publish(changes);
        return true;
    }
    /// So many prefixes or less: show_small() wants to be told the starts after each rewrite().
    static constexpr std::size_t kSmall = ruleset::shallow::kMostStarts / 16;
    /// All starts, when they are not many, for a smaller map; no starts: there are too many.
    void show_small(const Starts<Key>& starts);
    void reclaim() { arena_.reclaim(); }

    [[nodiscard]] ruleset::AddressMap view() const { return {arena_.base(), roots_, small_, false}; }
    [[nodiscard]] std::size_t memory_size() const { return arena_.memory_size(); }

  private:
    struct Change {
        std::uint32_t root;
        ruleset::Ref ref;
        std::size_t lines;
    };

    /// Pieces of a run of roots, whose starts these are.
    bool prepare(std::uint32_t first_root, std::uint32_t last_root, const Starts<Key>& starts,
                 std::vector<Change>& changes);
    bool prepare_one(std::uint32_t root, const Starts<Key>& starts, std::vector<Change>& changes);
    bool give_up(const std::vector<Change>& changes);
    void publish(const std::vector<Change>& changes);
    std::uint32_t write_shallow(const Starts<Key>& starts, std::size_t& lines);

    LineArena arena_;
    std::uint32_t* small_ = nullptr; ///< the word that leads to the smaller map
    std::size_t small_lines_ = 0;
    std::uint32_t* roots_ = nullptr;
    std::vector<std::uint32_t> lines_; ///< by root: how many its chunk has
};

} // namespace sluice::classifier
