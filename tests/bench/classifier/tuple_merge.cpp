// Tuple space search with merged tuples (V. Srinivasan, S. Suri, G. Varghese: Packet Classification using Tuple Space
// Search, 1999; J. Daly, E. Torng: TupleMerge: Building Online Packet Classifiers by Omitting Bits, 2017), as VPP's
// ACLs have it.
//
// A hash table for each pair of prefix lengths, rounded down so that there are few of them; a rule goes into the first
// table that its own lengths allow and where not too many rules share its place. Look-ups go through the tables, the
// one with the best rule first, until none can have a better one than what is found. So what a packet costs depends on
// the tables that it has to be looked up in, and that is what an attacker can choose.
#include "design.hpp"
#include "host_packet.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace sluice::bench {
namespace {

using rule_sets::Rule;
using rule_sets::RuleSet;

/// Rules that may share a place in a table before another table is opened (10 in the paper's offline form).
constexpr std::size_t kMostInPlace = 10;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

std::uint64_t hash_of(const Number& source, const Number& destination) {
    return mix(mix(mix(mix(0x243f6a8885a308d3u, source.high), source.low), destination.high), destination.low);
}

struct Entry {
    Number source;
    Number source_mask;
    Number destination;
    Number destination_mask;
    std::uint16_t first_source_port;
    std::uint16_t last_source_port;
    std::uint16_t first_destination_port;
    std::uint16_t last_destination_port;
    std::uint8_t protocol;
    std::uint8_t protocol_mask;
    std::uint32_t result; ///< position + 1

    [[nodiscard]] bool matches(const HostPacket& packet) const {
        return (packet.source & source_mask) == source && (packet.destination & destination_mask) == destination &&
               packet.source_port >= first_source_port && packet.source_port <= last_source_port &&
               packet.destination_port >= first_destination_port && packet.destination_port <= last_destination_port &&
               ((packet.protocol ^ protocol) & protocol_mask) == 0;
    }
};

Entry entry_of(const Rule& rule, std::size_t position) {
    const unsigned width = rule.source.address.width();
    return {number_of(rule.source.address),
            mask_of(rule.source.length, width),
            number_of(rule.destination.address),
            mask_of(rule.destination.length, width),
            rule.source_ports.first,
            rule.source_ports.last,
            rule.destination_ports.first,
            rule.destination_ports.last,
            rule.protocol.value_or(0),
            static_cast<std::uint8_t>(rule.protocol ? 0xff : 0),
            static_cast<std::uint32_t>(position + 1)};
}

struct Table {
    unsigned source_length = 0;
    unsigned destination_length = 0;
    Number source_mask;
    Number destination_mask;
    std::vector<std::vector<std::size_t>> rules_by_place; ///< while building, by number in `places`
    std::unordered_map<std::uint64_t, std::size_t> places;
    std::uint32_t best = ~0u;          ///< the lowest result in it
    std::vector<std::uint32_t> starts; ///< by slot: where its entries begin; one more at the end
    std::vector<Entry> entries;        ///< by slot, then by result
    std::uint64_t slot_mask = 0;

    [[nodiscard]] bool takes(const Rule& rule) const {
        return source_length <= rule.source.length && destination_length <= rule.destination.length;
    }
    [[nodiscard]] std::uint64_t hash(const Number& source, const Number& destination) const {
        return hash_of(source & source_mask, destination & destination_mask);
    }
    std::vector<std::size_t>& place_of(const Rule& rule) {
        const auto [at, is_new] = places.try_emplace(
            hash(number_of(rule.source.address), number_of(rule.destination.address)), rules_by_place.size());
        if (is_new) rules_by_place.emplace_back();
        return rules_by_place[at->second];
    }

    void finish(const RuleSet& set) {
        std::size_t slots = 1;
        while (slots < 2 * rules_by_place.size())
            slots *= 2;
        slot_mask = slots - 1;
        std::vector<std::vector<std::size_t>> by_slot(slots);
        for (const auto& [hash, place] : places) {
            auto& slot = by_slot[hash & slot_mask];
            slot.insert(slot.end(), rules_by_place[place].begin(), rules_by_place[place].end());
        }
        for (auto& slot : by_slot) {
            std::sort(slot.begin(), slot.end());
            starts.push_back(static_cast<std::uint32_t>(entries.size()));
            for (const std::size_t rule : slot)
                entries.push_back(entry_of(set.rules[rule], rule));
        }
        starts.push_back(static_cast<std::uint32_t>(entries.size()));
        places.clear();
        rules_by_place.clear();
    }
};

class TupleMerge : public Design {
  public:
    explicit TupleMerge(const RuleSet& set)
        : width_(set.family == net::Family::ipv4 ? 32 : 128) {
        for (std::size_t i = 0; i < set.rules.size(); ++i)
            insert(set, i);
        for (Table& table : tables_)
            table.finish(set);
        std::sort(tables_.begin(), tables_.end(), [](const Table& a, const Table& b) { return a.best < b.best; });
    }

    void load(const rule_sets::Trace& trace) override {
        packets_.clear();
        for (const rule_sets::Packet& packet : trace)
            packets_.emplace_back(packet);
    }

    void classify(std::size_t begin, unsigned count, std::uint32_t* results) const override {
        std::fill(results, results + count, ~0u);
        std::array<std::uint32_t, kBatch> wanted;
        std::array<std::uint32_t, kBatch> slots;
        for (const Table& table : tables_) {
            unsigned asked = 0;
            for (unsigned i = 0; i < count; ++i) {
                if (results[i] < table.best) continue;
                const HostPacket& packet = packets_[begin + i];
                const auto slot =
                    static_cast<std::uint32_t>(table.hash(packet.source, packet.destination) & table.slot_mask);
                __builtin_prefetch(&table.starts[slot]);
                wanted[asked] = i;
                slots[asked++] = slot;
            }
            if (asked == 0) break; // the tables behind have only later rules
            for (unsigned i = 0; i < asked; ++i)
                __builtin_prefetch(table.entries.data() + table.starts[slots[i]]);
            for (unsigned i = 0; i < asked; ++i) {
                std::uint32_t& result = results[wanted[i]];
                for (std::uint32_t at = table.starts[slots[i]]; at < table.starts[slots[i] + 1]; ++at) {
                    const Entry& entry = table.entries[at];
                    if (entry.result >= result) break;
                    if (!entry.matches(packets_[begin + wanted[i]])) continue;
                    result = entry.result;
                    break;
                }
            }
        }
        for (unsigned i = 0; i < count; ++i)
            results[i] = results[i] == ~0u ? 0 : results[i];
    }

    [[nodiscard]] std::size_t memory_size() const override {
        std::size_t size = 0;
        for (const Table& table : tables_)
            size += table.starts.size() * 4 + table.entries.size() * sizeof(Entry);
        return size;
    }

  private:
    void insert(const RuleSet& set, std::size_t position) {
        const Rule& rule = set.rules[position];
        for (Table& table : tables_) {
            if (!table.takes(rule)) continue;
            auto& place = table.place_of(rule);
            if (place.size() < kMostInPlace) return put(table, place, position);
        }
        // Few lengths first; where that puts too many into one place, exactly the rule's own.
        const unsigned step = width_ / 8;
        unsigned source = rule.source.length / step * step;
        unsigned destination = rule.destination.length / step * step;
        if (find(source, destination) != nullptr) {
            source = rule.source.length;
            destination = rule.destination.length;
        }
        Table* table = find(source, destination);
        if (table == nullptr) {
            table = &tables_.emplace_back();
            table->source_length = source;
            table->destination_length = destination;
            table->source_mask = mask_of(source, width_);
            table->destination_mask = mask_of(destination, width_);
        }
        put(*table, table->place_of(rule), position);
    }

    static void put(Table& table, std::vector<std::size_t>& place, std::size_t position) {
        place.push_back(position);
        table.best = std::min(table.best, static_cast<std::uint32_t>(position + 1));
    }

    Table* find(unsigned source, unsigned destination) {
        const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const Table& table) {
            return table.source_length == source && table.destination_length == destination;
        });
        return found == tables_.end() ? nullptr : &*found;
    }

    unsigned width_;
    std::vector<Table> tables_;
    std::vector<HostPacket> packets_;
};

} // namespace

std::unique_ptr<Design> make_tuple_merge(const RuleSet& set) {
    return std::make_unique<TupleMerge>(set);
}

} // namespace sluice::bench
