// One frame of each kind the parser knows, and one for each way of being malformed: what the truncation tests cut, the
// mutation test changes and the fuzzer starts from.
#pragma once

#include "support/packet_builder.hpp"

#include <string_view>
#include <vector>

namespace sluice::test_support {

struct SampleFrame {
    std::string_view name; ///< good as a file name
    Bytes frame;
};

/// Frames that a network carries. Nothing stands behind the IP packet.
std::vector<SampleFrame> well_formed_frames();
/// Frames that packet::parse() must refuse; each is named after its packet::Malformed reason, with more behind a dot.
std::vector<SampleFrame> malformed_frames();

} // namespace sluice::test_support
