#include "support/handmade_ruleset.hpp"

#include "classifier/compiled.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::test_support {
namespace {

std::shared_ptr<const ruleset::Classifier> classifier(const RulesetFields& fields,
                                                      const std::vector<classifier::Row>& handmade) {
    classifier::Rows rows;
    rows.rows = handmade;
    for (const std::vector<net::Prefix>& list : fields.lists) {
        rows.lists.emplace_back(list);
    }
    for (const ruleset::Port& port : fields.ports) {
        rows.zone_pairs.push_back(
            {static_cast<std::uint8_t>(port.zone), static_cast<std::uint8_t>(fields.ports[port.peer].zone)});
    }
    auto built = classifier::Compiled::build(rows);
    if (!built) throw std::runtime_error("a handmade classifier cannot be built");
    return std::move(*built);
}

template <typename T> std::shared_ptr<T[]> copied(const std::vector<T>& from, std::size_t room) {
    auto out = std::make_shared<T[]>(room);
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
    parts.untracked = classifier(fields, fields.untracked);
    parts.tracked = classifier(fields, fields.tracked);
    return std::make_unique<const ruleset::Ruleset>(std::move(parts));
}

} // namespace sluice::test_support
