// First match over many rows at once: the half that workers use. lib/classifier builds it.
#pragma once

#include "net/protocol.hpp"
#include "ruleset/query.hpp"
#include "ruleset/tables.hpp"

#include <cstdint>

namespace sluice::ruleset {

/// Which instructions a look-up uses.
enum class Kernel : std::uint8_t { scalar, avx2 };
/// The best that this processor has.
Kernel best_kernel();

/// One family's look-up; look_up.hpp is their common text.
using LookUp = void (*)(const FamilyTables& tables, const QueryColumns& queries, std::uint32_t* results,
                        unsigned count);
void look_up_ipv4_scalar(const FamilyTables&, const QueryColumns&, std::uint32_t*, unsigned);
void look_up_ipv6_scalar(const FamilyTables&, const QueryColumns&, std::uint32_t*, unsigned);
void look_up_ipv4_avx2(const FamilyTables&, const QueryColumns&, std::uint32_t*, unsigned);
void look_up_ipv6_avx2(const FamilyTables&, const QueryColumns&, std::uint32_t*, unsigned);
LookUp look_up_of(Kernel kernel, net::Family family);

/// Where a packet lies.
struct Found {
    Class source = 0; ///< as the address map says
    Class destination = 0;
    std::uint32_t order = ~std::uint32_t{0}; ///< of the row; none: all bits
};

Found find_scalar(net::Family family, const FamilyTables& tables, const QueryColumns& queries);

class Classifier {
  public:
    /// Whether no row is of that family: classify() need not be asked.
    [[nodiscard]] bool empty(net::Family family) const { return tables(family).empty; }

    /// Place of a pair of zones among those that there are, or kNoPair.
    [[nodiscard]] std::uint8_t pair(std::uint8_t from_zone, std::uint8_t to_zone) const {
        return pair_of_zones_ != nullptr ? pair_of_zones_[from_zone * 256u + to_zone] : kNoPair;
    }

    /// For each of `count` packets, at most kLookUpBatch, the result of the first row that matches, or 0.
    void classify(net::Family family, const QueryColumns& queries, std::uint32_t* results, unsigned count) const {
        look_up_[family == net::Family::ipv4 ? 0 : 1](tables(family), queries, results, count);
    }

    /// For each of `count` queries of one family the result of the first row that matches, or 0.
    void classify(net::Family family, const Query* const* queries, std::uint32_t* results, unsigned count) const {
        classify_with(kernel_, family, queries, results, count);
    }
    /// The same with instructions of one's choice, for tests and benchmarks.
    void classify_with(Kernel kernel, net::Family family, const Query* const* queries, std::uint32_t* results,
                       unsigned count) const;

    /// The same look-up, step by step.
    [[nodiscard]] Found find(net::Family family, const Query& query) const;

  protected:
    [[nodiscard]] const FamilyTables& tables(net::Family family) const {
        return family == net::Family::ipv4 ? ipv4_ : ipv6_;
    }

    FamilyTables ipv4_;
    FamilyTables ipv6_;
    /// Place of a pair of zones among those that there are, or kNoPair: from_zone * 256 + to_zone.
    const std::uint8_t* pair_of_zones_ = nullptr;

  private:
    Kernel kernel_ = best_kernel();
    LookUp look_up_[2] = {look_up_of(kernel_, net::Family::ipv4), look_up_of(kernel_, net::Family::ipv6)};
};

} // namespace sluice::ruleset
