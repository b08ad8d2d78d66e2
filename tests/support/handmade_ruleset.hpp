// Rulesets put together by hand, for tests of what reads them.
#pragma once

#include "classifier/rows.hpp"
#include "ruleset/ruleset.hpp"

#include <memory>
#include <vector>

namespace sluice::test_support {

/// A profile with the same timeout for everything.
constexpr ruleset::Profile profile_of(base::Tick ticks) {
    ruleset::Profile profile;
    profile.ticks.fill(ticks);
    return profile;
}

/// What stands here unless it is said: one wire of two ports in zones of their own, profile 0 with 10 s for everything,
/// and no rule but the default, which allows and tracks.
struct RulesetFields {
    std::uint32_t epoch = 1;
    std::vector<ruleset::Rule> rules = {};
    ruleset::Rule default_rule = {.counter_slot = 0, .profile = 0, .action = ruleset::Action::allow, .tracked = true};
    std::vector<classifier::Row> untracked = {};
    std::vector<classifier::Row> tracked = {};
    std::vector<std::vector<net::Prefix>> lists = {}; ///< what the rows of both name
    std::vector<ruleset::Profile> profiles = {profile_of(10'000)};
    ruleset::Sanity sanity = {};
    std::vector<ruleset::Port> ports = {{.peer = 1, .zone = 0, .wire = 0, .peer_mtu = 1500},
                                        {.peer = 0, .zone = 1, .wire = 0, .peer_mtu = 1500}};
};

/// Throws when a classifier cannot be built.
std::unique_ptr<const ruleset::Ruleset> make_ruleset(const RulesetFields& fields);

} // namespace sluice::test_support
