// What a packet text says about its transport header: flags and numbers of TCP, chunks of SCTP, types of ICMP.
#pragma once

#include "packet_words.hpp"
#include "support/packet_builder.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::scenario {

/// Those of one packet of a range.
struct Ports {
    std::uint16_t source = 0;
    std::uint16_t destination = 0;
};

struct Transport {
    std::uint8_t protocol = 0;
    std::uint8_t flags = 0;           ///< TCP
    std::uint8_t type = 0;            ///< ICMP
    std::vector<std::uint8_t> chunks; ///< SCTP; none: what follows is payload
};

/// `words` are those behind the two ends: one that says what kind of packet it is, for the protocols that want it.
Transport read_transport(std::uint8_t protocol, Words words);

/// The header and what belongs to it. `checksum`: a wrong one; none: the right one.
void add_transport(test_support::PacketBuilder& builder, const Transport& transport, const Attributes& attributes,
                   Ports ports, std::optional<std::uint16_t> checksum);

} // namespace sluice::scenario
