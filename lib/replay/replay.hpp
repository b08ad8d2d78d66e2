// A capture through the appliance's own parser, classifiers, flow table and worker loop, without an appliance: no root,
// no hugepages, no ports. What it says is what the appliance would do, because it is the same code.
#pragma once

#include "base/expected.hpp"
#include "replay/options.hpp"

#include <functional>

namespace sluice::replay {

using EachPacket = std::function<void(const Verdict&)>;

/// Runs the capture through the policy; `each` (may be empty) hears of every packet in order. Starts the EAL, so it can
/// run once in a process. The flow table has the policy's size, but at most 1 Mi entries.
base::Expected<Report, Failure> run(const Options& options, const EachPacket& each);

} // namespace sluice::replay
