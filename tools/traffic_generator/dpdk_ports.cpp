#include "traffic_generator/dpdk_ports.hpp"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice::traffic {
namespace {

constexpr std::array<const char*, 2> kNames = {"clients", "servers"};
constexpr auto kDisconnect = std::chrono::milliseconds(50);
constexpr auto kLookAtLinksEvery = std::chrono::milliseconds(10);

base::Expected<dpdk::Port, dpdk::Error> started(std::size_t side, const std::string& device,
                                                const dpdk::BufferPool& pool) {
    dpdk::PortOptions options;
    options.name = kNames[side];
    options.device = device;
    auto port = dpdk::Port::probe(options);
    if (!port) return port;
    if (auto done = port->configure(pool); !done) return base::Unexpected(done.error());
    if (auto done = port->start(); !done) return base::Unexpected(done.error());
    return port;
}

} // namespace

DpdkPorts::DpdkPorts(const dpdk::BufferPool& pool, dpdk::Port clients, dpdk::Port servers)
    : pool_(pool.get()) {
    ports_.push_back(std::move(clients));
    ports_.push_back(std::move(servers));
}

DpdkPorts::~DpdkPorts() {
    // Of two memif ports that are joined, the second notices in DPDK's interrupt thread that the first has gone. It
    // must be done with that before it is closed itself: both free the same.
    while (!ports_.empty()) {
        ports_.pop_back();
        if (!ports_.empty()) std::this_thread::sleep_for(kDisconnect);
    }
}

base::Expected<DpdkPorts, dpdk::Error> DpdkPorts::open(const std::array<std::string, 2>& devices,
                                                       const dpdk::BufferPool& pool) {
    auto clients = started(0, devices[0], pool);
    if (!clients) return base::Unexpected(clients.error());
    auto servers = started(1, devices[1], pool);
    if (!servers) return base::Unexpected(servers.error());
    return DpdkPorts(pool, std::move(*clients), std::move(*servers));
}

base::Expected<DpdkPorts, dpdk::Error> DpdkPorts::joined(const dpdk::BufferPool& pool) {
    // An abstract socket: nothing is left of it in any folder.
    const std::string socket = "sluice-traffic-" + std::to_string(::getpid());
    const std::string rest = ",id=0,rsize=11,socket=" + socket + ",socket-abstract=yes";
    return open({"net_memif_joined0,role=server" + rest, "net_memif_joined1,role=client" + rest}, pool);
}

std::string DpdkPorts::without_link() const {
    std::string names;
    for (const dpdk::Port& port : ports_) {
        if (port.link().up) continue;
        if (!names.empty()) names += " and ";
        names += port.options().name + "' (" + port.options().device + ")";
    }
    return names;
}

bool DpdkPorts::any_link() const {
    return std::any_of(ports_.begin(), ports_.end(), [](const dpdk::Port& port) { return port.link().up; });
}

bool DpdkPorts::wait_for_links(double seconds, const std::atomic<bool>& stop) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!std::all_of(ports_.begin(), ports_.end(), [](const dpdk::Port& port) { return port.link().up; })) {
        if (stop.load(std::memory_order_relaxed) || std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(kLookAtLinksEvery);
    }
    return true;
}

std::vector<std::string> DpdkPorts::warnings() const {
    std::vector<std::string> all;
    for (const dpdk::Port& port : ports_) {
        all.insert(all.end(), port.info().warnings.begin(), port.info().warnings.end());
    }
    return all;
}

uint32_t DpdkPorts::receive(Side side, std::span<Frame> frames) {
    std::array<rte_mbuf*, kBurst> buffers;
    const auto room = static_cast<uint16_t>(std::min<std::size_t>(frames.size(), kBurst));
    const dpdk::Port& port = ports_[static_cast<std::size_t>(side)];
    uint16_t count = 0;
    for (uint16_t queue = 0; queue < port.info().receive_queues && count < room; ++queue) {
        count = static_cast<uint16_t>(
            count + rte_eth_rx_burst(port.id(), queue, buffers.data() + count, static_cast<uint16_t>(room - count)));
    }
    for (uint16_t i = 0; i < count; ++i) {
        // A frame in several pieces is longer than any of ours: what is read of it then is found to be cut off.
        frames[i] = {rte_pktmbuf_mtod(buffers[i], const std::byte*), buffers[i]->data_len, buffers[i]};
    }
    return count;
}

void DpdkPorts::release(std::span<const Frame> frames) {
    std::array<rte_mbuf*, kBurst> buffers;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        buffers[i] = static_cast<rte_mbuf*>(frames[i].handle);
    }
    rte_pktmbuf_free_bulk(buffers.data(), static_cast<unsigned>(frames.size()));
}

Ports::Sent DpdkPorts::transmit(Side side, Outbox& outbox) {
    Sent sent;
    std::array<rte_mbuf*, kBurst> buffers;
    while (outbox.waiting() > 0) {
        const uint32_t count = std::min(outbox.waiting(), kBurst);
        for (uint32_t i = 0; i < count; ++i) {
            auto* buffer = static_cast<rte_mbuf*>(outbox.handle(i));
            buffer->data_len = outbox.length(i);
            buffer->pkt_len = outbox.length(i);
            buffers[i] = buffer;
        }
        const uint16_t taken = rte_eth_tx_burst(ports_[static_cast<std::size_t>(side)].id(), 0, buffers.data(),
                                                static_cast<uint16_t>(count));
        for (uint32_t i = 0; i < taken; ++i) {
            sent.bytes += outbox.length(i);
        }
        sent.frames += taken;
        outbox.sent(taken);
        if (taken < count) break;
    }
    for (uint32_t wanted = std::min(outbox.wanted(), kBurst); wanted > 0; wanted = std::min(outbox.wanted(), kBurst)) {
        if (rte_pktmbuf_alloc_bulk(pool_, buffers.data(), wanted) != 0) break; // next time
        for (uint32_t i = 0; i < wanted; ++i) {
            outbox.add_room(buffers[i], rte_pktmbuf_mtod(buffers[i], std::byte*));
        }
    }
    return sent;
}

void DpdkPorts::take_back(Outbox& outbox) {
    for (uint32_t i = 0; i < outbox.waiting(); ++i) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(outbox.handle(i)));
    }
    while (void* room = outbox.take_room()) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(room));
    }
    outbox.sent(outbox.waiting());
}

} // namespace sluice::traffic
