// Random policies and packets from a small world, so that rules overlap often and packets hit them.
#pragma once

#include "oracle.hpp"
#include "policy/model/policy.hpp"

#include <random>

namespace sluice::property {

using Random = std::mt19937_64;

/// Four interfaces in two wires and up to three zones; `rules` rules of every kind.
policy::Policy random_policy(Random& random, std::size_t rules);

/// A packet that came in by interface `port`; half of the time one that some rule, as written or answered, describes.
Tuple random_tuple(Random& random, const policy::Policy& policy, std::size_t port);

/// The type of an SCTP chunk.
std::uint8_t random_chunk(Random& random);

} // namespace sluice::property
