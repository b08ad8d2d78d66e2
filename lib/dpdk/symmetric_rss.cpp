#include "dpdk/symmetric_rss.hpp"

#include "pipeline/ownership.hpp"

#include <rte_ethdev.h>

#include <array>
#include <cstring>

namespace sluice::dpdk {
namespace {

constexpr std::uint64_t kWanted = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
                                  RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
                                  RTE_ETH_RSS_NONFRAG_IPV6_UDP;
constexpr std::size_t kLongestKey = 64;

// The port keeps a pointer to the key until it is configured, hence static.
std::array<std::uint8_t, kLongestKey>& repeated_key() {
    static std::array<std::uint8_t, kLongestKey> key = [] {
        std::array<std::uint8_t, kLongestKey> bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<std::uint8_t>(i % 2 == 0 ? pipeline::kSymmetricKeyWord >> 8
                                                            : pipeline::kSymmetricKeyWord & 0xff);
        }
        return bytes;
    }();
    return key;
}

std::uint8_t key_size(const rte_eth_dev_info& info) {
    constexpr std::uint8_t kUsual = 40;
    const std::uint8_t size = info.hash_key_size == 0 ? kUsual : info.hash_key_size;
    return size > kLongestKey ? std::uint8_t{kLongestKey} : size;
}

} // namespace

bool symmetric_rss_possible(const rte_eth_dev_info& info) {
    return (info.flow_type_rss_offloads & kWanted) == kWanted && info.reta_size != 0;
}

void request_symmetric_rss(const rte_eth_dev_info& info, rte_eth_conf& conf) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_key = repeated_key().data();
    conf.rx_adv_conf.rss_conf.rss_key_len = key_size(info);
    conf.rx_adv_conf.rss_conf.rss_hf = kWanted;
}

bool symmetric_rss_in_force(std::uint16_t port_id) {
    rte_eth_dev_info info{};
    if (rte_eth_dev_info_get(port_id, &info) != 0 || !symmetric_rss_possible(info)) return false;
    std::array<std::uint8_t, kLongestKey> key{};
    rte_eth_rss_conf conf{};
    conf.rss_key = key.data();
    conf.rss_key_len = key_size(info);
    if (rte_eth_dev_rss_hash_conf_get(port_id, &conf) != 0) return false;
    return (conf.rss_hf & kWanted) == kWanted && std::memcmp(key.data(), repeated_key().data(), key_size(info)) == 0;
}

} // namespace sluice::dpdk
