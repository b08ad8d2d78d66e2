// The payload of sluice-udpblast's packets.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace sluice::loadgen {

/// At the start of every packet, in host byte order: both ends are the same program on the same machine.
struct UdpPayload {
    static constexpr uint64_t kMagic = 0x536c'7569'6365'5564; // "SluiceUd"

    uint64_t magic = kMagic;
    uint32_t run = 0;      ///< random, so that packets of another run are not counted
    uint16_t stream = 0;   ///< source socket
    uint16_t is_end = 0;   ///< 1: `sequence` is the number of packets that this stream sent
    uint64_t sequence = 0; ///< from 0 in each stream
    int64_t sent_at = 0;   ///< ns of CLOCK_MONOTONIC, which network namespaces share
};
static_assert(sizeof(UdpPayload) == 32);
static_assert(std::has_unique_object_representations_v<UdpPayload>);

[[nodiscard]] inline std::optional<UdpPayload> read_udp_payload(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(UdpPayload)) return std::nullopt;
    UdpPayload payload;
    std::memcpy(&payload, bytes.data(), sizeof payload);
    if (payload.magic != UdpPayload::kMagic) return std::nullopt;
    return payload;
}

} // namespace sluice::loadgen
