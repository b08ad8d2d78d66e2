#include "dpdk/device_name.hpp"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <rte_pci.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sluice::dpdk {
namespace {

std::string before_comma(const std::string& device) {
    return device.substr(0, device.find(','));
}

std::optional<std::string> argument(const std::string& device, const std::string& key) {
    std::size_t at = device.find(',');
    while (at != std::string::npos) {
        const std::size_t next = device.find(',', at + 1);
        const std::string pair = device.substr(at + 1, next == std::string::npos ? next : next - at - 1);
        if (pair.rfind(key + "=", 0) == 0) return pair.substr(key.size() + 1);
        at = next;
    }
    return std::nullopt;
}

/// An ioctl of netdevice(7) about the kernel's interface of that device. False when there is none or it does not
/// answer.
bool ask_kernel(const std::string& device, unsigned long what, ifreq& request) {
    const auto interface = argument(device, "iface");
    if (!interface || interface->size() >= IFNAMSIZ) return false;
    interface->copy(request.ifr_name, IFNAMSIZ - 1);
    const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const bool answered = ioctl(descriptor, what, &request) == 0;
    close(descriptor);
    return answered;
}

std::optional<Error> check_pci(const std::string& device) {
    rte_pci_addr address{};
    if (rte_pci_addr_parse(before_comma(device).c_str(), &address) != 0) return std::nullopt;
    const std::string path = fmt::format("/sys/bus/pci/devices/{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus,
                                         address.devid, address.function);
    if (std::filesystem::exists(path)) return std::nullopt;
    return Error{
        Error::Kind::no_device,
        fmt::format("no PCI device '{}' on this machine; 'dpdk-devbind.py --status' lists them", before_comma(device))};
}

} // namespace

bool is_pci_address(const std::string& device) {
    rte_pci_addr address{};
    return rte_pci_addr_parse(before_comma(device).c_str(), &address) == 0;
}

bool is_virtio_user(const std::string& device) {
    return device.starts_with("net_virtio_user");
}

std::optional<std::string> kernel_interface_of(const std::string& device) {
    return argument(device, "iface");
}

std::optional<std::uint16_t> kernel_mtu_of(const std::string& device) {
    const auto interface = kernel_interface_of(device);
    if (!interface) return std::nullopt;
    std::ifstream in("/sys/class/net/" + *interface + "/mtu");
    std::uint16_t mtu = 0;
    if (!(in >> mtu)) return std::nullopt;
    return mtu;
}

bool kernel_is_promiscuous(const std::string& device) {
    ifreq request{};
    return ask_kernel(device, SIOCGIFFLAGS, request) && (request.ifr_flags & IFF_PROMISC) != 0;
}

std::optional<bool> kernel_link_of(const std::string& device) {
    // IFF_RUNNING would follow the carrier by up to a second.
    ethtool_value link{ETHTOOL_GLINK, 0};
    ifreq request{};
    request.ifr_data = reinterpret_cast<char*>(&link);
    if (!ask_kernel(device, SIOCETHTOOL, request)) return std::nullopt;
    return link.data != 0;
}

std::optional<Error> check_device(const std::string& device) {
    if (is_pci_address(device)) return check_pci(device);
    if (const auto interface = kernel_interface_of(device); interface && if_nametoindex(interface->c_str()) == 0) {
        return Error{Error::Kind::no_device,
                     fmt::format("device '{}': this network namespace has no interface '{}'; 'ip link' lists them",
                                 device, *interface)};
    }
    if (const auto capture = argument(device, "rx_pcap"); capture && !std::filesystem::exists(*capture)) {
        return Error{Error::Kind::no_device, fmt::format("device '{}': no file '{}'", device, *capture)};
    }
    return std::nullopt;
}

std::string hint_for_device(const std::string& device) {
    if (is_pci_address(device)) return "is it bound to vfio-pci? 'dpdk-devbind.py --status' tells";
    if (kernel_interface_of(device)) return "is the interface up, and does the driver know these arguments?";
    return "a device is a PCI address such as 0000:8a:00.0, or devargs such as net_af_xdp0,iface=veth1";
}

} // namespace sluice::dpdk
