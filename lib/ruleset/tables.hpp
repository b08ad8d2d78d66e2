// The memory of a classifier, as workers read it. lib/classifier fills it; docs/classifier.md has pictures of it.
//
// Who writes: the control thread alone. Trees, leaves and results never change. What may change while workers read: the
// words that lead to a piece of an address map (Ref), each replaced with one aligned store (release) after the new
// piece is complete; readers load them with acquire. A piece out of use stays as it was until a grace period has
// passed.
#pragma once

#include "base/cache_line.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::ruleset {

inline constexpr std::size_t kLine = 64;

/// A class of addresses: all those that the same lists hold.
using Class = std::uint32_t;
/// A class that came up after compiling: the low bits are its place in FamilyTables::late.
inline constexpr Class kLate = 1u << 30;
/// IPv6, upper half: what follows depends on the lower half; the low bits are the line of its Ref.
inline constexpr Class kBelow = 1u << 29;

/// Leads to a piece of an address map: its shape in the high four bits, its first line in the others. Zero: a class.
using Ref = std::uint32_t;
inline constexpr unsigned kShapeShift = 28;
inline constexpr std::uint32_t kOffsetMask = (1u << kShapeShift) - 1;

/// IPv4 (after DXR: Zec, Rizzo, Mikuc 2012): the upper 16 bits choose a word; it is a class with the top bit set, or
/// the Ref of a chunk: the sorted starts of the intervals within these 65,536 addresses.
///
/// Keys are starts minus one, counted where key < x, so that 0xffff, which is never below x, can stand for "none". The
/// first start of a line is known not to lie above x and has no key: slot 0 is none.
namespace ipv4 {
inline constexpr std::uint32_t kIsClass = 1u << 31;
inline constexpr unsigned kFanOut = 32;       ///< keys a line
inline constexpr unsigned kMaxLevels = 4;     ///< the shape: levels of lines, the last being blocks
inline constexpr std::size_t kBlockLines = 3; ///< one of keys, two of classes
inline constexpr std::uint16_t kNone = 0xffff;
inline constexpr std::size_t kRoots = 65'536;
/// First line of each level behind the first, and of the blocks, by shape.
inline constexpr std::array<std::size_t, kMaxLevels + 1> kBlocksAt = {0, 0, 1, 33, 1057};
} // namespace ipv4

/// IPv6: a tree of sorted starts over the upper 64 bits; where the lower 64 matter, one more of these. Keys as above,
/// with the sign bit flipped, for AVX2 compares signed numbers only.
namespace ipv6 {
inline constexpr unsigned kFanOut = 16;
inline constexpr std::size_t kNodeLines = 2;  ///< 16 keys of 64 bits
inline constexpr std::size_t kBlockLines = 3; ///< two of keys, one of classes
inline constexpr unsigned kMaxTops = 5;       ///< levels of nodes above the chunks
/// Shapes: 1 and 2 are chunks of so many levels; kTop + n is a top of n levels, with the Refs of chunks behind them.
inline constexpr unsigned kTop = 8;
/// First node of each level of a top; behind its last level come the Refs.
inline constexpr std::array<std::size_t, kMaxTops + 1> kNodesAt = {0, 1, 17, 273, 4369, 69'905};
inline constexpr std::uint64_t kFlip = std::uint64_t{1} << 63;
inline constexpr std::int64_t kNone = std::int64_t{0x7fff'ffff'ffff'ffff};
} // namespace ipv6

/// A map of few starts, all of them side by side: compared with eight addresses at a time. IPv4: the whole address;
/// IPv6: its upper half, and no lower half matters. Keys as above; none behind the last.
template <typename Key> struct alignas(kLine) FlatMap {
    static constexpr unsigned kMostStarts = 24;
    std::uint32_t count = 0; ///< keys
    Key keys[kMostStarts];   ///< of the second start and those behind it
    Class classes[kMostStarts + 1];
};
inline constexpr std::uint32_t kFlip32 = std::uint32_t{1} << 31;
using Ipv4FlatMap = FlatMap<std::int32_t>;
using Ipv6FlatMap = FlatMap<std::int64_t>;

/// An IPv4 map of some thousand starts: a tree of sorted starts like that of IPv6, whole addresses for keys, a line for
/// a node. It stays in the caches whatever addresses come, where the roots do not.
namespace shallow {
inline constexpr unsigned kFanOut = 16;
inline constexpr std::size_t kBlockLines = 2;                                        ///< one of keys, one of classes
inline constexpr unsigned kMaxLevels = 3;                                            ///< of nodes, above the blocks
inline constexpr std::array<std::size_t, kMaxLevels + 1> kNodesAt = {0, 1, 17, 273}; ///< the blocks stand behind
inline constexpr std::size_t kMostStarts = 4096 * std::size_t{kFanOut};
inline constexpr std::int32_t kNone = 0x7fff'ffff;
} // namespace shallow

/// Where the class of an address is found.
struct AddressMap {
    const std::byte* lines = nullptr;
    const std::uint32_t* roots = nullptr; ///< IPv4: ipv4::kRoots words; IPv6: one Ref
    /// Leads to a smaller map that says the same: the shape 0 for a flat one, of n for a shallow one of n - 1 levels of
    /// nodes, and its line. Holds 0: there is none.
    const std::uint32_t* small = nullptr;
    bool uniform = true; ///< no row asks: every address is class 0
};

/// What a row says of a packet, in the order in which the tree asks.
enum Dimension : unsigned { kSource, kDestination, kSourcePort, kDestinationPort, kProtocol, kDimensions };

/// Word of a tree: a cut, where `bits` bits of one dimension choose the next word, or a leaf of `units` units of boxes.
/// All bits zero: a leaf of none, at unit 0, in which nothing matches.
struct Word {
    static constexpr std::uint64_t kCut = std::uint64_t{1} << 63;

    static constexpr std::uint64_t make_cut(std::uint32_t at, unsigned dimension, unsigned shift, unsigned bits) {
        return kCut | at | std::uint64_t{dimension} << 32 | std::uint64_t{shift} << 35 | std::uint64_t{bits} << 40;
    }
    /// The boxes of a leaf lie relative to its part of the class spaces, of so many bits.
    static constexpr std::uint64_t make_leaf(std::uint32_t at, unsigned units, unsigned source_bits,
                                             unsigned destination_bits) {
        return at | std::uint64_t{source_bits} << 32 | std::uint64_t{destination_bits} << 38 |
               std::uint64_t{units} << 44;
    }

    static constexpr bool is_cut(std::uint64_t word) { return (word & kCut) != 0; }
    static constexpr std::uint32_t at(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
    static constexpr unsigned dimension(std::uint64_t word) { return word >> 32 & 7; }
    static constexpr unsigned shift(std::uint64_t word) { return word >> 35 & 31; }
    static constexpr unsigned bits(std::uint64_t word) { return word >> 40 & 31; }
    static constexpr unsigned source_bits(std::uint64_t word) { return word >> 32 & 63; }
    static constexpr unsigned destination_bits(std::uint64_t word) { return word >> 38 & 63; }
    static constexpr unsigned units(std::uint64_t word) { return static_cast<unsigned>(word >> 44); }
    static constexpr std::size_t kMaxUnits = (std::size_t{1} << 19) - 1;
};

/// Eight boxes side by side: in each dimension where they begin and how far they reach beyond that, both included.
struct alignas(kLine) Unit {
    static constexpr unsigned kBoxes = 8;

    std::uint16_t source[kBoxes];
    std::uint16_t source_span[kBoxes];
    std::uint16_t destination[kBoxes];
    std::uint16_t destination_span[kBoxes];
    std::uint16_t source_port[kBoxes];
    std::uint16_t source_port_span[kBoxes];
    std::uint16_t destination_port[kBoxes];
    std::uint16_t destination_port_span[kBoxes];
    std::uint16_t zone_pairs[kBoxes]; ///< one bit each; none: no box here
    std::uint8_t protocol[kBoxes];
    std::uint8_t protocol_mask[kBoxes]; ///< 0: any
    std::uint32_t order[kBoxes];        ///< ascending; the lowest that matches wins
};
static_assert(sizeof(Unit) == 3 * kLine);

/// A class that came up after compiling, when a list changed: what the tree says of `base`, and what these rows say.
struct LateClass {
    Class base = 0;                       ///< its lists are all among those of this class
    const std::uint32_t* lists = nullptr; ///< those that `base` has not, ascending
    std::uint32_t list_count = 0;
    const std::uint32_t* orders = nullptr; ///< rows that name one of them, ascending
    std::uint32_t order_count = 0;
};
inline constexpr std::uint32_t kMaxLateClasses = 65'536;

/// Classes first..last, ports first..last: both included.
struct ClassRange {
    Class first = 0;
    Class last = 0;
};
struct PortSpan {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};
template <typename T> struct View {
    const T* data = nullptr;
    std::uint32_t count = 0;
    const T* begin() const { return data; }
    const T* end() const { return data + count; }
};

/// One row as it is, for packets of late classes.
struct PlainRow {
    struct End {
        bool any = true;
        View<ClassRange> classes;  ///< ascending, apart
        View<std::uint32_t> lists; ///< ascending
        View<PortSpan> ports;      ///< none: any
    };
    End source;
    End destination;
    std::uint32_t zone_pairs = 0; ///< one bit each
    std::uint8_t protocol = 0;
    std::uint8_t protocol_mask = 0;
};

inline constexpr std::size_t kMaxZonePairs = 32;
inline constexpr std::uint8_t kNoPair = 0xff;
/// Trees that every packet goes through: bounds the work that a packet can ask for.
inline constexpr unsigned kMaxTrees = 8;

struct Tree {
    std::uint64_t root[kMaxZonePairs] = {}; ///< by zone pair
    unsigned depth = 0;                     ///< cuts on the longest way to a leaf
};

struct FamilyTables {
    bool empty = true;
    bool by_list = false; ///< no tree: the rows are asked one by one
    AddressMap source;
    AddressMap destination;
    std::uint32_t source_asked_by = 0; ///< a bit for each zone pair that has a row which names sources
    std::uint32_t destination_asked_by = 0;
    const std::uint64_t* words = nullptr;
    const Unit* units = nullptr;
    std::array<Tree, kMaxTrees> trees{};
    unsigned tree_count = 0;
    unsigned flat_units = 0; ///< not 0: so few boxes that all of them are asked; from unit 1 on
    std::array<std::uint16_t, kMaxZonePairs> pair_bit{}; ///< by zone pair: its bit in Unit::zone_pairs
    const std::uint32_t* results = nullptr;              ///< by order
    const PlainRow* rows = nullptr;                      ///< by order
    std::uint32_t row_count = 0;
    const LateClass* const* source_late = nullptr;
    const LateClass* const* destination_late = nullptr;
};

} // namespace sluice::ruleset
