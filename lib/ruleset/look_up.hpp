// The look-up, once for all kinds of lanes. Included by look_up_scalar.cpp and look_up_avx2.cpp alone.
//
// A batch goes through three steps together, so that its memory accesses are in flight together: addresses to classes,
// the trees level by level, the leaves.
#pragma once

#include "net/protocol.hpp"
#include "ruleset/address_look_up.hpp"
#include "ruleset/classifier.hpp"
#include "ruleset/lanes.hpp"
#include "ruleset/late_classes.hpp"
#include "ruleset/query.hpp"

#include <algorithm>
#include <bit>

namespace sluice::ruleset {

template <typename Lanes, net::Family kFamily> class BatchLookUp {
  public:
    BatchLookUp(const FamilyTables& tables, const QueryColumns& queries, unsigned count)
        : tables_(tables)
        , queries_(queries)
        , count_(count) {}

    void run(std::uint32_t* results) {
        const std::uint32_t pair = only_pair();
        one_end(asked(tables_.source_asked_by, pair), tables_.source, QueryColumns::source, key(kSource));
        one_end(asked(tables_.destination_asked_by, pair), tables_.destination, QueryColumns::destination,
                key(kDestination));
        judge();
        for (unsigned i = 0; i < count_; ++i)
            results[i] = best_[i] != kNothing ? tables_.results[best_[i]] : 0;
    }

    /// For a batch of one.
    Found find() {
        one_end(true, tables_.source, QueryColumns::source, key(kSource));
        one_end(true, tables_.destination, QueryColumns::destination, key(kDestination));
        Found found;
        found.source = key(kSource)[0];
        found.destination = key(kDestination)[0];
        judge();
        found.order = best_[0];
        return found;
    }

  private:
    static constexpr std::uint32_t kNothing = ~std::uint32_t{0};

    std::uint32_t* key(unsigned dimension) { return keys_ + dimension * kLookUpBatch; }
    const std::uint32_t* key(unsigned dimension) const { return keys_ + dimension * kLookUpBatch; }

    /// The zone pair of all packets, as those of a burst have it, or kNoPair: they have several, or none.
    std::uint32_t only_pair() const {
        const std::uint8_t pair = queries_.pair[0];
        std::uint8_t others = 0;
        for (unsigned i = 0; i < count_; ++i)
            others = static_cast<std::uint8_t>(others | (queries_.pair[i] ^ pair));
        return others == 0 ? pair : kNoPair;
    }

    /// Whether any row of the zone pair asks for an end's class. Where none does, any class will do, and there is no
    /// map to go through: policies mostly name servers, which are destinations for one of the two directions.
    static bool asked(std::uint32_t by_pairs, std::uint32_t pair) {
        return pair >= kMaxZonePairs || (by_pairs >> pair & 1u) != 0;
    }

    void one_end(bool is_asked, const AddressMap& map, QueryColumns::End end, Class* classes) {
        if (map.uniform || !is_asked) {
            std::fill(classes, classes + kLookUpBatch, 0u);
        } else if constexpr (kFamily == net::Family::ipv4) {
            Ipv4LookUp<Lanes>::run(map, queries_.ipv4[end], count_, classes);
        } else {
            Ipv6LookUp<Lanes>::run(map, queries_.upper[end], queries_.lower[end], count_, classes);
        }
    }

    void judge() {
        const LatePackets late(tables_, key(kSource), key(kDestination), count_);
        if (tables_.flat_units != 0) {
            Lanes::flat(tables_, queries_, key(kSource), key(kDestination), count_, best_);
        } else {
            std::fill(best_, best_ + count_, kNothing);
            tables_.by_list ? by_list() : by_trees();
        }
        if (late.any()) [[unlikely]]
            late.ask(queries_, best_);
    }

    void by_trees() {
        for (unsigned i = 0; i < count_; ++i) {
            key(kSourcePort)[i] = queries_.port[QueryColumns::source][i];
            key(kDestinationPort)[i] = queries_.port[QueryColumns::destination][i];
            key(kProtocol)[i] = queries_.protocol[i];
        }
        for (unsigned t = 0; t < tables_.tree_count; ++t) {
            descend(tables_.trees[t]);
            scan_leaves();
        }
    }

    /// Every packet goes one cut deeper each time; one that has come to its leaf stays there.
    void descend(const Tree& tree) {
        for (unsigned i = 0; i < count_; ++i)
            word_[i] = queries_.pair[i] != kNoPair ? tree.root[queries_.pair[i]] : 0;
        std::uint64_t any_cut = Word::kCut;
        for (unsigned level = 0; level < tree.depth && (any_cut & Word::kCut) != 0; ++level) {
            any_cut = 0;
            for (unsigned i = 0; i < count_; ++i) {
                const std::uint64_t word = word_[i];
                const bool is_cut = Word::is_cut(word);
                const std::uint32_t in_dimension = key(Word::dimension(word))[i];
                const std::uint32_t chosen = in_dimension >> Word::shift(word) & ((1u << Word::bits(word)) - 1);
                const std::uint64_t next = tables_.words[is_cut ? Word::at(word) + chosen : 0];
                word_[i] = is_cut ? next : word;
                any_cut |= word_[i];
            }
        }
        for (unsigned i = 0; i < count_; ++i) {
            const auto* unit = reinterpret_cast<const std::byte*>(tables_.units + Word::at(word_[i]));
            __builtin_prefetch(unit);
            __builtin_prefetch(unit + kLine);
            __builtin_prefetch(unit + 2 * kLine);
        }
    }

    static std::uint16_t relative(std::uint32_t class_, unsigned bits) {
        const std::uint32_t within = class_ & static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
        return static_cast<std::uint16_t>(std::min(within, 0xffffu));
    }

    LeafKey key_for(unsigned i) const {
        const std::uint64_t leaf = word_[i];
        return {relative(key(kSource)[i], Word::source_bits(leaf)),
                relative(key(kDestination)[i], Word::destination_bits(leaf)),
                static_cast<std::uint16_t>(key(kSourcePort)[i]),
                static_cast<std::uint16_t>(key(kDestinationPort)[i]),
                tables_.pair_bit[queries_.pair[i] % kMaxZonePairs], // of no pair: unit 0
                static_cast<std::uint8_t>(key(kProtocol)[i])};
    }

    /// The first unit of every leaf without a branch, for whether there is a match is what no branch can guess; an
    /// empty leaf leads to unit 0, where nothing matches. Then the others, of those that have more and found nothing.
    void scan_leaves() {
        std::uint8_t pending[kLookUpBatch];
        unsigned more = 0;
        for (unsigned i = 0; i < count_; ++i) {
            const Unit& unit = tables_.units[Word::at(word_[i])];
            const unsigned boxes = Lanes::match(unit, key_for(i));
            const std::uint32_t order = unit.order[std::countr_zero(boxes | 1u << (Unit::kBoxes - 1))];
            best_[i] = std::min(best_[i], boxes != 0 ? order : kNothing);
            pending[more] = static_cast<std::uint8_t>(i);
            more += static_cast<unsigned>(boxes == 0) & static_cast<unsigned>(Word::units(word_[i]) > 1);
        }
        for (unsigned n = 0; n < more; ++n)
            scan_others(pending[n]);
    }

    void scan_others(unsigned i) {
        const Unit* unit = tables_.units + Word::at(word_[i]);
        const LeafKey wanted = key_for(i);
        for (const Unit* end = unit + Word::units(word_[i]); ++unit != end;) {
            const unsigned boxes = Lanes::match(*unit, wanted);
            if (boxes == 0) continue;
            best_[i] = std::min(best_[i], unit->order[std::countr_zero(boxes)]);
            return;
        }
    }

    void by_list() {
        for (unsigned i = 0; i < count_; ++i) {
            if (queries_.pair[i] == kNoPair) continue;
            const PlainPacket packet = {key(kSource)[i],
                                        key(kDestination)[i],
                                        queries_.port[QueryColumns::source][i],
                                        queries_.port[QueryColumns::destination][i],
                                        queries_.protocol[i],
                                        queries_.pair[i]};
            for (std::uint32_t order = 0; order < tables_.row_count; ++order) {
                if (!packet.lies_in(tables_.rows[order], nullptr, nullptr)) continue;
                best_[i] = order;
                break;
            }
        }
    }

    const FamilyTables& tables_;
    const QueryColumns& queries_;
    unsigned count_;
    /// By dimension; as many as a word can name, for leaves are read like cuts before they are found to be none.
    alignas(64) std::uint32_t keys_[8 * kLookUpBatch];
    alignas(64) std::uint32_t best_[kLookUpBatch]; ///< order of the row
    std::uint64_t word_[kLookUpBatch];
};

template <typename Lanes, net::Family kFamily>
void look_up(const FamilyTables& tables, const QueryColumns& queries, std::uint32_t* results, unsigned count) {
    if (tables.empty) return void(std::fill(results, results + count, 0u));
    BatchLookUp<Lanes, kFamily>(tables, queries, count).run(results);
}

} // namespace sluice::ruleset
