// From boxes to the tree of words and leaves that ruleset::FamilyTables describes.
//
// A cut takes some bits of one dimension; a box that reaches over several parts is copied into each of them. Where that
// costs too many copies, the boxes that reach over most of a dimension get a tree of their own, and packets go through
// both (EffiCuts: Vamanan, Voskuilen, Vijaykumar 2010). Classes are numbered densely, so even cuts are fair cuts: what
// HiCuts and HyperCuts (Gupta, McKeown 1999; Singh and others 2003) have to search for.
#pragma once

#include "classifier/boxes.hpp"
#include "ruleset/tables.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace sluice::classifier {

struct TreeLimits {
    double copies = 8;                   ///< of a box, on average
    unsigned trees = ruleset::kMaxTrees; ///< that a packet goes through, at the most
    bool flat = false;                   ///< one leaf, whatever it holds
    std::size_t memory_size = 0;         ///< bytes
};

class TreeBuilder {
  public:
    /// `progress` is asked now and then, with how much is done; building ends when it answers false.
    TreeBuilder(std::span<const Box> boxes, std::uint32_t zone_pairs, const Bits& bits, const TreeLimits& limits,
                std::function<bool(double)> progress);

    enum class End : std::uint8_t { done, too_large, given_up };
    /// Appends a tree of those boxes. `boxes` are by order.
    End build();

    struct Tree {
        std::uint64_t root = 0;
        unsigned depth = 0;
    };
    [[nodiscard]] const std::vector<Tree>& trees() const { return trees_; }
    std::vector<std::uint64_t> words;
    std::vector<ruleset::Unit> units;
    std::vector<std::uint32_t> entries_of_order; ///< boxes in leaves, copies counted
    std::size_t leaves = 0;

  private:
    using Ids = std::vector<std::uint32_t>;
    struct Region {
        std::array<std::uint32_t, ruleset::kDimensions> first{};
        Bits bits{};

        [[nodiscard]] std::uint32_t last(unsigned d) const {
            return first[d] + static_cast<std::uint32_t>((std::uint64_t{1} << bits[d]) - 1);
        }
    };
    struct Cut {
        unsigned dimension = 0;
        unsigned bits = 0; ///< 0: none
        double size = 0;   ///< boxes that a packet of some box still meets
        double copies = 0;
    };
    struct Parting {
        Ids narrow;
        Ids wide;
        double cost = 0;
    };
    /// Boxes of one tree, and what the tree costs a packet.
    struct Part {
        Ids ids;
        double cost = 0;
        std::optional<Parting> better; ///< the best way to make two of it, if one is better
        bool asked = false;
    };
    /// A word, and how many cuts there are on the longest way below it.
    struct Made {
        std::uint64_t word = 0;
        unsigned depth = 0;
    };

    [[nodiscard]] bool spans(const Box& box, const Region& region, unsigned d) const {
        return box.first[d] <= region.first[d] && box.last[d] >= region.last(d);
    }
    [[nodiscard]] bool covers(const Box& box, const Region& region) const;
    [[nodiscard]] bool hides(const Box& better, const Box& worse, const Region& region) const;
    void drop_hidden(Ids& ids, const Region& region) const;
    [[nodiscard]] bool fits_leaf(const Ids& ids, const Region& region) const;

    Cut measure(const Ids& ids, const Region& region, unsigned d, unsigned bits);
    Cut best_cut(const Ids& ids, const Region& region, double allowed);
    void draw_samples();
    /// What a tree costs, about, in nanoseconds, for packets that lie in one box or another.
    [[nodiscard]] double cost_of(const Made& made) const;
    double cost_of(const Ids& ids, const Region& region);
    std::optional<Parting> best_parting(const Part& part, const Region& region);
    [[nodiscard]] std::vector<Ids> parted(Ids all, const Region& region);
    [[nodiscard]] double allowed_for(const Ids& ids) const;

    Made make(Ids ids, const Region& region, double allowed, double share);
    Made make_cut(const Cut& cut, const Ids& ids, const Region& region, double allowed, double share);
    Made make_leaf(const Ids& ids, const Region& region, double share);
    void fill_unit(ruleset::Unit& unit, std::span<const std::uint32_t> ids, const Region& region) const;
    std::uint32_t place(const std::vector<ruleset::Unit>& leaf);
    [[nodiscard]] std::size_t memory_size() const {
        return words.size() * sizeof(std::uint64_t) + units.size() * sizeof(ruleset::Unit);
    }

    std::span<const Box> boxes_;
    std::uint32_t zone_pairs_;
    Bits bits_;
    TreeLimits limits_;
    std::function<bool(double)> progress_;
    std::vector<Tree> trees_;
    std::vector<std::array<std::uint32_t, 8>> samples_; ///< packets, by dimension
    bool trying_ = false;                               ///< what is made now is thrown away again
    End end_ = End::done;
    double done_ = 0;
    double told_ = 0;
    std::vector<std::uint32_t> counts_; ///< scratch of measure()
    std::vector<std::uint64_t> sums_;
    std::unordered_multimap<std::uint64_t, std::uint32_t> known_leaves_;
};

} // namespace sluice::classifier
