#include "classifier/prefix_store.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::classifier {
namespace {

using Store = PrefixStore<std::uint32_t>;
using Entry = Store::Entry;

/// From few networks, so that prefixes hold one another and lists share them.
Entry random_entry(std::mt19937_64& random) {
    const auto length = static_cast<std::uint8_t>(random() % 33);
    const std::uint32_t address = static_cast<std::uint32_t>(random() % 4 << 30 | random() % 8 << 14 | random() % 16);
    return {address & ~Store::tail_mask(length), static_cast<ListId>(random() % 5), length};
}

std::vector<Entry> around(const Store& store, std::uint32_t address) {
    std::vector<Entry> out;
    store.for_each_around(address, [&](const Entry& entry) { out.push_back(entry); });
    return out;
}

std::vector<Entry> from(const Store& store, std::uint32_t first, std::uint32_t last) {
    std::vector<Entry> out;
    store.for_each_from(first, last, [&](const Entry& entry) { out.push_back(entry); });
    return out;
}

/// Everything that the store can be asked for, against a sorted set.
void expect_same(const Store& store, const std::set<Entry>& entries, std::mt19937_64& random) {
    for (unsigned i = 0; i < 50; ++i) {
        const Entry other = random_entry(random);
        ASSERT_EQ(store.holds(other), entries.count(other) != 0);
        const std::uint32_t address = other.address + static_cast<std::uint32_t>(random() % 3);
        std::vector<Entry> wanted_around;
        for (const Entry& entry : entries) {
            if (entry.address < address && entry.last() >= address) wanted_around.push_back(entry);
        }
        std::sort(wanted_around.begin(), wanted_around.end(), [](const Entry& a, const Entry& b) {
            return std::tuple(a.length, a.list) < std::tuple(b.length, b.list);
        });
        ASSERT_EQ(around(store, address), wanted_around);
        const std::uint32_t last = std::max(address, random_entry(random).address);
        std::vector<Entry> wanted_from;
        for (const Entry& entry : entries) {
            if (entry.address >= address && entry.address <= last) wanted_from.push_back(entry);
        }
        ASSERT_EQ(from(store, address, last), wanted_from);
    }
}

TEST(PrefixStore, TailMasks) {
    EXPECT_EQ(Store::tail_mask(0), 0xffffffffu);
    EXPECT_EQ(Store::tail_mask(8), 0x00ffffffu);
    EXPECT_EQ(Store::tail_mask(31), 1u);
    EXPECT_EQ(Store::tail_mask(32), 0u);
    EXPECT_EQ((Entry{0x0a000000, 0, 8}.last()), 0x0affffffu);
}

TEST(PrefixStore, NothingIsHeldAtFirst) {
    const Store store;
    EXPECT_FALSE(store.holds({0, 0, 0}));
    EXPECT_TRUE(around(store, 5).empty());
    EXPECT_TRUE(from(store, 0, 0xffffffff).empty());
    EXPECT_FALSE(store.more_than(0));
}

TEST(PrefixStore, HoldsWhatWasLoaded) {
    std::mt19937_64 random(1);
    for (const std::size_t count : std::initializer_list<std::size_t>{1, 100, 511, 512, 513, 1500}) {
        SCOPED_TRACE(count);
        std::set<Entry> entries;
        for (std::size_t tries = 0; entries.size() < count && tries < 100'000; ++tries)
            entries.insert(random_entry(random));
        std::vector<Entry> shuffled(entries.begin(), entries.end());
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        Store store;
        store.load(shuffled);
        expect_same(store, entries, random);
        EXPECT_TRUE(store.more_than(entries.size() - 1));
        EXPECT_FALSE(store.more_than(entries.size()));
    }
}

TEST(PrefixStore, InsertingAndErasing) {
    std::mt19937_64 random(2);
    Store store;
    std::set<Entry> entries;
    // Grows to several blocks, and shrinks to nothing.
    for (unsigned step = 0; step < 12'000; ++step) {
        const bool growing = step < 6000;
        const Entry entry = random_entry(random);
        if (growing && entries.insert(entry).second) store.insert(entry);
        if (!growing && !entries.empty()) {
            auto gone = entries.lower_bound(entry);
            if (gone == entries.end()) gone = entries.begin();
            store.erase(*gone);
            entries.erase(gone);
        }
        if (step % 500 == 0) expect_same(store, entries, random);
    }
    while (!entries.empty()) {
        store.erase(*entries.begin());
        entries.erase(entries.begin());
    }
    EXPECT_FALSE(store.more_than(0));
    store.insert({7, 1, 32});
    EXPECT_TRUE(store.holds({7, 1, 32}));
}

TEST(PrefixStore, BehindTheLastOfAllBlocks) {
    Store store;
    store.load({{1, 0, 32}});
    store.insert({9, 0, 32});
    EXPECT_EQ(from(store, 0, 10).size(), 2u);
    EXPECT_EQ(from(store, 2, 8).size(), 0u);
}

} // namespace
} // namespace sluice::classifier
