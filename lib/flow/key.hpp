// What identifies a flow, the same for both directions of it.
#pragma once

#include "net/protocol.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice::flow {

/// Which end sent a packet, seen from the flow: the one that opened it, or the other.
enum class Direction : std::uint8_t { original = 0, reply = 1 };

constexpr Direction opposite(Direction d) {
    return d == Direction::original ? Direction::reply : Direction::original;
}

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

    friend bool operator==(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
};
static_assert(sizeof(Key) == 44 && std::has_unique_object_representations_v<Key>);

/// A key, and whether the packet's sender is end 1 of it rather than end 0.
struct OrientedKey {
    Key key;
    bool sender_is_second;
};

/// Sorts the two ends into `key`, whose other fields it leaves alone, and says whether the sender is end 1. `source`
/// and `destination` have 16 bytes each.
inline bool orient_into(Key& key, const std::uint8_t* source, const std::uint8_t* destination,
                        std::uint16_t source_port, std::uint16_t destination_port) {
    int order = std::memcmp(source, destination, 16);
    if (order == 0) order = source_port < destination_port ? -1 : (source_port > destination_port ? 1 : 0);
    const unsigned first = order > 0 ? 1 : 0;
    std::memcpy(key.address[first], source, 16);
    std::memcpy(key.address[1 - first], destination, 16);
    key.port[first] = source_port;
    key.port[1 - first] = destination_port;
    return first == 1;
}

inline OrientedKey orient(const std::uint8_t* source, const std::uint8_t* destination, std::uint16_t source_port,
                          std::uint16_t destination_port) {
    OrientedKey out{};
    out.sender_is_second = orient_into(out.key, source, destination, source_port, destination_port);
    return out;
}

/// The secret that is drawn at start: without it nobody can choose tuples that collide.
struct HashSeed {
    std::uint64_t words[4];
};

namespace detail {

/// The two halves of the 128-bit product, folded: every input bit reaches every output bit.
inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t word_at(const void* base, std::size_t offset) {
    std::uint64_t word;
    std::memcpy(&word, static_cast<const char*>(base) + offset, sizeof word);
    return word;
}

} // namespace detail

/// 64 bits from a key and the seed, by folded multiplication of seeded words (the construction of Wang Yi's wyhash).
/// IPv4 keys skip the address bytes that are always zero.
inline std::uint64_t hash(const Key& key, const HashSeed& seed) {
    using detail::fold_multiply;
    using detail::word_at;
    // Bytes 32 to 39 are ports and VLANs, 36 to 43 VLANs, protocol, family and wire.
    std::uint64_t h = fold_multiply(word_at(&key, 32) ^ seed.words[0], word_at(&key, 36) ^ seed.words[1]);
    if (key.family == net::Family::ipv4) {
        std::uint32_t low;
        std::uint32_t high;
        std::memcpy(&low, key.address[0], sizeof low);
        std::memcpy(&high, key.address[1], sizeof high);
        const std::uint64_t both = static_cast<std::uint64_t>(high) << 32 | low;
        return fold_multiply(h ^ both ^ seed.words[2], seed.words[3] ^ std::rotl(both, 29));
    }
    h = fold_multiply(h ^ word_at(key.address[0], 0) ^ seed.words[2], word_at(key.address[0], 8) ^ seed.words[3]);
    h = fold_multiply(h ^ word_at(key.address[1], 0) ^ seed.words[1], word_at(key.address[1], 8) ^ seed.words[0]);
    return fold_multiply(h ^ seed.words[3], seed.words[2]);
}

} // namespace sluice::flow
