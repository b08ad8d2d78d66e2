// A packet as an operator writes it in a steps file, to the bytes on the wire. The grammar is in docs/scenarios.md.
#pragma once

#include "base/expected.hpp"
#include "support/packet_builder.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::scenario {

/// What blanks separate; what stands in double quotes is one word, quotes included.
std::vector<std::string_view> words_of(std::string_view text);

/// The frames that one packet text stands for: one, or one for each port of a range. The error is a clause.
base::Expected<std::vector<test_support::Bytes>, std::string> read_frames(std::span<const std::string_view> words);

} // namespace sluice::scenario
