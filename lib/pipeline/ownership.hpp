// Which worker owns a flow. Every worker computes it for every tracked packet, so that a port that spreads packets
// otherwise than promised costs a hand-off, never a flow.
#pragma once

#include "flow/key.hpp"

#include <array>
#include <cstdint>

namespace sluice::pipeline {

/// The 16 bits that, repeated, make a Toeplitz key under which both directions of a flow hash alike
/// (Woo and Park, "Scalable TCP Session Monitoring with Symmetric Receive-side Scaling", 2012).
inline constexpr std::uint16_t kSymmetricKeyWord = 0x6d5a;

/// Toeplitz with the repeated key: every 16-bit word of the input meets the same key bits, so the hash of the whole
/// is the hash of the words' exclusive or.
class SymmetricToeplitz {
  public:
    SymmetricToeplitz();

    /// What a port with that key computes for addresses, and ports where `with_ports`, as the RSS hash.
    [[nodiscard]] std::uint32_t operator()(const flow::Key& key, bool with_ports) const;

  private:
    std::array<std::array<std::uint32_t, 256>, 2> table_; ///< by byte: the upper one, the lower one
};

/// RSS hashes are folded to this many values before workers are counted off, whatever the size of a port's indirection
/// table (a smaller one sets the limit): ports with tables of different sizes then agree about who owns a flow.
constexpr std::uint16_t kIndirectionSize = 128;

struct Ownership {
    enum class By : std::uint8_t {
        seeded_hash, ///< no port spreads symmetrically: the flow table's own hash, which nobody outside can steer
        rss,         ///< the ports' symmetric RSS: computed here too, so that most packets are already at home
    };

    std::uint16_t self = 0;
    std::uint16_t workers = 1;
    By by = By::seeded_hash;
    std::uint16_t indirection_size = kIndirectionSize; ///< RSS: or the entries of the smallest table; a power of two

    [[nodiscard]] std::uint16_t owner(const flow::Key& key, std::uint64_t hash,
                                      const SymmetricToeplitz& toeplitz) const {
        if (by == By::rss) {
            const bool ports = key.protocol == net::protocol::kTcp || key.protocol == net::protocol::kUdp;
            return static_cast<std::uint16_t>((toeplitz(key, ports) & (indirection_size - 1u)) % workers);
        }
        return owner_by(hash);
    }

    /// Who collects the fragments of a datagram, from the reassembly table's hash: they have no ports, so that neither
    /// RSS nor the flow's hash would bring all of them to one worker.
    [[nodiscard]] std::uint16_t collector(std::uint64_t hash) const { return owner_by(hash); }

  private:
    [[nodiscard]] std::uint16_t owner_by(std::uint64_t hash) const {
        // Bits that the tables do not use alone: shards must not correlate with buckets.
        const auto bits = static_cast<std::uint32_t>((hash * 0xd6e8feb86659fd93u) >> 32);
        return static_cast<std::uint16_t>((std::uint64_t{bits} * workers) >> 32);
    }
};

} // namespace sluice::pipeline
