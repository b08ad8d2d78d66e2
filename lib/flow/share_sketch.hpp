// How many flows of a kind an address has, roughly: counters by a seeded hash of the address.
//
// Addresses that fall on one counter are counted together, so a counter never says less than is true. It serves to
// compare the greedy with the modest, and nobody who does not know the seed can choose whom he is confused with.
//
// One owner, no other reader.
#pragma once

#include "flow/key.hpp"

#include <cstdint>

namespace sluice::flow {

class ShareSketch {
  public:
    using Counter = std::uint32_t;

    /// `counters`: zeroed, a power of two of them.
    ShareSketch(Counter* counters, std::uint32_t count, const HashSeed& seed)
        : counters_(counters)
        , mask_(count - 1)
        , seed_(seed) {}

    /// Of one end of a flow. IPv6 addresses count by /64, which is what one host gets.
    [[nodiscard]] std::uint32_t cell_of_address(const Key& key, unsigned end) const {
        return cell_of(detail::word_at(key.address[end], 0));
    }
    /// Of one end's address and port.
    [[nodiscard]] std::uint32_t cell_of_service(const Key& key, unsigned end) const {
        const std::uint64_t low = key.family == net::Family::ipv6 ? detail::word_at(key.address[end], 8) : 0;
        return cell_of(detail::fold_multiply(detail::word_at(key.address[end], 0) ^ key.port[end] ^ seed_.words[2],
                                             low ^ seed_.words[3]));
    }

    /// -1, as it wraps, for one less.
    void add(std::uint32_t cell, std::uint32_t change) { counters_[cell] += change; }
    [[nodiscard]] std::uint32_t count(std::uint32_t cell) const { return counters_[cell]; }

  private:
    [[nodiscard]] std::uint32_t cell_of(std::uint64_t word) const {
        return static_cast<std::uint32_t>(detail::fold_multiply(word ^ seed_.words[0], seed_.words[1])) & mask_;
    }

    Counter* counters_;
    std::uint32_t mask_;
    HashSeed seed_;
};

} // namespace sluice::flow
