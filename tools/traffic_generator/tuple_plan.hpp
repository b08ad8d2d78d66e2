// Which addresses and ports the generator uses: every client tuple has a number, and the number can be read back from a
// packet, so that what is known of a flow or a connection lies in an array and nothing is ever hashed.
#pragma once

#include "base/expected.hpp"
#include "net/address.hpp"
#include "net/byte_order.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::traffic {

/// The generator plays both.
enum class Side : uint8_t { client, server };

constexpr Side opposite(Side side) {
    return side == Side::client ? Side::server : Side::client;
}

/// Where a packet comes from and goes to, as it stands in the packet: ports, and the last four bytes of the addresses,
/// which are all of an IPv4 address and all that differs between the addresses of a range.
struct Ends {
    uint32_t source = 0;
    uint32_t destination = 0;
    uint16_t source_port = 0;
    uint16_t destination_port = 0;

    [[nodiscard]] Ends swapped() const { return {destination, source, destination_port, source_port}; }
    friend bool operator==(const Ends&, const Ends&) = default;
};

/// The hosts of a prefix, by offset. The first and the last address of an IPv4 network are not used if there are
/// others.
class AddressRange {
  public:
    static AddressRange of(const net::Prefix& prefix);

    [[nodiscard]] uint32_t size() const { return size_; }
    /// The last four bytes of an address, as they stand in a packet.
    [[nodiscard]] uint32_t low(uint32_t offset) const { return net::byte_swap(first_ + offset); }
    /// The offset of an address of which `low` are the last four bytes; `size()` or more when it is not of this range.
    [[nodiscard]] uint32_t offset_of(uint32_t low) const { return net::byte_swap(low) - first_; }
    [[nodiscard]] bool contains(uint32_t low) const { return offset_of(low) < size_; }
    /// Any address of the range whole: all but its last four bytes are those of all others.
    [[nodiscard]] const net::IpAddress& base() const { return base_; }
    [[nodiscard]] bool overlaps(const AddressRange& other) const { return prefix_.overlaps(other.prefix_); }
    [[nodiscard]] std::string to_string() const { return prefix_.to_string(); }

  private:
    net::Prefix prefix_;
    net::IpAddress base_;
    uint32_t first_ = 0; ///< the last four bytes of the first host, in host order
    uint32_t size_ = 1;
};

class TuplePlan {
  public:
    struct Options {
        net::Prefix clients;
        net::Prefix servers;
        net::PortRange client_ports{1024, 65535};
        net::PortRange server_ports{80, 80};
    };
    /// Fails with a line for the person at the terminal.
    static base::Expected<TuplePlan, std::string> make(const Options& options);

    /// How many tuples there are, at most 2^32 - 1.
    [[nodiscard]] uint32_t count() const { return count_; }
    /// A tuple from client to server. Neighbours in number have different addresses; which server it is is
    /// arbitrary, but always the same.
    [[nodiscard]] Ends ends(uint32_t number) const {
        const uint32_t port = number / clients_.size();
        const uint64_t server = number * uint64_t{0x9e3779b97f4a7c15u} >> 32;
        return {clients_.low(number - port * clients_.size()),
                servers_.low(static_cast<uint32_t>((server & 0xffffffffu) * servers_.size() >> 32)),
                net::byte_swap(static_cast<uint16_t>(client_ports_.first + port)),
                net::byte_swap(static_cast<uint16_t>(server_ports_.first + server % server_port_count_))};
    }
    /// The number of the tuple of which these are the client's address and port; nothing when none has them.
    [[nodiscard]] std::optional<uint32_t> number_of(uint32_t client, uint16_t client_port) const {
        const uint32_t offset = clients_.offset_of(client);
        const uint32_t port = uint32_t{net::byte_swap(client_port)} - client_ports_.first;
        const uint64_t number = uint64_t{port} * clients_.size() + offset;
        if (offset >= clients_.size() || port >= client_port_count_ || number >= count_) return std::nullopt;
        return static_cast<uint32_t>(number);
    }

    [[nodiscard]] net::Family family() const { return clients_.base().family; }
    [[nodiscard]] const AddressRange& clients() const { return clients_; }
    [[nodiscard]] const AddressRange& servers() const { return servers_; }
    [[nodiscard]] net::PortRange server_ports() const { return server_ports_; }

  private:
    AddressRange clients_;
    AddressRange servers_;
    net::PortRange client_ports_;
    net::PortRange server_ports_;
    uint32_t client_port_count_ = 0;
    uint32_t server_port_count_ = 0;
    uint32_t count_ = 0;
};

} // namespace sluice::traffic
