// One DPDK port: found by PCI address or devargs, configured, started, stopped, closed.
#pragma once

#include "base/expected.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/interface_claim.hpp"
#include "dpdk/memory.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::dpdk {

/// What the policy wants of a port.
struct PortOptions {
    std::string name;   ///< of the interface, for messages
    std::string device; ///< PCI address or devargs
    std::uint16_t mtu = 1500;
    bool promiscuous = true;
    std::optional<unsigned> queues; ///< receive queues; absent: as many as there are workers and the port has
    std::uint16_t workers = 1;
};

/// What the port turned out to be.
struct PortInfo {
    std::string driver;
    std::string mac;
    int numa_socket = -1;
    std::uint16_t receive_queues = 0;
    std::uint16_t transmit_queues = 0;
    std::uint16_t mtu = 0;
    bool promiscuous = false;
    bool symmetric_rss = false;         ///< accepted our key for TCP and UDP, read back and compared
    std::uint16_t indirection_size = 0; ///< entries of its RSS indirection table
    std::vector<std::string> offloads;  ///< that the port could do
    std::vector<std::string> warnings;  ///< what was asked for and could not be had
};

struct LinkState {
    bool up = false;
    std::uint32_t speed_mbps = 0; ///< 0: unknown
};

/// The port's own counters.
struct PortStatistics {
    std::uint64_t rx_packets = 0, rx_bytes = 0, rx_missed = 0, rx_errors = 0, rx_no_buffer = 0;
    std::uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0;
};

class Port {
  public:
    /// Finds the device and asks what it can do. Closes it again when destroyed.
    static base::Expected<Port, Error> probe(const PortOptions& options);
    Port(Port&& other) noexcept;
    Port& operator=(Port&&) = delete;
    ~Port();

    /// Sets queues up with buffers of `pool`, one transmit queue a worker where the port has that many.
    base::Expected<void, Error> configure(const BufferPool& pool);
    base::Expected<void, Error> start();
    void stop();

    [[nodiscard]] std::uint16_t id() const { return id_; }
    [[nodiscard]] int numa_socket() const { return info_.numa_socket; }
    [[nodiscard]] const PortOptions& options() const { return options_; }
    [[nodiscard]] const PortInfo& info() const { return info_; }
    [[nodiscard]] LinkState link() const;
    [[nodiscard]] PortStatistics statistics() const;

    /// Packet buffers that the queues of such a port hold, at most.
    [[nodiscard]] std::uint32_t buffers_wanted() const;
    /// Packet buffers that the driver does not give back when the port is closed, at most. AF_XDP leaves in the
    /// kernel's rings what lies there; every other driver returns all.
    [[nodiscard]] std::uint32_t buffers_kept_at_close() const;

  private:
    Port(PortOptions options, std::uint16_t id)
        : options_(std::move(options))
        , id_(id) {}
    [[nodiscard]] Error failure(const std::string& what, int status) const;
    void choose_queues();
    void program_indirection_table();
    void verify_rss();

    static constexpr std::uint16_t kNoPort = 0xffff;

    PortOptions options_;
    InterfaceClaim claim_;
    std::uint16_t id_;
    std::uint16_t descriptors_ = 2048;
    bool started_ = false;
    bool made_promiscuous_ = false; ///< to be undone: a kernel interface would stay promiscuous
    PortInfo info_;
};

} // namespace sluice::dpdk
