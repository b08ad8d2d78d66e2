// One side of the rows against a look at every prefix, fresh and after changes.
#include "classifier/side.hpp"

#include "ask_map.hpp"
#include "random_world.hpp"

#include <map>
#include <set>

namespace sluice::classifier {
namespace {

constexpr std::size_t kLists = 6;

using Lists = std::vector<ListId>;
using Held = std::vector<std::vector<net::Prefix>>;

template <typename Key> net::Family family_of() {
    return sizeof(Key) == 4 ? net::Family::ipv4 : net::Family::ipv6;
}

template <typename Key> Key to_key(const net::IpAddress& address) {
    Key key{};
    for (std::size_t i = 0; i < sizeof(Key); ++i)
        key = static_cast<Key>(key << 8 | address.bytes[i]);
    return key;
}

template <typename Key> net::IpAddress to_address(Key key) {
    net::IpAddress address;
    address.family = family_of<Key>();
    for (std::size_t i = sizeof(Key); i-- > 0; key = static_cast<Key>(key >> 8))
        address.bytes[i] = static_cast<std::uint8_t>(key);
    return address;
}

/// The rows 2n and 2n + 1 name list n, and row 99 every list.
RowsOfLists rows_of_lists() {
    RowsOfLists rows;
    for (std::uint32_t list = 0; list < kLists; ++list)
        rows.push_back({2 * list, 2 * list + 1, 99});
    return rows;
}

template <typename Map> struct SideTest : testing::Test {
    using Key = typename Map::Key;

    Random random{1};
    Held held{kLists};
    std::vector<bool> named = std::vector<bool>(kLists, true);
    std::unique_ptr<Side<Map>> side;
    const RowsOfLists rows = rows_of_lists();

    void fill(std::size_t most) {
        for (auto& list : held) {
            list.clear();
            for (std::uint64_t n = below(random, most + 1); n > 0; --n)
                add_prefix(list, random_prefix(random, below(random, 8) == 0 ? other() : family_of<Key>()));
        }
        build();
    }
    static net::Family other() { return family_of<Key>() == net::Family::ipv4 ? net::Family::ipv6 : net::Family::ipv4; }
    void build() {
        const std::vector<std::span<const net::Prefix>> shown(held.begin(), held.end());
        side = std::make_unique<Side<Map>>(shown, named);
        ASSERT_TRUE(side->ok());
    }

    Lists lists_of(const net::IpAddress& address) const {
        Lists lists;
        for (ListId list = 0; list < kLists; ++list) {
            const auto& prefixes = held[list];
            const bool in =
                named[list] && std::any_of(prefixes.begin(), prefixes.end(),
                                           [&](const net::Prefix& prefix) { return prefix.contains(address); });
            if (in) lists.push_back(list);
        }
        return lists;
    }

    /// Where classes may begin, and the addresses beside.
    std::vector<Key> edges() {
        std::vector<Key> keys = {Key{0}, static_cast<Key>(~Key{0})};
        for (const auto& list : held) {
            for (const net::Prefix& prefix : list) {
                if (prefix.address.family != family_of<Key>()) continue;
                const Key first = to_key<Key>(prefix.address);
                const Key last = first | PrefixStore<Key>::tail_mask(prefix.length);
                for (const int beside : {-1, 0, 1}) {
                    keys.push_back(static_cast<Key>(first + static_cast<Key>(beside)));
                    keys.push_back(static_cast<Key>(last + static_cast<Key>(beside)));
                }
            }
        }
        for (unsigned i = 0; i < 50; ++i)
            keys.push_back(to_key<Key>(random_address(random, family_of<Key>())));
        return keys;
    }

    /// Every address has a class of exactly its lists, and each set of lists has one class.
    void expect_right() {
        const std::vector<Key> keys = edges();
        const std::vector<Class> classes = classes_of(side->view(), keys);
        std::map<Lists, Class> class_of_lists;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const Lists wanted = lists_of(to_address(keys[i]));
            ASSERT_EQ(side->lists_of(classes[i]), wanted) << to_address(keys[i]).to_string();
            ASSERT_EQ(class_of_lists.emplace(wanted, classes[i]).first->second, classes[i]);
            if ((classes[i] & ruleset::kLate) != 0) expect_late_right(classes[i], wanted);
        }
    }

    /// What the base is not asked for, the rows of the other lists are.
    void expect_late_right(Class class_, const Lists& wanted) {
        ASSERT_LT(class_ & ~ruleset::kLate, ruleset::kMaxLateClasses);
        const ruleset::LateClass& late = *side->late_table()[class_ & ~ruleset::kLate];
        Lists all = side->signatures().lists(late.base);
        const Lists more(late.lists, late.lists + late.list_count);
        std::set<std::uint32_t> orders;
        for (const ListId list : more)
            orders.insert(rows[list].begin(), rows[list].end());
        all.insert(all.end(), more.begin(), more.end());
        std::sort(all.begin(), all.end());
        ASSERT_EQ(all, wanted);
        ASSERT_EQ(std::vector<std::uint32_t>(late.orders, late.orders + late.order_count),
                  std::vector<std::uint32_t>(orders.begin(), orders.end()));
        // A compiled class that is one list short is the better base.
        bool one_short = false;
        for (Class compiled = 0; compiled < side->signatures().size(); ++compiled) {
            const Lists& lists = side->signatures().lists(compiled);
            one_short = one_short || (lists.size() + 1 == wanted.size() &&
                                      std::includes(wanted.begin(), wanted.end(), lists.begin(), lists.end()));
        }
        if (one_short) {
            ASSERT_EQ(more.size(), 1u);
        }
    }

    /// A random prefix comes into a list or leaves it.
    void change() {
        const auto list = static_cast<ListId>(below(random, kLists));
        auto& prefixes = held[list];
        net::Prefix prefix = random_prefix(random, family_of<Key>());
        const bool add = below(random, 2) == 0 || prefixes.empty();
        if (!add) prefix = prefixes[below(random, prefixes.size())];
        if (prefix.address.family != family_of<Key>()) return;
        ASSERT_EQ(side->holds(list, prefix), std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end());
        if (add == side->holds(list, prefix)) return;
        ASSERT_TRUE(side->change(list, prefix, add, rows));
        if (add)
            prefixes.push_back(prefix);
        else
            std::erase(prefixes, prefix);
    }
};

using Maps = testing::Types<Ipv4Map, Ipv6Map>;
struct MapNames {
    template <typename Map> static std::string GetName(int) { return sizeof(typename Map::Key) == 4 ? "ipv4" : "ipv6"; }
};
TYPED_TEST_SUITE(SideTest, Maps, MapNames);

TYPED_TEST(SideTest, EveryAddressHasTheClassOfItsLists) {
    // Few prefixes have a flat map, many have none.
    for (const std::size_t most : std::initializer_list<std::size_t>{0, 1, 2, 3, 5, 20, 200}) {
        for (unsigned round = 0; round < 5; ++round) {
            this->fill(most);
            this->expect_right();
        }
    }
}

TYPED_TEST(SideTest, ClassesOfAListAreThoseItIsIn) {
    this->fill(30);
    const Signatures& signatures = this->side->signatures();
    for (ListId list = 0; list < kLists; ++list) {
        std::vector<Class> wanted;
        for (Class class_ = 0; class_ < signatures.size(); ++class_) {
            const Lists& lists = signatures.lists(class_);
            if (std::find(lists.begin(), lists.end(), list) != lists.end()) wanted.push_back(class_);
        }
        EXPECT_EQ(this->side->classes_of(list), wanted);
    }
}

TYPED_TEST(SideTest, ListsThatNoRowNamesMakeNoClasses) {
    this->named = {true, false, false, true, true, false};
    this->fill(20);
    this->expect_right();
    EXPECT_LE(this->side->signatures().size(), 8u);
    EXPECT_FALSE(this->side->names(1));
    this->named.assign(kLists, false);
    this->build();
    EXPECT_TRUE(this->side->uniform());
    EXPECT_TRUE(this->side->view().uniform);
}

TYPED_TEST(SideTest, ChangesAreSeenAtOnce) {
    // Smaller maps that change at once, that are made again when the changes are over, and none.
    for (const std::size_t most : std::initializer_list<std::size_t>{1, 4, 60, 300}) {
        this->fill(most);
        for (unsigned step = 0; step < (most > 60 ? 60u : 200u); ++step) {
            this->change();
            if (step % 3 == 0) this->side->reclaim(this->rows);
            if (step % 5 == 0) this->expect_right();
            if (this->HasFatalFailure()) return;
        }
    }
}

TYPED_TEST(SideTest, APrefixThatHoldsOthersComesAndGoes) {
    this->fill(60);
    net::Prefix everything;
    everything.address.family = family_of<typename TypeParam::Key>();
    std::erase(this->held[0], everything);
    this->build();
    for (unsigned round = 0; round < 2; ++round) {
        ASSERT_TRUE(this->side->change(0, everything, true, this->rows));
        this->held[0].push_back(everything);
        this->expect_right();
        ASSERT_TRUE(this->side->change(0, everything, false, this->rows));
        this->held[0].pop_back();
        this->expect_right();
    }
}

TYPED_TEST(SideTest, WhatComesBackHasItsCompiledClassAgain) {
    this->fill(60);
    const auto keys = this->edges();
    const std::vector<Class> before = classes_of(this->side->view(), keys);
    const auto& prefixes = this->held[1];
    for (const net::Prefix& prefix : prefixes) {
        if (prefix.address.family != family_of<typename TypeParam::Key>()) continue;
        ASSERT_TRUE(this->side->change(1, prefix, false, this->rows));
        ASSERT_TRUE(this->side->change(1, prefix, true, this->rows));
    }
    EXPECT_EQ(classes_of(this->side->view(), keys), before);
}

/// Lists 0 to 15 hold the addresses of 10.0.0.0/16 with that bit set: every set of them is a class.
Held every_set_of_sixteen() {
    Held held(18);
    for (unsigned bit = 0; bit < 16; ++bit) {
        for (std::uint32_t upper = 0; upper < 1u << bit; ++upper) {
            const std::uint32_t address = 0x0a00'0000u | (upper << 1 | 1) << (15 - bit);
            held[bit].push_back({to_address(address), static_cast<std::uint8_t>(17 + bit)});
        }
    }
    return held;
}

TEST(Side, TooManyLateClassesChangeNothing) {
    const Held held = every_set_of_sixteen();
    const std::vector<std::span<const net::Prefix>> shown(held.begin(), held.end());
    Side<Ipv4Map> side(shown, std::vector<bool>(18, true));
    ASSERT_TRUE(side.ok());
    ASSERT_EQ(side.signatures().size(), 65'536u);
    const RowsOfLists rows(18);
    const net::Prefix all_of_them = {to_address(0x0a00'0000u), 16};
    const net::Prefix one_more = {to_address(0x0b00'0001u), 32};
    // As many late classes as there may be: every set with list 16.
    ASSERT_TRUE(side.change(16, all_of_them, true, rows));
    const std::vector<std::uint32_t> keys = {0x0a00'0000, 0x0a00'0001, 0x0a00'ffff,
                                             0x0b00'0000, 0x0b00'0001, 0x0b00'0002};
    const std::vector<Class> before = classes_of(side.view(), keys);
    EXPECT_EQ(side.lists_of(before[1]), (Lists{15, 16}));
    EXPECT_FALSE(side.change(17, one_more, true, rows));
    EXPECT_FALSE(side.holds(17, one_more));
    EXPECT_FALSE(side.change(17, all_of_them, true, rows));
    EXPECT_EQ(classes_of(side.view(), keys), before);
    // What needs no class that is not there yet still goes.
    EXPECT_TRUE(side.change(16, one_more, true, rows));
    EXPECT_EQ(side.lists_of(classes_of(side.view(), keys)[4]), Lists{16});
    EXPECT_TRUE(side.change(16, all_of_them, false, rows));
    EXPECT_EQ(side.lists_of(classes_of(side.view(), keys)[2]).size(), 16u);
}

} // namespace
} // namespace sluice::classifier
