#include "replay/side.hpp"

#include <cstddef>

namespace sluice::replay {
namespace {

std::uint64_t mac_at(const std::vector<std::byte>& frame, std::size_t offset) {
    std::uint64_t mac = 0;
    for (std::size_t i = 0; i < 6; ++i) {
        mac = mac << 8 | std::to_integer<std::uint64_t>(frame[offset + i]);
    }
    return mac;
}

} // namespace

const bool* Sides::given(const net::IpAddress& address) const {
    for (const auto& [prefix, second] : fixed_) {
        if (prefix.contains(address)) return &second;
    }
    return nullptr;
}

template <typename End> bool Sides::learn(std::map<End, bool>& known, const End& source, const End& destination) {
    bool second = false;
    if (const auto it = known.find(source); it != known.end())
        second = it->second;
    else if (const auto to = known.find(destination); to != known.end())
        second = !to->second;
    known.emplace(source, second);
    known.emplace(destination, !second);
    return second;
}

bool Sides::from_second(const packet::Parsed& parsed, const std::vector<std::byte>& frame) {
    if (parsed.kind == packet::Kind::ip) {
        const auto source = net::IpAddress::from_wire(parsed.family, parsed.source);
        const auto destination = net::IpAddress::from_wire(parsed.family, parsed.destination);
        if (const bool* second = given(source)) return *second;
        if (const bool* second = given(destination)) return !*second;
        return learn(addresses_, source, destination);
    }
    constexpr std::size_t kMacs = 12;
    if (frame.size() < kMacs) return false;
    return learn(macs_, mac_at(frame, 6), mac_at(frame, 0));
}

} // namespace sluice::replay
