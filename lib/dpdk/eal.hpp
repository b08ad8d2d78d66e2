// DPDK's environment: started once, cleaned up at the end.
#pragma once

#include "base/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::dpdk {

/// Why something of DPDK could not be had. Each kind has an exit code of its own in `sluiced`.
struct Error {
    enum class Kind : std::uint8_t { failed, not_permitted, no_memory, no_device, in_use };
    Kind kind = Kind::failed;
    std::string message; ///< what is wrong, and what to do about it
};

struct EalOptions {
    std::string file_prefix = "sluice";   ///< tells instances on one machine apart
    std::vector<unsigned> worker_cpus;    ///< worker w runs on lcore w + 1, pinned to worker_cpus[w]
    std::vector<unsigned> control_cpus;   ///< where the main thread may run; empty: anywhere
    std::vector<std::string> pci_devices; ///< the only PCI devices to look at; empty: no PCI bus at all
    bool hugepages = true;
    bool virtio_user = false;      ///< a port of that kind shares all memory with its peer, which wants few files of it
    bool shared_files = true;      ///< runtime folder and telemetry socket; off for tools and tests
    std::uint64_t memory_size = 0; ///< bytes taken at start; 0 with hugepages: as needed. Without, all there will be
};

class Eal {
  public:
    static base::Expected<Eal, Error> start(const EalOptions& options);
    Eal(Eal&& other) noexcept;
    Eal& operator=(Eal&&) = delete;
    ~Eal();

    /// Runs `function(argument)` on worker `worker`'s core until it returns.
    static bool launch(unsigned worker, int (*function)(void*), void* argument);
    static void wait(unsigned worker);

    static std::uint64_t cycles_per_second();
    /// "DPDK 22.11.11"
    static std::string version();

  private:
    explicit Eal(std::string runtime_folder)
        : runtime_folder_(std::move(runtime_folder)) {}
    bool running_ = true;
    std::string runtime_folder_;
};

/// Free and total bytes in hugepages of all sizes, as the kernel tells.
struct HugepageMemory {
    std::uint64_t free_size = 0;
    std::uint64_t total_size = 0;
};
HugepageMemory hugepage_memory();
/// Bytes of ordinary memory that the kernel could hand out; all there could ever be when it does not tell.
std::uint64_t available_memory_size();

/// The folder in which every DPDK process of this user has one of its own.
std::string runtime_root();

/// Whether some process holds the runtime folder of that file prefix.
bool prefix_in_use(const std::string& file_prefix);

} // namespace sluice::dpdk
