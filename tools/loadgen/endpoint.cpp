#include "loadgen/endpoint.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>

namespace sluice::loadgen {
namespace {

using base::Unexpected;

constexpr uint64_t kMaxSources = 65536;

template <typename T> bool parse_number(std::string_view text, T& value) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end && !text.empty();
}

// sockaddr_in and sockaddr_in6 are copied in and out: no aliasing of the storage.
template <typename T> T read_as(const sockaddr_storage& storage) {
    T value;
    std::memcpy(&value, &storage, sizeof value);
    return value;
}

using AddressBytes = std::array<uint8_t, 16>;

// The address as a big-endian number in the last `size` bytes of 16.
AddressBytes bytes_of(const sockaddr_storage& storage, size_t& size) {
    AddressBytes bytes{};
    if (storage.ss_family == AF_INET) {
        const auto v4 = read_as<sockaddr_in>(storage);
        size = 4;
        std::memcpy(bytes.data() + 12, &v4.sin_addr, 4);
    } else {
        const auto v6 = read_as<sockaddr_in6>(storage);
        size = 16;
        std::memcpy(bytes.data(), &v6.sin6_addr, 16);
    }
    return bytes;
}

// The low 64 bits, enough to walk or compare ranges of at most 65,536 addresses.
uint64_t low_bits(const sockaddr_storage& storage) {
    size_t size = 0;
    const AddressBytes bytes = bytes_of(storage, size);
    uint64_t low = 0;
    for (size_t i = 8; i < 16; ++i)
        low = (low << 8) | bytes[i];
    return low;
}

sockaddr_storage storage_of(const Endpoint& endpoint) {
    sockaddr_storage storage{};
    std::memcpy(&storage, endpoint.address(), endpoint.size());
    return storage;
}

} // namespace

const sockaddr* Endpoint::address() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
}
sockaddr* Endpoint::address() {
    return reinterpret_cast<sockaddr*>(&storage_);
}

socklen_t Endpoint::size() const {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

uint16_t Endpoint::port() const {
    return ntohs(family() == AF_INET ? read_as<sockaddr_in>(storage_).sin_port
                                     : read_as<sockaddr_in6>(storage_).sin6_port);
}

void Endpoint::set_port(uint16_t port) {
    // Both families keep the port right behind the family field (RFC 3493 section 3.3 and sockaddr_in).
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const uint16_t wire = htons(port);
    std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &wire, sizeof wire);
}

std::string Endpoint::address_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
        const auto v4 = read_as<sockaddr_in>(storage_);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    } else {
        const auto v6 = read_as<sockaddr_in6>(storage_);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return text.data();
}

std::string Endpoint::to_string() const {
    const std::string port_text = std::to_string(port());
    return family() == AF_INET ? address_string() + ":" + port_text : "[" + address_string() + "]:" + port_text;
}

Result<Endpoint> Endpoint::parse_address(std::string_view text) {
    const std::string copy(text);
    Endpoint endpoint;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, copy.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        std::memcpy(&endpoint.storage_, &v4, sizeof v4);
    } else if (::inet_pton(AF_INET6, copy.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        std::memcpy(&endpoint.storage_, &v6, sizeof v6);
    } else {
        return Unexpected("'" + copy + "' is not an IPv4 or IPv6 address");
    }
    return endpoint;
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const size_t colon = text.rfind(':');
    const std::string wanted = "'" + std::string(text) + "': write ADDRESS:PORT, or [ADDRESS]:PORT for IPv6";
    if (colon == std::string_view::npos) return Unexpected(wanted);
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.find(':') != std::string_view::npos) return Unexpected(wanted);
    uint16_t port = 0;
    if (!parse_number(text.substr(colon + 1), port) || port == 0) return Unexpected(wanted);
    Result<Endpoint> endpoint = parse_address(host);
    if (endpoint) endpoint->set_port(port);
    return endpoint;
}

Endpoint Endpoint::plus(uint64_t offset) const {
    size_t size = 0;
    AddressBytes bytes = bytes_of(storage_, size);
    for (size_t i = 16; i-- > 16 - size && offset != 0;) {
        const uint64_t sum = bytes[i] + (offset & 0xff);
        bytes[i] = static_cast<uint8_t>(sum);
        offset = (offset >> 8) + (sum >> 8);
    }
    Endpoint moved = *this;
    const size_t where = family() == AF_INET ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
    std::memcpy(reinterpret_cast<char*>(&moved.storage_) + where, bytes.data() + (16 - size), size);
    return moved;
}

Result<PortRange> parse_ports(std::string_view text) {
    const size_t dash = text.find('-');
    PortRange range{};
    const bool good = dash == std::string_view::npos ? parse_number(text, range.first) && parse_number(text, range.last)
                                                     : parse_number(text.substr(0, dash), range.first) &&
                                                           parse_number(text.substr(dash + 1), range.last);
    if (!good || range.first == 0 || range.first > range.last)
        return Unexpected("'" + std::string(text) + "' is not a port or a range of ports such as 10000-59999");
    return range;
}

namespace {

// Appends the addresses of one text; the text of an error otherwise, empty when there is none.
std::string append_sources(std::string_view text, std::vector<Endpoint>& sources) {
    const size_t dash = text.find('-');
    const size_t slash = text.find('/');
    const Result<Endpoint> first = Endpoint::parse_address(text.substr(0, std::min(dash, slash)));
    if (!first) return first.error();
    uint64_t count = 1;
    Endpoint start = *first;
    if (slash != std::string_view::npos) {
        const unsigned bits = first->family() == AF_INET ? 32 : 128;
        unsigned length = 0;
        if (!parse_number(text.substr(slash + 1), length) || length > bits)
            return "'" + std::string(text) + "' is not a prefix";
        if (bits - length > 16) return "'" + std::string(text) + "' has more than 65,536 addresses";
        count = uint64_t{1} << (bits - length);
        const uint64_t low = low_bits(storage_of(start));
        if ((low & (count - 1)) != 0) return "'" + std::string(text) + "' has bits set behind the prefix";
    } else if (dash != std::string_view::npos) {
        const Result<Endpoint> last = Endpoint::parse_address(text.substr(dash + 1));
        if (!last) return last.error();
        count = low_bits(storage_of(*last)) - low_bits(storage_of(start)) + 1;
        // Equal low halves of unequal addresses, or another family, show here too.
        if (count == 0 || count > kMaxSources || last->family() != start.family() ||
            start.plus(count - 1).address_string() != last->address_string())
            return "'" + std::string(text) + "' is not a range of at most 65,536 addresses, lowest first";
    }
    if (sources.size() + count > kMaxSources) return "more than 65,536 source addresses";
    if (!sources.empty() && sources.front().family() != start.family())
        return "source addresses of both IPv4 and IPv6: give one family";
    for (uint64_t i = 0; i < count; ++i)
        sources.push_back(start.plus(i));
    return {};
}

} // namespace

Result<std::vector<Endpoint>> parse_sources(const std::vector<std::string>& texts) {
    std::vector<Endpoint> sources;
    for (const std::string& text : texts) {
        std::string error = append_sources(text, sources);
        if (!error.empty()) return Unexpected(std::move(error));
    }
    return sources;
}

Endpoint SourcePool::next() {
    Endpoint source = addresses_[position_ % addresses_.size()];
    source.set_port(static_cast<uint16_t>(ports_.first + position_ / addresses_.size() % ports_.count()));
    position_ = (position_ + 1) % pairs();
    return source;
}

void SourcePool::skip() {
    constexpr uint64_t kSkippedPorts = 1000;
    position_ = (position_ + kSkippedPorts * addresses_.size()) % pairs();
}

Result<int64_t> parse_duration(std::string_view text) {
    const Unexpected<std::string> error("'" + std::string(text) + "' is not a duration: write 20s, 500ms or 2m");
    const size_t unit_at = text.find_first_not_of("0123456789.");
    if (unit_at == std::string_view::npos || unit_at == 0) return error;
    double number = 0;
    if (!parse_number(text.substr(0, unit_at), number)) return error;
    const std::string_view unit = text.substr(unit_at);
    double nanoseconds = 0;
    if (unit == "us")
        nanoseconds = number * 1e3;
    else if (unit == "ms")
        nanoseconds = number * 1e6;
    else if (unit == "s")
        nanoseconds = number * 1e9;
    else if (unit == "m")
        nanoseconds = number * 60e9;
    else
        return error;
    if (nanoseconds <= 0 || nanoseconds > 1e15) return error;
    return static_cast<int64_t>(nanoseconds);
}

} // namespace sluice::loadgen
