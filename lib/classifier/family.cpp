#include "classifier/family.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace sluice::classifier {
namespace {

using namespace ruleset;

constexpr std::size_t kMaxBoxes = std::size_t{1} << 22; ///< of all rows, while building
constexpr unsigned kPairsOfTree = 16;                   ///< zone pairs that leaves can tell apart

std::vector<bool> named(const RowsOfLists& naming) {
    std::vector<bool> out;
    for (const auto& rows : naming)
        out.push_back(!rows.empty());
    return out;
}

unsigned bits_for(std::size_t classes) {
    return static_cast<unsigned>(std::bit_width(classes - 1));
}

constexpr std::size_t kFlatBoxes = 3 * std::size_t{Unit::kBoxes}; ///< that are asked faster than a tree

TreeLimits limits_for(Thrift thrift) {
    TreeLimits limits;
    switch (thrift) {
    case Thrift::none: limits.copies = 64; break;
    case Thrift::some: limits.copies = 4; break;
    default: limits.copies = 1.2;
    }
    return limits;
}

/// Zone pairs, in groups that have a tree of their own: each alone if that parts the rows well.
std::vector<std::uint32_t> groups_of(std::size_t pairs, const std::vector<Box>& boxes) {
    std::size_t alone = 0;
    for (const Box& box : boxes)
        alone += static_cast<std::size_t>(std::popcount(box.zone_pairs));
    const bool each_alone = 2 * alone <= 3 * boxes.size();
    const unsigned size = each_alone ? 1 : kPairsOfTree;
    std::vector<std::uint32_t> groups;
    for (unsigned first = 0; first < pairs; first += size) {
        const unsigned count = std::min<unsigned>(size, static_cast<unsigned>(pairs) - first);
        groups.push_back(static_cast<std::uint32_t>(((std::uint64_t{1} << count) - 1) << first));
    }
    return groups;
}

} // namespace

template <typename Map>
FamilyHalf<Map>::FamilyHalf(const Rows& rows, net::Family family)
    : zone_pairs_(rows.zone_pairs)
    , rows_(rows, family)
    , source_rows_(rows_.naming(false, rows.lists.size()))
    , destination_rows_(rows_.naming(true, rows.lists.size()))
    , source_(rows.lists, named(source_rows_))
    , destination_(rows.lists, named(destination_rows_)) {
    rows_.fill([this](bool destination, ListId list) -> const std::vector<Class>& {
        return side(destination).classes_of(list);
    });
    bits_ = {bits_for(source_.signatures().size()), bits_for(destination_.signatures().size()), 16, 16, 8};
}

template <typename Map>
std::optional<BuildError> FamilyHalf<Map>::collect_boxes(BuildReport& report, BuildReport::Family& mine) {
    std::size_t all = 0;
    std::size_t most = 0;
    std::uint32_t largest = 0;
    for (std::uint32_t order = 0; order < rows_.size(); ++order) {
        const std::size_t count = std::min(box_count(rows_.data()[order]), kMaxBoxes + 1);
        all += count;
        if (count > most) largest = order;
        most = std::max(most, count);
        report.row_boxes[rows_.row(order)] += static_cast<std::uint32_t>(count);
    }
    if (all > kMaxBoxes) return BuildError{BuildError::Kind::too_many_boxes, rows_.row(largest)};
    boxes_.reserve(all);
    for (std::uint32_t order = 0; order < rows_.size(); ++order)
        emit_boxes(rows_.data()[order], order, bits_, boxes_);
    mine.boxes = boxes_.size();
    return std::nullopt;
}

template <typename Map>
std::optional<BuildError> FamilyHalf<Map>::build(const FamilyOptions& options, BuildReport& report,
                                                 BuildReport::Family& mine) {
    if (!source_.ok() || !destination_.ok()) return BuildError{BuildError::Kind::no_memory, 0};
    mine.source_classes = source_.signatures().size();
    mine.destination_classes = destination_.signatures().size();
    if (const auto error = collect_boxes(report, mine)) return error;
    for (const Thrift thrift : {Thrift::none, Thrift::some, Thrift::much}) {
        mine.thrift = thrift;
        const TreeBuilder::End end = grow(thrift, options, mine);
        if (end == TreeBuilder::End::given_up) return BuildError{BuildError::Kind::given_up, 0};
        if (end == TreeBuilder::End::done) break;
        mine.thrift = Thrift::list;
    }
    for (std::uint32_t order = 0; order < entries_.size(); ++order) {
        report.row_entries[rows_.row(order)] += entries_[order];
        mine.entries += entries_[order];
    }
    entries_ = {};
    boxes_ = {};
    show();
    tables_.by_list = mine.thrift == Thrift::list;
    return std::nullopt;
}

template <typename Map>
TreeBuilder::End FamilyHalf<Map>::grow(Thrift thrift, const FamilyOptions& options, BuildReport::Family& mine) {
    TreeLimits limits = limits_for(thrift);
    const std::size_t taken = source_.memory_size() + destination_.memory_size() + rows_.memory_size();
    limits.memory_size = options.memory_budget > taken ? options.memory_budget - taken : 0;
    limits.flat = boxes_.size() <= kFlatBoxes && zone_pairs_.size() <= kPairsOfTree && bits_[kSource] <= 16 &&
                  bits_[kDestination] <= 16;
    const auto groups =
        limits.flat ? std::vector{(std::uint32_t{1} << zone_pairs_.size()) - 1} : groups_of(zone_pairs_.size(), boxes_);
    entries_.assign(rows_.size(), 0);
    mine.leaves = 0;
    words_.assign(1, 0);  // word 0 is read for whatever is no cut
    units_.assign(1, {}); // and unit 0 for an empty leaf
    tables_.trees = {};
    tables_.tree_count = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        TreeBuilder builder(boxes_, groups[g], bits_, limits, [&](double done) {
            return !options.progress ||
                   options.progress((static_cast<double>(g) + done) / static_cast<double>(groups.size()));
        });
        builder.words = std::move(words_);
        builder.units = std::move(units_);
        const TreeBuilder::End end = builder.build();
        words_ = std::move(builder.words);
        units_ = std::move(builder.units);
        if (end != TreeBuilder::End::done) {
            words_.assign(1, 0);
            units_.assign(1, {});
            return end;
        }
        plant(builder, groups[g]);
        for (std::size_t order = 0; order < builder.entries_of_order.size(); ++order)
            entries_[order] += builder.entries_of_order[order];
        mine.leaves += builder.leaves;
    }
    mine.trees = tables_.tree_count;
    tables_.flat_units = limits.flat ? static_cast<unsigned>(units_.size() - 1) : 0;
    return TreeBuilder::End::done;
}

/// The trees of a group of zone pairs take their places.
template <typename Map> void FamilyHalf<Map>::plant(const TreeBuilder& builder, std::uint32_t group) {
    unsigned bit = 0;
    for (unsigned pair = 0; pair < zone_pairs_.size(); ++pair) {
        if ((group >> pair & 1) == 0) continue;
        tables_.pair_bit[pair] = static_cast<std::uint16_t>(1u << bit++);
        for (std::size_t t = 0; t < builder.trees().size(); ++t)
            tables_.trees[t].root[pair] = builder.trees()[t].root;
    }
    for (std::size_t t = 0; t < builder.trees().size(); ++t)
        tables_.trees[t].depth = std::max(tables_.trees[t].depth, builder.trees()[t].depth);
    tables_.tree_count = std::max(tables_.tree_count, static_cast<unsigned>(builder.trees().size()));
}

template <typename Map> void FamilyHalf<Map>::show() {
    words_.shrink_to_fit();
    units_.shrink_to_fit();
    tables_.empty = rows_.size() == 0;
    tables_.source = source_.view();
    tables_.destination = destination_.view();
    tables_.words = words_.data();
    tables_.units = units_.data();
    tables_.results = rows_.results();
    tables_.rows = rows_.data();
    tables_.row_count = static_cast<std::uint32_t>(rows_.size());
    tables_.source_asked_by = tables_.destination_asked_by = 0;
    for (const PlainRow& row : std::span(rows_.data(), rows_.size())) {
        if (!row.source.any) tables_.source_asked_by |= row.zone_pairs;
        if (!row.destination.any) tables_.destination_asked_by |= row.zone_pairs;
    }
    tables_.source_late = source_.late_table();
    tables_.destination_late = destination_.late_table();
}

template <typename Map> std::size_t FamilyHalf<Map>::memory_size() const {
    return words_.capacity() * sizeof words_[0] + units_.capacity() * sizeof(Unit) + rows_.memory_size() +
           source_.memory_size() + destination_.memory_size();
}

template class FamilyHalf<Ipv4Map>;
template class FamilyHalf<Ipv6Map>;

} // namespace sluice::classifier
