// The linear search over many rules, quick enough to be asked a million times about ten thousand of them, and still
// nothing but a search from the first rule to the last.
//
// Each rule is one or more lines; a line takes a packet when every field does. Lines stand in blocks of 64 with each
// field in an array of its own, so that the loop over a block is one that compilers turn into vector instructions; it
// has no branch, skips nothing, and knows no order but that of the lines.
#pragma once

#include "rule_sets/rule_set.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::rule_sets {

/// One combination of what a rule takes, with zones as sets of bits.
struct Line {
    Rule rule;
    std::uint32_t from_zones = ~0u; ///< bit n: zone n
    std::uint32_t to_zones = ~0u;
    std::uint32_t owner = 0; ///< whatever the caller calls the rule
};

/// A packet and where it goes.
struct Passage {
    Packet packet;
    unsigned from_zone = 0; ///< below 32
    unsigned to_zone = 0;
};

class Lines {
  public:
    static constexpr std::size_t kBlock = 64;
    /// 1 for each line of a block that takes the packet.
    using Taken = std::array<std::uint32_t, kBlock>;

    /// All of one family.
    Lines(net::Family family, std::span<const Line> lines);

    [[nodiscard]] std::size_t block_count() const { return blocks_.size(); }
    /// Who owns line `place` of a block; kNobody behind the last line.
    static constexpr std::uint32_t kNobody = ~0u;
    [[nodiscard]] std::uint32_t owner(std::size_t block, std::size_t place) const {
        return blocks_[block].owner[place];
    }

    /// Whether any line of the block takes the packet, and which ones.
    bool take(std::size_t block, const Passage& passage, Taken& taken) const;

    /// The owner of the first line that takes the packet, or kNobody.
    [[nodiscard]] std::uint32_t first(const Passage& passage) const;

  private:
    /// Addresses in words of the host's order; unsigned numbers of 16 bits in signed ones of 32, for which there are
    /// vector comparisons.
    struct Block {
        std::array<std::array<std::uint32_t, kBlock>, 4> source;
        std::array<std::array<std::uint32_t, kBlock>, 4> source_mask;
        std::array<std::array<std::uint32_t, kBlock>, 4> destination;
        std::array<std::array<std::uint32_t, kBlock>, 4> destination_mask;
        std::array<std::int32_t, kBlock> first_source_port;
        std::array<std::int32_t, kBlock> last_source_port;
        std::array<std::int32_t, kBlock> first_destination_port;
        std::array<std::int32_t, kBlock> last_destination_port;
        std::array<std::uint32_t, kBlock> protocol;
        std::array<std::uint32_t, kBlock> protocol_mask;
        std::array<std::uint32_t, kBlock> from_zones;
        std::array<std::uint32_t, kBlock> to_zones;
        std::array<std::uint32_t, kBlock> owner;
    };

    template <unsigned kWords> bool take_in(const Block& block, const Passage& passage, Taken& taken) const;
    static Block empty_block();

    net::Family family_;
    std::vector<Block> blocks_;
};

} // namespace sluice::rule_sets
