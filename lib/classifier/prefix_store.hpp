// Which list holds which prefix, sorted, so that what a range of addresses belongs to can be read off, and one prefix
// can come or go without moving a million others.
#pragma once

#include "classifier/rows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::classifier {

template <typename Key> class PrefixStore {
  public:
    static constexpr unsigned kWidth = 8 * sizeof(Key);

    struct Entry {
        Key address;
        ListId list;
        std::uint8_t length;

        [[nodiscard]] Key last() const { return address | tail_mask(length); }
        friend bool operator<(const Entry& a, const Entry& b) {
            return std::tuple(a.address, a.length, a.list) < std::tuple(b.address, b.length, b.list);
        }
        friend bool operator==(const Entry& a, const Entry& b) {
            return a.address == b.address && a.length == b.length && a.list == b.list;
        }
    };

    /// The bits behind the first `length`.
    static constexpr Key tail_mask(unsigned length) {
        return length >= kWidth ? Key{0} : static_cast<Key>(~Key{0}) >> length;
    }

    /// In any order, before anything is asked.
    void load(std::vector<Entry> entries) {
        std::sort(entries.begin(), entries.end());
        blocks_.clear();
        for (std::size_t at = 0; at < entries.size(); at += kFill) {
            const std::size_t end = std::min(entries.size(), at + kFill);
            blocks_.emplace_back(entries.begin() + static_cast<std::ptrdiff_t>(at),
                                 entries.begin() + static_cast<std::ptrdiff_t>(end));
        }
    }

    [[nodiscard]] bool holds(const Entry& entry) const {
        const auto [b, i] = lower_bound(entry);
        return b < blocks_.size() && i < blocks_[b].size() && blocks_[b][i] == entry;
    }

    /// It is not there yet.
    void insert(const Entry& entry) {
        if (blocks_.empty()) {
            blocks_.push_back({entry});
            return;
        }
        auto [b, i] = lower_bound(entry);
        if (b == blocks_.size()) i = blocks_[--b].size();
        Block& block = blocks_[b];
        block.insert(block.begin() + static_cast<std::ptrdiff_t>(i), entry);
        if (block.size() < 2 * kFill) return;
        Block upper(block.begin() + kFill, block.end());
        block.resize(kFill);
        blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(b) + 1, std::move(upper));
    }

    /// It is there.
    void erase(const Entry& entry) {
        const auto [b, i] = lower_bound(entry);
        blocks_[b].erase(blocks_[b].begin() + static_cast<std::ptrdiff_t>(i));
        if (blocks_[b].empty()) blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(b));
    }

    /// All that hold `address` and begin before it, the widest first.
    template <typename Visit> void for_each_around(Key address, Visit visit) const {
        for (unsigned length = 0; length < kWidth; ++length) {
            const Key network = address & static_cast<Key>(~tail_mask(length));
            if (network == address) continue;
            auto [b, i] = lower_bound({network, 0, static_cast<std::uint8_t>(length)});
            for (; b < blocks_.size() && at(b, i).address == network && at(b, i).length == length; next(b, i))
                visit(at(b, i));
        }
    }

    /// All that begin in first..last, by address and then the widest first.
    template <typename Visit> void for_each_from(Key first, Key last, Visit visit) const {
        auto [b, i] = lower_bound({first, 0, 0});
        for (; b < blocks_.size() && at(b, i).address <= last; next(b, i))
            visit(at(b, i));
    }

    /// Whether there are more than so many. Does not count further.
    [[nodiscard]] bool more_than(std::size_t count) const {
        std::size_t size = 0;
        for (std::size_t b = 0; b < blocks_.size() && size <= count; ++b)
            size += blocks_[b].size();
        return size > count;
    }

    [[nodiscard]] std::size_t memory_size() const {
        std::size_t size = 0;
        for (const Block& block : blocks_)
            size += block.capacity() * sizeof(Entry);
        return size + blocks_.capacity() * sizeof(Block);
    }

  private:
    static constexpr std::size_t kFill = 512;
    using Block = std::vector<Entry>;

    [[nodiscard]] const Entry& at(std::size_t block, std::size_t i) const { return blocks_[block][i]; }
    void next(std::size_t& block, std::size_t& i) const {
        if (++i < blocks_[block].size()) return;
        i = 0;
        ++block;
    }

    /// Block and place of the first entry that is not less.
    [[nodiscard]] std::pair<std::size_t, std::size_t> lower_bound(const Entry& entry) const {
        const auto block = std::lower_bound(blocks_.begin(), blocks_.end(), entry,
                                            [](const Block& b, const Entry& e) { return b.back() < e; });
        if (block == blocks_.end()) return {blocks_.size(), 0};
        const auto place = std::lower_bound(block->begin(), block->end(), entry);
        return {static_cast<std::size_t>(block - blocks_.begin()), static_cast<std::size_t>(place - block->begin())};
    }

    std::vector<Block> blocks_; ///< none empty
};

} // namespace sluice::classifier
