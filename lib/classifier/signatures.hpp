// Classes of one side: which sets of lists there are, and their numbers.
#pragma once

#include "classifier/rows.hpp"
#include "ruleset/tables.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sluice::classifier {

using ruleset::Class;

/// The lists that hold an address, while a sweep goes through the addresses: a list may be entered several times.
class ActiveLists {
  public:
    explicit ActiveLists(std::size_t lists)
        : entered_(lists) {}

    void enter(ListId list);
    void leave(ListId list);

    /// A number for the set: the same for the same set, most likely another for another (Zobrist 1970).
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    [[nodiscard]] std::vector<ListId> sorted() const;

    static std::uint64_t hash_of(ListId list);

  private:
    std::vector<std::uint32_t> entered_;
    std::vector<ListId> active_; ///< those with entered_ > 0, in no order
    std::uint64_t hash_ = 0;
};

/// Class 0 is that of addresses in no list. Classes get numbers in the order in which they are met, so that those that
/// share a prefix stand together.
class Signatures {
  public:
    Signatures() { (void)intern(0, {}); }

    [[nodiscard]] std::optional<Class> find(std::uint64_t hash, const std::vector<ListId>& lists) const;
    [[nodiscard]] Class intern(const ActiveLists& active) { return intern(active.hash(), active.sorted()); }

    [[nodiscard]] const std::vector<ListId>& lists(Class class_) const { return lists_[class_]; }
    [[nodiscard]] std::size_t size() const { return lists_.size(); }
    [[nodiscard]] std::size_t memory_size() const;

  private:
    Class intern(std::uint64_t hash, std::vector<ListId> lists);

    std::vector<std::vector<ListId>> lists_; ///< by class, each ascending
    std::unordered_multimap<std::uint64_t, Class> by_hash_;
};

} // namespace sluice::classifier
