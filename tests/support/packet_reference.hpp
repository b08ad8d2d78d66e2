// A second parser, written from the RFCs and from parsed.hpp alone: slow, plain, no code shared with the real one. Unit
// tests and the fuzzer hold the two against each other.
#pragma once

#include "packet/parsed.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace sluice::test_support {

/// What packet::parse() must say about `frame`.
packet::Parsed reference_parse(std::span<const std::byte> frame);

/// All fields in one line.
std::string describe(const packet::Parsed& parsed);

/// Parses `frame` in several ways and returns a sentence about the first property that does not hold: agreement with
/// reference_parse(), and of parse_ordinary() with both; offsets within the packet and the packet within the frame; no
/// trace of what stood in the output before; the same answer whatever follows the IP packet. Empty when all hold.
std::string broken_property(std::span<const std::byte> frame);

} // namespace sluice::test_support
