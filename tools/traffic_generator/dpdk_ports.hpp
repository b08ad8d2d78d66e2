// Two DPDK ports as the ends of the wire.
#pragma once

#include "dpdk/memory.hpp"
#include "dpdk/port.hpp"
#include "traffic_generator/ports.hpp"

#include <array>
#include <atomic>
#include <string>
#include <vector>

namespace sluice::traffic {

class DpdkPorts : public Ports {
  public:
    /// `devices`: PCI addresses or devargs, of the clients' port and the servers'.
    static base::Expected<DpdkPorts, dpdk::Error> open(const std::array<std::string, 2>& devices,
                                                       const dpdk::BufferPool& pool);
    /// Two ports of this process that are joined by shared memory: what the generator can do without a firewall.
    static base::Expected<DpdkPorts, dpdk::Error> joined(const dpdk::BufferPool& pool);
    DpdkPorts(DpdkPorts&& other) noexcept = default;
    DpdkPorts& operator=(DpdkPorts&&) = delete;
    ~DpdkPorts() override;

    /// Waits until both have a link. False after `seconds`, or when `stop` becomes true.
    [[nodiscard]] bool wait_for_links(double seconds, const std::atomic<bool>& stop) const;
    [[nodiscard]] bool any_link() const;
    /// The names of the devices that have no link: "clients' (net_memif0,…)".
    [[nodiscard]] std::string without_link() const;
    /// Drivers' warnings, a line each.
    [[nodiscard]] std::vector<std::string> warnings() const;

    uint32_t receive(Side side, std::span<Frame> frames) override;
    void release(std::span<const Frame> frames) override;
    Sent transmit(Side side, Outbox& outbox) override;
    void take_back(Outbox& outbox) override;

  private:
    DpdkPorts(const dpdk::BufferPool& pool, dpdk::Port clients, dpdk::Port servers);

    rte_mempool* pool_;
    std::vector<dpdk::Port> ports_; ///< by side; empty when moved from
};

} // namespace sluice::traffic
