// What identifies a flow, the same for both directions of it.
#pragma once

#include "net/byte_order.hpp"
#include "net/protocol.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::flow {

/// Which end sent a packet, seen from the flow: the one that opened it, or the other.
enum class Direction : std::uint8_t { original = 0, reply = 1 };

constexpr Direction opposite(Direction d) {
    return d == Direction::original ? Direction::reply : Direction::original;
}

struct Key;
bool same_key(const Key& a, const Key& b);

/// Both ends in canonical order (the lower end first), so that one key and one entry serve both directions.
/// Every byte counts, none is padding: keys are compared and hashed as memory.
struct Key {
    std::uint8_t address[2][16]; ///< network order; IPv4 in the first four bytes
    std::uint16_t port[2];       ///< as they lie in the packet; ICMP queries: identifier and 0
    std::uint16_t outer_vlan;    ///< packet::Parsed's encoding: id + 0x1000, 0 for no tag
    std::uint16_t inner_vlan;
    std::uint8_t protocol;
    net::Family family;
    std::uint16_t wire; ///< which pair of interfaces: the same tuple may cross the appliance twice

    friend bool operator==(const Key& a, const Key& b) { return same_key(a, b); }
};
static_assert(sizeof(Key) == 44 && std::has_unique_object_representations_v<Key>);

/// Without a call and without a branch between its parts: most keys that are compared are equal.
inline bool same_key(const Key& a, const Key& b) {
#if defined(__SSE2__)
    const auto part = [](const Key& key, std::size_t offset) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(reinterpret_cast<const char*>(&key) + offset));
    };
    constexpr std::size_t kLast = sizeof(Key) - sizeof(__m128i); // overlaps the part before
    const __m128i first = _mm_cmpeq_epi8(part(a, 0), part(b, 0));
    const __m128i second = _mm_cmpeq_epi8(part(a, 16), part(b, 16));
    const __m128i third = _mm_cmpeq_epi8(part(a, kLast), part(b, kLast));
    return _mm_movemask_epi8(_mm_and_si128(_mm_and_si128(first, second), third)) == 0xffff;
#else
    return std::memcmp(&a, &b, sizeof a) == 0;
#endif
}

/// A key, and whether the packet's sender is end 1 of it rather than end 0.
struct OrientedKey {
    Key key;
    bool sender_is_second;
};

namespace detail {

__extension__ using Wide = unsigned __int128;

inline std::uint64_t word_at(const void* base, std::size_t offset) {
    std::uint64_t word;
    std::memcpy(&word, static_cast<const char*>(base) + offset, sizeof word);
    return word;
}

/// An address as the number that it is when its first byte counts most.
inline Wide number_of(std::uint64_t first, std::uint64_t second) {
    return static_cast<Wide>(net::byte_swap(first)) << 64 | net::byte_swap(second);
}

} // namespace detail

/// A key as the words that it consists of in memory: made in registers, it can be hashed and written without being read
/// back, which would wait for its parts.
struct KeyWords {
    std::uint64_t address[2][2];
    std::uint32_t ports; ///< end 0's in the low half
    std::uint32_t vlans; ///< the outer one's in the low half
    std::uint32_t rest;  ///< protocol, family, and wire in the high half
};

inline KeyWords words_of(const Key& key) {
    using detail::word_at;
    KeyWords words{{{word_at(key.address[0], 0), word_at(key.address[0], 8)},
                    {word_at(key.address[1], 0), word_at(key.address[1], 8)}},
                   0,
                   0,
                   0};
    std::memcpy(&words.ports, key.port, sizeof words.ports);
    std::memcpy(&words.vlans, &key.outer_vlan, sizeof words.vlans);
    std::memcpy(&words.rest, &key.protocol, sizeof words.rest);
    return words;
}

inline void write(const KeyWords& words, Key& key) {
    auto* at = reinterpret_cast<char*>(&key);
    const std::uint64_t middle = std::uint64_t{words.vlans} << 32 | words.ports;
    std::memcpy(at, &words.address[0][0], 8); // one by one: copied as a whole, they would go by way of memory
    std::memcpy(at + 8, &words.address[0][1], 8);
    std::memcpy(at + 16, &words.address[1][0], 8);
    std::memcpy(at + 24, &words.address[1][1], 8);
    std::memcpy(at + 32, &middle, 8);
    std::memcpy(at + 40, &words.rest, 4);
}
static_assert(offsetof(Key, port) == 32 && offsetof(Key, outer_vlan) == 36 && offsetof(Key, protocol) == 40);
static_assert(offsetof(Key, family) == 41 && offsetof(Key, wire) == 42 && sizeof(KeyWords::address) == 32);

/// Sorts the two ends into `key`, whose other words it leaves alone, and says whether the sender is end 1. `source`
/// and `destination` have 16 bytes each; `kFamily` says how many of them are not zero. Without branches: half of all
/// packets go either way.
template <net::Family kFamily>
[[gnu::always_inline]] inline bool sort_ends(const std::uint8_t* source, const std::uint8_t* destination,
                                             std::uint16_t source_port, std::uint16_t destination_port, KeyWords& key) {
    using detail::word_at;
    const std::uint64_t from[2] = {word_at(source, 0), word_at(source, 8)};
    const std::uint64_t to[2] = {word_at(destination, 0), word_at(destination, 8)};
    bool swapped = false;
    if constexpr (kFamily == net::Family::ipv4) { // the upper half of the swapped word, and the port behind it
        swapped = (net::byte_swap(from[0]) | source_port) > (net::byte_swap(to[0]) | destination_port);
    } else {
        const detail::Wide sender = detail::number_of(from[0], from[1]);
        const detail::Wide receiver = detail::number_of(to[0], to[1]);
        swapped = (sender > receiver) | ((sender == receiver) & (source_port > destination_port));
    }
    const std::uint64_t all_if_swapped = 0 - std::uint64_t{swapped};
    for (unsigned i = 0; i < (kFamily == net::Family::ipv4 ? 1 : 2); ++i) {
        const std::uint64_t exchanged = (from[i] ^ to[i]) & all_if_swapped;
        key.address[0][i] = from[i] ^ exchanged;
        key.address[1][i] = to[i] ^ exchanged;
    }
    if constexpr (kFamily == net::Family::ipv4) key.address[0][1] = key.address[1][1] = 0;
    const std::uint32_t ports = std::uint32_t{source_port} | std::uint32_t{destination_port} << 16;
    key.ports = std::rotl(ports, swapped ? 16 : 0);
    return swapped;
}

inline OrientedKey orient(const std::uint8_t* source, const std::uint8_t* destination, std::uint16_t source_port,
                          std::uint16_t destination_port) {
    KeyWords words{};
    OrientedKey out{};
    out.sender_is_second = sort_ends<net::Family::ipv6>(source, destination, source_port, destination_port, words);
    write(words, out.key);
    return out;
}

/// The secret that is drawn at start: without it nobody can choose tuples that collide.
struct HashSeed {
    std::uint64_t words[4];
};

namespace detail {

/// The two halves of the 128-bit product, folded: every input bit reaches every output bit.
inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

} // namespace detail

/// 64 bits from a key and the seed, by folded multiplication of seeded words (the construction of Wang Yi's wyhash).
/// IPv4 keys skip the address bytes that are always zero.
template <net::Family kFamily> std::uint64_t hash(const KeyWords& key, const HashSeed& seed) {
    using detail::fold_multiply;
    const std::uint64_t front = std::uint64_t{key.vlans} << 32 | key.ports;
    const std::uint64_t back = std::uint64_t{key.rest} << 32 | key.vlans;
    std::uint64_t h = fold_multiply(front ^ seed.words[0], back ^ seed.words[1]);
    if constexpr (kFamily == net::Family::ipv4) {
        const std::uint64_t both = key.address[1][0] << 32 | static_cast<std::uint32_t>(key.address[0][0]);
        return fold_multiply(h ^ both ^ seed.words[2], seed.words[3] ^ std::rotl(both, 29));
    }
    h = fold_multiply(h ^ key.address[0][0] ^ seed.words[2], key.address[0][1] ^ seed.words[3]);
    h = fold_multiply(h ^ key.address[1][0] ^ seed.words[1], key.address[1][1] ^ seed.words[0]);
    return fold_multiply(h ^ seed.words[3], seed.words[2]);
}
inline std::uint64_t hash(const Key& key, const HashSeed& seed) {
    const KeyWords words = words_of(key);
    return key.family == net::Family::ipv4 ? hash<net::Family::ipv4>(words, seed)
                                           : hash<net::Family::ipv6>(words, seed);
}

} // namespace sluice::flow
