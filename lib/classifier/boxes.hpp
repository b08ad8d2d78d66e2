// Rows over the classes of both addresses: boxes for the tree, and plain rows for what no tree answers.
#pragma once

#include "classifier/compiled.hpp"
#include "classifier/rows.hpp"
#include "classifier/signatures.hpp"
#include "ruleset/tables.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace sluice::classifier {

/// A part of the space of all packets: in each dimension first..last, both included.
struct Box {
    std::array<std::uint32_t, ruleset::kDimensions> first{};
    std::array<std::uint32_t, ruleset::kDimensions> last{};
    std::uint32_t zone_pairs = 0; ///< one bit each
    std::uint32_t order = 0;      ///< of the row
};

/// How many bits each dimension has.
using Bits = std::array<unsigned, ruleset::kDimensions>;

/// The rows of one family, best first, in memory that does not move.
class PlainRows {
  public:
    PlainRows(const Rows& rows, net::Family family);

    [[nodiscard]] std::size_t size() const { return row_of_order_.size(); }
    /// Position in Rows::rows.
    [[nodiscard]] std::uint32_t row(std::uint32_t order) const { return row_of_order_[order]; }
    /// Those that name a list as source, by list, and as destination.
    [[nodiscard]] std::vector<std::vector<std::uint32_t>> naming(bool destination, std::size_t lists) const;

    /// To be called once, when classes are known: `classes_of(destination, list)`.
    template <typename ClassesOf> void fill(ClassesOf classes_of);

    [[nodiscard]] const ruleset::PlainRow* data() const { return plain_.data(); }
    [[nodiscard]] const std::uint32_t* results() const { return results_.data(); }
    [[nodiscard]] std::size_t memory_size() const;

  private:
    void fill_end(ruleset::PlainRow::End& end, const std::vector<ListId>& lists,
                  const std::vector<net::PortRange>& ports, std::vector<Class> classes);

    const Rows* rows_; ///< until fill() is done
    std::vector<std::uint32_t> row_of_order_;
    std::vector<std::uint32_t> results_;
    std::vector<ruleset::PlainRow> plain_;
    std::deque<std::vector<ruleset::ClassRange>> classes_;
    std::deque<std::vector<ListId>> lists_;
    std::deque<std::vector<ruleset::PortSpan>> ports_;
};

template <typename ClassesOf> void PlainRows::fill(ClassesOf classes_of) {
    for (std::uint32_t order = 0; order < size(); ++order) {
        const Row& row = rows_->rows[row_of_order_[order]];
        for (const bool destination : {false, true}) {
            const auto& lists = destination ? row.destinations : row.sources;
            std::vector<Class> classes;
            for (const ListId list : lists) {
                const std::vector<Class>& more = classes_of(destination, list);
                classes.insert(classes.end(), more.begin(), more.end());
            }
            fill_end(destination ? plain_[order].destination : plain_[order].source, lists,
                     destination ? row.destination_ports : row.source_ports, std::move(classes));
        }
    }
    rows_ = nullptr;
}

/// How many boxes a row takes.
std::size_t box_count(const ruleset::PlainRow& row);
/// Appends them.
void emit_boxes(const ruleset::PlainRow& row, std::uint32_t order, const Bits& bits, std::vector<Box>& boxes);

} // namespace sluice::classifier
