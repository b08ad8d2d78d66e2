// From rows to a classifier, and what may be done to it while it runs.
//
// Overview. An address is looked up once and becomes a class: all addresses that the same lists hold are one class, so
// a set of a million prefixes costs what one of ten does. Rows are boxes over the classes of both addresses, both ports
// and the protocol; a tree of bounded depth leads to the few boxes that a packet can lie in, and those are compared
// eight at a time. Nothing depends on the packets before. docs/classifier.md explains it with pictures.
//
// Life cycle: built by the control thread, read by all workers, freed after a grace period. Lists may change while it
// is read: change() publishes every step with one store; what it took out of use stays readable until reclaim().
#pragma once

#include "base/expected.hpp"
#include "classifier/rows.hpp"
#include "ruleset/classifier.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::classifier {

/// How building ended without a classifier.
struct BuildError {
    enum class Kind : std::uint8_t { given_up, no_memory, too_many_boxes };
    Kind kind = Kind::no_memory;
    std::size_t row = 0; ///< too_many_boxes: which of Rows::rows
};

struct BuildOptions {
    std::size_t memory_budget = std::size_t{2} << 30; ///< bytes, both families together
    /// Told now and then how much is done, 0 to 1. Building is given up when it answers false.
    std::function<bool(double)> progress;
};

/// How frugal a tree had to be to stay within the memory budget.
enum class Thrift : std::uint8_t { none, some, much, list };

/// What was built.
struct BuildReport {
    struct Family {
        std::size_t source_classes = 0;
        std::size_t destination_classes = 0;
        std::size_t boxes = 0;
        std::size_t entries = 0; ///< boxes in leaves, copies counted
        std::size_t leaves = 0;
        unsigned trees = 0; ///< that a packet goes through
        Thrift thrift = Thrift::none;
    };
    Family ipv4;
    Family ipv6;
    std::size_t memory_size = 0;            ///< bytes, all together
    std::vector<std::uint32_t> row_boxes;   ///< by position in Rows::rows, both families together
    std::vector<std::uint32_t> row_entries; ///< the same, copies counted
};

/// One address that comes into a list or leaves it.
struct ListChange {
    enum class Kind : std::uint8_t { add, remove };
    Kind kind = Kind::add;
    ListId list = 0;
    net::Prefix prefix;
};

/// Why a packet gets its result.
struct Explanation {
    std::uint32_t source_class = 0;
    std::uint32_t destination_class = 0;
    std::vector<ListId> source_lists; ///< those that hold the source
    std::vector<ListId> destination_lists;
    bool found = false;
    std::size_t row = 0;               ///< position in Rows::rows
    std::vector<std::size_t> overlaps; ///< rows before it that share some packets with it, best first
};

/// A classifier with all that the control thread wants to know and do; workers see the ruleset::Classifier in it.
class Compiled : public ruleset::Classifier {
  public:
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    ~Compiled();

    static base::Expected<std::shared_ptr<Compiled>, BuildError> build(const Rows& rows,
                                                                       const BuildOptions& options = {});

    [[nodiscard]] const BuildReport& report() const;
    /// Bytes now.
    [[nodiscard]] std::size_t memory_size() const;
    [[nodiscard]] Explanation explain(net::Family family, const ruleset::Query& query) const;

    /// Takes effect at once, for every reader; nothing is compiled anew. False when the list does not hold the prefix
    /// that is to leave, or holds the one that is to come, or memory ran out: nothing was changed then.
    [[nodiscard]] bool change(const ListChange& change);
    /// After a grace period that began behind the last change(): what was out of use then is used again.
    void reclaim();

  private:
    struct State;
    explicit Compiled(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace sluice::classifier
