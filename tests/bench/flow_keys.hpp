// Keys of the flows that benchmarks of tables have in common: made from a number, so that neither an array of keys nor
// its way from memory is part of what is measured.
#pragma once

#include "flow/key.hpp"
#include "net/protocol.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

namespace sluice::bench {

inline constexpr unsigned kBurst = 32;

/// Flow `number` (below 2^24) has its own client; `present` keys and absent ones differ in the server's port.
class KeyMaker {
  public:
    explicit KeyMaker(net::Family family)
        : ipv6_(family == net::Family::ipv6) {
        static constexpr std::uint8_t kClient6[16] = {0x20, 0x01, 0x0d, 0xb8};
        static constexpr std::uint8_t kServer6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        static constexpr std::uint8_t kClient4[16] = {10};
        static constexpr std::uint8_t kServer4[16] = {192, 0, 2, 1};
        std::memcpy(key_.address[0], ipv6_ ? kClient6 : kClient4, 16);
        std::memcpy(key_.address[1], ipv6_ ? kServer6 : kServer4, 16);
        key_.protocol = 17;
        key_.family = family;
    }

    void write(std::uint32_t number, bool present, flow::Key& key) const {
        key = key_;
        std::uint8_t* low = key.address[0] + (ipv6_ ? 13 : 1);
        low[0] = static_cast<std::uint8_t>(number >> 16);
        low[1] = static_cast<std::uint8_t>(number >> 8);
        low[2] = static_cast<std::uint8_t>(number);
        key.port[0] = static_cast<std::uint16_t>(number * 40503u >> 7 | 1024u);
        key.port[1] = present ? 0x3500 : 0x3600;
    }

  private:
    bool ipv6_;
    flow::Key key_{};
};

/// 0 to count - 1 in random order, always the same.
inline std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint32_t seed) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    return order;
}

/// Goes round and round through an order, a burst at a time.
class Round {
  public:
    explicit Round(const std::vector<std::uint32_t>& order)
        : order_(order) {}
    std::uint32_t next() {
        const std::uint32_t number = order_[at_];
        at_ = at_ + 1 == order_.size() ? 0 : at_ + 1;
        return number;
    }

  private:
    const std::vector<std::uint32_t>& order_;
    std::size_t at_ = 0;
};

} // namespace sluice::bench
