// SYN cookies: an initial sequence number that lets a SYN/ACK be forgotten, because the ACK that answers it brings back
// all that has to be known (D. J. Bernstein, 1996; RFC 4987, 3.6).
//
//     bits 31..7   MAC over both ends, the client's initial sequence number, the period and the seven bits below
//     bits  6..5   which of four segment sizes the client takes
//     bits  4..1   the shift of the client's windows, tcp::kNoScale if it does not scale
//     bit   0      selective acknowledgments are permitted, by both ends
//
// Time is divided into periods of 65.5 s. A cookie is good in the period that it was made in and in the next one.
// Whoever guesses has one chance in 2^25 for each period and each packet.
//
// Immutable: workers that share the key understand each other's cookies.
#pragma once

#include "base/ticks.hpp"
#include "flow/key.hpp"
#include "net/protocol.hpp"

#include <cstdint>
#include <optional>

namespace sluice::flow {

/// Drawn at start. Not the table's seed: a cookie is a value of this key's hash that everybody gets to see.
struct CookieKey {
    std::uint64_t words[2];
};

/// What a SYN offers, as far as a cookie can hold it.
struct CookieOptions {
    std::uint16_t segment_size = 0; ///< the client's MSS, or the next one below it that segment_size_of() knows
    std::uint8_t window_scale = 15; ///< of the client; tcp::kNoScale: none
    bool sack_permitted = false;    ///< offered by the client, and promised to it
};

/// The largest of four sizes that is not above `offered`; the smallest, which every host takes (RFC 9293, 3.7.1), if
/// none is.
std::uint16_t segment_size_of(net::Family family, std::uint16_t offered);

class CookieMint {
  public:
    explicit CookieMint(const CookieKey& key)
        : key_(key) {}

    /// `client` is the flow's key as the client's packets have it, `sequence` the client's initial sequence number.
    /// `options.segment_size` comes from segment_size_of().
    [[nodiscard]] std::uint32_t make(const OrientedKey& client, std::uint32_t sequence, const CookieOptions& options,
                                     base::Tick now) const;

    /// What the client's SYN offered, if `cookie` was made for it in this period or the one before.
    [[nodiscard]] std::optional<CookieOptions> read(const OrientedKey& client, std::uint32_t sequence,
                                                    std::uint32_t cookie, base::Tick now) const;

    /// How long a cookie may be good for.
    static constexpr base::Tick kLongestLife = 2u << 16;

    /// What the low bits of a cookie say. For a cookie that read() found right.
    static CookieOptions options_of(net::Family family, std::uint32_t cookie);

  private:
    CookieKey key_;
};

} // namespace sluice::flow
