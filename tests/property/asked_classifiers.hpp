// What a compiled policy's two classifiers say of packets, asked as the pipeline asks them: in batches.
#pragma once

#include "oracle.hpp"
#include "quick_oracle.hpp"
#include "ruleset/ruleset.hpp"

#include <string>
#include <vector>

namespace sluice::property {

struct Answer {
    ruleset::UntrackedResult untracked; ///< for every packet, before any flow
    std::uint32_t tracked = 0;          ///< rule + 1, 0 for the default
};

/// In the order of the packets, which may be of both families: each family's form a batch of their own. At most 32.
std::vector<Answer> ask(const ruleset::Ruleset& ruleset, const std::vector<Tuple>& packets);

/// Empty when the oracle says the same, else what each says. `first` is the oracle's first_concerned().
std::string difference(const QuickOracle& oracle, const Tuple& tuple, const First& first, const Answer& answer);

} // namespace sluice::property
