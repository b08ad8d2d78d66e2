#include "support/handmade_ruleset.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace sluice::test_support {
namespace {

ruleset::Classifier classifier(const std::vector<ruleset::Row>& rows) {
    static unsigned made = 0; // the EAL tells instances apart by name
    const std::string name = "test" + std::to_string(made++);
    auto built = ruleset::Classifier::build(rows, name.c_str(), -1);
    if (!built) throw std::runtime_error(built.error().step);
    return std::move(*built);
}

template <typename T> std::unique_ptr<T[]> copied(const std::vector<T>& from, std::size_t room) {
    auto out = std::make_unique<T[]>(room);
    std::copy(from.begin(), from.end(), out.get());
    return out;
}

} // namespace

std::unique_ptr<const ruleset::Ruleset> make_ruleset(const RulesetFields& fields) {
    ruleset::Ruleset::Parts parts;
    parts.epoch = fields.epoch;
    parts.sanity = fields.sanity;
    parts.rule_count = static_cast<std::uint32_t>(fields.rules.size());
    parts.rules = copied(fields.rules, fields.rules.size() + 1);
    parts.rules[parts.rule_count] = fields.default_rule;
    parts.profile_count = static_cast<std::uint16_t>(fields.profiles.size());
    parts.profiles = copied(fields.profiles, fields.profiles.size());
    ruleset::index_profiles_by_slot(parts);
    parts.port_count = static_cast<std::uint16_t>(fields.ports.size());
    parts.ports = copied(fields.ports, fields.ports.size());
    parts.untracked = classifier(fields.untracked);
    parts.tracked = classifier(fields.tracked);
    return std::make_unique<const ruleset::Ruleset>(std::move(parts));
}

} // namespace sluice::test_support
