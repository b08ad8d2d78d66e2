#include "classifier/tree.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace sluice::classifier {
namespace {

using namespace ruleset;

constexpr unsigned kMaxCutBits = 10;
constexpr std::size_t kWorthHiding = 96; ///< boxes: beyond, looking for hidden ones costs too much
constexpr unsigned kLeafBits = 16;       ///< leaves compare so many of a class
constexpr double kGood = 0.7;            ///< what a step has to leave of the boxes, or less, to be worth it

std::uint64_t hash_of(const std::vector<Unit>& leaf) {
    std::uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
    const auto* bytes = reinterpret_cast<const std::uint64_t*>(leaf.data());
    for (std::size_t i = 0; i < leaf.size() * sizeof(Unit) / sizeof *bytes; ++i) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash;
}

} // namespace

TreeBuilder::TreeBuilder(std::span<const Box> boxes, std::uint32_t zone_pairs, const Bits& bits,
                         const TreeLimits& limits, std::function<bool(double)> progress)
    : boxes_(boxes)
    , zone_pairs_(zone_pairs)
    , bits_(bits)
    , limits_(limits)
    , progress_(std::move(progress)) {}

TreeBuilder::End TreeBuilder::build() {
    Ids all;
    for (std::uint32_t i = 0; i < boxes_.size(); ++i) {
        if ((boxes_[i].zone_pairs & zone_pairs_) != 0) all.push_back(i);
    }
    Region everything;
    everything.bits = bits_;
    drop_hidden(all, everything);
    if (limits_.flat) {
        if (!all.empty()) trees_.push_back({make_leaf(all, everything, 1).word, 0});
        return end_;
    }
    const auto count = static_cast<double>(all.size());
    for (Ids& part : parted(std::move(all), everything)) {
        const double share = static_cast<double>(part.size()) / count;
        const double allowed = allowed_for(part);
        const Made made = make(std::move(part), everything, allowed, share);
        trees_.push_back({made.word, made.depth});
    }
    return end_;
}

double TreeBuilder::allowed_for(const Ids& ids) const {
    // A few boxes may be copied more often: their tree stays small all the same.
    constexpr double kAlways = 256'000;
    constexpr double kOften = 4;
    const auto count = static_cast<double>(ids.size());
    return std::max(limits_.copies * count, std::min(kAlways, kOften * limits_.copies * count));
}

bool TreeBuilder::covers(const Box& box, const Region& region) const {
    if ((zone_pairs_ & ~box.zone_pairs) != 0) return false;
    for (unsigned d = 0; d < kDimensions; ++d) {
        if (!spans(box, region, d)) return false;
    }
    return true;
}

/// Whether every packet of the region that lies in `worse` lies in `better`, too.
bool TreeBuilder::hides(const Box& better, const Box& worse, const Region& region) const {
    if ((worse.zone_pairs & zone_pairs_ & ~better.zone_pairs) != 0) return false;
    for (unsigned d = 0; d < kDimensions; ++d) {
        if (better.first[d] > std::max(worse.first[d], region.first[d])) return false;
        if (better.last[d] < std::min(worse.last[d], region.last(d))) return false;
    }
    return true;
}

void TreeBuilder::drop_hidden(Ids& ids, const Region& region) const {
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!covers(boxes_[ids[i]], region)) continue;
        ids.resize(i + 1);
        break;
    }
    if (ids.size() > kWorthHiding) return;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const bool hidden =
            std::any_of(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(kept),
                        [&](std::uint32_t better) { return hides(boxes_[better], boxes_[ids[i]], region); });
        if (!hidden) ids[kept++] = ids[i];
    }
    ids.resize(kept);
}

/// Whether a leaf can say where the boxes lie: in 16 bits, or everywhere.
bool TreeBuilder::fits_leaf(const Ids& ids, const Region& region) const {
    if (ids.size() > Word::kMaxUnits * Unit::kBoxes) return false;
    for (const unsigned d : {kSource, kDestination}) {
        if (region.bits[d] <= kLeafBits) continue;
        const bool everywhere =
            std::all_of(ids.begin(), ids.end(), [&](std::uint32_t id) { return spans(boxes_[id], region, d); });
        if (!everywhere) return false;
    }
    return true;
}

TreeBuilder::Cut TreeBuilder::measure(const Ids& ids, const Region& region, unsigned d, unsigned bits) {
    const unsigned shift = region.bits[d] - bits;
    const std::uint32_t first = region.first[d];
    const std::uint32_t last = region.last(d);
    counts_.assign((std::size_t{1} << bits) + 1, 0);
    double copies = 0;
    for (const std::uint32_t id : ids) {
        const std::uint32_t from = (std::max(boxes_[id].first[d], first) - first) >> shift;
        const std::uint32_t to = (std::min(boxes_[id].last[d], last) - first) >> shift;
        ++counts_[from];
        --counts_[to + 1];
        copies += to - from + 1;
    }
    // What a child holds that a packet of some box comes to: each box counts once, however many children it reaches.
    std::uint64_t below = 0;
    std::uint32_t count = 0;
    sums_.assign(counts_.size(), 0);
    for (std::size_t i = 0; i + 1 < counts_.size(); ++i) {
        count += counts_[i];
        // One box costs what a unit of them does, and units that are full are fewer lines in the caches.
        if (count != 0) below += std::max<std::uint32_t>(count, Unit::kBoxes);
        sums_[i + 1] = below;
    }
    double met = 0;
    for (const std::uint32_t id : ids) {
        const std::uint32_t from = (std::max(boxes_[id].first[d], first) - first) >> shift;
        const std::uint32_t to = (std::min(boxes_[id].last[d], last) - first) >> shift;
        met += static_cast<double>(sums_[to + 1] - sums_[from]) / (to - from + 1);
    }
    return {d, bits, met / static_cast<double>(std::max<std::size_t>(ids.size(), 1)), copies};
}

TreeBuilder::Cut TreeBuilder::best_cut(const Ids& ids, const Region& region, double allowed) {
    Cut best;
    best.size = static_cast<double>(ids.size());
    for (unsigned d = 0; d < kDimensions; ++d) {
        for (unsigned bits = 1; bits <= std::min(region.bits[d], kMaxCutBits); ++bits) {
            if ((1u << bits) > 16 * ids.size()) break;
            const Cut cut = measure(ids, region, d, bits);
            if (cut.copies > allowed) break;
            // Fewer words for nearly the same.
            if (cut.size < 0.95 * best.size) best = cut;
        }
    }
    return best;
}

/// Packets that lie in one box or another.
void TreeBuilder::draw_samples() {
    constexpr std::size_t kSamples = 2048;
    const std::size_t step = boxes_.size() / kSamples + 1;
    std::uint64_t random = 1;
    for (std::size_t i = 0; i < boxes_.size(); i += step) {
        if ((boxes_[i].zone_pairs & zone_pairs_) == 0) continue;
        std::array<std::uint32_t, 8> key{};
        for (unsigned d = 0; d < kDimensions; ++d) {
            random = random * 6364136223846793005u + 1442695040888963407u; // Knuth's MMIX
            key[d] = boxes_[i].first[d] +
                     static_cast<std::uint32_t>((random >> 33) % (boxes_[i].last[d] - boxes_[i].first[d] + 1u));
        }
        samples_.push_back(key);
    }
}

double TreeBuilder::cost_of(const Made& made) const {
    // Measured: about so much a packet in a batch.
    constexpr double kTree = 5;
    constexpr double kCut = 1.5;
    constexpr double kUnit = 4;
    std::size_t units_met = 0;
    for (const auto& key : samples_) {
        std::uint64_t word = made.word;
        while (Word::is_cut(word)) {
            const std::uint32_t chosen = key[Word::dimension(word)] >> Word::shift(word);
            word = words[Word::at(word) + (chosen & ((1u << Word::bits(word)) - 1))];
        }
        units_met += Word::units(word);
    }
    const double each = static_cast<double>(units_met) / static_cast<double>(std::max<std::size_t>(samples_.size(), 1));
    return kTree + kCut * made.depth + kUnit * each;
}

/// Makes the tree, looks, and throws it away.
double TreeBuilder::cost_of(const Ids& ids, const Region& region) {
    const std::size_t words_before = words.size();
    const std::size_t units_before = units.size();
    trying_ = true;
    const double cost = cost_of(make(ids, region, allowed_for(ids), 0));
    trying_ = false;
    words.resize(words_before);
    units.resize(units_before);
    return cost;
}

/// In two: the boxes that reach over most of one dimension, and the others. Nothing if no way of it is better.
std::optional<TreeBuilder::Parting> TreeBuilder::best_parting(const Part& part, const Region& region) {
    std::optional<Parting> best;
    for (unsigned d = 0; d < kDimensions; ++d) {
        if (region.bits[d] == 0) continue;
        const std::uint32_t much = 1u << (region.bits[d] - 1);
        Parting parting;
        for (const std::uint32_t id : part.ids)
            (boxes_[id].last[d] - boxes_[id].first[d] >= much ? parting.wide : parting.narrow).push_back(id);
        if (std::min(parting.wide.size(), parting.narrow.size()) < part.ids.size() / 64 + 1) continue;
        const double bound = best ? best->cost : part.cost;
        parting.cost = cost_of(parting.wide, region);
        if (parting.cost >= bound) continue;
        parting.cost += cost_of(parting.narrow, region);
        if (parting.cost < bound) best = std::move(parting);
    }
    return best;
}

/// The boxes of each tree: one tree is parted after the other, as long as that makes a look-up cheaper.
std::vector<TreeBuilder::Ids> TreeBuilder::parted(Ids all, const Region& region) {
    draw_samples();
    std::vector<Part> parts(1);
    parts[0].ids = std::move(all);
    parts[0].cost = cost_of(parts[0].ids, region);
    constexpr double kWorthTrying = 14; // what a tree of two cuts and one unit costs
    while (parts.size() < limits_.trees && end_ == End::done) {
        Part* best = nullptr;
        for (Part& part : parts) {
            if (!part.asked && part.cost > kWorthTrying) part.better = best_parting(part, region);
            part.asked = true;
            if (!part.better) continue;
            if (best == nullptr || part.cost - part.better->cost > best->cost - best->better->cost) best = &part;
        }
        if (best == nullptr) break;
        Parting parting = std::move(*best->better);
        *best = Part{std::move(parting.narrow), 0, {}, false};
        best->cost = cost_of(best->ids, region);
        parts.push_back({std::move(parting.wide), 0, {}, false});
        parts.back().cost = cost_of(parts.back().ids, region);
    }
    std::vector<Ids> out;
    for (Part& part : parts)
        out.push_back(std::move(part.ids));
    return out;
}

TreeBuilder::Made TreeBuilder::make(Ids ids, const Region& region, double allowed, double share) {
    if (end_ != End::done) return {};
    if (memory_size() > limits_.memory_size) end_ = End::too_large;
    drop_hidden(ids, region);
    if (ids.empty()) {
        done_ += share;
        return {};
    }
    const bool fits = fits_leaf(ids, region);
    if (fits && ids.size() <= Unit::kBoxes) return make_leaf(ids, region, share);
    const Cut cut = best_cut(ids, region, allowed);
    const bool good = cut.bits != 0 && cut.size <= kGood * static_cast<double>(ids.size());
    if (cut.bits != 0 && (good || ids.size() > 2 * Unit::kBoxes || !fits))
        return make_cut(cut, ids, region, allowed, share);
    if (fits) return make_leaf(ids, region, share);
    // Too many classes for a leaf: cut until they fit, whatever it costs.
    const unsigned d = region.bits[kSource] > kLeafBits ? kSource : kDestination;
    return make_cut(measure(ids, region, d, region.bits[d] - kLeafBits), ids, region, allowed, share);
}

TreeBuilder::Made TreeBuilder::make_cut(const Cut& cut, const Ids& ids, const Region& region, double allowed,
                                        double share) {
    const unsigned d = cut.dimension;
    const unsigned shift = region.bits[d] - cut.bits;
    std::vector<Ids> parts(std::size_t{1} << cut.bits);
    for (const std::uint32_t id : ids) {
        const std::uint32_t from = (std::max(boxes_[id].first[d], region.first[d]) - region.first[d]) >> shift;
        const std::uint32_t to = (std::min(boxes_[id].last[d], region.last(d)) - region.first[d]) >> shift;
        for (std::uint32_t part = from; part <= to; ++part)
            parts[part].push_back(id);
    }
    const auto at = static_cast<std::uint32_t>(words.size());
    words.resize(words.size() + parts.size());
    Region below = region;
    below.bits[d] = shift;
    Made made = {Word::make_cut(at, d, shift, cut.bits), 1};
    Made before;
    bool reusable = false; // what was made for the part before holds for this one as well
    const auto all_span = [&](const Ids& part) {
        return std::all_of(part.begin(), part.end(), [&](std::uint32_t id) { return spans(boxes_[id], below, d); });
    };
    for (std::size_t part = 0; part < parts.size(); ++part) {
        below.first[d] = region.first[d] + (static_cast<std::uint32_t>(part) << shift);
        const double part_share = share * static_cast<double>(parts[part].size()) / cut.copies;
        const bool spanned = all_span(parts[part]);
        if (part > 0 && reusable && spanned && parts[part] == parts[part - 1]) {
            done_ += part_share;
        } else {
            const double part_allowed = allowed * static_cast<double>(parts[part].size()) / cut.copies;
            before = make(parts[part], below, part_allowed, part_share);
        }
        reusable = spanned;
        words[at + part] = before.word;
        made.depth = std::max(made.depth, before.depth + 1);
    }
    return made;
}

TreeBuilder::Made TreeBuilder::make_leaf(const Ids& ids, const Region& region, double share) {
    std::vector<Unit> leaf((ids.size() + Unit::kBoxes - 1) / Unit::kBoxes);
    for (std::size_t i = 0; i < leaf.size(); ++i) {
        const std::size_t at = i * Unit::kBoxes;
        fill_unit(leaf[i], std::span(ids).subspan(at, std::min<std::size_t>(Unit::kBoxes, ids.size() - at)), region);
    }
    const std::uint32_t at = place(leaf);
    const Made leaf_word = {
        Word::make_leaf(at, static_cast<unsigned>(leaf.size()), region.bits[kSource], region.bits[kDestination]), 0};
    if (trying_) return leaf_word;
    ++leaves;
    for (const std::uint32_t id : ids) {
        const std::uint32_t order = boxes_[id].order;
        if (order >= entries_of_order.size()) entries_of_order.resize(order + 1);
        ++entries_of_order[order];
    }
    done_ += share;
    if (progress_ && done_ - told_ > 0.01) {
        told_ = done_;
        if (!progress_(std::min(done_, 1.0))) end_ = End::given_up;
    }
    return leaf_word;
}

void TreeBuilder::fill_unit(Unit& unit, std::span<const std::uint32_t> ids, const Region& region) const {
    std::memset(&unit, 0, sizeof unit);
    const auto put = [&](unsigned d, unsigned i, const Box& box, std::uint16_t* first, std::uint16_t* span) {
        // A class beyond 16 bits is compared as the highest of them: only boxes that reach over all meet such.
        const std::uint32_t from = std::max(box.first[d], region.first[d]) - region.first[d];
        const std::uint32_t to = std::min(box.last[d], region.last(d)) - region.first[d];
        first[i] = static_cast<std::uint16_t>(std::min(from, 0xffffu));
        span[i] = static_cast<std::uint16_t>(std::min(to, 0xffffu) - std::min(from, 0xffffu));
    };
    // Ports are compared as they are.
    const auto put_port = [](unsigned d, unsigned i, const Box& box, std::uint16_t* first, std::uint16_t* span) {
        first[i] = static_cast<std::uint16_t>(box.first[d]);
        span[i] = static_cast<std::uint16_t>(box.last[d] - box.first[d]);
    };
    for (unsigned i = 0; i < ids.size(); ++i) {
        const Box& box = boxes_[ids[i]];
        put(kSource, i, box, unit.source, unit.source_span);
        put(kDestination, i, box, unit.destination, unit.destination_span);
        put_port(kSourcePort, i, box, unit.source_port, unit.source_port_span);
        put_port(kDestinationPort, i, box, unit.destination_port, unit.destination_port_span);
        unit.protocol_mask[i] = box.first[kProtocol] == box.last[kProtocol] ? 0xff : 0;
        unit.protocol[i] = static_cast<std::uint8_t>(box.first[kProtocol] & unit.protocol_mask[i]);
        // Bits of the pairs that this tree is for, side by side.
        unsigned bit = 0;
        for (unsigned pair = 0; pair < kMaxZonePairs; ++pair) {
            if ((zone_pairs_ >> pair & 1) == 0) continue;
            unit.zone_pairs[i] |= static_cast<std::uint16_t>((box.zone_pairs >> pair & 1) << bit++);
        }
        unit.order[i] = box.order;
    }
}

/// Where these units stand already, or are put now.
std::uint32_t TreeBuilder::place(const std::vector<Unit>& leaf) {
    const std::uint64_t hash = hash_of(leaf);
    const auto [begin, end] = known_leaves_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        if (it->second + leaf.size() > units.size()) continue;
        if (std::memcmp(&units[it->second], leaf.data(), leaf.size() * sizeof(Unit)) == 0) return it->second;
    }
    const auto at = static_cast<std::uint32_t>(units.size());
    units.insert(units.end(), leaf.begin(), leaf.end());
    known_leaves_.emplace(hash, at);
    return at;
}

} // namespace sluice::classifier
