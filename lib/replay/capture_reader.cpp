#include "replay/capture.hpp"

#include "net/headers.hpp"
#include "net/protocol.hpp"

#include <pcap/pcap.h>

#include <cstring>

namespace sluice::replay {
namespace {

constexpr std::size_t kCookedSize = 16;  // DLT_LINUX_SLL: the EtherType is its last field
constexpr std::size_t kCooked2Size = 20; // DLT_LINUX_SLL2: the EtherType is its first field
constexpr std::size_t kLoopbackSize = 4; // DLT_NULL, DLT_LOOP: an address family

bool supported(int link_type) {
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP: return true;
    default: return false;
    }
}

std::uint16_t ether_type_of_ip(std::span<const std::byte> packet) {
    const bool ipv6 = !packet.empty() && std::to_integer<unsigned>(packet[0]) >> 4 == 6;
    return static_cast<std::uint16_t>(ipv6 ? net::EtherType::ipv6 : net::EtherType::ipv4);
}

std::uint16_t be16_at(std::span<const std::byte> packet, std::size_t offset) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(packet[offset]) << 8 |
                                      std::to_integer<unsigned>(packet[offset + 1]));
}

void put_ethernet(std::uint16_t ether_type, std::span<const std::byte> payload, std::vector<std::byte>& frame) {
    net::EthernetHeader header{};
    header.ether_type = net::Be16::from_host(ether_type);
    frame.resize(sizeof header + payload.size());
    std::memcpy(frame.data(), &header, sizeof header);
    if (!payload.empty()) std::memcpy(frame.data() + sizeof header, payload.data(), payload.size());
}

} // namespace

void CaptureReader::Close::operator()(pcap* handle) const {
    pcap_close(handle);
}

base::Expected<CaptureReader, std::string> CaptureReader::open(const std::string& path) {
    char error[PCAP_ERRBUF_SIZE] = {};
    pcap_t* handle = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_MICRO, error);
    if (handle == nullptr) return base::Unexpected("cannot read the capture '" + path + "': " + error);
    const int link_type = pcap_datalink(handle);
    CaptureReader reader(handle, link_type);
    if (supported(link_type)) return reader;
    const char* name = pcap_datalink_val_to_name(link_type);
    return base::Unexpected("the capture '" + path + "' has link type " + (name != nullptr ? name : "unknown") +
                            "; Ethernet, raw IP, Linux cooked and loopback captures can be replayed");
}

bool CaptureReader::to_ethernet(std::span<const std::byte> packet, std::vector<std::byte>& frame) const {
    switch (link_type_) {
    case DLT_LINUX_SLL:
        if (packet.size() < kCookedSize) return false;
        put_ethernet(be16_at(packet, kCookedSize - 2), packet.subspan(kCookedSize), frame);
        return true;
    case DLT_LINUX_SLL2:
        if (packet.size() < kCooked2Size) return false;
        put_ethernet(be16_at(packet, 0), packet.subspan(kCooked2Size), frame);
        return true;
    case DLT_NULL:
    case DLT_LOOP:
        if (packet.size() < kLoopbackSize) return false;
        packet = packet.subspan(kLoopbackSize);
        put_ethernet(ether_type_of_ip(packet), packet, frame);
        return true;
    case DLT_EN10MB: frame.assign(packet.begin(), packet.end()); return true;
    default: put_ethernet(ether_type_of_ip(packet), packet, frame); return true;
    }
}

base::Expected<bool, std::string> CaptureReader::next(Captured& out) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int status = pcap_next_ex(handle_.get(), &header, &data);
    if (status == PCAP_ERROR_BREAK) return false;
    if (status != 1) return base::Unexpected("the capture is damaged: " + std::string(pcap_geterr(handle_.get())));
    out.microseconds =
        static_cast<std::uint64_t>(header->ts.tv_sec) * 1'000'000u + static_cast<std::uint64_t>(header->ts.tv_usec);
    out.truncated = header->caplen < header->len;
    // What is too short for its own link header becomes a frame that is too short for Ethernet: judged as malformed.
    if (!to_ethernet(std::as_bytes(std::span(data, header->caplen)), out.frame)) out.frame.clear();
    return true;
}

} // namespace sluice::replay
