// YAML text to a plain tree, strictly: every scalar stays the text it was, with its place.
//
// The only place where yaml-cpp is used. It runs as a stream of events, so aliases are seen before anything is expanded
// and depth is bounded while reading. What YAML allows and a policy does not is refused here: anchors, aliases, tags,
// merge keys, several documents, duplicate keys, keys that are not plain words. yaml-cpp 0.7 lets some broken texts
// pass (an unfinished quote, invalid UTF-8); those are found here as well.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

enum class NodeKind : std::uint8_t {
    invalid, ///< an error about it has been reported: readers pass over it without a word
    null,    ///< nothing, `~` or `null`, without quotes
    scalar,
    sequence,
    map,
};

struct Entry;

struct YamlNode {
    NodeKind kind = NodeKind::invalid;
    bool quoted = false;         ///< a scalar in quotes or a block scalar
    std::string text;            ///< of a scalar, unescaped
    std::vector<YamlNode> items; ///< of a sequence
    std::vector<Entry> entries;  ///< of a map, in the order of the file; keys are unique
    Location where;              ///< the whole scalar; of a sequence or map its first character; of nothing, its key
};

struct Entry {
    std::string key;
    Location key_where;
    YamlNode value;
};

inline constexpr std::size_t kMaxFileSize = std::size_t{16} * 1024 * 1024;
inline constexpr std::size_t kMaxLineSize = std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxDepth = 32;
inline constexpr std::size_t kMaxNodes = std::size_t{4} * 1024 * 1024;

/// Line ends made `\n` and a byte order mark at the start taken off, as everything after this wants it.
std::string normalised(std::string text);

/// Reports bytes that no text file of ours may hold, with their places, and lines that are too long; tabs are refused
/// outside comments only. False when it found any.
bool check_text(std::uint32_t file, Diagnostics& diagnostics, std::size_t maximum_size = kMaxFileSize);

/// Reads file `file` of `diagnostics`, whose text is normalised. Nothing comes back when the text cannot be read as
/// YAML at all; smaller sins are reported and leave an invalid node.
std::optional<YamlNode> parse_yaml(std::uint32_t file, Diagnostics& diagnostics);

} // namespace sluice::policy
