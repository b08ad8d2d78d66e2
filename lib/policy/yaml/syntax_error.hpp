// yaml-cpp's messages in words that say what to look for.
#pragma once

#include <string>
#include <string_view>

namespace sluice::policy {

struct SyntaxError {
    std::string code;
    std::string message;
    std::string help;
};

/// `message` is YAML::Exception::msg.
SyntaxError describe_syntax_error(std::string_view message);

} // namespace sluice::policy
