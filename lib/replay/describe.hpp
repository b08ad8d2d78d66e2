// A packet in one line, for people.
#pragma once

#include "packet/parsed.hpp"

#include <string>

namespace sluice::replay {

/// "tcp 10.0.0.1:40000 > 10.0.0.2:80 S", "icmpv6 2001:db8::1 > 2001:db8::2 type 128", "arp", "malformed: …".
std::string describe(const packet::Parsed& parsed);

} // namespace sluice::replay
