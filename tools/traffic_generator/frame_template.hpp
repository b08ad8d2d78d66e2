// Frames that are made once and stamped many times: a copy, the fields that differ, and the checksums from the sum of
// all that does not (RFC 1624's idea, from a constant instead of from the frame before).
#pragma once

#include "net/address.hpp"
#include "traffic_generator/tuple_plan.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice::traffic {

/// Frames without FCS.
inline constexpr uint16_t kSmallestFrame = 60;
inline constexpr uint16_t kLargestFrame = 1514;
/// What a buffer for a frame must have room for: short frames are copied in a length that the compiler knows.
inline constexpr uint16_t kFrameRoom = 1536;

/// The first six bytes of every payload that is long enough: a time, or what else tells one frame from another.
inline constexpr uint16_t kMarkSize = 6;
inline constexpr uint64_t kMarkMask = (uint64_t{1} << 8 * kMarkSize) - 1;
/// What every payload goes on with, so that changed bytes are seen.
std::byte payload_byte(uint16_t index);

/// What differs between TCP frames of a template, in host order.
struct TcpNumbers {
    uint32_t sequence = 0;
    uint32_t acknowledgment = 0;
};

class FrameTemplate {
  public:
    struct Options {
        net::IpAddress source;      ///< any address of the range
        net::IpAddress destination; ///< the same
        Side from = Side::client;
        uint8_t protocol = 0; ///< net::protocol::kTcp or kUdp
        uint8_t flags = 0;    ///< of TCP
        uint16_t window = 0;  ///< of TCP, as in the header
        uint8_t scale = 0;    ///< a window scale option, if not zero; only with SYN
        uint16_t payload = 0; ///< bytes
    };
    explicit FrameTemplate(const Options& options);

    /// How long a frame of this kind is without payload.
    [[nodiscard]] static uint16_t overhead(net::Family family, uint8_t protocol);

    [[nodiscard]] uint16_t length() const { return length_; }
    [[nodiscard]] uint16_t payload() const { return payload_; }
    /// Without padding: what the IP header says, and the Ethernet header.
    [[nodiscard]] uint16_t used() const { return used_; }

    /// Writes a frame of `length()` bytes to a place of kFrameRoom bytes. `numbers` are for TCP alone; of `mark` the
    /// lower 48 bits are written, if the payload has room for them.
    void write(std::byte* out, const Ends& ends, const TcpNumbers& numbers, uint64_t mark) const {
        constexpr std::size_t kShort = 64;
        if (length_ <= kShort)
            std::memcpy(out, bytes_.data(), kShort);
        else
            std::memcpy(out, bytes_.data(), length_);
        const uint64_t addresses = uint64_t{ends.source} + ends.destination;
        store(out + source_at_, ends.source);
        store(out + destination_at_, ends.destination);
        if (ipv4_) store(out + kIpv4ChecksumAt, folded(ip_sum_ + addresses));
        store(out + transport_at_, ends.source_port);
        store(out + transport_at_ + 2, ends.destination_port);
        uint64_t sum = transport_sum_ + addresses + ends.source_port + ends.destination_port;
        if (tcp_) {
            const uint32_t sequence = net::byte_swap(numbers.sequence);
            const uint32_t acknowledgment = net::byte_swap(numbers.acknowledgment);
            store(out + transport_at_ + 4, sequence);
            store(out + transport_at_ + 8, acknowledgment);
            sum += uint64_t{sequence} + acknowledgment;
        }
        if (payload_ >= kMarkSize) {
            const uint64_t shown = mark & kMarkMask;
            std::memcpy(out + payload_at_, &shown, kMarkSize);
            sum += (shown & 0xffffffffu) + (shown >> 32);
        }
        uint16_t checksum = folded(sum);
        if (!tcp_ && checksum == 0) checksum = 0xffff; // RFC 768: a zero means that there is none
        store(out + checksum_at_, checksum);
    }

    /// A sum of 16-bit words in the machine's order, in 16 bits and complemented: as the field lies in memory.
    static uint16_t folded(uint64_t sum) {
        sum = (sum & 0xffffffffu) + (sum >> 32);
        sum = (sum & 0xffffu) + (sum >> 16);
        sum = (sum & 0xffffu) + (sum >> 16);
        sum = (sum & 0xffffu) + (sum >> 16);
        return static_cast<uint16_t>(~sum);
    }

  private:
    static constexpr unsigned kIpv4ChecksumAt = 24;

    template <typename T> static void store(std::byte* at, T value) { std::memcpy(at, &value, sizeof value); }
    void write_ip(const Options& options);
    void write_tcp(const Options& options);
    void sum_up(const Options& options);

    std::array<std::byte, kFrameRoom> bytes_{};
    uint64_t ip_sum_ = 0;        ///< of the IPv4 header without addresses
    uint64_t transport_sum_ = 0; ///< of pseudo-header, header and payload without what write() puts in
    uint16_t length_ = 0;
    uint16_t used_ = 0;
    uint16_t payload_ = 0;
    uint8_t source_at_ = 0;
    uint8_t destination_at_ = 0;
    uint8_t transport_at_ = 0;
    uint8_t checksum_at_ = 0;
    uint8_t payload_at_ = 0;
    bool ipv4_ = true;
    bool tcp_ = false;
};

} // namespace sluice::traffic
