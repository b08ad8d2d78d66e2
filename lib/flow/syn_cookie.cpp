#include "flow/syn_cookie.hpp"

#include "flow/sip_hash.hpp"

#include <array>
#include <cstring>

namespace sluice::flow {
namespace {

constexpr unsigned kPeriodShift = 16; // 65.5 s: numbers of periods wrap together with ticks
constexpr std::uint32_t kOptionBits = 7;
constexpr std::uint32_t kOptionMask = (1u << kOptionBits) - 1;

// What paths and their tunnels leave of an Ethernet frame; what is between two sizes is sent as the lower one.
using Sizes = std::array<std::uint16_t, 4>;
constexpr Sizes kSizesIpv4 = {536, 1300, 1440, 1460};
constexpr Sizes kSizesIpv6 = {1220, 1360, 1420, 1440};

const Sizes& sizes_of(net::Family family) {
    return family == net::Family::ipv4 ? kSizesIpv4 : kSizesIpv6;
}

unsigned size_index(net::Family family, std::uint16_t offered) {
    const Sizes& sizes = sizes_of(family);
    auto index = static_cast<unsigned>(sizes.size() - 1);
    while (index != 0 && sizes[index] > offered)
        --index;
    return index;
}

std::uint32_t bits_of(net::Family family, const CookieOptions& options) {
    return size_index(family, options.segment_size) << 5 | (options.window_scale & 15u) << 1 |
           (options.sack_permitted ? 1u : 0u);
}

/// The part of the message that does not depend on what is tried: 48 bytes.
SipHash begin(const CookieKey& key, const OrientedKey& client) {
    static_assert(sizeof(Key) == 44);
    SipHash hash(key.words[0], key.words[1]);
    std::uint64_t words[6] = {};
    std::memcpy(words, &client.key, sizeof client.key);
    words[5] |= std::uint64_t{client.sender_is_second} << 32;
    for (const std::uint64_t word : words) {
        hash.add(word);
    }
    return hash;
}

/// The other seven bytes: sequence number, period and options.
std::uint32_t mac(const SipHash& begun, std::uint32_t sequence, std::uint32_t period, std::uint32_t options) {
    constexpr std::uint64_t kLength = 48 + 7;
    const std::uint64_t last =
        kLength << 56 | std::uint64_t{options} << 48 | std::uint64_t{period & 0xffffu} << 32 | sequence;
    return static_cast<std::uint32_t>(begun.finish(last)) & ~kOptionMask;
}

} // namespace

std::uint16_t segment_size_of(net::Family family, std::uint16_t offered) {
    return sizes_of(family)[size_index(family, offered)];
}

std::uint32_t CookieMint::make(const OrientedKey& client, std::uint32_t sequence, const CookieOptions& options,
                               base::Tick now) const {
    const std::uint32_t bits = bits_of(client.key.family, options);
    return mac(begin(key_, client), sequence, now >> kPeriodShift, bits) | bits;
}

std::optional<CookieOptions> CookieMint::read(const OrientedKey& client, std::uint32_t sequence, std::uint32_t cookie,
                                              base::Tick now) const {
    const SipHash begun = begin(key_, client);
    const std::uint32_t bits = cookie & kOptionMask;
    const std::uint32_t wanted = cookie & ~kOptionMask;
    const std::uint32_t period = now >> kPeriodShift;
    if (mac(begun, sequence, period, bits) != wanted && mac(begun, sequence, period - 1, bits) != wanted)
        return std::nullopt;
    return options_of(client.key.family, cookie);
}

CookieOptions CookieMint::options_of(net::Family family, std::uint32_t cookie) {
    CookieOptions options;
    options.segment_size = sizes_of(family)[cookie >> 5 & 3u];
    options.window_scale = static_cast<std::uint8_t>(cookie >> 1 & 15u);
    options.sack_permitted = cookie & 1u;
    return options;
}

} // namespace sluice::flow
