// Packets whose addresses are of a class that came up after compiling: the tree answers for the class they came from,
// and the rows that name the lists which changed are asked one by one. Exact, and the work is bounded by those rows.
#pragma once

#include "net/protocol.hpp"
#include "ruleset/query.hpp"
#include "ruleset/tables.hpp"

namespace sluice::ruleset {

/// One packet beside one row.
struct PlainPacket {
    Class source; ///< of a late class: its base
    Class destination;
    std::uint16_t source_port;
    std::uint16_t destination_port;
    std::uint8_t protocol;
    std::uint8_t pair;

    /// `source_late` and `destination_late`: null when the class is one that was compiled.
    [[nodiscard]] bool lies_in(const PlainRow& row, const LateClass* source_late,
                               const LateClass* destination_late) const;
};

/// Which packets of a batch have such a class. Puts the classes they came from in place of theirs.
class LatePackets {
  public:
    LatePackets(const FamilyTables& tables, Class* sources, Class* destinations, unsigned count)
        : tables_(tables)
        , sources_(sources)
        , destinations_(destinations)
        , count_(count) {
        Class all = 0;
        for (unsigned i = 0; i < count; ++i)
            all |= sources[i] | destinations[i];
        any_ = (all & kLate) != 0;
        if (any_) [[unlikely]]
            take_bases();
    }

    [[nodiscard]] bool any() const { return any_; }
    /// Lowers `best` where one of the rows in question matches and comes before.
    void ask(const QueryColumns& queries, std::uint32_t* best) const;

  private:
    void take_bases();

    const FamilyTables& tables_;
    Class* sources_;
    Class* destinations_;
    unsigned count_;
    bool any_;
    const LateClass* source_late_[kLookUpBatch];
    const LateClass* destination_late_[kLookUpBatch];
};

} // namespace sluice::ruleset
