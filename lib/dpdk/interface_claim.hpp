// Keeps two appliances off one kernel interface.
//
// Nothing in the kernel does: a second AF_PACKET port forwards every packet once more, and a second AF_XDP port,
// failing to open, takes the first one's program off the interface. Hence a lock file in DPDK's runtime folder, held
// for as long as the port lives and gone with it. What a killed appliance leaves of it is not locked, and does no harm.
#pragma once

#include "base/expected.hpp"
#include "dpdk/eal.hpp"

#include <string>

namespace sluice::dpdk {

class InterfaceClaim {
  public:
    /// Claims `interface` of this network namespace. Error::Kind::in_use when somebody has it.
    static base::Expected<InterfaceClaim, Error> take(const std::string& interface);
    InterfaceClaim() = default;
    InterfaceClaim(InterfaceClaim&& other) noexcept;
    InterfaceClaim& operator=(InterfaceClaim&& other) noexcept;
    ~InterfaceClaim();

  private:
    InterfaceClaim(int descriptor, std::string path);
    void release();

    int descriptor_ = -1; ///< of the locked file; -1: nothing is claimed
    std::string path_;
};

} // namespace sluice::dpdk
