// RSS that sends both directions of a flow to the same queue: requested, and then checked rather than believed.
#pragma once

#include <cstdint>

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace sluice::dpdk {

/// Whether the port can hash TCP and UDP tuples with a key of our choice.
bool symmetric_rss_possible(const rte_eth_dev_info& info);

/// Puts the repeated key (pipeline::kSymmetricKeyWord) into a configuration.
void request_symmetric_rss(const rte_eth_dev_info& info, rte_eth_conf& conf);

/// Reads key and hash functions back from a started port and compares: what a driver ignored is found here.
bool symmetric_rss_in_force(std::uint16_t port_id);

} // namespace sluice::dpdk
