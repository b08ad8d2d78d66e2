#include "policy/model/fields.hpp"

#include "policy/diagnostic/text.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

bool contains(std::span<const std::string_view> words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// Where else in the language a key belongs; empty when nowhere, or in too many places to say.
std::string elsewhere(std::string_view key, const words::Keys& here) {
    if (&here == &words::kRule && contains(words::kEndpoint.known, key)) return "write it inside 'from' or 'to'";
    std::string text;
    for (const words::Keys* keys : words::all_keys()) {
        if (!contains(keys->known, key)) continue;
        if (!text.empty()) return {};
        text = "this is a key of " + std::string(keys->owner);
    }
    return text;
}

} // namespace

Fields::Fields(const YamlNode& node, const words::Keys& keys, Diagnostics& diagnostics)
    : keys_(keys)
    , diagnostics_(diagnostics) {
    if (node.kind != NodeKind::map) {
        report_shape(node, std::string(keys.owner) + " as a map", "write keys and values: { key: value, … }",
                     diagnostics);
        return;
    }
    map_ = &node;
    for (const Entry& entry : node.entries) {
        check_key(entry, keys);
    }
}

void Fields::check_key(const Entry& entry, const words::Keys& keys) {
    if (contains(keys.known, entry.key)) {
        if (entry.value.kind == NodeKind::null) {
            auto& error = diagnostics_.error("P010", entry.value.where, in_quotes(entry.key) + " has no value");
            error.help = "give it one, or leave the key out";
        }
        return;
    }
    if (contains(keys.later, entry.key)) {
        auto& error = diagnostics_.error("P008", entry.key_where,
                                         in_quotes(entry.key) + " is known, but not available in this version");
        error.help = "leave it out; nothing of it would be done";
        return;
    }
    auto& error = diagnostics_.error("P007", entry.key_where, "unknown key " + in_quotes(entry.key));
    std::vector<std::string_view> candidates(keys.known.begin(), keys.known.end());
    const std::string_view near = nearest(entry.key, candidates);
    error.label = words::hint_for_key(entry.key);
    suggested_.emplace_back(error.label.empty() ? near : words::key_in_hint(error.label));
    if (error.label.empty()) error.label = elsewhere(entry.key, keys);
    if (error.label.empty() && !near.empty()) error.label = "did you mean " + in_quotes(near) + "?";
    if (error.label.empty()) error.help = std::string(keys.owner) + " may have " + alternatives(candidates);
    if (entry.key.find(':') != std::string::npos) error.help = "a text that holds ':' wants quotes";
    if (entry.key.find('=') != std::string::npos) error.help = "a text that holds ',' wants quotes inside { }";
}

const Entry* Fields::find(std::string_view key) const {
    if (map_ == nullptr) return nullptr;
    const auto found =
        std::find_if(map_->entries.begin(), map_->entries.end(), [&](const Entry& e) { return e.key == key; });
    if (found == map_->entries.end() || found->value.kind == NodeKind::null) return nullptr;
    return &*found;
}

bool Fields::has(std::string_view key) const {
    return map_ != nullptr &&
           std::any_of(map_->entries.begin(), map_->entries.end(), [&](const Entry& e) { return e.key == key; });
}

const Entry* Fields::require(std::string_view key, Location where, std::string_view help) {
    const bool suggested = std::find(suggested_.begin(), suggested_.end(), key) != suggested_.end();
    if (map_ != nullptr && !has(key) && !suggested) {
        auto& error = diagnostics_.error("P009", where, std::string(keys_.owner) + " needs " + in_quotes(key));
        error.help = help;
    }
    return find(key);
}

std::string_view kind_name(NodeKind kind) {
    switch (kind) {
    case NodeKind::null: return "nothing";
    case NodeKind::scalar: return "a text";
    case NodeKind::sequence: return "a list";
    case NodeKind::map: return "a map";
    case NodeKind::invalid: break;
    }
    return "something else";
}

void report_shape(const YamlNode& node, std::string_view expected, std::string_view help, Diagnostics& diagnostics) {
    if (node.kind == NodeKind::invalid) return;
    auto& error = diagnostics.error("P010", node.where,
                                    "expected " + std::string(expected) + ", not " + std::string(kind_name(node.kind)));
    error.help = help;
    // `fe80::` without quotes is a map with the key `fe80:`, and `key:value` without a space is one text.
    const bool colon_key = node.kind == NodeKind::map && node.entries.size() == 1 &&
                           node.entries.front().key.find(':') != std::string::npos;
    const bool no_space = node.kind == NodeKind::scalar && !node.quoted && node.text.find(':') != std::string::npos;
    if (colon_key)
        error.help = "quote a text that ends in ':', such as \"" + printable(node.entries.front().key) + ":\"";
    if (no_space) error.help = "a ':' between key and value wants a space behind it";
}

const std::string* as_scalar(const YamlNode& node, std::string_view expected, Diagnostics& diagnostics) {
    if (node.kind == NodeKind::scalar) return &node.text;
    report_shape(node, expected, "", diagnostics);
    return nullptr;
}

const std::vector<YamlNode>* as_list(const YamlNode& node, std::string_view expected, std::string_view empty_help,
                                     Diagnostics& diagnostics) {
    if (node.kind != NodeKind::sequence) {
        const bool one = node.kind == NodeKind::scalar;
        report_shape(node, expected, one ? "write [" + printable(node.text.substr(0, 64)) + "]" : "", diagnostics);
        return nullptr;
    }
    if (node.items.empty()) {
        diagnostics.error("P027", node.where, "the list is empty").help = empty_help;
        return nullptr;
    }
    return &node.items;
}

std::vector<const YamlNode*> as_one_or_more(const YamlNode& node, std::string_view empty_help,
                                            Diagnostics& diagnostics) {
    if (node.kind != NodeKind::sequence) return {&node};
    std::vector<const YamlNode*> nodes;
    if (const auto* items = as_list(node, "a list", empty_help, diagnostics)) {
        for (const YamlNode& item : *items) {
            nodes.push_back(&item);
        }
    }
    return nodes;
}

void report_text(const TextError& problem, std::string_view code, Location where, Diagnostics& diagnostics) {
    auto& error = diagnostics.error(std::string(code), where, problem.message);
    error.label = problem.help.size() <= 24 ? problem.help : "";
    error.help = problem.help.size() <= 24 ? "" : problem.help;
}

std::optional<std::size_t> read_choice(const YamlNode& node, const std::vector<std::string_view>& choices,
                                       const std::vector<std::string_view>& later, Diagnostics& diagnostics) {
    const std::string* text = as_scalar(node, alternatives(choices), diagnostics);
    if (text == nullptr) return std::nullopt;
    const auto found = std::find(choices.begin(), choices.end(), *text);
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    if (contains(later, *text)) {
        auto& error =
            diagnostics.error("P008", node.where, in_quotes(*text) + " is known, but not available in this version");
        error.help = "available are " + alternatives(choices);
        return std::nullopt;
    }
    auto& error = diagnostics.error("P011", node.where, in_quotes(*text) + " is not one of " + alternatives(choices));
    error.label = words::hint_for_value(*text);
    const std::string_view near = nearest(*text, choices);
    if (error.label.empty() && !near.empty()) error.label = "did you mean " + in_quotes(near) + "?";
    return std::nullopt;
}

std::string alternatives(const std::vector<std::string_view>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += in_quotes(words[i]);
    }
    return text;
}

} // namespace sluice::policy
