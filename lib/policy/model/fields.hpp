// Taking maps, lists and scalars apart with an error for everything that does not fit.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/scalar.hpp"
#include "policy/model/words.hpp"
#include "policy/yaml/document.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// A map with a fixed set of keys. Making one reports what is not a map, keys that nobody knows, keys of later versions
/// and keys without a value; find() then only knows what is left.
class Fields {
  public:
    Fields(const YamlNode& node, const words::Keys& keys, Diagnostics& diagnostics);

    /// Whether the node was a map at all.
    [[nodiscard]] bool is_map() const { return map_ != nullptr; }
    /// Null when the key is absent or has no value.
    [[nodiscard]] const Entry* find(std::string_view key) const;
    /// Whether the key was written, be its value good or not.
    [[nodiscard]] bool has(std::string_view key) const;
    /// find(), with an error at `where` when the key is absent; none if an unknown key was probably meant to be it.
    const Entry* require(std::string_view key, Location where, std::string_view help);

  private:
    void check_key(const Entry& entry, const words::Keys& keys);

    std::vector<std::string> suggested_; ///< what unknown keys were told to be
    const YamlNode* map_ = nullptr;
    const words::Keys& keys_;
    Diagnostics& diagnostics_;
};

/// "a list", "a map", … for messages.
std::string_view kind_name(NodeKind kind);

/// The error for a node of the wrong kind; silent for an invalid node. `expected` is "a list of ports".
void report_shape(const YamlNode& node, std::string_view expected, std::string_view help, Diagnostics& diagnostics);

/// The node's text when it is a scalar; otherwise an error.
const std::string* as_scalar(const YamlNode& node, std::string_view expected, Diagnostics& diagnostics);

/// The items of a list with at least one; an error otherwise, with `empty_help` when there are none.
const std::vector<YamlNode>* as_list(const YamlNode& node, std::string_view expected, std::string_view empty_help,
                                     Diagnostics& diagnostics);

/// The node itself, or the items of a list with at least one; an error and nothing for an empty list.
std::vector<const YamlNode*> as_one_or_more(const YamlNode& node, std::string_view empty_help,
                                            Diagnostics& diagnostics);

inline constexpr std::string_view kLeaveOut = "leave the key out to match everything";

/// Reports a TextError under `code` at `where`.
void report_text(const TextError& problem, std::string_view code, Location where, Diagnostics& diagnostics);

/// The meaning of a scalar by one of scalar.hpp's functions, or nothing after an error under `code`.
template <typename Parse>
auto read_scalar(const YamlNode& node, std::string_view expected, std::string_view code, Diagnostics& diagnostics,
                 Parse parse) -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    const std::string* text = as_scalar(node, expected, diagnostics);
    if (text == nullptr) return std::nullopt;
    auto meaning = parse(*text);
    if (meaning) return std::move(*meaning);
    report_text(meaning.error(), code, node.where, diagnostics);
    return std::nullopt;
}

/// A word out of a few: its index in `choices`, or nothing after an error. `later` are words of later versions.
std::optional<std::size_t> read_choice(const YamlNode& node, const std::vector<std::string_view>& choices,
                                       const std::vector<std::string_view>& later, Diagnostics& diagnostics);

/// `'a', 'b' or 'c'`
std::string alternatives(const std::vector<std::string_view>& words);

} // namespace sluice::policy
