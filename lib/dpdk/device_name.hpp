// What can be said about a `device:` before DPDK is asked, so that the commonest mistakes get a plain answer.
#pragma once

#include "dpdk/eal.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::dpdk {

/// Whether `device` is a PCI address such as 0000:8a:00.0 or 8a:00.0, with or without arguments.
bool is_pci_address(const std::string& device);

/// Whether `device` is a virtio-user port: see EalOptions::virtio_user.
bool is_virtio_user(const std::string& device);

/// The kernel's interface that devargs name (`iface=`), if they do.
std::optional<std::string> kernel_interface_of(const std::string& device);
std::optional<std::uint16_t> kernel_mtu_of(const std::string& device);
/// Whether that interface is promiscuous already; false where there is none.
bool kernel_is_promiscuous(const std::string& device);
/// Whether that interface is up and has a carrier, if it tells.
std::optional<bool> kernel_link_of(const std::string& device);

/// A kernel interface or a capture file that is not there, a PCI address that no device has.
std::optional<Error> check_device(const std::string& device);

/// What to look at when DPDK does not open a device of this kind.
std::string hint_for_device(const std::string& device);

} // namespace sluice::dpdk
