#include "dpdk/port.hpp"

#include "dpdk/device_name.hpp"
#include "dpdk/receive_checksums.hpp"
#include "dpdk/symmetric_rss.hpp"
#include "pipeline/ownership.hpp"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::dpdk {
namespace {

rte_eth_dev_info device_info(std::uint16_t id) {
    rte_eth_dev_info info{};
    (void)rte_eth_dev_info_get(id, &info);
    return info;
}

std::string mac_of(std::uint16_t id) {
    rte_ether_addr address{};
    if (rte_eth_macaddr_get(id, &address) != 0) return {};
    char text[RTE_ETHER_ADDR_FMT_SIZE];
    rte_ether_format_addr(text, sizeof text, &address);
    return text;
}

std::vector<std::string> offload_names(const rte_eth_dev_info& info) {
    std::vector<std::string> names;
    for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t flag = std::uint64_t{1} << bit;
        if (info.rx_offload_capa & flag) names.push_back(std::string("rx_") + rte_eth_dev_rx_offload_name(flag));
    }
    for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t flag = std::uint64_t{1} << bit;
        if (info.tx_offload_capa & flag) names.push_back(std::string("tx_") + rte_eth_dev_tx_offload_name(flag));
    }
    for (std::string& name : names) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
    }
    return names;
}

/// Whether a refusal is likely to come from not being root: AF_XDP and AF_PACKET want CAP_NET_ADMIN and CAP_NET_RAW,
/// the former CAP_BPF and locked memory, too, and say EINVAL where they mean EPERM.
bool wants_root(const std::string& device) {
    return geteuid() != 0 && kernel_interface_of(device).has_value();
}

Error not_opened(const PortOptions& options, int status) {
    if (wants_root(options.device)) {
        return {Error::Kind::not_permitted, fmt::format("interface '{}': cannot open device '{}': {}; run as root",
                                                        options.name, options.device, rte_strerror(-status))};
    }
    if (status == -EFAULT) { // how the EAL says that no bus knows the name
        return {Error::Kind::no_device,
                fmt::format("interface '{}': DPDK has no driver for device '{}'; a device is a PCI address such as "
                            "0000:8a:00.0, or devargs such as net_af_xdp0,iface=veth1",
                            options.name, options.device)};
    }
    return {Error::Kind::no_device,
            fmt::format("interface '{}': DPDK cannot open device '{}': {}; {}", options.name, options.device,
                        rte_strerror(-status), hint_for_device(options.device))};
}

} // namespace

Error Port::failure(const std::string& what, int status) const {
    const bool root = wants_root(options_.device);
    return {root ? Error::Kind::not_permitted : Error::Kind::failed,
            fmt::format("interface '{}' ({}): {}: {}{}", options_.name, options_.device, what,
                        rte_strerror(status < 0 ? -status : status), root ? "; run as root" : "")};
}

base::Expected<Port, Error> Port::probe(const PortOptions& options) {
    if (auto problem = check_device(options.device)) {
        problem->message = fmt::format("interface '{}': {}", options.name, problem->message);
        return base::Unexpected(*problem);
    }
    InterfaceClaim claim;
    if (const auto interface = kernel_interface_of(options.device)) {
        auto taken = InterfaceClaim::take(*interface);
        if (!taken) {
            return base::Unexpected(
                Error{taken.error().kind, fmt::format("interface '{}': {}", options.name, taken.error().message)});
        }
        claim = std::move(*taken);
    }
    if (const int status = rte_dev_probe(options.device.c_str()); status != 0) {
        return base::Unexpected(not_opened(options, status));
    }
    rte_dev_iterator iterator;
    std::uint16_t id = kNoPort;
    std::uint16_t candidate = 0;
    RTE_ETH_FOREACH_MATCHING_DEV(candidate, options.device.c_str(), &iterator) {
        if (id == kNoPort) id = candidate;
    }
    if (id == kNoPort) {
        // Devargs of virtual devices need not match themselves as a filter; their name always does.
        const std::string name = options.device.substr(0, options.device.find(','));
        if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) id = kNoPort;
    }
    if (id == kNoPort) {
        return base::Unexpected(
            Error{Error::Kind::no_device, fmt::format("interface '{}': device '{}' has no Ethernet port; {}",
                                                      options.name, options.device, hint_for_device(options.device))});
    }
    Port port(options, id);
    port.claim_ = std::move(claim);
    const rte_eth_dev_info info = device_info(id);
    port.info_.driver = info.driver_name != nullptr ? info.driver_name : "unknown";
    port.info_.mac = mac_of(id);
    port.info_.numa_socket = rte_eth_dev_socket_id(id);
    port.info_.offloads = offload_names(info);
    port.choose_queues();
    return port;
}

void Port::choose_queues() {
    const rte_eth_dev_info info = device_info(id_);
    const auto most = std::max<std::uint16_t>(1, info.max_rx_queues);
    const auto most_transmit = std::max<std::uint16_t>(1, info.max_tx_queues);
    info_.indirection_size = info.reta_size;
    // The kernel spreads packets over all the sockets that the devargs ask for, so all are polled; and they send as
    // well.
    const bool sockets = info_.driver == "net_af_packet" || info_.driver == "net_af_xdp";
    const unsigned wanted = sockets ? most : options_.queues.value_or(options_.workers);
    info_.receive_queues = static_cast<std::uint16_t>(std::min<unsigned>(wanted, most));
    info_.transmit_queues = sockets ? most_transmit : std::min(options_.workers, most_transmit);
    if (options_.queues && *options_.queues != info_.receive_queues) {
        info_.warnings.push_back(fmt::format("interface '{}': {} receive queues wanted, the port works with {}",
                                             options_.name, *options_.queues, info_.receive_queues));
    }
}

Port::Port(Port&& other) noexcept
    : options_(std::move(other.options_))
    , claim_(std::move(other.claim_))
    , id_(std::exchange(other.id_, kNoPort))
    , descriptors_(other.descriptors_)
    , started_(std::exchange(other.started_, false))
    , made_promiscuous_(std::exchange(other.made_promiscuous_, false))
    , info_(std::move(other.info_)) {}

Port::~Port() {
    if (id_ == kNoPort) return;
    stop();
    (void)rte_eth_dev_close(id_);
}

std::uint32_t Port::buffers_wanted() const {
    return std::uint32_t{descriptors_} * (info_.receive_queues + info_.transmit_queues);
}

std::uint32_t Port::buffers_kept_at_close() const {
    return info_.driver == "net_af_xdp" ? buffers_wanted() : 0;
}

base::Expected<void, Error> Port::configure(const BufferPool& pool) {
    const rte_eth_dev_info info = device_info(id_);
    rte_eth_conf conf{};
    conf.rxmode.mtu = options_.mtu;
    // What the port verifies need not be computed: see EthPortIo.
    conf.rxmode.offloads = receive_checksums(info_.driver, info.rx_offload_capa);
    const bool spread = info_.receive_queues > 1 && symmetric_rss_possible(info);
    if (spread) request_symmetric_rss(info, conf);
    if (options_.mtu > info.max_mtu || options_.mtu < info.min_mtu) {
        return base::Unexpected(
            Error{Error::Kind::failed, fmt::format("interface '{}': mtu {} is outside of what the port does ({} to {})",
                                                   options_.name, options_.mtu, info.min_mtu, info.max_mtu)});
    }
    int status = rte_eth_dev_configure(id_, info_.receive_queues, info_.transmit_queues, &conf);
    if (status != 0) return base::Unexpected(failure("cannot be configured", status));

    std::uint16_t receive_descriptors = descriptors_;
    std::uint16_t transmit_descriptors = descriptors_;
    (void)rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive_descriptors, &transmit_descriptors);
    const auto socket = static_cast<unsigned>(std::max(0, info_.numa_socket));
    for (std::uint16_t q = 0; q < info_.receive_queues && status == 0; ++q) {
        status = rte_eth_rx_queue_setup(id_, q, receive_descriptors, socket, nullptr, pool.get());
    }
    if (status != 0) return base::Unexpected(failure("cannot set up a receive queue", status));
    for (std::uint16_t q = 0; q < info_.transmit_queues && status == 0; ++q) {
        status = rte_eth_tx_queue_setup(id_, q, transmit_descriptors, socket, nullptr);
    }
    if (status != 0) return base::Unexpected(failure("cannot set up a transmit queue", status));
    return {};
}

base::Expected<void, Error> Port::start() {
    if (const int status = rte_eth_dev_start(id_); status != 0) {
        return base::Unexpected(failure("cannot be started", status));
    }
    started_ = true;
    if (options_.promiscuous) {
        made_promiscuous_ = !kernel_is_promiscuous(options_.device);
        const int status = rte_eth_promiscuous_enable(id_);
        if (status != 0 && status != -ENOTSUP) {
            info_.warnings.push_back(
                fmt::format("interface '{}': promiscuous mode: {}", options_.name, rte_strerror(-status)));
        }
    }
    info_.promiscuous = rte_eth_promiscuous_get(id_) == 1;
    (void)rte_eth_dev_get_mtu(id_, &info_.mtu);
    if (const auto kernel_mtu = kernel_mtu_of(options_.device); kernel_mtu && *kernel_mtu != options_.mtu) {
        info_.warnings.push_back(fmt::format("interface '{}': mtu {} in the policy, {} on the kernel's interface",
                                             options_.name, options_.mtu, *kernel_mtu));
    }
    if (info_.receive_queues > 1) {
        program_indirection_table();
        verify_rss();
    }
    return {};
}

void Port::program_indirection_table() {
    if (info_.indirection_size == 0) return;
    std::vector<rte_eth_rss_reta_entry64> table((info_.indirection_size + RTE_ETH_RETA_GROUP_SIZE - 1u) /
                                                RTE_ETH_RETA_GROUP_SIZE);
    for (unsigned i = 0; i < info_.indirection_size; ++i) {
        auto& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
        group.mask |= std::uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
        group.reta[i % RTE_ETH_RETA_GROUP_SIZE] =
            static_cast<std::uint16_t>(i % pipeline::kIndirectionSize % info_.receive_queues);
    }
    const int status = rte_eth_dev_rss_reta_update(id_, table.data(), info_.indirection_size);
    if (status != 0) {
        info_.warnings.push_back(fmt::format("interface '{}': its RSS indirection table cannot be written: {}",
                                             options_.name, rte_strerror(-status)));
    }
}

void Port::verify_rss() {
    info_.symmetric_rss = symmetric_rss_in_force(id_);
    if (!info_.symmetric_rss) {
        info_.warnings.push_back(
            fmt::format("interface '{}': no symmetric RSS; workers hand packets over", options_.name));
    }
}

void Port::stop() {
    if (!std::exchange(started_, false)) return;
    if (std::exchange(made_promiscuous_, false)) (void)rte_eth_promiscuous_disable(id_);
    (void)rte_eth_dev_stop(id_);
}

LinkState Port::link() const {
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(id_, &link) != 0) return {};
    const bool known = link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
    const bool started = link.link_status == RTE_ETH_LINK_UP;
    // AF_XDP and AF_PACKET ports are up from start to stop, whatever their interface is.
    const bool up = started && kernel_link_of(options_.device).value_or(true);
    return {up, known ? link.link_speed : 0};
}

PortStatistics Port::statistics() const {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(id_, &stats) != 0) return {};
    return {stats.ipackets,  stats.ibytes,   stats.imissed, stats.ierrors,
            stats.rx_nombuf, stats.opackets, stats.obytes,  stats.oerrors};
}

} // namespace sluice::dpdk
