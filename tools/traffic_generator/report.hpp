// What a run has shown, for people and for programs.
#pragma once

#include "traffic_generator/engine.hpp"

#include <optional>
#include <string>

namespace sluice::traffic {

enum class Mode : uint8_t { flows, connections, new_flows };
std::string_view name_of(Mode mode);

/// What one run counted.
struct Outcome {
    Counts counts;
    PortCounts ports;
    Floods::Counts floods;

    /// Packets delivered, or connections completed.
    [[nodiscard]] double per_second(Mode mode) const;
    /// The same as a share of what was sent or begun, in percent; 100 when there was nothing.
    [[nodiscard]] double percent(Mode mode) const;
    [[nodiscard]] uint64_t wrong() const { return counts.all_wrong() + floods.wrong; }
};

/// What was asked for, as the report says it.
struct Description {
    Mode mode = Mode::flows;
    std::string traffic; ///< "1000 udp flows, uniform order"
    std::string sizes;   ///< empty for connections
    bool ipv6 = false;
    double rate = 0; ///< zero: as fast as possible
    bool floods = false;
    bool joined = false; ///< without a firewall
};

/// The report of the run; `limit` is what the same workload did with its two sides joined.
std::string to_text(const Description& description, const Outcome& outcome, const std::optional<Outcome>& limit);
std::string to_json(const Description& description, const Outcome& outcome, const std::optional<Outcome>& limit);

} // namespace sluice::traffic
