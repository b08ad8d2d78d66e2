// Integers in network byte order as a type of their own: they convert by name only, so that a forgotten swap is a
// compile error. (The habit is BESS's.)
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace sluice::net {

template <std::unsigned_integral T> constexpr T byte_swap(T value) {
    if constexpr (sizeof(T) == 2)
        return __builtin_bswap16(value);
    else if constexpr (sizeof(T) == 4)
        return __builtin_bswap32(value);
    else
        return __builtin_bswap64(value);
}

/// An unsigned integer as it stands on the wire. Trivially copyable, alignment 1: may be laid over packet bytes.
template <std::unsigned_integral T> class WireInt {
  public:
    constexpr WireInt() = default;

    static constexpr WireInt from_host(T host) {
        WireInt wire;
        const T swapped = std::endian::native == std::endian::little ? byte_swap(host) : host;
        for (unsigned i = 0; i < sizeof(T); ++i) {
            wire.bytes_[i] = static_cast<unsigned char>(swapped >> (8 * i));
        }
        return wire;
    }

    [[nodiscard]] T host() const {
        const T stored = raw();
        return std::endian::native == std::endian::little ? byte_swap(stored) : stored;
    }

    /// The bytes as they lie in memory, for keys and hashes that need no order.
    [[nodiscard]] T raw() const {
        T stored;
        std::memcpy(&stored, bytes_, sizeof stored);
        return stored;
    }

    friend constexpr bool operator==(const WireInt&, const WireInt&) = default;

  private:
    static_assert(std::endian::native == std::endian::little, "from_host() lays bytes out for little-endian hosts");
    unsigned char bytes_[sizeof(T)] = {};
};

using Be16 = WireInt<std::uint16_t>;
using Be32 = WireInt<std::uint32_t>;
using Be64 = WireInt<std::uint64_t>;

static_assert(sizeof(Be16) == 2 && alignof(Be16) == 1 && sizeof(Be32) == 4 && sizeof(Be64) == 8);

} // namespace sluice::net
