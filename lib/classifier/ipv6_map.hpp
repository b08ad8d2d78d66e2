// Writes what ruleset::ipv6 describes.
#pragma once

#include "classifier/interval.hpp"
#include "classifier/line_arena.hpp"
#include "ruleset/tables.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::classifier {

__extension__ using Uint128 = unsigned __int128;

class Ipv6Map {
  public:
    using Key = Uint128;
    static constexpr Key kLast = ~Key{0};

    /// Every address is class 0. `expected` starts: how much room is reserved.
    explicit Ipv6Map(std::size_t expected);

    [[nodiscard]] bool ok() const { return arena_.ok() && root_ != nullptr; }
    /// As Ipv4Map::rewrite().
    template <typename Sweep> [[nodiscard]] bool rewrite(Key first, Key last, Sweep&& sweep) {
        const std::size_t from = chunk_of(static_cast<std::uint64_t>(first >> 64));
        const std::size_t to = chunk_of(static_cast<std::uint64_t>(last >> 64)) + 1;
        const Key begin = Key{chunks_[from].first} << 64;
        const Key end = to == chunks_.size() ? kLast : (Key{chunks_[to].first} << 64) - 1;
        return replace(from, to, sweep(begin, end));
    }
    /// So many prefixes or less: show_small() wants to be told the starts after each rewrite().
    static constexpr std::size_t kSmall = ruleset::Ipv6FlatMap::kMostStarts / 2;
    /// All starts, when they are not many, for a smaller map; no starts: there are too many.
    void show_small(const Starts<Key>& starts);
    void reclaim() { arena_.reclaim(); }

    [[nodiscard]] ruleset::AddressMap view() const { return {arena_.base(), root_, small_, false}; }
    [[nodiscard]] std::size_t memory_size() const { return arena_.memory_size(); }

  private:
    using Piece = std::pair<std::uint32_t, std::size_t>; ///< first line, how many
    using Pieces = std::vector<Piece>;
    struct Chunk {
        std::uint64_t first = 0;
        ruleset::Ref ref = 0;
        Pieces pieces; ///< itself and the maps of lower halves in it
    };

    [[nodiscard]] std::size_t chunk_of(std::uint64_t upper) const;
    bool replace(std::size_t from, std::size_t to, const Starts<Key>& starts);
    std::optional<Starts<std::uint64_t>> upper_starts(const Starts<Key>& starts, std::vector<Pieces>& below);
    std::optional<Class> write_below(const Starts<std::uint64_t>& starts, Pieces& pieces);
    std::optional<ruleset::Ref> write_chunk(const Start<std::uint64_t>* starts, std::size_t count, Pieces& pieces);
    std::optional<ruleset::Ref> write_top(const std::vector<std::pair<std::uint64_t, ruleset::Ref>>& chunks,
                                          Pieces& pieces);
    void release(const Pieces& pieces);
    void retire(const Pieces& pieces);
    bool publish(std::size_t from, std::size_t to, std::vector<Chunk> fresh);

    LineArena arena_;
    std::uint32_t* small_ = nullptr; ///< the word that leads to the smaller map
    std::uint32_t* root_ = nullptr;
    std::vector<Chunk> chunks_; ///< by `first`; the first one begins at 0
    Pieces top_;
    std::uint32_t* refs_ = nullptr; ///< of the chunks, in the top
};

} // namespace sluice::classifier
