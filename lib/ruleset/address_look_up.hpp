// Addresses to classes, for a batch. Included by look_up.hpp alone.
#pragma once

#include "ruleset/lanes.hpp"
#include "ruleset/query.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::ruleset {

inline std::uint32_t load_ref(const std::uint32_t* word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

inline const std::byte* at_line(const std::byte* lines, std::uint32_t line) {
    return lines + std::size_t{line} * kLine;
}

inline const std::uint16_t* keys16(const std::byte* line) {
    return reinterpret_cast<const std::uint16_t*>(line);
}
inline const std::int64_t* keys64(const std::byte* line) {
    return reinterpret_cast<const std::int64_t*>(line);
}

inline Class class_at(const std::byte* classes, unsigned i) {
    Class class_;
    std::memcpy(&class_, classes + sizeof(Class) * i, sizeof class_);
    return class_;
}

template <typename Lanes> struct Ipv4LookUp {
    /// The block of a chunk of several levels in which x lies.
    static const std::byte* block(const std::byte* chunk, unsigned levels, std::uint16_t x) {
        unsigned node = 0;
        for (unsigned level = 1; level < levels; ++level) {
            const std::size_t first = level == 1 ? 0 : ipv4::kBlocksAt[level];
            node = node * ipv4::kFanOut + Lanes::below(keys16(chunk + (first + node) * kLine), x);
        }
        return chunk + (ipv4::kBlocksAt[levels] + node * ipv4::kBlockLines) * kLine;
    }

    static const std::int32_t* keys32(const std::byte* line) { return reinterpret_cast<const std::int32_t*>(line); }

    /// Level by level, all packets together.
    static void through_shallow(const std::byte* map, unsigned levels, const std::uint32_t* addresses, unsigned count,
                                Class* classes) {
        unsigned node[kLookUpBatch] = {};
        for (unsigned level = 0; level < levels; ++level) {
            const std::byte* nodes = map + shallow::kNodesAt[level] * kLine;
            for (unsigned i = 0; i < count; ++i) {
                const auto x = static_cast<std::int32_t>(addresses[i] ^ kFlip32);
                node[i] = node[i] * shallow::kFanOut + Lanes::below(keys32(nodes + node[i] * kLine), x);
            }
        }
        const std::byte* blocks = map + shallow::kNodesAt[levels] * kLine;
        for (unsigned i = 0; i < count; ++i) {
            const auto x = static_cast<std::int32_t>(addresses[i] ^ kFlip32);
            const std::byte* block = blocks + node[i] * shallow::kBlockLines * kLine;
            classes[i] = class_at(block + kLine, Lanes::below(keys32(block), x));
        }
    }

    static void run(const AddressMap& map, const std::uint32_t* addresses, unsigned count, Class* classes) {
        const std::uint32_t small = load_ref(map.small);
        if (small == 0) return by_roots(map, addresses, count, classes);
        const std::byte* line = at_line(map.lines, small & kOffsetMask);
        if (small >> kShapeShift == 0)
            Lanes::flat(*reinterpret_cast<const Ipv4FlatMap*>(line), addresses, count, classes);
        else
            through_shallow(line, (small >> kShapeShift) - 1, addresses, count, classes);
    }

    static void by_roots(const AddressMap& map, const std::uint32_t* addresses, unsigned count, Class* classes) {
        // Loops without branches, one for each access that depends on the one before: the processor has many packets'
        // accesses in flight. A root that is a class goes through line 0, where nothing lies below, and stays.
        Ref refs[kLookUpBatch];
        const std::byte* blocks[kLookUpBatch];
        for (unsigned i = 0; i < count; ++i)
            refs[i] = load_ref(&map.roots[addresses[i] >> 16]);
        for (unsigned i = 0; i < count; ++i) {
            const bool is_class = (refs[i] & ipv4::kIsClass) != 0;
            blocks[i] = at_line(map.lines, is_class ? 0 : refs[i] & kOffsetMask);
            if (!is_class && refs[i] >> kShapeShift > 1) [[unlikely]]
                blocks[i] = block(blocks[i], refs[i] >> kShapeShift, static_cast<std::uint16_t>(addresses[i]));
        }
        for (unsigned i = 0; i < count; ++i) {
            const unsigned place = Lanes::below(keys16(blocks[i]), static_cast<std::uint16_t>(addresses[i]));
            blocks[i] += kLine + sizeof(Class) * place;
        }
        for (unsigned i = 0; i < count; ++i) {
            const Class found = class_at(blocks[i], 0);
            classes[i] = (refs[i] & ipv4::kIsClass) != 0 ? refs[i] & ~ipv4::kIsClass : found;
        }
    }
};

template <typename Lanes> struct Ipv6LookUp {
    static Ref through_top(const std::byte* top, unsigned levels, std::int64_t x) {
        unsigned node = 0;
        for (unsigned level = 0; level < levels; ++level) {
            node = node * ipv6::kFanOut +
                   Lanes::below(keys64(top + (ipv6::kNodesAt[level] + node) * ipv6::kNodeLines * kLine), x);
        }
        return load_ref(reinterpret_cast<const std::uint32_t*>(refs_of(top, levels)) + node);
    }

    static const std::byte* refs_of(const std::byte* top, unsigned levels) {
        return top + ipv6::kNodesAt[levels] * ipv6::kNodeLines * kLine;
    }

    static Class in_chunk(const std::byte* chunk, unsigned levels, std::int64_t x) {
        const std::byte* block = chunk;
        if (levels == 2) block += (ipv6::kNodeLines + ipv6::kBlockLines * Lanes::below(keys64(chunk), x)) * kLine;
        return class_at(block + ipv6::kNodeLines * kLine, Lanes::below(keys64(block), x));
    }

    /// From any Ref.
    static Class one(const AddressMap& map, Ref ref, std::int64_t x) {
        if (ref >> kShapeShift >= ipv6::kTop)
            ref = through_top(at_line(map.lines, ref & kOffsetMask), (ref >> kShapeShift) - ipv6::kTop, x);
        return in_chunk(at_line(map.lines, ref & kOffsetMask), ref >> kShapeShift, x);
    }

    /// through_top() for all of a batch, level by level.
    static void tops(const AddressMap& map, Ref root, const std::int64_t* upper, unsigned count, Ref* chunks) {
        const std::byte* top = at_line(map.lines, root & kOffsetMask);
        const unsigned levels = (root >> kShapeShift) - ipv6::kTop;
        unsigned node[kLookUpBatch] = {};
        for (unsigned level = 0; level < levels; ++level) {
            const std::byte* nodes = top + ipv6::kNodesAt[level] * ipv6::kNodeLines * kLine;
            for (unsigned i = 0; i < count; ++i) {
                const std::byte* keys = nodes + node[i] * ipv6::kNodeLines * kLine;
                node[i] = node[i] * ipv6::kFanOut + Lanes::below(keys64(keys), upper[i]);
            }
        }
        const auto* refs = reinterpret_cast<const std::uint32_t*>(refs_of(top, levels));
        for (unsigned i = 0; i < count; ++i) {
            chunks[i] = load_ref(refs + node[i]);
            __builtin_prefetch(at_line(map.lines, chunks[i] & kOffsetMask));
            __builtin_prefetch(at_line(map.lines, (chunks[i] & kOffsetMask) + 1));
        }
    }

    static void run(const AddressMap& map, const std::uint64_t* upper, const std::uint64_t* lower, unsigned count,
                    Class* classes) {
        std::int64_t keys[kLookUpBatch];
        for (unsigned i = 0; i < kLookUpBatch; ++i)
            keys[i] = static_cast<std::int64_t>(upper[i] ^ ipv6::kFlip);
        if (const std::uint32_t flat = load_ref(map.small); flat != 0) {
            Lanes::flat(*reinterpret_cast<const Ipv6FlatMap*>(at_line(map.lines, flat)), keys, count, classes);
            return;
        }
        const Ref root = load_ref(map.roots);
        Ref chunks[kLookUpBatch];
        if (root >> kShapeShift >= ipv6::kTop) {
            tops(map, root, keys, count, chunks);
        } else {
            std::fill(chunks, chunks + count, root);
        }
        for (unsigned i = 0; i < count; ++i)
            classes[i] = in_chunk(at_line(map.lines, chunks[i] & kOffsetMask), chunks[i] >> kShapeShift, keys[i]);
        for (unsigned i = 0; i < count; ++i) {
            if ((classes[i] & kBelow) == 0) continue;
            const auto* ref = reinterpret_cast<const std::uint32_t*>(at_line(map.lines, classes[i] & ~kBelow));
            classes[i] = one(map, load_ref(ref), static_cast<std::int64_t>(lower[i] ^ ipv6::kFlip));
        }
    }
};

} // namespace sluice::ruleset
