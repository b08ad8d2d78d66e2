// Addresses as the command line gives them, and the walk over source addresses and ports.
#pragma once

#include "base/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace sluice::loadgen {

/// A value, or one line for the person at the terminal.
template <typename T> using Result = base::Expected<T, std::string>;

/// An IPv4 or IPv6 address with a port, in the shape the socket calls want.
class Endpoint {
  public:
    [[nodiscard]] int family() const { return storage_.ss_family; }
    [[nodiscard]] const sockaddr* address() const;
    [[nodiscard]] sockaddr* address();
    [[nodiscard]] socklen_t size() const;
    [[nodiscard]] uint16_t port() const;
    void set_port(uint16_t port);
    /// "10.77.0.1:11211", "[2001:db8::1]:11211".
    [[nodiscard]] std::string to_string() const;
    /// The address without the port.
    [[nodiscard]] std::string address_string() const;

    /// "10.77.0.1" or "2001:db8::1", port zero.
    [[nodiscard]] static Result<Endpoint> parse_address(std::string_view text);
    /// "10.77.0.1:11211" or "[2001:db8::1]:11211".
    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
    /// This address plus `offset`, wrapping within the family's size.
    [[nodiscard]] Endpoint plus(uint64_t offset) const;

  private:
    sockaddr_storage storage_{};
};

/// Inclusive.
struct PortRange {
    uint16_t first;
    uint16_t last;
    [[nodiscard]] uint64_t count() const { return uint64_t{last} - first + 1; }
};

/// "10000-59999" or "4000".
[[nodiscard]] Result<PortRange> parse_ports(std::string_view text);

/// "10.77.1.1", "10.77.1.1-10.77.1.32", "10.77.1.0/27" (every address of the prefix), IPv6 the same; at most 65,536
/// addresses in all, one family.
[[nodiscard]] Result<std::vector<Endpoint>> parse_sources(const std::vector<std::string>& texts);

/// Walks all pairs of a source address and a port, from any pair on; without skip() no pair comes twice before all
/// came once. Neighbours in time use different addresses.
class SourcePool {
  public:
    /// `addresses` is not empty. `first` is the index of the pair to begin with, modulo `pairs()`.
    SourcePool(std::vector<Endpoint> addresses, PortRange ports, uint64_t first = 0)
        : addresses_(std::move(addresses))
        , ports_(ports)
        , position_(first % pairs()) {}

    [[nodiscard]] Endpoint next();
    /// Leaves out a stretch of pairs, after one of them turned out to be in use: its neighbours probably are too.
    void skip();
    [[nodiscard]] uint64_t pairs() const { return addresses_.size() * ports_.count(); }
    [[nodiscard]] const std::vector<Endpoint>& addresses() const { return addresses_; }

  private:
    std::vector<Endpoint> addresses_;
    PortRange ports_;
    uint64_t position_;
};

/// "20s", "500ms", "2m": nanoseconds. A number without a unit is refused.
[[nodiscard]] Result<int64_t> parse_duration(std::string_view text);

} // namespace sluice::loadgen
