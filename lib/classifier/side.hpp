// The addresses of one family on one side of the rows: which prefixes the lists have there, the classes that come of
// it, and the map that workers read.
#pragma once

#include "classifier/interval.hpp"
#include "classifier/ipv4_map.hpp"
#include "classifier/ipv6_map.hpp"
#include "classifier/prefix_store.hpp"
#include "classifier/signatures.hpp"

#include <memory>
#include <span>
#include <vector>

namespace sluice::classifier {

/// The rows that name a list, by list; orders ascending.
using RowsOfLists = std::vector<std::vector<std::uint32_t>>;

/// Classes that came up after compiling, and the memory that workers read of them.
class LateClasses {
  public:
    LateClasses();

    /// The number of the class of `lists`; nothing when there are too many.
    std::optional<Class> intern(const std::vector<ListId>& lists, const Signatures& compiled, const RowsOfLists& rows);
    [[nodiscard]] const ruleset::LateClass* const* table() const { return table_.get(); }
    [[nodiscard]] const std::vector<ListId>& lists(Class late) const { return lists_[late & ~ruleset::kLate]; }
    [[nodiscard]] std::size_t size() const { return lists_.size(); }

  private:
    struct Held {
        ruleset::LateClass shown;
        std::vector<ListId> more;
        std::vector<std::uint32_t> orders;
    };

    struct FreeTable {
        void operator()(const ruleset::LateClass** table) const;
    };
    std::unique_ptr<const ruleset::LateClass*[], FreeTable> table_;
    std::vector<std::unique_ptr<Held>> held_;
    std::vector<std::vector<ListId>> lists_;
    std::unordered_multimap<std::uint64_t, Class> by_hash_;
};

template <typename Map> class Side {
  public:
    using Key = typename Map::Key;
    using Store = PrefixStore<Key>;

    /// `lists`: all of them; `named`: whether some row names the list on this side.
    Side(std::span<const std::span<const net::Prefix>> lists, const std::vector<bool>& named);

    [[nodiscard]] bool ok() const { return !any_named_ || (room_ && map_->ok()); }
    [[nodiscard]] bool uniform() const { return !any_named_; }
    [[nodiscard]] const Signatures& signatures() const { return signatures_; }
    /// The compiled classes in which a list is, ascending.
    [[nodiscard]] const std::vector<Class>& classes_of(ListId list) const { return classes_of_list_[list]; }
    /// Those that hold an address of that class.
    [[nodiscard]] const std::vector<ListId>& lists_of(Class class_) const {
        return (class_ & ruleset::kLate) != 0 ? late_.lists(class_) : signatures_.lists(class_);
    }

    [[nodiscard]] bool holds(ListId list, const net::Prefix& prefix) const { return store_.holds(entry(list, prefix)); }
    [[nodiscard]] bool names(ListId list) const { return named_[list]; }
    /// The prefix is not there yet (add) or is there (remove). False when there is no room: nothing was changed.
    bool change(ListId list, const net::Prefix& prefix, bool add, const RowsOfLists& rows);
    void reclaim(const RowsOfLists& rows);

    [[nodiscard]] ruleset::AddressMap view() const;
    [[nodiscard]] const ruleset::LateClass* const* late_table() const { return late_.table(); }
    [[nodiscard]] std::size_t memory_size() const {
        return store_.memory_size() + (map_ ? map_->memory_size() : 0) + signatures_.memory_size();
    }

  private:
    using Entry = typename Store::Entry;

    static Entry entry(ListId list, const net::Prefix& prefix);
    /// What first..last is made of; `class_of` turns the lists that are active into a class.
    template <typename ClassOf> Starts<Key> sweep(Key first, Key last, ClassOf class_of);
    std::optional<Class> class_now(const RowsOfLists& rows);
    bool rewrite(const Entry& entry, const RowsOfLists& rows);
    template <typename ClassOf> void show_small(ClassOf class_of);

    std::vector<bool> named_;
    bool any_named_ = false;
    bool room_ = true;
    Store store_;
    Signatures signatures_;
    ActiveLists active_;
    LateClasses late_;
    std::vector<std::vector<Class>> classes_of_list_;
    bool small_is_old_ = false; ///< there was a change, and no smaller map has been made since
    bool changed_ = false;      ///< since reclaim() was called last
    std::unique_ptr<Map> map_;  ///< none: no row names a list on this side
};

extern template class Side<Ipv4Map>;
extern template class Side<Ipv6Map>;

} // namespace sluice::classifier
