#include "classifier/signatures.hpp"

#include <algorithm>

namespace sluice::classifier {

std::uint64_t ActiveLists::hash_of(ListId list) {
    // splitmix64 (Steele, Lea, Flood 2014)
    std::uint64_t x = (list + std::uint64_t{1}) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void ActiveLists::enter(ListId list) {
    if (entered_[list]++ != 0) return;
    active_.push_back(list);
    hash_ ^= hash_of(list);
}

void ActiveLists::leave(ListId list) {
    if (--entered_[list] != 0) return;
    // The last one entered is the first one left, mostly.
    const auto found = std::find(active_.rbegin(), active_.rend(), list);
    *found = active_.back();
    active_.pop_back();
    hash_ ^= hash_of(list);
}

std::vector<ListId> ActiveLists::sorted() const {
    std::vector<ListId> lists = active_;
    std::sort(lists.begin(), lists.end());
    return lists;
}

std::optional<Class> Signatures::find(std::uint64_t hash, const std::vector<ListId>& lists) const {
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        if (lists_[it->second] == lists) return it->second;
    }
    return std::nullopt;
}

Class Signatures::intern(std::uint64_t hash, std::vector<ListId> lists) {
    if (const auto known = find(hash, lists)) return *known;
    const auto class_ = static_cast<Class>(lists_.size());
    lists_.push_back(std::move(lists));
    by_hash_.emplace(hash, class_);
    return class_;
}

std::size_t Signatures::memory_size() const {
    std::size_t size = lists_.capacity() * sizeof(lists_[0]) + by_hash_.size() * 4 * sizeof(void*);
    for (const auto& lists : lists_)
        size += lists.capacity() * sizeof(ListId);
    return size;
}

} // namespace sluice::classifier
