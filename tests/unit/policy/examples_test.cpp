// The policies that come with Sluice, and the pieces of YAML in its handbook.
#include "policy/diagnostic/codes.hpp"
#include "policy_text.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::policy {
namespace {

const std::filesystem::path kRoot = SLUICE_SOURCE_ROOT;

std::vector<std::filesystem::path> policies() {
    std::vector<std::filesystem::path> paths = {kRoot / "conf/sluice.yaml"};
    for (const auto& file : std::filesystem::directory_iterator(kRoot / "conf/policies")) {
        if (file.path().extension() == ".yaml") paths.push_back(file.path());
    }
    return paths;
}

TEST(Examples, HaveNeitherErrorsNorWarnings) {
    const auto paths = policies();
    EXPECT_GE(paths.size(), 5u);
    for (const auto& path : paths) {
        Diagnostics diagnostics;
        const auto policy = read_file(path, diagnostics);
        if (policy) lint(*policy, diagnostics);
        EXPECT_TRUE(policy && diagnostics.all().empty()) << diagnostics.render(false);
    }
}

TEST(Examples, TheLabHasMemcachedUntrackedAndTheRestTracked) {
    Diagnostics diagnostics;
    const auto policy = read_file(kRoot / "conf/policies/lab.yaml", diagnostics);
    ASSERT_TRUE(policy) << diagnostics.render(false);
    EXPECT_EQ(policy->interfaces.at(0).name, "client");
    EXPECT_EQ(policy->interfaces.at(1).name, "server");
    EXPECT_EQ(policy->default_action, Action::drop);
    std::string tracked;
    for (const Rule& rule : policy->rules) {
        tracked += rule.name + (rule.tracked                  ? " tracked\n"
                                : rule.reply == Reply::mirror ? " mirrored\n"
                                                              : " untracked\n");
    }
    EXPECT_EQ(tracked, "memcached mirrored\nssh tracked\nweb tracked\nping tracked\n");
}

/// The fenced ```yaml blocks of a Markdown file, with the line each begins on.
std::vector<std::pair<std::size_t, std::string>> yaml_blocks(const std::filesystem::path& path) {
    std::ifstream stream(path);
    std::vector<std::pair<std::size_t, std::string>> blocks;
    bool inside = false;
    std::size_t number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        if (!inside && line == "```yaml") {
            inside = true;
            blocks.emplace_back(number, "");
        } else if (inside && line == "```") {
            inside = false;
        } else if (inside) {
            blocks.back().second += line + "\n";
        }
    }
    return blocks;
}

TEST(Handbook, ItsPoliciesRead) {
    std::size_t whole = 0;
    for (const auto& [line, text] : yaml_blocks(kRoot / "docs/policy.md")) {
        // A block without `version` is a piece: it stands for sections behind the wire's.
        const bool complete = text.find("version:") != std::string::npos;
        const bool has_rules = ("\n" + text).find("\nrules:") != std::string::npos;
        const Outcome outcome = read_text(complete ? text : kWire + text + (has_rules ? "" : "rules: []\n"));
        EXPECT_TRUE(outcome.policy) << "docs/policy.md:" << line << "\n" << outcome.diagnostics.render(false);
        whole += complete ? 1u : 0u;
    }
    EXPECT_GE(whole, 1u);
}

} // namespace
} // namespace sluice::policy
