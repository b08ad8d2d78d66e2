// How grave it is when a firewall says otherwise than the references did.
#pragma once

#include "recorded.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::golden {

/// What became of a frame.
struct Fate {
    bool passed = false;
    std::string reason; ///< why not, if that is known
};
/// Of a scenario: by step, by frame.
using Fates = std::vector<std::vector<Fate>>;

enum class Severity : std::uint8_t {
    must,    ///< a hole, or broken traffic
    review,  ///< stricter where a firewall may choose: wants a reason, written down
    info,    ///< the references themselves do not agree
    follows, ///< after the first difference of a scenario nothing is comparable
};
inline constexpr std::size_t kSeverityCount = 4;
std::string_view name(Severity severity);

struct Difference {
    std::size_t step = 0;
    Verdict got{};
    Severity severity{};
};

/// Of all datagrams of a step: their common verdict, or `partial`. One whose fragments passed has passed when they make
/// it up; those that were sent twice need to pass once.
Verdict verdict(const Step& step, std::span<const Fate> fates);

/// In order of the steps.
std::vector<Difference> differences(const Scenario& scenario, const Fates& fates);

} // namespace sluice::golden
