#include "classifier/side.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace sluice::classifier {
namespace {

template <typename Key> Key key_of(const net::IpAddress& address) {
    Key key{};
    for (std::size_t i = 0; i < sizeof(Key); ++i)
        key = static_cast<Key>(key << 8 | address.bytes[i]);
    return key;
}

template <typename Key> constexpr net::Family family_of() {
    return sizeof(Key) == 4 ? net::Family::ipv4 : net::Family::ipv6;
}

std::uint64_t hash_of(const std::vector<ListId>& lists) {
    std::uint64_t hash = 0;
    for (const ListId list : lists)
        hash ^= ActiveLists::hash_of(list);
    return hash;
}

/// The compiled class whose lists are most of these: all of them but one, if there is one; no list otherwise.
Class base_of(const std::vector<ListId>& lists, const Signatures& compiled) {
    const std::uint64_t all = hash_of(lists);
    for (std::size_t left_out = 0; left_out < lists.size(); ++left_out) {
        std::vector<ListId> others = lists;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(left_out));
        if (const auto found = compiled.find(all ^ ActiveLists::hash_of(lists[left_out]), others)) return *found;
    }
    return 0;
}

} // namespace

void LateClasses::FreeTable::operator()(const ruleset::LateClass** table) const {
    std::free(table);
}

// Pages of it that nobody writes to take no memory.
LateClasses::LateClasses()
    : table_(static_cast<const ruleset::LateClass**>(
          std::calloc(ruleset::kMaxLateClasses, sizeof(const ruleset::LateClass*)))) {}

std::optional<Class> LateClasses::intern(const std::vector<ListId>& lists, const Signatures& compiled,
                                         const RowsOfLists& rows) {
    const std::uint64_t hash = hash_of(lists);
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        if (lists_[it->second] == lists) return it->second | ruleset::kLate;
    }
    if (table_ == nullptr || lists_.size() == ruleset::kMaxLateClasses) return std::nullopt;
    auto held = std::make_unique<Held>();
    held->shown.base = base_of(lists, compiled);
    const auto& known = compiled.lists(held->shown.base);
    std::set_difference(lists.begin(), lists.end(), known.begin(), known.end(), std::back_inserter(held->more));
    for (const ListId list : held->more)
        held->orders.insert(held->orders.end(), rows[list].begin(), rows[list].end());
    std::sort(held->orders.begin(), held->orders.end());
    held->orders.erase(std::unique(held->orders.begin(), held->orders.end()), held->orders.end());
    held->shown.lists = held->more.data();
    held->shown.list_count = static_cast<std::uint32_t>(held->more.size());
    held->shown.orders = held->orders.data();
    held->shown.order_count = static_cast<std::uint32_t>(held->orders.size());
    const auto number = static_cast<Class>(lists_.size());
    __atomic_store_n(&table_[number], &held->shown, __ATOMIC_RELEASE);
    held_.push_back(std::move(held));
    lists_.push_back(lists);
    by_hash_.emplace(hash, number);
    return number | ruleset::kLate;
}

template <typename Map> auto Side<Map>::entry(ListId list, const net::Prefix& prefix) -> Entry {
    return {key_of<Key>(prefix.address), list, prefix.length};
}

template <typename Map>
Side<Map>::Side(std::span<const std::span<const net::Prefix>> lists, const std::vector<bool>& named)
    : named_(named)
    , active_(lists.size())
    , classes_of_list_(lists.size()) {
    std::vector<Entry> entries;
    for (ListId list = 0; list < lists.size(); ++list) {
        if (!named[list]) continue;
        any_named_ = true;
        for (const net::Prefix& prefix : lists[list]) {
            if (prefix.address.family == family_of<Key>()) entries.push_back(entry(list, prefix));
        }
    }
    if (!any_named_) return;
    map_ = std::make_unique<Map>(2 * entries.size() + 1);
    store_.load(std::move(entries));
    if (!map_->ok()) return;
    const bool room = map_->rewrite(0, Map::kLast, [this](Key first, Key last) {
        return sweep(first, last, [this] { return signatures_.intern(active_); });
    });
    if (!room) room_ = false;
    show_small([this] { return signatures_.intern(active_); });
    for (Class class_ = 0; class_ < signatures_.size(); ++class_) {
        for (const ListId list : signatures_.lists(class_))
            classes_of_list_[list].push_back(class_);
    }
}

template <typename Map>
template <typename ClassOf>
Starts<typename Map::Key> Side<Map>::sweep(Key first, Key last, ClassOf class_of) {
    Starts<Key> starts;
    std::vector<Entry> open; // each inside the one before
    Key here = first;
    // Several prefixes may begin and end at one address: only what is left of it then is a class.
    const auto arrive_at = [&](Key at) {
        if (at == here) return;
        append(starts, here, class_of());
        here = at;
    };
    const auto close_before = [&](Key at) {
        while (!open.empty() && open.back().last() < at) {
            arrive_at(static_cast<Key>(open.back().last() + 1));
            active_.leave(open.back().list);
            open.pop_back();
        }
    };
    store_.for_each_around(first, [&](const Entry& around) {
        active_.enter(around.list);
        open.push_back(around);
    });
    store_.for_each_from(first, last, [&](const Entry& next) {
        close_before(next.address);
        arrive_at(next.address);
        active_.enter(next.list);
        open.push_back(next);
    });
    close_before(last);
    append(starts, here, class_of());
    for (; !open.empty(); open.pop_back())
        active_.leave(open.back().list);
    return starts;
}

template <typename Map> template <typename ClassOf> void Side<Map>::show_small(ClassOf class_of) {
    const bool few = !store_.more_than(Map::kSmall);
    map_->show_small(few ? sweep(0, Map::kLast, class_of) : Starts<Key>{});
}

/// The class of the lists that a sweep is in now, one that was compiled or a late one.
template <typename Map> std::optional<Class> Side<Map>::class_now(const RowsOfLists& rows) {
    const std::vector<ListId> lists = active_.sorted();
    if (const auto compiled = signatures_.find(active_.hash(), lists)) return compiled;
    return late_.intern(lists, signatures_, rows);
}

template <typename Map> bool Side<Map>::rewrite(const Entry& changed, const RowsOfLists& rows) {
    bool room = true;
    const auto class_of = [&]() -> Class {
        const auto class_ = class_now(rows);
        room = room && class_;
        return class_.value_or(0);
    };
    const bool written = map_->rewrite(changed.address, changed.last(), [&](Key first, Key last) {
        auto starts = sweep(first, last, class_of);
        if (!room) starts.clear();
        return starts;
    });
    if (!written) return false;
    changed_ = true;
    // A change has to be quick: a larger one is left out until the changes are over.
    constexpr std::size_t kQuick = 512;
    small_is_old_ = store_.more_than(kQuick);
    if (small_is_old_)
        map_->show_small({});
    else
        show_small(class_of);
    return true;
}

template <typename Map> void Side<Map>::reclaim(const RowsOfLists& rows) {
    if (!map_) return;
    map_->reclaim();
    // Every class that there is now has been met by a change.
    if (small_is_old_ && !changed_) {
        small_is_old_ = false;
        show_small([&] { return class_now(rows).value_or(0); });
    }
    changed_ = false;
}

template <typename Map>
bool Side<Map>::change(ListId list, const net::Prefix& prefix, bool add, const RowsOfLists& rows) {
    const Entry changed = entry(list, prefix);
    add ? store_.insert(changed) : store_.erase(changed);
    if (rewrite(changed, rows)) return true;
    add ? store_.erase(changed) : store_.insert(changed);
    (void)rewrite(changed, rows); // what it was before has its classes
    return false;
}

template <typename Map> ruleset::AddressMap Side<Map>::view() const {
    return map_ ? map_->view() : ruleset::AddressMap{};
}

template class Side<Ipv4Map>;
template class Side<Ipv6Map>;

} // namespace sluice::classifier
