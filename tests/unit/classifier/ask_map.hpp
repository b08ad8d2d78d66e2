// The class that an address map has for an address, by every kind of lanes, which have to agree.
#pragma once

#include "classifier/interval.hpp"
#include "classifier/ipv6_map.hpp"
#include "ruleset/address_look_up.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice::classifier {

template <typename Lanes>
void ask_batch(const ruleset::AddressMap& map, const std::uint32_t* keys, unsigned count, Class* classes) {
    alignas(64) std::uint32_t addresses[ruleset::kLookUpBatch] = {};
    std::copy_n(keys, count, addresses);
    ruleset::Ipv4LookUp<Lanes>::run(map, addresses, count, classes);
}

template <typename Lanes>
void ask_batch(const ruleset::AddressMap& map, const Uint128* keys, unsigned count, Class* classes) {
    alignas(64) std::uint64_t upper[ruleset::kLookUpBatch] = {};
    alignas(64) std::uint64_t lower[ruleset::kLookUpBatch] = {};
    for (unsigned i = 0; i < count; ++i) {
        upper[i] = static_cast<std::uint64_t>(keys[i] >> 64);
        lower[i] = static_cast<std::uint64_t>(keys[i]);
    }
    ruleset::Ipv6LookUp<Lanes>::run(map, upper, lower, count, classes);
}

/// In batches of every size, so that the last lanes are not always in use.
template <typename Lanes, typename Key>
std::vector<Class> classes_by(const ruleset::AddressMap& map, const std::vector<Key>& keys) {
    std::vector<Class> classes(keys.size());
    unsigned batch = 1;
    for (std::size_t at = 0; at < keys.size(); at += batch) {
        batch = batch % ruleset::kLookUpBatch + 1;
        const auto count = static_cast<unsigned>(std::min<std::size_t>(batch, keys.size() - at));
        alignas(64) Class found[ruleset::kLookUpBatch];
        ask_batch<Lanes>(map, &keys[at], count, found);
        std::copy_n(found, count, classes.begin() + static_cast<std::ptrdiff_t>(at));
        batch = count;
    }
    return classes;
}

template <typename Key> std::vector<Class> classes_of(const ruleset::AddressMap& map, const std::vector<Key>& keys) {
    std::vector<Class> classes = classes_by<ruleset::ScalarLanes>(map, keys);
#ifdef __AVX2__
    if (__builtin_cpu_supports("avx2")) {
        EXPECT_EQ(classes_by<ruleset::Avx2Lanes>(map, keys), classes);
    }
#endif
    return classes;
}

/// What the starts themselves say.
template <typename Key> Class class_in(const Starts<Key>& starts, Key key) {
    const auto above = std::upper_bound(starts.begin(), starts.end(), key,
                                        [](Key k, const Start<Key>& start) { return k < start.at; });
    return (above - 1)->class_;
}

/// Each start, the addresses beside it, and the ends of everything.
template <typename Key> std::vector<Key> edges_of(const Starts<Key>& starts) {
    std::vector<Key> keys = {Key{0}, static_cast<Key>(~Key{0})};
    for (const Start<Key>& start : starts) {
        keys.push_back(static_cast<Key>(start.at - 1));
        keys.push_back(start.at);
        keys.push_back(static_cast<Key>(start.at + 1));
    }
    return keys;
}

/// How many of the edges (and `more`) the map has wrong.
template <typename Key>
std::size_t wrong_in(const ruleset::AddressMap& map, const Starts<Key>& starts, std::vector<Key> more = {}) {
    std::vector<Key> keys = edges_of(starts);
    keys.insert(keys.end(), more.begin(), more.end());
    const std::vector<Class> found = classes_of(map, keys);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < keys.size(); ++i)
        wrong += found[i] != class_in(starts, keys[i]);
    return wrong;
}

/// What a sweep over first..last says, when `starts` are all there are.
template <typename Key> Starts<Key> within(const Starts<Key>& starts, Key first, Key last) {
    Starts<Key> part = {{first, class_in(starts, first)}};
    auto next = std::upper_bound(starts.begin(), starts.end(), first,
                                 [](Key key, const Start<Key>& start) { return key < start.at; });
    for (; next != starts.end() && next->at <= last; ++next)
        part.push_back(*next);
    return part;
}

} // namespace sluice::classifier
