// The recorded verdicts as they stand in data/*.txt; README.md describes the format.
#pragma once

#include "base/expected.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::golden {

/// Of a datagram, or of all those of a step. `partial`: some of it passed.
enum class Verdict : std::uint8_t { pass, drop, partial };
std::string_view name(Verdict verdict);

enum class Side : std::uint8_t { client, server };
std::string_view name(Side side);

/// Which bytes of its datagram's payload a fragment carries.
struct Piece {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool more = false; ///< not the last
};

struct Frame {
    std::uint32_t datagram = 0;
    std::optional<Piece> piece; ///< nothing: a whole packet
    std::vector<std::byte> bytes;
};

struct Step {
    Side from{};
    Verdict wanted{};
    bool hard = false; ///< the references agree, with each other and with the RFC
    /// Linux routed, Linux bridged, Open vSwitch.
    std::array<std::optional<Verdict>, 3> references;
    std::optional<Verdict> rfc;
    std::string reason; ///< Linux's: new, est, rel, invalid, policy, untracked
    std::string note;
    std::vector<Frame> frames;
};

struct Scenario {
    std::string category;
    std::string name;
    std::vector<std::string> tags;
    std::vector<Step> steps;
};

/// Reads one file. The error is "category:line: what".
base::Expected<std::vector<Scenario>, std::string> read(const std::string& category, const std::string& text);
/// Reads all files of a folder, in order of their names.
base::Expected<std::vector<Scenario>, std::string> read_folder(const std::filesystem::path& folder);

} // namespace sluice::golden
