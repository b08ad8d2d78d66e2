#include "policy/model/names.hpp"

#include "policy/diagnostic/text.hpp"
#include "policy/model/fields.hpp"

namespace sluice::policy {
namespace {

/// A suggestion is a courtesy: it must not take minutes in a file of a hundred thousand names.
constexpr std::size_t kMaxCandidates = 4096;

} // namespace

bool Names::define(const std::string& name, Location where, std::size_t index, Diagnostics& diagnostics) {
    // A bad name is kept all the same: those who refer to it are not to blame.
    const auto meaning = parse_name(name);
    if (!meaning) report_text(meaning.error(), "P016", where, diagnostics);
    const auto [taken, is_new] = positions_.emplace(name, definitions_.size());
    if (!is_new) {
        auto& error = diagnostics.error("P015", where, "the " + what_ + " name " + in_quotes(name) + " is taken");
        error.notes.push_back({definitions_[taken->second].where, in_quotes(name) + " is first defined here"});
        return false;
    }
    definitions_.push_back({name, where, index, false});
    return static_cast<bool>(meaning);
}

std::optional<std::size_t> Names::refer(const YamlNode& node, Diagnostics& diagnostics, std::string_view help) {
    const std::string* name = as_scalar(node, "the " + what_ + "'s name", diagnostics);
    if (name == nullptr) return std::nullopt;
    if (const auto found = positions_.find(*name); found != positions_.end()) {
        definitions_[found->second].used = true;
        return definitions_[found->second].index;
    }
    if (incomplete_) return std::nullopt;
    auto& error = diagnostics.error("P014", node.where, "unknown " + what_ + " " + in_quotes(*name));
    const std::string_view near = nearest_to(*name);
    if (!near.empty()) {
        error.label = "did you mean " + in_quotes(near) + "?";
        error.notes.push_back({where(near), in_quotes(near) + " is defined here"});
    } else if (const std::string_view hint = words::hint_for_value(*name); !hint.empty()) {
        error.label = hint;
    } else {
        error.help = help;
    }
    return std::nullopt;
}

std::string_view Names::nearest_to(std::string_view name) const {
    std::vector<std::string_view> candidates;
    for (std::size_t i = 0; i < definitions_.size() && i < kMaxCandidates; ++i) {
        candidates.push_back(definitions_[i].name);
    }
    return nearest(name, candidates);
}

std::optional<std::size_t> Names::find(std::string_view name) const {
    const auto found = positions_.find(std::string(name));
    if (found == positions_.end()) return std::nullopt;
    return definitions_[found->second].index;
}

Location Names::where(std::string_view name) const {
    const auto found = positions_.find(std::string(name));
    return found == positions_.end() ? Location{} : definitions_[found->second].where;
}

void Names::mark_used(std::string_view name) {
    if (const auto found = positions_.find(std::string(name)); found != positions_.end()) {
        definitions_[found->second].used = true;
    }
}

} // namespace sluice::policy
