// The words of the language: which keys each part of a policy knows, which are promised for later, and what people
// bring along from other firewalls. The reader, the suggestions and the editor schema's test all go by these.
#pragma once

#include <span>
#include <string_view>

namespace sluice::policy::words {

/// The keys of one kind of map.
struct Keys {
    std::string_view owner; ///< how messages call it: "a rule", "'system'"
    std::string_view path;  ///< where it stands in the schema: "rules[]", "tables.flows"
    std::span<const std::string_view> known;
    std::span<const std::string_view> later; ///< known to the language, not to this version
};

extern const Keys kTop;
extern const Keys kSystem;
extern const Keys kMemory;
extern const Keys kInterface;
extern const Keys kTables;
extern const Keys kFlows;
extern const Keys kPressure;
extern const Keys kFragments;
extern const Keys kRuleTable;
extern const Keys kZone;
extern const Keys kAddressFile;
extern const Keys kService;
extern const Keys kSanity;
extern const Keys kTimeouts;
extern const Keys kRule;
extern const Keys kEndpoint;
extern const Keys kDefault;

/// All of the above.
std::span<const Keys* const> all_keys();

/// A word from another firewall's language.
struct Foreign {
    std::string_view word;
    std::string_view hint; ///< beside the carets: "write 'from'"
};

/// What to write instead of a foreign key or value; empty when the word is not one of those. Case does not matter.
std::string_view hint_for_key(std::string_view key);
std::string_view hint_for_value(std::string_view value);

/// "write 'protocol'" → "protocol": the key that a hint names; empty when it says something else.
std::string_view key_in_hint(std::string_view hint);

} // namespace sluice::policy::words
