#include "dpdk/device_name.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace sluice::dpdk {
namespace {

std::string message_for(const std::string& device) {
    const auto problem = check_device(device);
    if (!problem) return {};
    EXPECT_EQ(problem->kind, Error::Kind::no_device);
    return problem->message;
}

TEST(DeviceName, KnowsPciAddresses) {
    EXPECT_TRUE(is_pci_address("0000:8a:00.0"));
    EXPECT_TRUE(is_pci_address("8a:00.1"));
    EXPECT_TRUE(is_pci_address("0000:8a:00.0,representor=[0]"));
    EXPECT_FALSE(is_pci_address("net_af_xdp0,iface=veth1"));
    EXPECT_FALSE(is_pci_address("net_null0"));
    EXPECT_FALSE(is_pci_address(""));
}

TEST(DeviceName, ReadsTheKernelInterface) {
    EXPECT_EQ(kernel_interface_of("net_af_xdp0,iface=veth1"), "veth1");
    EXPECT_EQ(kernel_interface_of("net_af_packet0,qpairs=2,iface=eth0,blocksz=4096"), "eth0");
    EXPECT_EQ(kernel_interface_of("net_af_xdp0,iface="), "");
    EXPECT_FALSE(kernel_interface_of("net_af_xdp0"));
    EXPECT_FALSE(kernel_interface_of("net_af_xdp0,myiface=veth1"));
    EXPECT_FALSE(kernel_interface_of("iface=veth1")) << "the first part is the driver's name";
}

TEST(DeviceName, ReadsTheKernelsMtu) {
    for (const auto& interface : std::filesystem::directory_iterator("/sys/class/net")) {
        unsigned mtu = 0;
        if (!(std::ifstream(interface.path() / "mtu") >> mtu)) continue; // not an interface: bonding_masters
        const auto found = kernel_mtu_of("net_af_packet0,iface=" + interface.path().filename().string());
        if (mtu > 0xffff)
            EXPECT_FALSE(found); // no port does that: the loopback interface
        else
            EXPECT_EQ(found, static_cast<std::uint16_t>(mtu));
    }
    EXPECT_FALSE(kernel_mtu_of("net_af_packet0,iface=sl-no-such-if"));
    EXPECT_FALSE(kernel_mtu_of("net_null0"));
}

TEST(DeviceName, MissingThingsAreNamedWithWhereToLook) {
    EXPECT_EQ(message_for("net_af_xdp0,iface=sl-no-such-if"),
              "device 'net_af_xdp0,iface=sl-no-such-if': this network namespace has no interface 'sl-no-such-if'; "
              "'ip link' lists them");
    EXPECT_EQ(message_for("net_pcap0,rx_pcap=/no/such.pcap,tx_pcap=/also/none.pcap"),
              "device 'net_pcap0,rx_pcap=/no/such.pcap,tx_pcap=/also/none.pcap': no file '/no/such.pcap'");
    EXPECT_EQ(message_for("ffff:ff:1f.7"),
              "no PCI device 'ffff:ff:1f.7' on this machine; 'dpdk-devbind.py --status' lists them");
}

TEST(DeviceName, WhatIsThereIsNotRefused) {
    const std::string capture = testing::TempDir() + "device_name_test.pcap";
    std::ofstream(capture) << "not looked into";
    EXPECT_EQ(message_for("net_pcap0,rx_pcap=" + capture), "");
    unlink(capture.c_str());
    EXPECT_EQ(message_for("net_af_packet0,iface=lo"), "");
    EXPECT_EQ(message_for("net_null0"), "");
}

TEST(DeviceName, HintsFitTheKind) {
    EXPECT_NE(hint_for_device("0000:8a:00.0").find("vfio-pci"), std::string::npos);
    EXPECT_NE(hint_for_device("net_af_xdp0,iface=veth1").find("interface up"), std::string::npos);
    EXPECT_NE(hint_for_device("net_nul0").find("PCI address such as"), std::string::npos);
}

} // namespace
} // namespace sluice::dpdk
