// The manual page and docs/cli.md name everything that --help prints.
#include "command_tree.hpp"
#include "program.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::sluicectl {
namespace {

std::string read(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// troff's escapes taken out: "\-\-json" is "--json", fonts are gone.
std::string plain(std::string text) {
    text = std::regex_replace(text, std::regex(R"(\\f[BIRP])"), "");
    text = std::regex_replace(text, std::regex(R"(\\-)"), "-");
    text = std::regex_replace(text, std::regex(R"(\\&)"), "");
    return std::regex_replace(text, std::regex(R"(\n\.(B|I|BR|BI|IR|RB|SS|TP) )"), "\n");
}

/// What the program itself prints, walked by running it: names of commands ("show flows") and options ("--json").
void collect(const std::vector<std::string>& command, std::set<std::string>& found) {
    auto words = command;
    words.emplace_back("--help");
    const test::Ran ran = test::run_program({words, {}, {}, {}});
    ASSERT_EQ(ran.exit, 0) << ran.errors;
    std::istringstream help(ran.out);
    bool in_commands = false;
    for (std::string line; std::getline(help, line);) {
        if (!line.starts_with("  ")) in_commands = line == "Commands:";
        std::smatch match;
        if (std::regex_search(line, match, std::regex(R"(^ +(-\w, )?(--[a-z-]+))"))) found.insert(match[2]);
        if (in_commands && std::regex_search(line, match, std::regex(R"(^  ([a-z]+) )"))) {
            auto inner = command;
            inner.push_back(match[1]);
            std::string name;
            for (const auto& word : inner)
                name += (name.empty() ? "" : " ") + word;
            found.insert(name);
            collect(inner, found);
        }
    }
}

std::set<std::string> everything() {
    std::set<std::string> found;
    collect({}, found);
    return found;
}

TEST(SluicectlManual, TheWalkThroughHelpFindsWhatThereIs) {
    const auto found = everything();
    for (const char* known : {"status", "show", "show flows", "policy apply", "--json", "--dry-run", "--limit"}) {
        EXPECT_TRUE(found.contains(known)) << known;
    }
}

TEST(SluicectlManual, TheManualPageNamesEveryCommandAndOption) {
    const std::string page = plain(read(SLUICE_MANUAL_PATH));
    ASSERT_FALSE(page.empty());
    for (const std::string& name : everything())
        EXPECT_NE(page.find(name), std::string::npos) << name;
}

TEST(SluicectlManual, ThePageOfTheDocumentationDoes) {
    const std::string page = read(SLUICE_CLI_PAGE_PATH);
    ASSERT_FALSE(page.empty());
    for (const std::string& name : everything())
        EXPECT_NE(page.find(name), std::string::npos) << name;
}

TEST(SluicectlManual, BothNameEveryExitCode) {
    const std::string manual = plain(read(SLUICE_MANUAL_PATH));
    const std::string page = read(SLUICE_CLI_PAGE_PATH);
    for (const char* code : {"0", "1", "2", "3", "4", "5", "6", "7", "9"}) {
        EXPECT_TRUE(std::regex_search(manual, std::regex(std::string("\n\\.TP\n") + code + "\n"))) << code;
        EXPECT_TRUE(std::regex_search(page, std::regex(std::string("\n\\| ") + code + " \\|"))) << code;
    }
}

} // namespace
} // namespace sluice::sluicectl
