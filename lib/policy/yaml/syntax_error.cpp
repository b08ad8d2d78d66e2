#include "policy/yaml/syntax_error.hpp"

#include "policy/diagnostic/text.hpp"

#include <yaml-cpp/exceptions.h>

#include <array>

namespace sluice::policy {
namespace {

namespace theirs = YAML::ErrorMsg;

struct Translation {
    std::string_view theirs;
    const char* code;
    const char* message;
    const char* help;
};

constexpr const char* kIndentation =
    "items of one list and keys of one map begin in the same column; a ':' may be missing in the line above";
constexpr const char* kIllegalStart =
    "quote a value that begins with one of @ ` % , ] } or holds a '?' inside [ ] or { }";

const std::array kTranslations = {
    Translation{theirs::UNKNOWN_ANCHOR, "P004", "an alias ('*name') is not allowed in a policy",
                "quote the text if the '*' belongs to it; leave a key out to match everything"},
    Translation{theirs::ALIAS_NOT_FOUND, "P004", "'*' begins a YAML alias, which is not allowed in a policy",
                "quote the text if the '*' belongs to it; leave a key out to match everything"},
    Translation{theirs::CHAR_IN_ALIAS, "P004", "'*' begins a YAML alias, which is not allowed in a policy",
                "quote the text if the '*' belongs to it; leave a key out to match everything"},
    Translation{theirs::ANCHOR_NOT_FOUND, "P004", "'&' begins a YAML anchor, which is not allowed in a policy",
                "quote the text if the '&' belongs to it"},
    Translation{theirs::CHAR_IN_ANCHOR, "P004", "'&' begins a YAML anchor, which is not allowed in a policy",
                "quote the text if the '&' belongs to it"},
    Translation{theirs::END_OF_MAP, "P003", "this does not fit the lines above", kIndentation},
    Translation{theirs::END_OF_SEQ, "P003", "this does not fit the lines above", kIndentation},
    Translation{theirs::END_OF_MAP_FLOW, "P003", "a '{' is not closed before this",
                "a ',' or the closing '}' is missing"},
    Translation{theirs::END_OF_SEQ_FLOW, "P003", "a '[' is not closed before this",
                "a ',' or the closing ']' is missing"},
    Translation{theirs::FLOW_END, "P003", "a ']' or '}' too many", "brackets close in the order in which they open"},
    Translation{theirs::MAP_VALUE, "P003", "a ':' where no key can be",
                "quote a value that holds ': '; or the line is indented too far and reads on from the one above"},
    Translation{theirs::MAP_KEY, "P003", "a key cannot stand here", kIndentation},
    Translation{theirs::BLOCK_ENTRY, "P003", "a list item ('- ') cannot stand here", kIndentation},
    Translation{theirs::UNKNOWN_TOKEN, "P003", "no value can begin like this", kIllegalStart},
    Translation{theirs::EOF_IN_SCALAR, "P003", "a quoted text that does not end", "the closing quote is missing"},
    Translation{theirs::DOC_IN_SCALAR, "P003", "a quoted text that does not end", "the closing quote is missing"},
    Translation{theirs::BAD_FILE, "P005", "nested too deep", ""},
};

} // namespace

SyntaxError describe_syntax_error(std::string_view message) {
    for (const Translation& translation : kTranslations) {
        if (message == translation.theirs) return {translation.code, translation.message, translation.help};
    }
    return {"P003", "not YAML: " + printable(message), ""};
}

} // namespace sluice::policy
