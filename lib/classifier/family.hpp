// One family's half of a classifier: its sides, its rows, its tree.
#pragma once

#include "classifier/boxes.hpp"
#include "classifier/compiled.hpp"
#include "classifier/side.hpp"
#include "classifier/tree.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::classifier {

/// What both families are told.
struct FamilyOptions {
    std::size_t memory_budget = 0;
    std::function<bool(double)> progress;
};

template <typename Map> class FamilyHalf {
  public:
    FamilyHalf(const Rows& rows, net::Family family);

    /// Boxes and tree. Nothing on success.
    std::optional<BuildError> build(const FamilyOptions& options, BuildReport& report, BuildReport::Family& mine);

    [[nodiscard]] const ruleset::FamilyTables& tables() const { return tables_; }
    [[nodiscard]] const PlainRows& rows() const { return rows_; }
    [[nodiscard]] const Side<Map>& side(bool destination) const { return destination ? destination_ : source_; }
    Side<Map>& side(bool destination) { return destination ? destination_ : source_; }
    [[nodiscard]] const RowsOfLists& naming(bool destination) const {
        return destination ? destination_rows_ : source_rows_;
    }
    [[nodiscard]] std::size_t memory_size() const;

  private:
    std::optional<BuildError> collect_boxes(BuildReport& report, BuildReport::Family& mine);
    TreeBuilder::End grow(Thrift thrift, const FamilyOptions& options, BuildReport::Family& mine);
    void plant(const TreeBuilder& builder, std::uint32_t group);
    void show();

    std::vector<ZonePair> zone_pairs_;
    PlainRows rows_;
    RowsOfLists source_rows_;
    RowsOfLists destination_rows_;
    Side<Map> source_;
    Side<Map> destination_;
    Bits bits_{};
    std::vector<Box> boxes_;             ///< while building
    std::vector<std::uint32_t> entries_; ///< by order, while building
    std::vector<std::uint64_t> words_;   ///< while building
    std::vector<ruleset::Unit> units_;
    ruleset::FamilyTables tables_;
};

extern template class FamilyHalf<Ipv4Map>;
extern template class FamilyHalf<Ipv6Map>;

} // namespace sluice::classifier
