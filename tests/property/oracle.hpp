// What a policy means, written as slowly and plainly as it can be: one loop over the rules in file order.
//
// Shares nothing with the compiler or the pipeline but the model. What the two say is compared on random policies and
// packets (ruleset_property_test.cpp).
#pragma once

#include "policy/model/policy.hpp"

#include <cstddef>
#include <optional>

namespace sluice::property {

/// A packet as rules see it.
struct Tuple {
    net::IpAddress source;
    net::IpAddress destination;
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t tcp_flags = 0;
    std::uint8_t sctp_chunk = 0;
    std::size_t from_zone = 0;
    std::size_t to_zone = 0;
};

/// The packet that `tuple` would be an answer to: ends swapped, and for ICMP the question that the answer belongs to.
Tuple answered_by(const Tuple& tuple);

/// Whether a rule matches a packet as it is written.
bool matches(const policy::Rule& rule, const Tuple& tuple);

/// How the first rule in file order that concerns a packet does: itself, or as the answer to what the rule matches.
struct First {
    enum class How { nothing, tracked, untracked_direct, untracked_answer };
    How how = How::nothing;
    std::size_t rule = 0;
};
First first_concerned(const policy::Policy& policy, const Tuple& tuple);

/// The first rule that matches the packet as it is written, of any kind; none: the default.
std::optional<std::size_t> first_match(const policy::Policy& policy, const Tuple& tuple);

/// What becomes of a packet for which there is no flow.
enum class Fate { forward_untracked, open_flow, drop };
Fate fate_without_flow(const policy::Policy& policy, const Tuple& tuple);

} // namespace sluice::property
