// Trees against their boxes, read one by one, at every point of a small space. The reader here is no part of lib: it
// follows what ruleset::FamilyTables says of words and units.
#include "classifier/tree.hpp"

#include "random_world.hpp"

#include <gtest/gtest.h>

namespace sluice::classifier {
namespace {

using namespace ruleset;

using Point = std::array<std::uint32_t, kDimensions>;
constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr TreeLimits kPlenty = {64, 1, false, std::size_t{1} << 30};

bool contains(const Box& box, const Point& point, unsigned pair) {
    for (unsigned d = 0; d < kDimensions; ++d) {
        if (point[d] < box.first[d] || point[d] > box.last[d]) return false;
    }
    return (box.zone_pairs >> pair & 1) != 0;
}

std::uint32_t first_of(const std::vector<Box>& boxes, const Point& point, unsigned pair) {
    for (const Box& box : boxes) {
        if (contains(box, point, pair)) return box.order;
    }
    return kNone;
}

bool in_unit(const Unit& unit, unsigned i, const Point& point, std::uint64_t leaf, std::uint16_t pair_bit) {
    const auto relative = [](std::uint32_t class_, unsigned bits) {
        return std::min<std::uint64_t>(class_ % (std::uint64_t{1} << bits), 0xffff);
    };
    const auto within = [](std::uint64_t x, std::uint16_t first, std::uint16_t span) {
        return x >= first && x <= std::uint64_t{first} + span;
    };
    return within(relative(point[kSource], Word::source_bits(leaf)), unit.source[i], unit.source_span[i]) &&
           within(relative(point[kDestination], Word::destination_bits(leaf)), unit.destination[i],
                  unit.destination_span[i]) &&
           within(point[kSourcePort], unit.source_port[i], unit.source_port_span[i]) &&
           within(point[kDestinationPort], unit.destination_port[i], unit.destination_port_span[i]) &&
           (unit.zone_pairs[i] & pair_bit) != 0 && (point[kProtocol] & unit.protocol_mask[i]) == unit.protocol[i];
}

struct Reading {
    std::uint32_t order = kNone;
    unsigned cuts = 0;
};

Reading read(const TreeBuilder& builder, const TreeBuilder::Tree& tree, const Point& point, std::uint16_t pair_bit) {
    Reading reading;
    std::uint64_t word = tree.root;
    for (; Word::is_cut(word); ++reading.cuts) {
        const std::uint32_t chosen = point[Word::dimension(word)] >> Word::shift(word) & ((1u << Word::bits(word)) - 1);
        word = builder.words[Word::at(word) + chosen];
    }
    for (unsigned u = 0; u < Word::units(word); ++u) {
        const Unit& unit = builder.units[Word::at(word) + u];
        for (unsigned i = 0; i < Unit::kBoxes; ++i) {
            if (!in_unit(unit, i, point, word, pair_bit)) continue;
            reading.order = unit.order[i];
            return reading;
        }
    }
    return reading;
}

Box random_box(Random& random, const Bits& bits, std::uint32_t order, std::uint32_t pairs) {
    Box box;
    box.order = order;
    for (unsigned d = 0; d < kDimensions; ++d) {
        const std::uint64_t size = std::uint64_t{1} << bits[d];
        auto a = static_cast<std::uint32_t>(below(random, size));
        auto b = static_cast<std::uint32_t>(below(random, 2) == 0 ? a : below(random, size));
        if (a > b) std::swap(a, b);
        if (below(random, 3) == 0) {
            a = 0;
            b = static_cast<std::uint32_t>(size - 1);
        }
        box.first[d] = a;
        box.last[d] = b;
    }
    // A protocol, or all of them.
    if (box.first[kProtocol] != box.last[kProtocol]) {
        box.first[kProtocol] = 0;
        box.last[kProtocol] = (1u << bits[kProtocol]) - 1;
    }
    do
        box.zone_pairs = static_cast<std::uint32_t>(random()) & pairs;
    while (box.zone_pairs == 0);
    return box;
}

std::vector<Box> random_boxes(Random& random, const Bits& bits, std::size_t count, std::uint32_t pairs) {
    std::vector<Box> boxes;
    for (std::uint32_t order = 0; boxes.size() < count; ++order) {
        // Rows may have several boxes, and orders may be missing.
        for (std::uint64_t n = below(random, 4); n > 0; --n)
            boxes.push_back(random_box(random, bits, order, pairs));
    }
    return boxes;
}

/// A tree word for the boxes, as a leaf at the end of everything that a packet goes through.
std::uint32_t best_of(const TreeBuilder& builder, const Point& point, std::uint16_t pair_bit) {
    std::uint32_t best = kNone;
    for (const auto& tree : builder.trees()) {
        const Reading reading = read(builder, tree, point, pair_bit);
        best = std::min(best, reading.order);
        EXPECT_LE(reading.cuts, tree.depth);
    }
    return best;
}

/// At every point: what the trees say is what the boxes say.
void expect_right_everywhere(const TreeBuilder& builder, const std::vector<Box>& boxes, std::uint32_t pairs,
                             const Bits& bits) {
    unsigned bit = 0;
    for (unsigned pair = 0; pair < 32; ++pair) {
        if ((pairs >> pair & 1) == 0) continue;
        const auto pair_bit = static_cast<std::uint16_t>(1u << bit++);
        Point point{};
        for (std::uint32_t n = 0; n < 1u << (bits[0] + bits[1] + bits[2] + bits[3] + bits[4]); ++n) {
            std::uint32_t rest = n;
            for (unsigned d = 0; d < kDimensions; ++d) {
                point[d] = rest & ((1u << bits[d]) - 1);
                rest >>= bits[d];
            }
            ASSERT_EQ(best_of(builder, point, pair_bit), first_of(boxes, point, pair))
                << "at " << point[0] << ' ' << point[1] << ' ' << point[2] << ' ' << point[3] << ' ' << point[4];
        }
    }
}

TreeBuilder built(const std::vector<Box>& boxes, std::uint32_t pairs, const Bits& bits, const TreeLimits& limits) {
    TreeBuilder builder(boxes, pairs, bits, limits, {});
    EXPECT_EQ(builder.build(), TreeBuilder::End::done);
    return builder;
}

constexpr Bits kSmall = {4, 4, 3, 3, 2};

TEST(Tree, OfNoBoxesIsALeafOfNone) {
    const TreeBuilder builder = built({}, 1, kSmall, kPlenty);
    EXPECT_EQ(best_of(builder, {}, 1), kNone);
}

TEST(Tree, EveryPointHasItsFirstBox) {
    Random random(1);
    const TreeLimits limits[] = {
        kPlenty, {4, 3, false, std::size_t{1} << 30}, {1.2, kMaxTrees, false, std::size_t{1} << 30}};
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 8, 9, 17, 40, 120}) {
        for (const TreeLimits& limit : limits) {
            SCOPED_TRACE(testing::Message() << count << " boxes, " << limit.copies << " copies");
            const std::vector<Box> boxes = random_boxes(random, kSmall, count, 1);
            expect_right_everywhere(built(boxes, 1, kSmall, limit), boxes, 1, kSmall);
        }
    }
}

TEST(Tree, DimensionsOfNoBits) {
    Random random(2);
    for (const Bits& bits : {Bits{0, 5, 3, 3, 1}, Bits{5, 0, 0, 4, 2}, Bits{0, 0, 0, 8, 0}}) {
        const std::vector<Box> boxes = random_boxes(random, bits, 50, 1);
        expect_right_everywhere(built(boxes, 1, bits, kPlenty), boxes, 1, bits);
    }
}

TEST(Tree, ZonePairsOfOneTreeStayApart) {
    Random random(3);
    const Bits bits = {3, 3, 2, 2, 1};
    // The pairs of the tree need not begin at 0, nor stand together; boxes of others are none of its own.
    for (const std::uint32_t pairs : {0x7u, 0x52u, 0x80000001u, 0xffff0000u}) {
        SCOPED_TRACE(pairs);
        const std::vector<Box> boxes = random_boxes(random, bits, 60, ~0u);
        expect_right_everywhere(built(boxes, pairs, bits, kPlenty), boxes, pairs, bits);
    }
}

TEST(Tree, BoxesThatNoPacketReachesAreLeftOut) {
    std::vector<Box> boxes(3);
    for (std::uint32_t i = 0; i < 3; ++i) {
        boxes[i].order = i;
        boxes[i].zone_pairs = 1;
        for (unsigned d = 0; d < kDimensions; ++d)
            boxes[i].last[d] = (1u << kSmall[d]) - 1;
    }
    boxes[0].first[kSource] = 4; // 4..15
    boxes[1].first[kSource] = 9; // 9..15, within the first one
    TreeBuilder builder = built(boxes, 1, kSmall, kPlenty);
    EXPECT_EQ(builder.entries_of_order, (std::vector<std::uint32_t>{1, 0, 1}));
    // Reached by another zone pair: kept.
    boxes[1].zone_pairs = 3;
    builder = built(boxes, 3, kSmall, kPlenty);
    EXPECT_EQ(builder.entries_of_order, (std::vector<std::uint32_t>{1, 1, 1}));
    // Nothing gets past a box that covers everything, however many there are.
    std::vector<Box> many(2000, boxes[2]);
    for (std::uint32_t i = 0; i < many.size(); ++i)
        many[i].order = i;
    builder = built(many, 1, kSmall, kPlenty);
    EXPECT_EQ(builder.entries_of_order, (std::vector<std::uint32_t>{1}));
}

TEST(Tree, FlatIsOneLeafOfAll) {
    Random random(4);
    TreeLimits flat = kPlenty;
    flat.flat = true;
    const std::vector<Box> boxes = random_boxes(random, kSmall, 22, 3);
    const TreeBuilder builder = built(boxes, 3, kSmall, flat);
    ASSERT_EQ(builder.trees().size(), 1u);
    EXPECT_FALSE(Word::is_cut(builder.trees()[0].root));
    expect_right_everywhere(builder, boxes, 3, kSmall);
}

/// As rule sets have them: some of one source, some of one destination, each anywhere at the other end.
std::vector<Box> crossed_boxes(std::uint32_t each, const Bits& bits) {
    std::vector<Box> boxes(2 * each);
    for (std::uint32_t i = 0; i < 2 * each; ++i) {
        boxes[i].order = i;
        boxes[i].zone_pairs = 1;
        for (unsigned d = 0; d < kDimensions; ++d)
            boxes[i].last[d] = (1u << bits[d]) - 1;
        boxes[i].first[i % 2] = boxes[i].last[i % 2] = i / 2;
    }
    return boxes;
}

TEST(Tree, CopiesStayWithinTheirLimit) {
    const Bits bits = {10, 10, 16, 16, 8};
    const std::vector<Box> boxes = crossed_boxes(1000, bits);
    for (const double copies : {1.2, 4.0, 16.0}) {
        const TreeBuilder builder = built(boxes, 1, bits, {copies, 1, false, std::size_t{1} << 30});
        std::size_t entries = 0;
        for (const std::uint32_t of_order : builder.entries_of_order)
            entries += of_order;
        EXPECT_LE(static_cast<double>(entries), 4 * copies * 2000);
        EXPECT_GE(entries, 2000u);
    }
}

TEST(Tree, BoxesThatReachFarGetATreeOfTheirOwn) {
    const Bits bits = {10, 10, 16, 16, 8};
    const std::vector<Box> boxes = crossed_boxes(1000, bits);
    const TreeBuilder one = built(boxes, 1, bits, {1.2, 1, false, std::size_t{1} << 30});
    const TreeBuilder more = built(boxes, 1, bits, {1.2, 3, false, std::size_t{1} << 30});
    EXPECT_EQ(one.trees().size(), 1u);
    EXPECT_EQ(more.trees().size(), 2u);
    std::size_t entries = 0;
    for (const std::uint32_t of_order : more.entries_of_order)
        entries += of_order;
    EXPECT_LE(entries, 2100u) << "each box once, nearly";
    Random random(5);
    for (unsigned i = 0; i < 2000; ++i) {
        const Point point = {static_cast<std::uint32_t>(below(random, 1024)),
                             static_cast<std::uint32_t>(below(random, 1024)), 1, 2, 6};
        ASSERT_EQ(best_of(more, point, 1), first_of(boxes, point, 0));
        ASSERT_EQ(best_of(one, point, 1), first_of(boxes, point, 0));
    }
}

TEST(Tree, MoreClassesThanALeafCanName) {
    Random random(6);
    const Bits bits = {19, 18, 16, 16, 8};
    for (const std::size_t count : std::initializer_list<std::size_t>{3, 40, 300}) {
        SCOPED_TRACE(count);
        const std::vector<Box> boxes = random_boxes(random, bits, count, 1);
        const TreeBuilder builder = built(boxes, 1, bits, kPlenty);
        for (unsigned i = 0; i < 30'000; ++i) {
            // At the corner of some box, or beside it.
            Point point;
            for (unsigned d = 0; d < kDimensions; ++d) {
                const Box& box = boxes[below(random, boxes.size())];
                const std::uint32_t edge = below(random, 2) == 0 ? box.first[d] : box.last[d];
                point[d] = (edge + static_cast<std::uint32_t>(below(random, 3)) - 1) & ((1u << bits[d]) - 1);
            }
            ASSERT_EQ(best_of(builder, point, 1), first_of(boxes, point, 0));
        }
    }
}

TEST(Tree, EqualLeavesStandOnce) {
    // Eight boxes at every source, none within an earlier one; 24 more in every second sixteenth of the sources.
    const Bits bits = {8, 4, 16, 16, 8};
    std::vector<Box> boxes;
    for (std::uint32_t i = 0; i < 8 + 8 * 24; ++i) {
        Box box;
        box.order = i;
        box.zone_pairs = 1;
        for (unsigned d = 0; d < kDimensions; ++d)
            box.last[d] = (1u << bits[d]) - 1;
        const unsigned ports = i < 8 ? kDestinationPort : kSourcePort;
        box.first[ports] = i < 8 ? 8 - i : 24 - (i - 8) % 24;
        box.last[ports] = 65'535 - box.first[ports];
        if (i >= 8) {
            const std::uint32_t sixteenth = 2 * ((i - 8) / 24);
            box.first[kSource] = 16 * sixteenth;
            box.last[kSource] = 16 * sixteenth + 15;
        }
        boxes.push_back(box);
    }
    const TreeBuilder builder = built(boxes, 1, bits, kPlenty);
    ASSERT_GE(builder.leaves, 16u);
    EXPECT_EQ(builder.units.size(), 1 + 8 * 4u);
    Random random(7);
    for (unsigned i = 0; i < 2000; ++i) {
        const Point point = {static_cast<std::uint32_t>(below(random, 256)), 1,
                             static_cast<std::uint32_t>(below(random, 26)),
                             static_cast<std::uint32_t>(below(random, 26)), 6};
        ASSERT_EQ(best_of(builder, point, 1), first_of(boxes, point, 0));
    }
}

TEST(Tree, EndsWhenItWouldBeTooLarge) {
    const Bits bits = {10, 10, 16, 16, 8};
    const std::vector<Box> boxes = crossed_boxes(1000, bits);
    TreeBuilder builder(boxes, 1, bits, {64, 1, false, 10'000}, {});
    EXPECT_EQ(builder.build(), TreeBuilder::End::too_large);
}

TEST(Tree, TellsHowFarItIsAndCanBeGivenUp) {
    const Bits bits = {10, 10, 16, 16, 8};
    const std::vector<Box> boxes = crossed_boxes(1000, bits);
    std::vector<double> told;
    const auto tell = [&told](double done) {
        told.push_back(done);
        return true;
    };
    TreeBuilder whole(boxes, 1, bits, {4, 3, false, std::size_t{1} << 30}, tell);
    EXPECT_EQ(whole.build(), TreeBuilder::End::done);
    ASSERT_GT(told.size(), 20u);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_GT(told.back(), 0.95);
    EXPECT_LE(told.back(), 1.0);
    unsigned asked = 0;
    TreeBuilder part(boxes, 1, bits, {4, 3, false, std::size_t{1} << 30}, [&asked](double) { return ++asked < 3; });
    EXPECT_EQ(part.build(), TreeBuilder::End::given_up);
    EXPECT_EQ(asked, 3u);
}

} // namespace
} // namespace sluice::classifier
