// What every parser test does with a frame.
#pragma once

#include "packet/parse.hpp"
#include "support/packet_builder.hpp"
#include "support/packet_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>

namespace sluice::packet {

// For the messages of failed expectations.
inline std::ostream& operator<<(std::ostream& out, Malformed reason) {
    return out << name(reason);
}

/// Parses an exact heap copy, so that the address sanitizer sees a read outside of it, into a result full of rubbish.
inline Parsed parse_frame(std::span<const std::byte> frame) {
    const auto copy = std::make_unique<std::byte[]>(frame.size());
    std::copy(frame.begin(), frame.end(), copy.get());
    Parsed parsed;
    std::fill_n(reinterpret_cast<unsigned char*>(&parsed), sizeof parsed, static_cast<unsigned char>(0xee));
    parse({copy.get(), frame.size()}, parsed);
    return parsed;
}

inline Parsed parse_frame(const test_support::PacketBuilder& builder) {
    return parse_frame(builder.build());
}

inline net::IpAddress source_of(const Parsed& parsed) {
    return net::IpAddress::from_wire(parsed.family, parsed.source);
}
inline net::IpAddress destination_of(const Parsed& parsed) {
    return net::IpAddress::from_wire(parsed.family, parsed.destination);
}

} // namespace sluice::packet
