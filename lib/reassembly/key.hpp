// What the fragments of one datagram have in common, and nothing that another datagram may share with them.
#pragma once

#include "net/protocol.hpp"

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice::reassembly {

/// RFC 791, 3.2 and RFC 8200, 4.5, and where the datagram travels: fragments of different VLANs or interfaces never
/// complete each other (CVE-2017-7177, CVE-2023-1668). Every byte counts, none is padding: keys are compared and hashed
/// as memory.
struct Key {
    std::uint8_t source[16]; ///< network order; IPv4 in the first four bytes
    std::uint8_t destination[16];
    std::uint32_t identification;
    std::uint16_t outer_vlan; ///< as in flow::Key: id + 0x1000; 0 for no tag or one that marks a priority only
    std::uint16_t inner_vlan;
    std::uint16_t wire;
    std::uint16_t port;    ///< by which it came in: the two directions are apart
    std::uint8_t protocol; ///< of what was fragmented
    net::Family family;
    std::uint16_t reserved; ///< zero

    friend bool operator==(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
};
static_assert(sizeof(Key) == 48 && std::has_unique_object_representations_v<Key>);

/// The secret that is drawn at start: without it nobody can choose datagrams that collide.
struct HashSeed {
    std::uint64_t words[4];
};

/// 64 bits from a key and the seed, by folded multiplication of seeded words, as flow::hash().
inline std::uint64_t hash(const Key& key, const HashSeed& seed) {
    const auto fold_multiply = [](std::uint64_t a, std::uint64_t b) {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    std::uint64_t words[6];
    std::memcpy(words, &key, sizeof words);
    std::uint64_t h = fold_multiply(words[0] ^ seed.words[0], words[1] ^ seed.words[1]);
    h = fold_multiply(h ^ words[2] ^ seed.words[2], words[3] ^ seed.words[3]);
    h = fold_multiply(h ^ words[4] ^ seed.words[1], words[5] ^ seed.words[0]);
    return fold_multiply(h ^ seed.words[3], seed.words[2]);
}

} // namespace sluice::reassembly
