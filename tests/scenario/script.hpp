// A steps file, read: what happens, in order, and what must come of it. The format is described in docs/scenarios.md.
#pragma once

#include "base/expected.hpp"
#include "base/ticks.hpp"
#include "flow/state.hpp"
#include "flow/table.hpp"
#include "support/packet_builder.hpp"
#include "telemetry/drop_reason.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::scenario {

/// One frame that comes in, and what must become of it.
struct Packet {
    unsigned line = 0;
    std::string text; ///< as written, for messages
    std::string interface;
    test_support::Bytes frame;
    bool in_pieces = false;
    bool held = false;   ///< at the end of its burst; what follows comes later, or is not looked at
    bool decided = true; ///< whether `drop` and `rule` say anything
    std::optional<telemetry::DropReason> drop; ///< absent: forwarded
    std::optional<std::string> rule;           ///< that decided it, "none" for no rule; absent: not looked at
};

/// Packets that arrive in one burst.
struct Burst {
    std::vector<Packet> packets;
};
/// The clock goes on to so many ticks after the start.
struct Wait {
    base::Tick until = 0;
};
struct Reload {
    std::string file;
};
struct FlowCount {
    std::uint64_t count = 0;
    std::optional<flow::State> state; ///< absent: all
};
struct EndedCount {
    flow::EndReason reason{};
    std::uint64_t count = 0;
};
struct RuleCount {
    enum class What { packets, flows };
    std::string rule;
    What what = What::packets;
    std::uint64_t count = 0;
};
struct Link {
    std::string interface;
    bool up = true;
};
/// How many frames the port takes for sending at a time; absent: all.
struct TransmitLimit {
    std::string interface;
    std::optional<unsigned> frames;
};

struct Step {
    unsigned line = 0;
    std::variant<Burst, Wait, Reload, FlowCount, EndedCount, RuleCount, Link, TransmitLimit> what;
};

struct Script {
    std::optional<std::uint16_t> only_with_workers; ///< `workers 1`: what it says holds for that many only
    std::vector<Step> steps;
};

/// Every error is "file:line: what is wrong".
base::Expected<Script, std::vector<std::string>> read_script(const std::string& file, const std::string& text);

} // namespace sluice::scenario
