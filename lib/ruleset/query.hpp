// What of a packet the rules look at.
#pragma once

#include "net/byte_order.hpp"

#include <cstdint>
#include <cstring>

namespace sluice::ruleset {

/// Addresses and ports as they stand in the packet, in network order.
struct Query {
    std::uint8_t protocol = 0;
    std::uint8_t from_zone = 0;
    std::uint8_t to_zone = 0;
    std::uint8_t padding = 0;
    net::Be16 source_port;        ///< ICMP: 0
    net::Be16 destination_port;   ///< ICMP: type * 256 + code
    std::uint8_t source[16] = {}; ///< IPv4 in the first four bytes
    std::uint8_t destination[16] = {};
};
static_assert(sizeof(Query) == 40);

/// Packets of one family that are looked up together, in columns.
inline constexpr unsigned kLookUpBatch = 32;

struct alignas(64) QueryColumns {
    enum End : unsigned { source, destination };

    std::uint32_t ipv4[2][kLookUpBatch];  ///< host order; IPv6: not used
    std::uint64_t upper[2][kLookUpBatch]; ///< IPv6, host order; IPv4: not used
    std::uint64_t lower[2][kLookUpBatch];
    std::uint16_t port[2][kLookUpBatch]; ///< host order; ICMP: as in Query
    std::uint8_t protocol[kLookUpBatch];
    std::uint8_t pair[kLookUpBatch]; ///< Classifier::pair(); kNoPair matches nothing

    void set_ipv4(unsigned i, const std::uint8_t* from, const std::uint8_t* to) {
        ipv4[source][i] = read_be32(from);
        ipv4[destination][i] = read_be32(to);
    }
    void set_ipv6(unsigned i, const std::uint8_t* from, const std::uint8_t* to) {
        upper[source][i] = read_be64(from);
        lower[source][i] = read_be64(from + 8);
        upper[destination][i] = read_be64(to);
        lower[destination][i] = read_be64(to + 8);
    }
    void set_rest(unsigned i, std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t of_protocol,
                  std::uint8_t of_pair) {
        port[source][i] = source_port;
        port[destination][i] = destination_port;
        protocol[i] = of_protocol;
        pair[i] = of_pair;
    }

  private:
    static std::uint32_t read_be32(const std::uint8_t* bytes) {
        std::uint32_t stored;
        std::memcpy(&stored, bytes, sizeof stored);
        return __builtin_bswap32(stored);
    }
    static std::uint64_t read_be64(const std::uint8_t* bytes) {
        std::uint64_t stored;
        std::memcpy(&stored, bytes, sizeof stored);
        return __builtin_bswap64(stored);
    }
};

} // namespace sluice::ruleset
