// The table of codes against the sources that give them out.
#include "policy/diagnostic/codes.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace sluice::policy {
namespace {

/// Every "P123" or "W123" in lib/policy and who has it, but for the table itself.
std::map<std::string, std::string> codes_in_sources() {
    std::map<std::string, std::string> found;
    const std::regex code("\"([PW][0-9]{3})\"");
    for (const auto& file : std::filesystem::recursive_directory_iterator(SLUICE_SOURCE_ROOT "/lib/policy")) {
        const std::string name = file.path().filename().string();
        if (file.path().extension() != ".cpp" || name == "codes.cpp") continue;
        std::ifstream stream(file.path());
        std::stringstream text;
        text << stream.rdbuf();
        const std::string source = text.str();
        for (std::sregex_iterator match(source.begin(), source.end(), code), end; match != end; ++match) {
            found.emplace((*match)[1], name);
        }
    }
    return found;
}

TEST(Codes, EveryCodeInUseIsExplained) {
    const auto used = codes_in_sources();
    EXPECT_GT(used.size(), 30u);
    for (const auto& [code, file] : used) {
        EXPECT_NE(find_code(code), nullptr) << code << " in " << file;
    }
}

TEST(Codes, EveryExplainedCodeIsInUse) {
    const auto used = codes_in_sources();
    for (const Code& code : codes()) {
        EXPECT_TRUE(used.contains(std::string(code.code))) << code.code;
    }
}

TEST(Codes, AreUniqueAndSaySomething) {
    std::set<std::string_view> seen;
    for (const Code& code : codes()) {
        EXPECT_TRUE(seen.insert(code.code).second) << code.code;
        EXPECT_FALSE(code.title.empty()) << code.code;
        EXPECT_GT(code.explanation.size(), 20u) << code.code;
        EXPECT_TRUE(code.explanation.ends_with('.')) << code.code;
    }
    EXPECT_EQ(find_code("P999"), nullptr);
}

TEST(Codes, StandInTheHandbook) {
    std::ifstream stream(SLUICE_SOURCE_ROOT "/docs/policy.md");
    std::stringstream text;
    text << stream.rdbuf();
    for (const Code& code : codes()) {
        EXPECT_NE(text.str().find(std::string(code.code)), std::string::npos)
            << code.code << " is not in docs/policy.md";
    }
}

} // namespace
} // namespace sluice::policy
