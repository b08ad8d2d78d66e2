// What a look-up does with many numbers at once, in plain C++ and with AVX2.
#pragma once

#include "ruleset/query.hpp"
#include "ruleset/tables.hpp"

#include <bit>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace sluice::ruleset {

/// What of a packet a leaf compares: classes relative to the leaf.
struct LeafKey {
    std::uint16_t source;
    std::uint16_t destination;
    std::uint16_t source_port;
    std::uint16_t destination_port;
    std::uint16_t pair_bit;
    std::uint8_t protocol;
};

/// Orders of flat boxes, by place; what no box holds is behind the last.
inline constexpr std::uint32_t kNoOrder = ~std::uint32_t{0};
inline constexpr unsigned kFirstFlatUnit = 1;

inline std::uint32_t order_of_place(const FamilyTables& tables, unsigned place) {
    const Unit* units = tables.units + kFirstFlatUnit;
    return place < tables.flat_units * Unit::kBoxes ? units[place / Unit::kBoxes].order[place % Unit::kBoxes]
                                                    : kNoOrder;
}

struct ScalarLanes {
    /// Classes of all addresses by a flat map.
    static void flat(const Ipv4FlatMap& map, const std::uint32_t* addresses, unsigned count, Class* classes) {
        for (unsigned i = 0; i < count; ++i)
            classes[i] = class_by(map, static_cast<std::int32_t>(addresses[i] ^ kFlip32));
    }
    static void flat(const Ipv6FlatMap& map, const std::int64_t* upper, unsigned count, Class* classes) {
        for (unsigned i = 0; i < count; ++i)
            classes[i] = class_by(map, upper[i]);
    }

    /// For each packet the lowest order of the flat boxes that it lies in.
    static void flat(const FamilyTables& tables, const QueryColumns& queries, const Class* sources,
                     const Class* destinations, unsigned count, std::uint32_t* best) {
        for (unsigned i = 0; i < count; ++i) {
            const std::uint8_t pair = queries.pair[i];
            const LeafKey key = {static_cast<std::uint16_t>(sources[i]),
                                 static_cast<std::uint16_t>(destinations[i]),
                                 queries.port[QueryColumns::source][i],
                                 queries.port[QueryColumns::destination][i],
                                 pair != kNoPair ? tables.pair_bit[pair] : std::uint16_t{0},
                                 queries.protocol[i]};
            best[i] = kNoOrder;
            for (unsigned u = 0; u < tables.flat_units && best[i] == kNoOrder; ++u) {
                const Unit& unit = tables.units[kFirstFlatUnit + u];
                const unsigned boxes = match(unit, key);
                if (boxes != 0) best[i] = unit.order[std::countr_zero(boxes)];
            }
        }
    }

    /// How many of 32 keys lie below x.
    static unsigned below(const std::uint16_t* keys, std::uint16_t x) {
        unsigned count = 0;
        for (unsigned i = 0; i < ipv4::kFanOut; ++i)
            count += keys[i] < x;
        return count;
    }

    /// How many of 16 keys lie below x; both have their sign bit flipped.
    static unsigned below(const std::int32_t* keys, std::int32_t x) {
        unsigned count = 0;
        for (unsigned i = 0; i < shallow::kFanOut; ++i)
            count += keys[i] < x;
        return count;
    }

    /// The same with wider keys.
    static unsigned below(const std::int64_t* keys, std::int64_t x) {
        unsigned count = 0;
        for (unsigned i = 0; i < ipv6::kFanOut; ++i)
            count += keys[i] < x;
        return count;
    }

    /// A bit for each box that the key lies in.
    static unsigned match(const Unit& unit, const LeafKey& key) {
        unsigned boxes = 0;
        for (unsigned i = 0; i < Unit::kBoxes; ++i) {
            const auto within = [i](std::uint16_t x, const std::uint16_t* first, const std::uint16_t* span) {
                return static_cast<std::uint16_t>(x - first[i]) <= span[i];
            };
            const bool in = within(key.source, unit.source, unit.source_span) &&
                            within(key.destination, unit.destination, unit.destination_span) &&
                            within(key.source_port, unit.source_port, unit.source_port_span) &&
                            within(key.destination_port, unit.destination_port, unit.destination_port_span) &&
                            (unit.zone_pairs[i] & key.pair_bit) != 0 &&
                            (key.protocol & unit.protocol_mask[i]) == unit.protocol[i];
            boxes |= static_cast<unsigned>(in) << i;
        }
        return boxes;
    }

  private:
    template <typename Key> static Class class_by(const FlatMap<Key>& map, Key x) {
        unsigned place = 0;
        for (std::uint32_t i = 0; i < map.count; ++i)
            place += map.keys[i] < x;
        return map.classes[place];
    }
};

#ifdef __AVX2__
struct Avx2Lanes {
    static void flat(const Ipv4FlatMap& map, const std::uint32_t* addresses, unsigned count, Class* classes) {
        const __m256i flip = _mm256_set1_epi32(static_cast<int>(kFlip32));
        for (unsigned i = 0; i < count; i += 8) {
            const __m256i stored = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(addresses + i));
            const __m256i x = _mm256_xor_si256(stored, flip);
            __m256i place = _mm256_setzero_si256();
            for (std::uint32_t k = 0; k < map.count; ++k)
                place = _mm256_sub_epi32(place, _mm256_cmpgt_epi32(x, _mm256_set1_epi32(map.keys[k])));
            _mm256_store_si256(reinterpret_cast<__m256i*>(classes + i), place);
        }
        for (unsigned i = 0; i < count; ++i)
            classes[i] = map.classes[classes[i]];
    }

    static void flat(const Ipv6FlatMap& map, const std::int64_t* upper, unsigned count, Class* classes) {
        alignas(32) std::int64_t places[kLookUpBatch];
        for (unsigned i = 0; i < count; i += 4) {
            const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(upper + i));
            __m256i place = _mm256_setzero_si256();
            for (std::uint32_t k = 0; k < map.count; ++k)
                place = _mm256_sub_epi64(place, _mm256_cmpgt_epi64(x, _mm256_set1_epi64x(map.keys[k])));
            _mm256_store_si256(reinterpret_cast<__m256i*>(places + i), place);
        }
        for (unsigned i = 0; i < count; ++i)
            classes[i] = map.classes[places[i]];
    }

    /// Box by box, sixteen packets at a time.
    static void flat(const FamilyTables& tables, const QueryColumns& queries, const Class* sources,
                     const Class* destinations, unsigned count, std::uint32_t* best) {
        alignas(32) std::uint16_t pair_bits[kLookUpBatch];
        alignas(32) std::uint16_t places[kLookUpBatch];
        for (unsigned i = 0; i < count; ++i)
            pair_bits[i] = queries.pair[i] != kNoPair ? tables.pair_bit[queries.pair[i]] : std::uint16_t{0};
        for (unsigned i = 0; i < count; i += 16) {
            const Sixteen packets = {
                narrow(sources + i),
                narrow(destinations + i),
                load(queries.port[QueryColumns::source] + i),
                load(queries.port[QueryColumns::destination] + i),
                load(pair_bits + i),
                _mm256_cvtepu8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(queries.protocol + i)))};
            _mm256_store_si256(reinterpret_cast<__m256i*>(places + i), first_box(tables, packets));
        }
        for (unsigned i = 0; i < count; ++i)
            best[i] = order_of_place(tables, places[i]);
    }

    static unsigned below(const std::uint16_t* keys, std::uint16_t x) {
        const __m256i wanted = _mm256_set1_epi16(static_cast<short>(x));
        const __m256i zero = _mm256_setzero_si256();
        const auto* lines = reinterpret_cast<const __m256i*>(keys);
        // x - key, not below zero: zero where the key is not below x.
        const __m256i low = _mm256_cmpeq_epi16(_mm256_subs_epu16(wanted, _mm256_load_si256(lines)), zero);
        const __m256i high = _mm256_cmpeq_epi16(_mm256_subs_epu16(wanted, _mm256_load_si256(lines + 1)), zero);
        const auto not_below = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_packs_epi16(low, high)));
        return ipv4::kFanOut - static_cast<unsigned>(std::popcount(not_below));
    }

    static unsigned below(const std::int32_t* keys, std::int32_t x) {
        const __m256i wanted = _mm256_set1_epi32(x);
        const auto* halves = reinterpret_cast<const __m256i*>(keys);
        const __m256i a = _mm256_cmpgt_epi32(wanted, _mm256_load_si256(halves));
        const __m256i b = _mm256_cmpgt_epi32(wanted, _mm256_load_si256(halves + 1));
        // Two bits for each key.
        const auto bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_packs_epi32(a, b)));
        return static_cast<unsigned>(std::popcount(bits)) / 2;
    }

    static unsigned below(const std::int64_t* keys, std::int64_t x) {
        const __m256i wanted = _mm256_set1_epi64x(x);
        const auto* quarters = reinterpret_cast<const __m256i*>(keys);
        const __m256i a = _mm256_cmpgt_epi64(wanted, _mm256_load_si256(quarters));
        const __m256i b = _mm256_cmpgt_epi64(wanted, _mm256_load_si256(quarters + 1));
        const __m256i c = _mm256_cmpgt_epi64(wanted, _mm256_load_si256(quarters + 2));
        const __m256i d = _mm256_cmpgt_epi64(wanted, _mm256_load_si256(quarters + 3));
        const __m256i pairs = _mm256_packs_epi32(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        // Two bits for each key.
        return static_cast<unsigned>(std::popcount(static_cast<std::uint32_t>(_mm256_movemask_epi8(pairs)))) / 2;
    }

    static unsigned match(const Unit& unit, const LeafKey& key) {
        const __m128i in = _mm_and_si128(
            _mm_and_si128(within(key.source, unit.source, unit.source_span),
                          within(key.destination, unit.destination, unit.destination_span)),
            _mm_and_si128(within(key.source_port, unit.source_port, unit.source_port_span),
                          within(key.destination_port, unit.destination_port, unit.destination_port_span)));
        const __m128i zones = _mm_load_si128(reinterpret_cast<const __m128i*>(unit.zone_pairs));
        const __m128i bit = _mm_set1_epi16(static_cast<short>(key.pair_bit));
        // A packet of no pair has no bit: then nothing is zoned.
        const __m128i zoned = _mm_andnot_si128(_mm_cmpeq_epi16(_mm_and_si128(zones, bit), _mm_setzero_si128()), in);
        const __m128i protocol = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(unit.protocol));
        const __m128i mask = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(unit.protocol_mask));
        const __m128i mine = _mm_and_si128(_mm_set1_epi8(static_cast<char>(key.protocol)), mask);
        const __m128i boxes = _mm_and_si128(_mm_packs_epi16(zoned, zoned), _mm_cmpeq_epi8(mine, protocol));
        return static_cast<unsigned>(_mm_movemask_epi8(boxes)) & 0xffu;
    }

  private:
    struct Sixteen {
        __m256i source;
        __m256i destination;
        __m256i source_port;
        __m256i destination_port;
        __m256i pair_bit;
        __m256i protocol;
    };

    static __m256i load(const std::uint16_t* from) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(from)); }

    /// Sixteen classes in 16 bits each.
    static __m256i narrow(const Class* from) {
        const auto* halves = reinterpret_cast<const __m256i*>(from);
        const __m256i packed = _mm256_packus_epi32(_mm256_load_si256(halves), _mm256_load_si256(halves + 1));
        return _mm256_permute4x64_epi64(packed, 0xd8); // packing works within 128 bits
    }

    static __m256i beyond(__m256i x, std::uint16_t first, std::uint16_t span) {
        const __m256i distance = _mm256_sub_epi16(x, _mm256_set1_epi16(static_cast<short>(first)));
        return _mm256_subs_epu16(distance, _mm256_set1_epi16(static_cast<short>(span)));
    }

    /// Place of the first box of each packet; all bits for none.
    static __m256i first_box(const FamilyTables& tables, const Sixteen& packets) {
        const __m256i zero = _mm256_setzero_si256();
        __m256i place = _mm256_set1_epi16(-1);
        for (unsigned b = tables.flat_units * Unit::kBoxes; b-- > 0;) {
            const Unit& unit = tables.units[kFirstFlatUnit + b / Unit::kBoxes];
            const unsigned n = b % Unit::kBoxes;
            // Anything but zero: beyond the box in some dimension.
            const __m256i out = _mm256_or_si256(
                _mm256_or_si256(beyond(packets.source, unit.source[n], unit.source_span[n]),
                                beyond(packets.destination, unit.destination[n], unit.destination_span[n])),
                _mm256_or_si256(
                    _mm256_or_si256(
                        beyond(packets.source_port, unit.source_port[n], unit.source_port_span[n]),
                        beyond(packets.destination_port, unit.destination_port[n], unit.destination_port_span[n])),
                    _mm256_xor_si256(_mm256_and_si256(packets.protocol, _mm256_set1_epi16(unit.protocol_mask[n])),
                                     _mm256_set1_epi16(unit.protocol[n]))));
            const __m256i zones =
                _mm256_and_si256(packets.pair_bit, _mm256_set1_epi16(static_cast<short>(unit.zone_pairs[n])));
            const __m256i in = _mm256_andnot_si256(_mm256_cmpeq_epi16(zones, zero), _mm256_cmpeq_epi16(out, zero));
            place = _mm256_blendv_epi8(place, _mm256_set1_epi16(static_cast<short>(b)), in);
        }
        return place;
    }

    static __m128i within(std::uint16_t x, const std::uint16_t* first, const std::uint16_t* span) {
        const __m128i distance = _mm_sub_epi16(_mm_set1_epi16(static_cast<short>(x)),
                                               _mm_load_si128(reinterpret_cast<const __m128i*>(first)));
        const __m128i reach = _mm_load_si128(reinterpret_cast<const __m128i*>(span));
        return _mm_cmpeq_epi16(_mm_min_epu16(distance, reach), distance);
    }
};
#endif

} // namespace sluice::ruleset
