// First match over many rules at once: a thin, typed cover of librte_acl, one instance for each family.
//
// Life cycle: built once by the policy compiler, immutable and shared by all workers afterwards, freed after a grace
// period. Building wants the EAL to be up (librte_acl takes its memory from there).
#pragma once

#include "base/expected.hpp"
#include "net/address.hpp"
#include "net/byte_order.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

struct rte_acl_ctx;

namespace sluice::ruleset {

/// What of a packet the rules look at, laid out as librte_acl reads it: everything in network order.
struct Query {
    std::uint8_t protocol;
    std::uint8_t padding[3];
    net::Be16 from_zone;
    net::Be16 to_zone;
    net::Be16 source_port;      ///< ICMP: 0
    net::Be16 destination_port; ///< ICMP: type * 256 + code
    std::uint8_t source[16];    ///< IPv4 in the first four bytes
    std::uint8_t destination[16];
};
static_assert(sizeof(Query) == 44);

/// One row of a classifier. Absent fields match everything.
struct Row {
    net::Family family = net::Family::ipv4;
    std::optional<std::uint8_t> protocol;
    std::optional<std::uint16_t> from_zone;
    std::optional<std::uint16_t> to_zone;
    net::Prefix source; ///< length 0 matches every address; of `family`
    net::Prefix destination;
    net::PortRange source_ports;
    net::PortRange destination_ports;
    std::uint32_t rank = 0;   ///< the lowest rank that matches wins; below kMaxRank
    std::uint32_t result = 0; ///< what classify() answers; not 0
};

inline constexpr std::uint32_t kMaxRank = 1u << 28;

/// How building failed: an errno from librte_acl and a phrase.
struct BuildError {
    int error_number = 0;
    const char* step = "";
};

class Classifier {
  public:
    Classifier() = default;
    Classifier(Classifier&& other) noexcept;
    Classifier& operator=(Classifier&& other) noexcept;
    ~Classifier();

    /// `name` tells instances apart inside the EAL (at most 20 characters). Rows may come in any order.
    /// `max_memory_size` bounds the run-time tables in bytes, 0 for no bound.
    static base::Expected<Classifier, BuildError> build(std::span<const Row> rows, const char* name, int numa_socket,
                                                        std::size_t max_memory_size = 0);

    /// Whether no row is of that family: classify() need not be asked.
    [[nodiscard]] bool empty(net::Family family) const { return context(family) == nullptr; }

    /// For each of `count` queries of one family the result of the first row that matches, or 0.
    void classify(net::Family family, const Query* const* queries, std::uint32_t* results, unsigned count) const;

  private:
    [[nodiscard]] rte_acl_ctx* context(net::Family family) const { return family == net::Family::ipv4 ? ipv4_ : ipv6_; }

    rte_acl_ctx* ipv4_ = nullptr;
    rte_acl_ctx* ipv6_ = nullptr;
};

} // namespace sluice::ruleset
