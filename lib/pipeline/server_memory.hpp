// What servers said in their last SYN/ACK, so that it can be promised to clients in their place.
//
// A cache of fixed size, one entry to a place: who meets another takes its place. What is not known costs a connection
// some speed, nothing else.
#pragma once

#include "flow/key.hpp"
#include "packet/tcp_write.hpp"

#include <array>
#include <cstdint>

namespace sluice::pipeline {

class ServerMemory {
  public:
    explicit ServerMemory(std::uint64_t seed)
        : seed_(seed) {}

    void learn(const flow::Key& key, unsigned server_end, const packet::SynOptions& options) {
        const std::uint64_t hash = hash_of(key, server_end);
        place_of(hash) = {tag_of(hash), options.segment_size, options.sack_permitted};
    }

    /// False: nothing is known. The scale is not kept.
    bool find(const flow::Key& key, unsigned server_end, packet::SynOptions& options) const {
        const std::uint64_t hash = hash_of(key, server_end);
        const Server& server = servers_[hash % kServers];
        if (server.tag != tag_of(hash)) return false;
        options.segment_size = server.segment_size;
        options.sack_permitted = server.sack_permitted;
        return true;
    }

  private:
    static constexpr std::size_t kServers = 2048;
    struct Server {
        std::uint32_t tag; ///< 0: empty
        std::uint16_t segment_size;
        bool sack_permitted;
    };
    static_assert(sizeof(Server) == 8);

    [[nodiscard]] std::uint64_t hash_of(const flow::Key& key, unsigned end) const {
        using flow::detail::fold_multiply;
        using flow::detail::word_at;
        const std::uint64_t rest = std::uint64_t{key.port[end]} | std::uint64_t{key.outer_vlan} << 16 |
                                   std::uint64_t{key.inner_vlan} << 32 | std::uint64_t{key.wire} << 48;
        const std::uint64_t address =
            fold_multiply(word_at(key.address[end], 0) ^ seed_, word_at(key.address[end], 8) ^ 0x9e3779b97f4a7c15u);
        return fold_multiply(address ^ seed_, rest ^ 0xbf58476d1ce4e5b9u);
    }
    static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32) | 1u; }
    Server& place_of(std::uint64_t hash) { return servers_[hash % kServers]; }

    std::uint64_t seed_;
    std::array<Server, kServers> servers_{};
};

} // namespace sluice::pipeline
